// The three kinds of prefix. Bit layouts: Intel SDM volume 2, 2.2.1 (REX), 2.3.5 (VEX) and 2.7.1 (EVEX).
extension EncodingFields {
  func appendLegacyPrefix(_ opcode: X86Opcode, to bytes: inout [UInt8]) {
    switch opcode.prefix {
    case .none: break
    case .p66: bytes.append(0x66)
    case .pF3: bytes.append(0xF3)
    case .pF2: bytes.append(0xF2)
    }
    let wide: UInt8 = opcode.wide == .w1 ? 1 : 0
    let rex = wide << 3 | regBit3 << 2 | indexBit3 << 1 | baseBit3
    if rex != 0 { bytes.append(0x40 | rex) }
    switch opcode.map {
    case .primary: break
    case .map0F: bytes.append(0x0F)
    case .map0F38:
      bytes.append(0x0F)
      bytes.append(0x38)
    case .map0F3A:
      bytes.append(0x0F)
      bytes.append(0x3A)
    }
  }

  /// Two bytes where they suffice, otherwise three.
  func appendVEXPrefix(_ opcode: X86Opcode, to bytes: inout [UInt8]) {
    let wide: UInt8 = opcode.wide == .w1 ? 1 : 0
    // Registers are stored inverted.
    let low = (~vvvv & 0xF) << 3 | vectorLength << 2 | opcode.prefix.rawValue
    if opcode.map == .map0F && wide == 0 && indexBit3 == 0 && baseBit3 == 0 {
      bytes.append(0xC5)
      bytes.append((regBit3 ^ 1) << 7 | low)
    } else {
      bytes.append(0xC4)
      bytes.append(
        (regBit3 ^ 1) << 7 | (indexBit3 ^ 1) << 6 | (baseBit3 ^ 1) << 5 | opcode.map.rawValue)
      bytes.append(wide << 7 | low)
    }
  }

  func appendEVEXPrefix(
    _ opcode: X86Opcode, _ instruction: X86Instruction, to bytes: inout [UInt8]
  ) {
    let wide: UInt8 = opcode.wide == .w0 ? 0 : 1
    let zeroing: UInt8 = instruction.zeroing ? 1 : 0
    let broadcast: UInt8 = memory?.broadcast == true ? 1 : 0
    let mask = instruction.mask?.number ?? 0
    bytes.append(0x62)
    bytes.append(
      (regBit3 ^ 1) << 7 | (indexBit3 ^ 1) << 6 | (baseBit3 ^ 1) << 5 | (regBit4 ^ 1) << 4
        | opcode.map.rawValue)
    bytes.append(wide << 7 | (~vvvv & 0xF) << 3 | 0b100 | opcode.prefix.rawValue)
    bytes.append(
      zeroing << 7 | vectorLength << 5 | broadcast << 4 | (vvvvBit4 ^ 1) << 3 | mask)
  }
}
