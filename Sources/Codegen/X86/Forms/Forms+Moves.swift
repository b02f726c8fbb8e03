extension X86Form {
  /// Loads, stores, broadcasts and gathers.
  static var vectorMoves: [[X86Form]] {
    [
      load(.vmovups, store: 0x11, X86Opcode(.none, .map0F, 0x10)),
      load(.vmovaps, store: 0x29, X86Opcode(.none, .map0F, 0x28)),
      load(.vmovupd, store: 0x11, X86Opcode(.p66, .map0F, 0x10, .evexW1)),
      load(.vmovapd, store: 0x29, X86Opcode(.p66, .map0F, 0x28, .evexW1)),
      load(.vmovdqu, store: 0x7F, X86Opcode(.pF3, .map0F, 0x6F), [.avx2]),
      load(.vmovdqa, store: 0x7F, X86Opcode(.p66, .map0F, 0x6F), [.avx2]),
      load(.vmovdqu8, store: 0x7F, X86Opcode(.pF2, .map0F, 0x6F), [.avx512]),
      load(.vmovdqu16, store: 0x7F, X86Opcode(.pF2, .map0F, 0x6F, .w1), [.avx512]),
      load(.vmovdqu32, store: 0x7F, X86Opcode(.pF3, .map0F, 0x6F), [.avx512]),
      load(.vmovdqu64, store: 0x7F, X86Opcode(.pF3, .map0F, 0x6F, .w1), [.avx512]),
      load(.vmovdqa32, store: 0x7F, X86Opcode(.p66, .map0F, 0x6F), [.avx512]),
      both(.vmovntps, X86Opcode(.none, .map0F, 0x2B), [.rm(.memory), .reg(.vector)], masking: .none),

      scalarMove(.vmovss, X86Opcode(.pF3, .map0F, 0x10), .bytes4),
      scalarMove(.vmovsd, X86Opcode(.pF2, .map0F, 0x10, .evexW1), .bytes8),
      both(
        .vmovd, X86Opcode(.p66, .map0F, 0x6E), [.reg(.vector), .rm(.general32OrMemory, .bytes4)],
        widths: .scalar, masking: .none),
      both(
        .vmovd, X86Opcode(.p66, .map0F, 0x7E), [.rm(.general32OrMemory, .bytes4), .reg(.vector)],
        widths: .scalar, masking: .none),
      // Two opcodes load and store 64 bits; which one, is left to the GNU assembler's habit.
      avx2(
        .vmovq, X86Opcode(.pF3, .map0F, 0x7E), [.reg(.vector), .rm(.vectorOrMemory, .bytes8)],
        widths: .scalar),
      avx2(.vmovq, X86Opcode(.p66, .map0F, 0xD6), [.rm(.memory, .bytes8), .reg(.vector)], widths: .scalar),
      avx512(
        .vmovq, X86Opcode(.pF3, .map0F, 0x7E, .w1), [.reg(.vector), .rm(.vector)], widths: .scalar,
        masking: .none),
      both(
        .vmovq, X86Opcode(.p66, .map0F, 0x6E, .w1), [.reg(.vector), .rm(.general64OrMemory, .bytes8)],
        widths: .scalar, masking: .none),
      both(
        .vmovq, X86Opcode(.p66, .map0F, 0x7E, .w1), [.rm(.general64OrMemory, .bytes8), .reg(.vector)],
        widths: .scalar, masking: .none),

      maskedMove(.vmaskmovps, load: 0x2C, store: 0x2E, .w0),
      maskedMove(.vmaskmovpd, load: 0x2D, store: 0x2F, .w0),
      maskedMove(.vpmaskmovd, load: 0x8C, store: 0x8E, .w0),
      maskedMove(.vpmaskmovq, load: 0x8C, store: 0x8E, .w1),

      broadcast(.vbroadcastss, X86Opcode(.p66, .map0F38, 0x18), .bytes4),
      broadcast(.vbroadcastsd, X86Opcode(.p66, .map0F38, 0x19, .evexW1), .bytes8, widths: .multipleLanes),
      broadcast(.vpbroadcastb, X86Opcode(.p66, .map0F38, 0x78), .bytes1),
      broadcast(.vpbroadcastd, X86Opcode(.p66, .map0F38, 0x58), .bytes4),
      broadcast(.vpbroadcastq, X86Opcode(.p66, .map0F38, 0x59, .evexW1), .bytes8),
      avx512(.vpbroadcastb, X86Opcode(.p66, .map0F38, 0x7A), [.reg(.vector), .rm(.general32)]),
      avx512(.vpbroadcastd, X86Opcode(.p66, .map0F38, 0x7C), [.reg(.vector), .rm(.general32)]),
      avx512(.vpbroadcastq, X86Opcode(.p66, .map0F38, 0x7C, .w1), [.reg(.vector), .rm(.general64)]),

      gather(.vgatherdps, X86Opcode(.p66, .map0F38, 0x92), index: .full),
      gather(.vgatherdpd, X86Opcode(.p66, .map0F38, 0x92, .w1), index: .half),
      gather(.vpgatherdd, X86Opcode(.p66, .map0F38, 0x90), index: .full),
    ]
  }

  /// A move between registers or from memory, and its counterpart to memory.
  private static func load(
    _ mnemonic: X86Mnemonic, store: UInt8, _ opcode: X86Opcode,
    _ families: VectorFamilies = .all
  ) -> [X86Form] {
    var storing = opcode
    storing.byte = store
    let forms =
      both(mnemonic, opcode, .oneSource)
      + both(mnemonic, storing, [.rm(.memory), .reg(.vector)], masking: .merging)
    return forms.filter { !families.isDisjoint(with: $0.families) }
  }

  private static func scalarMove(
    _ mnemonic: X86Mnemonic, _ opcode: X86Opcode, _ element: OperandPattern.Extent
  ) -> [X86Form] {
    var storing = opcode
    storing.byte = 0x11
    return both(mnemonic, opcode, [.reg(.vector), .rm(.memory, element)], widths: .scalar)
      + both(mnemonic, storing, [.rm(.memory, element), .reg(.vector)], widths: .scalar, masking: .merging)
      + both(mnemonic, opcode, [.reg(.vector), .vvvv(.vector), .rm(.vector)], widths: .scalar)
  }

  /// AVX2's loads and stores under a mask in a vector register, of which the sign bits count.
  private static func maskedMove(
    _ mnemonic: X86Mnemonic, load: UInt8, store: UInt8, _ wide: X86Opcode.Wide
  ) -> [X86Form] {
    avx2(
      mnemonic, X86Opcode(.p66, .map0F38, load, wide), [.reg(.vector), .vvvv(.vector), .rm(.memory)])
      + avx2(
        mnemonic, X86Opcode(.p66, .map0F38, store, wide), [.rm(.memory), .vvvv(.vector), .reg(.vector)])
  }

  private static func broadcast(
    _ mnemonic: X86Mnemonic, _ opcode: X86Opcode, _ element: OperandPattern.Extent,
    widths: VectorWidths = .all
  ) -> [X86Form] {
    both(mnemonic, opcode, [.reg(.vector), .rm(.vectorOrMemory, element)], widths: widths)
  }

  /// AVX2 takes the mask as a third operand, and clears it.
  private static func gather(
    _ mnemonic: X86Mnemonic, _ opcode: X86Opcode, index: OperandPattern.Extent
  ) -> [X86Form] {
    avx2(
      mnemonic, opcode, [.reg(.vector), .rm(.gathered, index), .vvvv(.vector)], firstOperand: .readWrite)
      + avx512(
        mnemonic, opcode, [.reg(.vector), .rm(.gathered, index)], masking: .required,
        firstOperand: .readWrite)
  }
}
