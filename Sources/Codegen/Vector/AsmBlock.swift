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
  func write(to text: inout TextBuffer, poolName: String, program loopProgram: LoopProgram, isExplained: Bool) {
    var indentation = "  "
    if !program.comment.isEmpty { text.write("  /* \(Self.comment(program.comment)) */\n") }
    if let slice {
      let share = WorkerShare(extent: slice.extent)
      text.write("  first = \(share.first);\n")
      text.write("  count = \(share.end) - first;\n")
      text.write("  if (count > 0) {\n")
      indentation = "    "
    }
    for (group, slot) in groups {
      guard case .segment(let segment, let motion) = group.start else { continue }
      text.write("\(indentation)frame[\(slot / 8)] = (long)(")
      switch segment {
      case .state: text.write("state")
      case .scratch: text.write("scratch")
      case .input(let index): text.write("inputs[\(index)]")
      case .worker:
        text.write("scratch + \(loopProgram.workerByteOffset) + worker * \(loopProgram.workerByteStride)")
      }
      if group.base != 0 { text.write(" + \(group.base)") }
      for (depth, step) in motion.enumerated() where step != 0 { text.write(" + \(CPrinter.loopVariable(depth)) * \(step)") }
      if let slice, let step = group.steps[slice.loop.index], step != 0 { text.write(" + first * \(step)") }
      text.write(");\n")
    }
    if let poolSlot { text.write("\(indentation)frame[\(poolSlot / 8)] = (long)\(poolName);\n") }
    if let countSlot { text.write("\(indentation)frame[\(countSlot / 8)] = count;\n") }
    for (offset, factor) in sliceStarts {
      text.write("\(indentation)frame[\(offset / 8)] = first * \(factor);\n")
    }
    text.write("\(indentation)asm volatile(\n")
    if isExplained {
      writeLines(to: &text, indentation: indentation, buffers: loopProgram.buffers)
    } else {
      writeWords(to: &text, indentation: indentation)
    }
    text.write("\(indentation): : \"a\"(frame) : ")
    for register in code.generalRegisters.registers where register != GeneralRegisterPlan.frame {
      text.write("\"\(register.name)\", ")
    }
    text.write("\"memory\");\n")
    if slice != nil { text.write("  }\n") }
  }

  /// For people: a line for each instruction, with what it is and computes.
  private func writeLines(to text: inout TextBuffer, indentation: String, buffers: [Buffer]) {
    // A line has about so much besides its bytes.
    text.bytes.reserveCapacity(text.bytes.count + code.bytes.count * 5 + notes.count * 72)
    for (line, note) in zip(code.lines, notes) {
      text.write(indentation)
      if line.length > 0 {
        text.write("  \".byte ")
        text.write(hexadecimalBytes: code.bytes[line.offset..<line.offset + line.length])
        text.write("\\n\" /* ")
      } else {
        text.write("  /* ")
      }
      line.write(to: &text)
      if note >= 0 {
        text.write("  ")
        program.instructions[Int(note)].explain(to: &text, accesses: program.accesses, buffers)
      }
      text.write(" */\n")
    }
  }

  /// For compilers: the same bytes, eight at a time where there are as many. A compile spends most of its time on numbers and their
  /// digits; so it has less than half of them to read.
  private func writeWords(to text: inout TextBuffer, indentation: String) {
    text.bytes.reserveCapacity(text.bytes.count + code.bytes.count * 3)
    let wordCount = code.bytes.count / 8
    for line in stride(from: 0, to: wordCount, by: Self.wordsInLine) {
      text.write(indentation)
      text.write("  \".quad ")
      for word in line..<min(line + Self.wordsInLine, wordCount) {
        if word > line { text.write(",") }
        var bits: UInt64 = 0
        for position in 0..<8 { bits |= UInt64(code.bytes[8 * word + position]) << UInt64(8 * position) }
        text.write(hexadecimal: bits)
      }
      text.write("\\n\"\n")
    }
    guard code.bytes.count % 8 > 0 else { return }
    text.write(indentation)
    text.write("  \".byte ")
    text.write(hexadecimalBytes: code.bytes[(8 * wordCount)...])
    text.write("\\n\"\n")
  }

  private static let wordsInLine = 4

  /// The text as it may stand in a C comment.
  static func comment(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
      0x20...0x7e ~= byte && byte != UInt8(ascii: "*") && byte != UInt8(ascii: "?") && byte != UInt8(ascii: "\\")
    }
    return isPlain ? text : cComment(text)
  }
}

extension VectorInstruction {
  /// What the instruction computes, in words.
  fileprivate func explain(to text: inout TextBuffer, accesses: [VectorAccess], _ buffers: [Buffer]) {
    func write(_ words: String, _ access: VectorAccessID) {
      text.write(words)
      text.write(AsmBlock.comment(buffers[accesses[access.index].buffer.index].name))
    }
    if let result {
      text.write("v")
      text.write(result.raw)
      text.write(" = ")
    }
    switch operation {
    case .apply(let opcode, _): text.write(opcode.rawValue)
    case .within(let bound, _, _): text.write("within \(bound)")
    case .load(let access): write("load ", access)
    case .store(let access): write("store ", access)
    case .storeLane(let access, let lane): write("store lane \(lane) to ", access)
    case .prefetch(let access): write("prefetch ", access)
    case .sliceStart: text.write("first of the slice")
    case .point(_, let access, _): write("row of ", access)
    case .rotateLeft(let count): text.write("rotate left by \(count)")
    case .lanesDown(let distance): text.write("lanes down by \(distance)")
    case .spread: text.write("lane 0 everywhere")
    case .shuffle: text.write("turn")
    }
    for (index, operand) in operands.enumerated() {
      text.write(index == 0 ? " v" : ", v")
      text.write(operand.raw)
    }
  }
}
