extension X86Instruction: CustomStringConvertible {
  /// The instruction in Intel syntax, as the GNU assembler reads it.
  package var assemblyText: String {
    var text = TextBuffer()
    writeAssembly(to: &text)
    return text.text
  }

  package var description: String { assemblyText }

  func writeAssembly(to text: inout TextBuffer) {
    text.write(mnemonic.name)
    let form = X86Form.first(for: self, in: nil)
    for index in 0..<Self.maximumOperandCount {
      let operand = self[operand: index]
      if operand == .none { break }
      text.write(index == 0 ? " " : ", ")
      let pattern = form?.pattern(index)
      switch operand {
      case .none: break
      case .vector(let register):
        text.write((pattern?.extent.register(width) ?? width).name)
        text.write(register.number)
      case .mask(let register):
        text.write("k")
        text.write(register.number)
      case .general64(let register): text.write(register.name)
      case .general32(let register): text.write(register.name32)
      case .immediate(let value): text.write(value)
      case .memory(let memory): write(memory, pattern, form, to: &text)
      }
      if index == 0, let mask {
        text.write("{k")
        text.write(mask.number)
        text.write(zeroing ? "}{z}" : "}")
      }
    }
  }

  private func write(
    _ memory: MemoryOperand, _ pattern: OperandPattern?, _ form: X86Form?, to text: inout TextBuffer
  ) {
    let operandBytes = pattern?.extent.bytes(width) ?? width.bytes
    let elementBytes = form?.broadcastBytes ?? 0
    text.write("[")
    text.write(memory.base.name)
    switch memory.index {
    case .none: break
    case .general(let register):
      text.write(" + ")
      text.write(register.name)
      text.write(memory.scale.suffix)
    case .vector(let register):
      let indexWidth = pattern?.extent.register(width) ?? width
      text.write(" + ")
      text.write(indexWidth.name)
      text.write(register.number)
      text.write(memory.scale.suffix)
    }
    if memory.displacement != 0 {
      text.write(memory.displacement < 0 ? " - " : " + ")
      text.write(memory.displacement.magnitude)
    }
    text.write("]")
    if memory.broadcast {
      // No form knows how wide an element is if the instruction has no such form.
      if elementBytes > 0 {
        text.write("{1to")
        text.write(operandBytes / elementBytes)
        text.write("}")
      } else {
        text.write("{broadcast}")
      }
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
