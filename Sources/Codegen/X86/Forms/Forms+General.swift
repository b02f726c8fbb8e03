extension X86Form {
  /// Moves and arithmetic on general registers. Where an instruction has several encodings, the one that the
  /// GNU assembler picks stands first.
  static var generalRegisters: [[X86Form]] {
    [moves, arithmetic, shifts, unary]
  }

  /// What an operation on 32 or 64 bits needs: the bit for the width, and the operands' kinds.
  private struct Size {
    var wide: X86Opcode.Wide
    var register: OperandPattern.Kind
    var registerOrMemory: OperandPattern.Kind
    var accumulator: OperandPattern.Kind
  }

  private static let sizes = [
    Size(
      wide: .w1, register: .general64, registerOrMemory: .general64OrMemory, accumulator: .accumulator64),
    Size(
      wide: .w0, register: .general32, registerOrMemory: .general32OrMemory, accumulator: .accumulator32),
  ]

  private static var moves: [X86Form] {
    let immediateLow = OperandPattern(slot: .opcodeLowBits, kind: .general32, extent: .full)
    let immediateFull = OperandPattern(slot: .opcodeLowBits, kind: .general64, extent: .full)
    return sizes.flatMap { size in
      [
        general(
          .mov, X86Opcode(.none, .primary, 0x89, size.wide),
          [.rm(size.registerOrMemory), .reg(size.register)]),
        general(
          .mov, X86Opcode(.none, .primary, 0x8B, size.wide), [.reg(size.register), .rm(.memory)]),
        general(
          .lea, X86Opcode(.none, .primary, 0x8D, size.wide), [.reg(size.register), .rm(.memory)]),
      ]
    } + [
      general(
        .mov, X86Opcode(.none, .primary, 0xC7, .w1, digit: 0),
        [.rm(.general64), .immediate(.signedImmediate32)]),
      general(
        .mov, X86Opcode(.none, .primary, 0xB8, .w1), [immediateFull, .immediate(.immediate64)]),
      general(
        .mov, X86Opcode(.none, .primary, 0xB8), [immediateLow, .immediate(.unsignedImmediate32)]),
      general(
        .mov, X86Opcode(.none, .primary, 0xB8), [immediateLow, .immediate(.signedImmediate32)]),
      general(
        .movsxd, X86Opcode(.none, .primary, 0x63, .w1),
        [.reg(.general64), .rm(.general32OrMemory, .bytes4)], spellsMemorySize: true),
      general(
        .movzx, X86Opcode(.none, .map0F, 0xB6), [.reg(.general32), .rm(.memory, .bytes1)],
        spellsMemorySize: true),
    ]
  }

  private static var arithmetic: [X86Form] {
    let operations: [(X86Mnemonic, UInt8)] = [
      (.add, 0), (.or, 1), (.and, 4), (.sub, 5), (.xor, 6), (.cmp, 7),
    ]
    var forms: [X86Form] = []
    for size in sizes {
      for (mnemonic, digit) in operations {
        let access: Access = mnemonic == .cmp ? .read : .readWrite
        let base = digit << 3
        let accumulator = OperandPattern(slot: .implied, kind: size.accumulator, extent: .full)
        forms += [
          general(
            mnemonic, X86Opcode(.none, .primary, base + 1, size.wide),
            [.rm(size.registerOrMemory), .reg(size.register)], firstOperand: access),
          general(
            mnemonic, X86Opcode(.none, .primary, base + 3, size.wide),
            [.reg(size.register), .rm(.memory)], firstOperand: access),
          general(
            mnemonic, X86Opcode(.none, .primary, 0x83, size.wide, digit: digit),
            [.rm(size.register), .immediate(.signedImmediate8)], firstOperand: access),
          general(
            mnemonic, X86Opcode(.none, .primary, base + 5, size.wide),
            [accumulator, .immediate(.signedImmediate32)], firstOperand: access),
          general(
            mnemonic, X86Opcode(.none, .primary, 0x81, size.wide, digit: digit),
            [.rm(size.register), .immediate(.signedImmediate32)], firstOperand: access),
        ]
      }
      forms += [
        general(
          .test, X86Opcode(.none, .primary, 0x85, size.wide), [.rm(size.register), .reg(size.register)],
          firstOperand: .read),
        general(
          .imul, X86Opcode(.none, .map0F, 0xAF, size.wide),
          [.reg(size.register), .rm(size.registerOrMemory)], firstOperand: .readWrite),
        general(
          .imul, X86Opcode(.none, .primary, 0x6B, size.wide),
          [.reg(size.register), .rm(size.registerOrMemory), .immediate(.signedImmediate8)]),
        general(
          .imul, X86Opcode(.none, .primary, 0x69, size.wide),
          [.reg(size.register), .rm(size.registerOrMemory), .immediate(.signedImmediate32)]),
      ]
    }
    return forms
  }

  private static var shifts: [X86Form] {
    let operations: [(X86Mnemonic, UInt8)] = [(.shl, 4), (.shr, 5), (.sar, 7)]
    let one = OperandPattern(slot: .implied, kind: .one, extent: .bytes1)
    return sizes.flatMap { size in
      operations.flatMap { mnemonic, digit in
        [
          general(
            mnemonic, X86Opcode(.none, .primary, 0xD1, size.wide, digit: digit),
            [.rm(size.register), one], firstOperand: .readWrite),
          general(
            mnemonic, X86Opcode(.none, .primary, 0xC1, size.wide, digit: digit),
            [.rm(size.register), .byte], firstOperand: .readWrite),
        ]
      }
    }
  }

  private static var unary: [X86Form] {
    let operations: [(X86Mnemonic, UInt8, UInt8)] = [
      (.inc, 0xFF, 0), (.dec, 0xFF, 1), (.not, 0xF7, 2), (.neg, 0xF7, 3),
    ]
    return sizes.flatMap { size in
      operations.map { mnemonic, byte, digit in
        general(
          mnemonic, X86Opcode(.none, .primary, byte, size.wide, digit: digit), [.rm(size.register)],
          firstOperand: .readWrite)
      }
    }
  }

  /// Prefetches, fences and what ends a function.
  static var control: [[X86Form]] {
    let prefetches: [(X86Mnemonic, UInt8)] = [(.prefetchnta, 0), (.prefetcht0, 1), (.prefetcht1, 2)]
    return [
      prefetches.map { mnemonic, digit in
        general(
          mnemonic, X86Opcode(.none, .map0F, 0x18, digit: digit), [.rm(.memory, .bytes1)],
          firstOperand: .read)
      },
      [
        general(.sfence, X86Opcode(.none, .map0F, 0xAE, digit: 7), []),
        X86Form(
          .vzeroupper, .vex, .all,
          X86Opcode(.none, .map0F, 0x77, fixedLength: 0), []),
        general(.ret, X86Opcode(.none, .primary, 0xC3), []),
      ],
    ]
  }
}
