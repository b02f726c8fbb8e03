import CinchGraph

/// A nest as machine code, with what C has to hand over: everything goes through one local array, the frame.
struct AsmBlock: Sendable {
  var code: AssembledCode
  var notes: [Int32]
  var frameByteCount: Int
  var groups: [(group: Addressing.Group, slot: Int)]
  var poolSlot: Int?
  var countSlot: Int?
  var sliceStarts: [(offset: Int, factor: Int)]
  var pool: [UInt32]
  var spillCount: Int
  var program: VectorProgram

  /// The loop that workers share, if any.
  var slice: (loop: VectorLoopID, extent: Int)? {
    for (index, loop) in program.loops.enumerated() {
      if case .slice(let extent) = loop.tripCount { return (VectorLoopID(index), extent) }
    }
    return nil
  }

  // MARK: - C

  /// The statements of the nest; `pool` names its table of constants.
  func write(to text: inout String, poolName: String, program loopProgram: LoopProgram) {
    var indentation = "  "
    if !program.comment.isEmpty { text += "  /* \(Self.comment(program.comment)) */\n" }
    if let slice {
      text += "  first = \(slice.extent) * worker / workers;\n"
      text += "  count = \(slice.extent) * (worker + 1) / workers - first;\n"
      text += "  if (count > 0) {\n"
      indentation = "    "
    }
    for (group, slot) in groups {
      guard case .segment(let segment, let motion) = group.start else { continue }
      text += "\(indentation)frame[\(slot / 8)] = (long)("
      switch segment {
      case .state: text += "state"
      case .scratch: text += "scratch"
      case .input(let index): text += "inputs[\(index)]"
      case .worker:
        text += "scratch + \(loopProgram.workerByteOffset) + worker * \(loopProgram.workerByteStride)"
      }
      if group.base != 0 { text += " + \(group.base)" }
      for (depth, step) in motion.enumerated() where step != 0 { text += " + \(CPrinter.loopVariable(depth)) * \(step)" }
      if let slice, let step = group.steps[slice.loop.index], step != 0 { text += " + first * \(step)" }
      text += ");\n"
    }
    if let poolSlot { text += "\(indentation)frame[\(poolSlot / 8)] = (long)\(poolName);\n" }
    if let countSlot { text += "\(indentation)frame[\(countSlot / 8)] = count;\n" }
    for (offset, factor) in sliceStarts {
      text += "\(indentation)frame[\(offset / 8)] = first * \(factor);\n"
    }
    text += "\(indentation)asm volatile(\n"
    writeBytes(to: &text, indentation: indentation, buffers: loopProgram.buffers)
    text += "\(indentation): : \"a\"(frame) : "
    for register in code.generalRegisters.registers where register != GeneralRegisterPlan.frame {
      text += "\"\(register.name)\", "
    }
    text += "\"memory\");\n"
    if slice != nil { text += "  }\n" }
  }

  private func writeBytes(to output: inout String, indentation: String, buffers: [Buffer]) {
    var text = ASCIIText()
    text.reserveCapacity(code.bytes.count * 12 + notes.count * 64)
    let explanations = Explanations(program, buffers)
    for (line, note) in zip(code.lines, notes) {
      text.write(indentation)
      if line.length == 0 {
        text.write("  /* ")
        line.write(to: &text)
        text.write(" */\n")
        continue
      }
      text.write("  \".byte ")
      for offset in line.offset..<line.offset + line.length {
        if offset > line.offset { text.write(",") }
        text.writeHexadecimal(code.bytes[offset])
      }
      text.write("\\n\" /* ")
      line.write(to: &text)
      explanations.write(note, to: &text)
      text.write(" */\n")
    }
    output += text.string
  }

  /// The text as it may stand in a C comment.
  static func comment(_ text: String) -> String {
    // Both ends of a comment have a star.
    text.utf8.contains(UInt8(ascii: "*")) ? String(text.map { $0 == "/" ? "|" : $0 }) : text
  }
}

/// What instructions compute, in words.
private struct Explanations {
  private var instructions: [VectorInstruction] = []
  private let names: [String]

  init(_ program: VectorProgram, _ buffers: [Buffer]) {
    names = buffers.map { AsmBlock.comment($0.name) }
    collect(program.body)
  }

  private mutating func collect(_ statements: [VectorStatement]) {
    for statement in statements {
      switch statement {
      case .instruction(let instruction): instructions.append(instruction)
      case .loop(let loop): collect(loop.body)
      }
    }
  }

  func write(_ note: Int32, to text: inout ASCIIText) {
    guard note >= 0 else { return }
    text.write("  ")
    let instruction = instructions[Int(note)]
    if let result = instruction.result { text.write("v", String(result.raw), " = ") }
    switch instruction.operation {
    case .apply(let opcode, _): text.write(opcode.rawValue)
    case .within(let bound, _, _): text.write("within \(bound)")
    case .load(let access): text.write("load ", names[access.buffer.index])
    case .store(let access): text.write("store ", names[access.buffer.index])
    case .sliceStart: text.write("first of the slice")
    case .point(_, let access, _): text.write("row of \(names[access.buffer.index])")
    case .lanesDown(let distance): text.write("lanes down by \(distance)")
    case .spread: text.write("lane 0 everywhere")
    }
    for (index, operand) in instruction.operands.enumerated() {
      text.write(index == 0 ? " v" : ", v")
      text.write(String(operand.raw))
    }
  }
}
