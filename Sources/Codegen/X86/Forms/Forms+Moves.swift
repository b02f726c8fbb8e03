extension X86Form {
  /// Loads, stores, broadcasts and gathers.
  static var vectorMoves: [[X86Form]] {
    [
      both(.vmovups, X86Opcode(.none, .map0F, 0x10), .oneSource),
      both(.vmovups, X86Opcode(.none, .map0F, 0x11), [.rm(.memory), .reg(.vector)], masking: .merging),
      both(.vmovaps, X86Opcode(.none, .map0F, 0x28), .oneSource),
      both(.vmovaps, X86Opcode(.none, .map0F, 0x29), [.rm(.memory), .reg(.vector)], masking: .merging),
      avx512(.vmovdqu8, X86Opcode(.pF2, .map0F, 0x6F), .oneSource),
      avx512(.vmovdqu8, X86Opcode(.pF2, .map0F, 0x7F), [.rm(.memory), .reg(.vector)], masking: .merging),

      both(
        .vmovss, X86Opcode(.pF3, .map0F, 0x10), [.reg(.vector), .rm(.memory, .bytes4)], widths: .scalar),
      both(
        .vmovss, X86Opcode(.pF3, .map0F, 0x11), [.rm(.memory, .bytes4), .reg(.vector)], widths: .scalar,
        masking: .merging),
      both(
        .vmovd, X86Opcode(.p66, .map0F, 0x7E), [.rm(.general32), .reg(.vector)], widths: .scalar,
        masking: .none),
      avx2(.vmovq, X86Opcode(.p66, .map0F, 0xD6), [.rm(.memory, .bytes8), .reg(.vector)], widths: .scalar),

      // AVX2's load and store under a mask in a vector register, of which the sign bits count.
      avx2(.vmaskmovps, X86Opcode(.p66, .map0F38, 0x2C), [.reg(.vector), .vvvv(.vector), .rm(.memory)]),
      avx2(.vmaskmovps, X86Opcode(.p66, .map0F38, 0x2E), [.rm(.memory), .vvvv(.vector), .reg(.vector)]),

      both(.vbroadcastss, X86Opcode(.p66, .map0F38, 0x18), [.reg(.vector), .rm(.vectorOrMemory, .bytes4)]),
      both(.vpbroadcastb, X86Opcode(.p66, .map0F38, 0x78), [.reg(.vector), .rm(.vectorOrMemory, .bytes1)]),

      // AVX2 takes the mask as a third operand, and clears it.
      avx2(
        .vgatherdps, X86Opcode(.p66, .map0F38, 0x92), [.reg(.vector), .rm(.gathered), .vvvv(.vector)],
        firstOperand: .readWrite),
      avx512(
        .vgatherdps, X86Opcode(.p66, .map0F38, 0x92), [.reg(.vector), .rm(.gathered)], masking: .required,
        firstOperand: .readWrite),
    ]
  }
}
