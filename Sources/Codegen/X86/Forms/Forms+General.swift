extension X86Form {
  /// Moves and arithmetic on general registers. Where an instruction has several encodings, the one that the
  /// GNU assembler picks stands first.
  static var generalRegisters: [[X86Form]] {
    [moves, arithmetic, multiplication, unary]
  }

  private static var moves: [X86Form] {
    [
      general(.mov, X86Opcode(.none, .primary, 0x89, .w1), [.rm(.general64OrMemory), .reg(.general64)]),
      general(.mov, X86Opcode(.none, .primary, 0x8B, .w1), [.reg(.general64), .rm(.memory)]),
      general(
        .mov, X86Opcode(.none, .primary, 0xB8),
        [
          OperandPattern(slot: .opcodeLowBits, kind: .general32, extent: .full),
          .immediate(.unsignedImmediate32),
        ]),
      general(.lea, X86Opcode(.none, .primary, 0x8D, .w1), [.reg(.general64), .rm(.memory)]),
    ]
  }

  private static var arithmetic: [X86Form] {
    let operations: [(X86Mnemonic, UInt8, Access)] = [(.add, 0, .readWrite), (.sub, 5, .readWrite), (.cmp, 7, .read)]
    return operations.flatMap { mnemonic, digit, access in
      let base = digit << 3
      let accumulator = OperandPattern(slot: .implied, kind: .accumulator64, extent: .full)
      return [
        general(
          mnemonic, X86Opcode(.none, .primary, base + 1, .w1), [.rm(.general64OrMemory), .reg(.general64)],
          firstOperand: access),
        general(
          mnemonic, X86Opcode(.none, .primary, base + 3, .w1), [.reg(.general64), .rm(.memory)],
          firstOperand: access),
        general(
          mnemonic, X86Opcode(.none, .primary, 0x83, .w1, digit: digit),
          [.rm(.general64), .immediate(.signedImmediate8)], firstOperand: access),
        general(
          mnemonic, X86Opcode(.none, .primary, base + 5, .w1), [accumulator, .immediate(.signedImmediate32)],
          firstOperand: access),
        general(
          mnemonic, X86Opcode(.none, .primary, 0x81, .w1, digit: digit),
          [.rm(.general64), .immediate(.signedImmediate32)], firstOperand: access),
      ]
    }
  }

  private static var multiplication: [X86Form] {
    let operands: [OperandPattern] = [.reg(.general64), .rm(.general64OrMemory)]
    return [
      general(
        .imul, X86Opcode(.none, .primary, 0x6B, .w1), operands + [.immediate(.signedImmediate8)]),
      general(
        .imul, X86Opcode(.none, .primary, 0x69, .w1), operands + [.immediate(.signedImmediate32)]),
    ]
  }

  private static var unary: [X86Form] {
    let one = OperandPattern(slot: .implied, kind: .one, extent: .bytes1)
    return [
      general(
        .shr, X86Opcode(.none, .primary, 0xD1, .w1, digit: 5), [.rm(.general64), one], firstOperand: .readWrite),
      general(
        .dec, X86Opcode(.none, .primary, 0xFF, .w1, digit: 1), [.rm(.general64)], firstOperand: .readWrite),
    ]
  }

  /// A prefetch, and what ends code that used wide vectors.
  static var control: [[X86Form]] {
    [
      [
        general(
          .prefetcht0, X86Opcode(.none, .map0F, 0x18, digit: 1), [.rm(.memory, .bytes1)], firstOperand: .read),
        X86Form(.vzeroupper, .vex, .all, X86Opcode(.none, .map0F, 0x77, fixedLength: 0), []),
      ]
    ]
  }
}
