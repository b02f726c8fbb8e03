extension X86Form {
  /// Conversions between integers of different widths.
  static var widthChanges: [[X86Form]] {
    [
      both(.vpmovzxbd, X86Opcode(.p66, .map0F38, 0x31), [.reg(.vector), .rm(.vectorOrMemory, .quarter)]),
      avx2(.vpackssdw, X86Opcode(.p66, .map0F, 0x6B), .twoSources),
      avx2(.vpacksswb, X86Opcode(.p66, .map0F, 0x63), .twoSources),
      avx2(
        .vpextrb, X86Opcode(.p66, .map0F3A, 0x14), [.rm(.memory, .bytes1), .reg(.vector), .byte],
        widths: .scalar),
      both(
        .vextractps, X86Opcode(.p66, .map0F3A, 0x17), [.rm(.memory, .bytes4), .reg(.vector), .byte],
        widths: .scalar, masking: .none),
    ]
  }

  /// Permutations of lanes, and moves between parts of registers.
  static var shuffles: [[X86Form]] {
    permutations + parts
  }

  private static var permutations: [[X86Form]] {
    [
      both(.vpermilps, X86Opcode(.p66, .map0F3A, 0x04), .oneSourceAndByte, broadcastBytes: 4),
      both(.vshufps, X86Opcode(.none, .map0F, 0xC6), .twoSourcesAndByte, broadcastBytes: 4),
      both(.vunpcklps, X86Opcode(.none, .map0F, 0x14), .twoSources, broadcastBytes: 4),
      both(.vunpckhps, X86Opcode(.none, .map0F, 0x15), .twoSources, broadcastBytes: 4),
      both(.vunpcklpd, X86Opcode(.p66, .map0F, 0x14, .evexW1), .twoSources, broadcastBytes: 8),
      both(.vunpckhpd, X86Opcode(.p66, .map0F, 0x15, .evexW1), .twoSources, broadcastBytes: 8),
      both(.vmovshdup, X86Opcode(.pF3, .map0F, 0x16), .oneSource),
    ]
  }

  private static var parts: [[X86Form]] {
    func extract(
      _ mnemonic: X86Mnemonic, _ byte: UInt8, _ extent: OperandPattern.Extent, widths: VectorWidths
    ) -> [X86Form] {
      let opcode = X86Opcode(.p66, .map0F3A, byte)
      return avx512(mnemonic, opcode, [.rm(.vector, extent), .reg(.vector), .byte], widths: widths)
        + avx512(
          mnemonic, opcode, [.rm(.memory, extent), .reg(.vector), .byte], widths: widths, masking: .merging)
    }
    return [
      avx2(
        .vextractf128, X86Opcode(.p66, .map0F3A, 0x19), [.rm(.vectorOrMemory, .bytes16), .reg(.vector), .byte],
        widths: [.ymm]),
      avx2(.vperm2f128, X86Opcode(.p66, .map0F3A, 0x06), .twoSourcesAndByte, widths: [.ymm]),
      extract(.vextractf32x4, 0x19, .bytes16, widths: .multipleLanes),
      extract(.vextractf32x8, 0x1B, .bytes32, widths: [.zmm]),
      avx512(
        .vshuff32x4, X86Opcode(.p66, .map0F3A, 0x23), .twoSourcesAndByte, widths: .multipleLanes,
        broadcastBytes: 4),
    ]
  }
}
