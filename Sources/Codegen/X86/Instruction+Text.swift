extension X86Instruction: CustomStringConvertible {
  /// The instruction in Intel syntax, as the GNU assembler reads it.
  package var assemblyText: String {
    var text = ""
    writeAssembly(to: &text)
    return text
  }

  package var description: String { assemblyText }

  package func writeAssembly(to text: inout String) {
    text += mnemonic.name
    let form = X86Form.first(for: self, in: nil)
    for index in 0..<Self.maximumOperandCount {
      let operand = self[operand: index]
      if operand == .none { break }
      text += index == 0 ? " " : ", "
      let pattern = form?.pattern(index)
      switch operand {
      case .none: break
      case .vector(let register):
        text += (pattern?.extent.register(width) ?? width).name
        text += String(register.number)
      case .mask(let register):
        text += "k"
        text += String(register.number)
      case .general64(let register): text += register.name
      case .general32(let register): text += register.name32
      case .immediate(let value): text += String(value)
      case .memory(let memory): write(memory, pattern, form, to: &text)
      }
      if index == 0, let mask {
        text += "{k"
        text += String(mask.number)
        text += zeroing ? "}{z}" : "}"
      }
    }
  }

  private func write(
    _ memory: MemoryOperand, _ pattern: OperandPattern?, _ form: X86Form?, to text: inout String
  ) {
    let operandBytes = pattern?.extent.bytes(width) ?? width.bytes
    let elementBytes = form?.broadcastBytes ?? 0
    if form?.spellsMemorySize == true {
      switch memory.broadcast ? elementBytes : operandBytes {
      case 1: text += "byte ptr "
      case 4: text += "dword ptr "
      case 8: text += "qword ptr "
      case 16: text += "xmmword ptr "
      case 32: text += "ymmword ptr "
      default: text += "zmmword ptr "
      }
    }
    text += "["
    text += memory.base.name
    switch memory.index {
    case .none: break
    case .general(let register):
      text += " + "
      text += register.name
      text += memory.scale.suffix
    case .vector(let register):
      let indexWidth = pattern?.extent.register(width) ?? width
      text += " + "
      text += indexWidth.name
      text += String(register.number)
      text += memory.scale.suffix
    }
    if memory.displacement != 0 {
      text += memory.displacement < 0 ? " - " : " + "
      text += String(memory.displacement.magnitude)
    }
    text += "]"
    if memory.broadcast {
      // No form knows how wide an element is if the instruction has no such form.
      text += elementBytes > 0 ? "{1to\(operandBytes / elementBytes)}" : "{broadcast}"
    }
  }
}

extension MemoryOperand.Scale {
  fileprivate var suffix: String {
    switch self {
    case .one: "*1"
    case .two: "*2"
    case .four: "*4"
    case .eight: "*8"
    }
  }
}
