extension X86Form {
  /// Mask registers: VEX encodings, of which the width and prefix bits name the mask's size, 16 lanes.
  static var maskRegisters: [[X86Form]] {
    let binary: [(X86Mnemonic, UInt8)] = [
      (.kandw, 0x41), (.kandnw, 0x42), (.korw, 0x45), (.kxnorw, 0x46), (.kxorw, 0x47),
    ]
    return [
      [
        mask(
          .kmovw, X86Opcode(.none, .map0F, 0x90, fixedLength: 0), [.reg(.mask), .rm(.maskOrMemory, .bytes2)]),
        mask(.kmovw, X86Opcode(.none, .map0F, 0x91, fixedLength: 0), [.rm(.memory, .bytes2), .reg(.mask)]),
        mask(.knotw, X86Opcode(.none, .map0F, 0x44, fixedLength: 0), [.reg(.mask), .rm(.mask)]),
        mask(
          .kortestw, X86Opcode(.none, .map0F, 0x98, fixedLength: 0), [.reg(.mask), .rm(.mask)], firstOperand: .read),
      ],
      binary.map { mnemonic, byte in
        mask(
          mnemonic, X86Opcode(.none, .map0F, byte, fixedLength: 1), [.reg(.mask), .vvvv(.mask), .rm(.mask)])
      },
    ]
  }
}
