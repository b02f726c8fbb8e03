// What follows the opcode: the ModRM and SIB bytes, the displacement and the immediate.
extension EncodingFields {
  func appendModRM(to bytes: inout [UInt8]) {
    guard let memory else {
      bytes.append(0b11 << 6 | (reg & 7) << 3 | rm & 7)
      return
    }
    let displacement = displacementField(memory)
    let mode: UInt8
    switch displacement {
    case .none: mode = 0b00
    case .byte: mode = 0b01
    case .word: mode = 0b10
    }
    let base = memory.base.rawValue & 7
    // An rm field of 100 says that a SIB byte follows, so that rsp and r12 can't be bases without one.
    let needsSIB = memory.index != .none || base == 0b100
    bytes.append(mode << 6 | (reg & 7) << 3 | (needsSIB ? 0b100 : base))
    if needsSIB {
      let index: UInt8
      switch memory.index {
      case .none: index = 0b100
      case .general(let register): index = register.rawValue & 7
      case .vector(let register): index = register.number & 7
      }
      let scale = memory.index == .none ? 0 : memory.scale.rawValue
      bytes.append(scale << 6 | index << 3 | base)
    }
    switch displacement {
    case .none: break
    case .byte(let value): bytes.append(UInt8(bitPattern: value))
    case .word(let value): bytes.appendLittleEndian(Int64(value), byteCount: 4)
    }
  }

  func appendImmediate(to bytes: inout [UInt8]) {
    bytes.appendLittleEndian(immediate, byteCount: immediateBytes)
  }

  private enum DisplacementField {
    case none
    case byte(Int8)
    case word(Int32)
  }

  private func displacementField(_ memory: MemoryOperand) -> DisplacementField {
    // With the mode for no displacement, a base of 101 (rbp, r13) would mean something else.
    if memory.displacement == 0 && memory.base.rawValue & 7 != 0b101 { return .none }
    let (quotient, remainder) = memory.displacement.quotientAndRemainder(dividingBy: displacementUnit)
    if remainder == 0, let byte = Int8(exactly: quotient) { return .byte(byte) }
    return .word(memory.displacement)
  }
}

extension [UInt8] {
  mutating func appendLittleEndian(_ value: Int64, byteCount: Int) {
    for index in 0..<byteCount {
      append(UInt8(truncatingIfNeeded: value >> Int64(8 * index)))
    }
  }
}
