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

  private func writeBytes(to text: inout String, indentation: String, buffers: [Buffer]) {
    let explanations = Explanations(program, buffers)
    for (line, note) in zip(code.lines, notes) {
      text += indentation
      if line.length == 0 {
        text += "  /* "
        line.write(to: &text)
        text += " */\n"
        continue
      }
      text += "  \".byte "
      for offset in line.offset..<line.offset + line.length {
        if offset > line.offset { text += "," }
        text += Self.hexadecimal[Int(code.bytes[offset])]
      }
      text += "\\n\" /* "
      line.write(to: &text)
      explanations.write(note, to: &text)
      text += " */\n"
    }
  }

  private static let hexadecimal: [String] = (0..<256).map {
    let digits = String($0, radix: 16)
    return "0x" + (digits.count < 2 ? "0" + digits : digits)
  }

  /// The text as it may stand in a C comment.
  static func comment(_ text: String) -> String {
    text.contains("*/") || text.contains("/*")
      ? String(text.map { $0 == "/" ? "|" : $0 }) : text
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

  func write(_ note: Int32, to text: inout String) {
    guard note >= 0 else { return }
    text += "  "
    let instruction = instructions[Int(note)]
    if let result = instruction.result { text += "v\(result.raw) = " }
    switch instruction.operation {
    case .apply(let opcode, _): text += opcode.rawValue
    case .within(let bound, _, _): text += "within \(bound)"
    case .load(let access): text += "load \(names[access.buffer.index])"
    case .store(let access): text += "store \(names[access.buffer.index])"
    case .sliceStart: text += "first of the slice"
    case .point(_, let access, _): text += "row of \(names[access.buffer.index])"
    case .lanesDown(let distance): text += "lanes down by \(distance)"
    case .spread: text += "lane 0 everywhere"
    }
    for (index, operand) in instruction.operands.enumerated() {
      text += index == 0 ? " v" : ", v"
      text += String(operand.raw)
    }
  }
}
