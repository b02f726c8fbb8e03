extension X86Form {
  /// Conversions between integers of different widths.
  static var widthChanges: [[X86Form]] {
    func extend(_ mnemonic: X86Mnemonic, _ byte: UInt8, _ extent: OperandPattern.Extent) -> [X86Form] {
      both(mnemonic, X86Opcode(.p66, .map0F38, byte), [.reg(.vector), .rm(.vectorOrMemory, extent)])
    }
    func narrow(_ mnemonic: X86Mnemonic, _ byte: UInt8, _ extent: OperandPattern.Extent) -> [X86Form] {
      avx512(mnemonic, X86Opcode(.pF3, .map0F38, byte), [.rm(.vector, extent), .reg(.vector)])
        + avx512(
          mnemonic, X86Opcode(.pF3, .map0F38, byte), [.rm(.memory, extent), .reg(.vector)],
          masking: .merging)
    }
    return [
      extend(.vpmovzxbd, 0x31, .quarter), extend(.vpmovsxbd, 0x21, .quarter),
      extend(.vpmovzxwd, 0x33, .half), extend(.vpmovsxwd, 0x23, .half),
      extend(.vpmovzxbq, 0x32, .eighth), extend(.vpmovzxdq, 0x35, .half),
      narrow(.vpmovdb, 0x31, .quarter), narrow(.vpmovdw, 0x33, .half),
      narrow(.vpmovqb, 0x32, .eighth), narrow(.vpmovqd, 0x35, .half),
      avx2(.vpackssdw, X86Opcode(.p66, .map0F, 0x6B), .twoSources),
      avx2(.vpacksswb, X86Opcode(.p66, .map0F, 0x63), .twoSources),
      avx2(.vpackusdw, X86Opcode(.p66, .map0F38, 0x2B), .twoSources),
      avx2(.vpackuswb, X86Opcode(.p66, .map0F, 0x67), .twoSources),
      avx2(
        .vpextrb, X86Opcode(.p66, .map0F3A, 0x14), [.rm(.memory, .bytes1), .reg(.vector), .byte],
        widths: .scalar),
    ]
  }

  /// Permutations of lanes, and moves between parts of registers.
  static var shuffles: [[X86Form]] {
    permutations + interleavings + parts
  }

  private static var permutations: [[X86Form]] {
    [
      both(
        .vpermq, X86Opcode(.p66, .map0F3A, 0x00, .w1), .oneSourceAndByte, widths: .multipleLanes,
        broadcastBytes: 8),
      both(
        .vpermd, X86Opcode(.p66, .map0F38, 0x36), .twoSources, widths: .multipleLanes, broadcastBytes: 4),
      both(
        .vpermps, X86Opcode(.p66, .map0F38, 0x16), .twoSources, widths: .multipleLanes,
        broadcastBytes: 4),
      avx512(
        .vpermt2ps, X86Opcode(.p66, .map0F38, 0x7F), .twoSources, broadcastBytes: 4,
        firstOperand: .readWrite),
      avx512(
        .vpermi2ps, X86Opcode(.p66, .map0F38, 0x77), .twoSources, broadcastBytes: 4,
        firstOperand: .readWrite),
      both(.vpermilps, X86Opcode(.p66, .map0F3A, 0x04), .oneSourceAndByte, broadcastBytes: 4),
      both(.vpermilps, X86Opcode(.p66, .map0F38, 0x0C), .twoSources, broadcastBytes: 4),
      both(.vpermilpd, X86Opcode(.p66, .map0F3A, 0x05, .evexW1), .oneSourceAndByte, broadcastBytes: 8),
      both(.vpermilpd, X86Opcode(.p66, .map0F38, 0x0D, .evexW1), .twoSources, broadcastBytes: 8),
      both(.vpshufd, X86Opcode(.p66, .map0F, 0x70), .oneSourceAndByte, broadcastBytes: 4),
    ]
  }

  private static var interleavings: [[X86Form]] {
    [
      both(.vshufps, X86Opcode(.none, .map0F, 0xC6), .twoSourcesAndByte, broadcastBytes: 4),
      both(.vshufpd, X86Opcode(.p66, .map0F, 0xC6, .evexW1), .twoSourcesAndByte, broadcastBytes: 8),
      both(.vunpcklps, X86Opcode(.none, .map0F, 0x14), .twoSources, broadcastBytes: 4),
      both(.vunpckhps, X86Opcode(.none, .map0F, 0x15), .twoSources, broadcastBytes: 4),
      both(.vunpcklpd, X86Opcode(.p66, .map0F, 0x14, .evexW1), .twoSources, broadcastBytes: 8),
      both(.vunpckhpd, X86Opcode(.p66, .map0F, 0x15, .evexW1), .twoSources, broadcastBytes: 8),
      both(.vpunpckldq, X86Opcode(.p66, .map0F, 0x62), .twoSources, broadcastBytes: 4),
      both(.vpunpckhdq, X86Opcode(.p66, .map0F, 0x6A), .twoSources, broadcastBytes: 4),
      both(.vpunpcklqdq, X86Opcode(.p66, .map0F, 0x6C, .evexW1), .twoSources, broadcastBytes: 8),
      both(.vpunpckhqdq, X86Opcode(.p66, .map0F, 0x6D, .evexW1), .twoSources, broadcastBytes: 8),
      both(
        .vmovhlps, X86Opcode(.none, .map0F, 0x12), [.reg(.vector), .vvvv(.vector), .rm(.vector)],
        widths: .scalar, masking: .none),
      both(
        .vmovlhps, X86Opcode(.none, .map0F, 0x16), [.reg(.vector), .vvvv(.vector), .rm(.vector)],
        widths: .scalar, masking: .none),
      both(.vmovshdup, X86Opcode(.pF3, .map0F, 0x16), .oneSource),
      both(.vmovsldup, X86Opcode(.pF3, .map0F, 0x12), .oneSource),
    ]
  }

  private static var parts: [[X86Form]] {
    func extract(
      _ mnemonic: X86Mnemonic, _ byte: UInt8, _ wide: X86Opcode.Wide, _ extent: OperandPattern.Extent,
      widths: VectorWidths
    ) -> [X86Form] {
      avx512(
        mnemonic, X86Opcode(.p66, .map0F3A, byte, wide), [.rm(.vector, extent), .reg(.vector), .byte],
        widths: widths)
        + avx512(
          mnemonic, X86Opcode(.p66, .map0F3A, byte, wide), [.rm(.memory, extent), .reg(.vector), .byte],
          widths: widths, masking: .merging)
    }
    func insert(
      _ mnemonic: X86Mnemonic, _ byte: UInt8, _ wide: X86Opcode.Wide, _ extent: OperandPattern.Extent,
      widths: VectorWidths
    ) -> [X86Form] {
      avx512(
        mnemonic, X86Opcode(.p66, .map0F3A, byte, wide),
        [.reg(.vector), .vvvv(.vector), .rm(.vectorOrMemory, extent), .byte], widths: widths)
    }
    let extractHalf: [OperandPattern] = [.rm(.vectorOrMemory, .bytes16), .reg(.vector), .byte]
    let insertHalf: [OperandPattern] = .twoScalarSources(.bytes16) + [.byte]
    return [
      avx2(.vextractf128, X86Opcode(.p66, .map0F3A, 0x19), extractHalf, widths: [.ymm]),
      avx2(.vextracti128, X86Opcode(.p66, .map0F3A, 0x39), extractHalf, widths: [.ymm]),
      avx2(.vinsertf128, X86Opcode(.p66, .map0F3A, 0x18), insertHalf, widths: [.ymm]),
      avx2(.vinserti128, X86Opcode(.p66, .map0F3A, 0x38), insertHalf, widths: [.ymm]),
      avx2(.vperm2f128, X86Opcode(.p66, .map0F3A, 0x06), .twoSourcesAndByte, widths: [.ymm]),
      avx2(.vperm2i128, X86Opcode(.p66, .map0F3A, 0x46), .twoSourcesAndByte, widths: [.ymm]),
      extract(.vextractf32x4, 0x19, .w0, .bytes16, widths: .multipleLanes),
      extract(.vextracti32x4, 0x39, .w0, .bytes16, widths: .multipleLanes),
      extract(.vextractf32x8, 0x1B, .w0, .bytes32, widths: [.zmm]),
      extract(.vextractf64x4, 0x1B, .w1, .bytes32, widths: [.zmm]),
      insert(.vinsertf32x4, 0x18, .w0, .bytes16, widths: .multipleLanes),
      insert(.vinserti32x4, 0x38, .w0, .bytes16, widths: .multipleLanes),
      insert(.vinsertf32x8, 0x1A, .w0, .bytes32, widths: [.zmm]),
      insert(.vinsertf64x4, 0x1A, .w1, .bytes32, widths: [.zmm]),
      avx512(
        .vshuff32x4, X86Opcode(.p66, .map0F3A, 0x23), .twoSourcesAndByte, widths: .multipleLanes,
        broadcastBytes: 4),
      avx512(
        .vshuff64x2, X86Opcode(.p66, .map0F3A, 0x23, .w1), .twoSourcesAndByte, widths: .multipleLanes,
        broadcastBytes: 8),
      avx512(
        .vshufi32x4, X86Opcode(.p66, .map0F3A, 0x43), .twoSourcesAndByte, widths: .multipleLanes,
        broadcastBytes: 4),
    ]
  }
}
