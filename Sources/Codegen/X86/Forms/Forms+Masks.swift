extension X86Form {
  /// Mask registers: VEX encodings, of which the width and prefix bits name the mask's size.
  static var maskRegisters: [[X86Form]] {
    [
      moves(
        .kmovb, memory: (.p66, .w0), general: (.p66, .w0), .general32, .bytes1),
      moves(.kmovw, memory: (.none, .w0), general: (.none, .w0), .general32, .bytes2),
      moves(.kmovd, memory: (.p66, .w1), general: (.pF2, .w0), .general32, .bytes4),
      moves(.kmovq, memory: (.none, .w1), general: (.pF2, .w1), .general64, .bytes8),
      logic(.w0, .kandw, .kandnw, .korw, .kxnorw, .kxorw, .knotw, .kortestw),
      logic(.w1, .kandq, .kandnq, .korq, .kxnorq, .kxorq, .knotq, .kortestq),
      [
        shift(.kshiftrw, 0x30, .w1), shift(.kshiftrq, 0x31, .w1),
        shift(.kshiftlw, 0x32, .w1), shift(.kshiftlq, 0x33, .w1),
      ],
    ]
  }

  private static func moves(
    _ mnemonic: X86Mnemonic, memory: (X86Opcode.Prefix, X86Opcode.Wide),
    general: (X86Opcode.Prefix, X86Opcode.Wide), _ kind: OperandPattern.Kind,
    _ extent: OperandPattern.Extent
  ) -> [X86Form] {
    [
      mask(
        mnemonic, X86Opcode(memory.0, .map0F, 0x90, memory.1, fixedLength: 0),
        [.reg(.mask), .rm(.maskOrMemory, extent)]),
      mask(
        mnemonic, X86Opcode(memory.0, .map0F, 0x91, memory.1, fixedLength: 0),
        [.rm(.memory, extent), .reg(.mask)]),
      mask(
        mnemonic, X86Opcode(general.0, .map0F, 0x92, general.1, fixedLength: 0), [.reg(.mask), .rm(kind)]),
      mask(
        mnemonic, X86Opcode(general.0, .map0F, 0x93, general.1, fixedLength: 0), [.reg(kind), .rm(.mask)]),
    ]
  }

  private static func logic(
    _ wide: X86Opcode.Wide, _ and: X86Mnemonic, _ andNot: X86Mnemonic, _ or: X86Mnemonic,
    _ xnor: X86Mnemonic, _ xor: X86Mnemonic, _ not: X86Mnemonic, _ orTest: X86Mnemonic
  ) -> [X86Form] {
    let binary: [(X86Mnemonic, UInt8)] = [
      (and, 0x41), (andNot, 0x42), (or, 0x45), (xnor, 0x46), (xor, 0x47),
    ]
    return binary.map { mnemonic, byte in
      mask(
        mnemonic, X86Opcode(.none, .map0F, byte, wide, fixedLength: 1),
        [.reg(.mask), .vvvv(.mask), .rm(.mask)])
    } + [
      mask(not, X86Opcode(.none, .map0F, 0x44, wide, fixedLength: 0), [.reg(.mask), .rm(.mask)]),
      mask(
        orTest, X86Opcode(.none, .map0F, 0x98, wide, fixedLength: 0), [.reg(.mask), .rm(.mask)],
        firstOperand: .read),
    ]
  }

  private static func shift(_ mnemonic: X86Mnemonic, _ byte: UInt8, _ wide: X86Opcode.Wide) -> X86Form {
    mask(
      mnemonic, X86Opcode(.p66, .map0F3A, byte, wide, fixedLength: 0), [.reg(.mask), .rm(.mask), .byte])
  }
}
