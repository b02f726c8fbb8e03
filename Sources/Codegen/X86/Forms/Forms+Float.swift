extension X86Form {
  /// Arithmetic, logic, comparison and selection on Float32.
  static var floatArithmetic: [[X86Form]] {
    let operations: [(X86Mnemonic, UInt8)] = [
      (.vandps, 0x54), (.vandnps, 0x55), (.vorps, 0x56), (.vxorps, 0x57),
      (.vaddps, 0x58), (.vmulps, 0x59), (.vsubps, 0x5C), (.vminps, 0x5D), (.vdivps, 0x5E), (.vmaxps, 0x5F),
    ]
    return operations.map { mnemonic, byte in
      both(mnemonic, X86Opcode(.none, .map0F, byte), .twoSources, broadcastBytes: 4)
    } + [
      both(.vsqrtps, X86Opcode(.none, .map0F, 0x51), .oneSource, broadcastBytes: 4),
      avx2(.vcmpps, X86Opcode(.none, .map0F, 0xC2), .twoSourcesAndByte),
      avx512(
        .vcmpps, X86Opcode(.none, .map0F, 0xC2), [.reg(.mask), .vvvv(.vector), .rm(.vectorOrMemory), .byte],
        broadcastBytes: 4, masking: .merging),
      avx2(
        .vblendvps, X86Opcode(.p66, .map0F3A, 0x4A),
        .twoSources + [OperandPattern(slot: .is4, kind: .vector, extent: .full)]),
      avx2(.vpblendd, X86Opcode(.p66, .map0F3A, 0x02), .twoSourcesAndByte),
      avx512(.vblendmps, X86Opcode(.p66, .map0F38, 0x65), .twoSources, broadcastBytes: 4),
    ]
  }

  /// Between Float32 and Int32.
  static var floatConversions: [[X86Form]] {
    [
      both(.vcvttps2dq, X86Opcode(.pF3, .map0F, 0x5B), .oneSource, broadcastBytes: 4),
      both(.vcvtdq2ps, X86Opcode(.none, .map0F, 0x5B), .oneSource, broadcastBytes: 4),
    ]
  }

  /// The fused forms, one for each order of operands.
  static var fusedMultiplyAdd: [[X86Form]] {
    let orders: [(X86Mnemonic, UInt8)] = [(.vfmadd132ps, 0x98), (.vfmadd213ps, 0xA8), (.vfmadd231ps, 0xB8)]
    return orders.map { mnemonic, byte in
      both(
        mnemonic, X86Opcode(.p66, .map0F38, byte), .twoSources, broadcastBytes: 4, firstOperand: .readWrite)
    }
  }
}
