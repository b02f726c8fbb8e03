// The building blocks of the tables.
extension X86Form {
  /// A VEX form of a vector instruction.
  static func avx2(
    _ mnemonic: X86Mnemonic, _ opcode: X86Opcode, _ operands: [OperandPattern],
    widths: VectorWidths = .all, firstOperand: Access = .write
  ) -> [X86Form] {
    [
      X86Form(
        mnemonic, .vex, [.avx2], opcode, operands, widths: widths.subtracting(.zmm), firstOperand: firstOperand)
    ]
  }

  /// An EVEX form of a vector instruction.
  static func avx512(
    _ mnemonic: X86Mnemonic, _ opcode: X86Opcode, _ operands: [OperandPattern],
    widths: VectorWidths = .all, broadcastBytes: Int = 0, masking: Masking = .mergingOrZeroing,
    firstOperand: Access = .write
  ) -> [X86Form] {
    [
      X86Form(
        mnemonic, .evex, [.avx512], opcode, operands, widths: widths, broadcastBytes: broadcastBytes,
        masking: masking, firstOperand: firstOperand)
    ]
  }

  /// A form that both families have, and encode alike but for the prefix.
  static func both(
    _ mnemonic: X86Mnemonic, _ opcode: X86Opcode, _ operands: [OperandPattern],
    widths: VectorWidths = .all, broadcastBytes: Int = 0, masking: Masking = .mergingOrZeroing,
    firstOperand: Access = .write
  ) -> [X86Form] {
    avx2(
      mnemonic, opcode, operands, widths: widths, firstOperand: firstOperand)
      + avx512(
        mnemonic, opcode, operands, widths: widths, broadcastBytes: broadcastBytes, masking: masking, firstOperand: firstOperand)
  }

  /// A VEX form on mask registers, which belongs to AVX-512.
  static func mask(
    _ mnemonic: X86Mnemonic, _ opcode: X86Opcode, _ operands: [OperandPattern],
    firstOperand: Access = .write
  ) -> X86Form {
    X86Form(mnemonic, .vex, [.avx512], opcode, operands, firstOperand: firstOperand)
  }

  /// A form on general registers, in every family.
  static func general(
    _ mnemonic: X86Mnemonic, _ opcode: X86Opcode, _ operands: [OperandPattern],
    firstOperand: Access = .write
  ) -> X86Form {
    X86Form(
      mnemonic, .legacy, .all, opcode, operands, firstOperand: firstOperand)
  }
}

extension [OperandPattern] {
  /// `destination, source, source or memory`
  static let twoSources: [OperandPattern] = [.reg(.vector), .vvvv(.vector), .rm(.vectorOrMemory)]
  /// `destination, source, source or memory, byte`
  static let twoSourcesAndByte: [OperandPattern] = twoSources + [.byte]
  /// `destination, source or memory`
  static let oneSource: [OperandPattern] = [.reg(.vector), .rm(.vectorOrMemory)]
  /// `destination, source or memory, byte`
  static let oneSourceAndByte: [OperandPattern] = oneSource + [.byte]
}
