/// Turns instructions and jumps into bytes that can stand anywhere: jumps are relative, and nothing else
/// refers to the code's own address.
package struct Assembler: Sendable {
  /// A place in the code that jumps go to.
  package struct Label: Hashable, Sendable {
    package let index: Int
  }

  package let family: VectorFamily
  package private(set) var bytes: [UInt8] = []
  package private(set) var lines: [AssembledLine] = []
  /// The general registers that instructions mention: what an asm block has to list as clobbered or as
  /// operands.
  package private(set) var generalRegisters: GeneralRegisterSet = []
  /// Whether any instruction used ymm or zmm registers, so that the code has to end with vzeroupper.
  package private(set) var usesWideVectors = false

  private var labelOffsets: [Int?] = []
  private var forwardJumps: [(label: Label, end: Int)] = []

  package init(family: VectorFamily) {
    self.family = family
  }

  /// Appends an instruction.
  package mutating func append(_ instruction: X86Instruction) throws(X86EncodingError) {
    let mentioned = instruction.generalRegisters
    if mentioned.contains(GeneralRegisterSet(.rsp)) || mentioned.contains(GeneralRegisterSet(.rbp)) {
      throw X86EncodingError(instruction: instruction, reason: .reservedRegister)
    }
    let start = bytes.count
    try instruction.encode(for: family, into: &bytes)
    generalRegisters.formUnion(mentioned)
    if instruction.width != .xmm { usesWideVectors = true }
    appendLine(.instruction(instruction), from: start)
  }

  /// A label that is not placed yet.
  package mutating func makeLabel() -> Label {
    labelOffsets.append(nil)
    return Label(index: labelOffsets.count - 1)
  }

  /// Places a label here.
  package mutating func place(_ label: Label) {
    precondition(labelOffsets[label.index] == nil, "Cinch bug: label \(label.index) is placed twice")
    labelOffsets[label.index] = bytes.count
    appendLine(.label(label), from: bytes.count)
  }

  /// Places a new label here, for jumping back to.
  package mutating func placeLabel() -> Label {
    let label = makeLabel()
    place(label)
    return label
  }

  /// Appends a jump, unconditional without a condition. It takes two bytes if it goes back to a near label,
  /// five or six otherwise.
  package mutating func jump(if condition: X86Condition? = nil, to label: Label) {
    let start = bytes.count
    if let target = labelOffsets[label.index] {
      if let near = Int8(exactly: target - (start + 2)) {
        bytes.append(condition.map { 0x70 | $0.rawValue } ?? 0xEB)
        bytes.append(UInt8(bitPattern: near))
      } else {
        appendFarJump(condition)
        setDistance(to: target, jumpEnd: bytes.count)
      }
    } else {
      appendFarJump(condition)
      forwardJumps.append((label, bytes.count))
    }
    appendLine(.jump(condition, label), from: start)
  }

  /// The code, with the distances of forward jumps filled in. Each label that is jumped to has to be placed
  /// by now.
  package consuming func finish() -> AssembledCode {
    for (label, end) in forwardJumps {
      guard let target = labelOffsets[label.index] else {
        preconditionFailure("Cinch bug: label \(label.index) is jumped to, but never placed")
      }
      setDistance(to: target, jumpEnd: end)
    }
    return AssembledCode(
      bytes: bytes, lines: lines, generalRegisters: generalRegisters, usesWideVectors: usesWideVectors)
  }

  private mutating func appendFarJump(_ condition: X86Condition?) {
    if let condition {
      bytes.append(0x0F)
      bytes.append(0x80 | condition.rawValue)
    } else {
      bytes.append(0xE9)
    }
    bytes.appendLittleEndian(0, byteCount: 4)
  }

  private mutating func setDistance(to target: Int, jumpEnd: Int) {
    let distance = Int32(target - jumpEnd)
    for index in 0..<4 {
      bytes[jumpEnd - 4 + index] = UInt8(truncatingIfNeeded: distance >> Int32(8 * index))
    }
  }

  private mutating func appendLine(_ content: AssembledLine.Content, from start: Int) {
    lines.append(AssembledLine(offset: start, length: bytes.count - start, content: content))
  }
}

/// Finished code and its listing.
package struct AssembledCode: Sendable {
  package var bytes: [UInt8]
  package var lines: [AssembledLine]
  package var generalRegisters: GeneralRegisterSet
  package var usesWideVectors: Bool
}

/// One line of a listing: an instruction, a jump or a label.
package struct AssembledLine: Sendable {
  package enum Content: Hashable, Sendable {
    case instruction(X86Instruction)
    case jump(X86Condition?, Assembler.Label)
    case label(Assembler.Label)
  }

  package var offset: Int
  package var length: Int
  package var content: Content

  package var text: String {
    var text = TextBuffer()
    write(to: &text)
    return text.text
  }

  func write(to text: inout TextBuffer) {
    switch content {
    case .instruction(let instruction): instruction.writeAssembly(to: &text)
    case .jump(let condition, let label):
      text.write("j")
      text.write(condition?.suffix ?? "mp")
      text.write(" L")
      text.write(label.index)
    case .label(let label):
      text.write("L")
      text.write(label.index)
      text.write(":")
    }
  }
}

/// When a jump is taken, by its number in encodings.
package enum X86Condition: UInt8, Hashable, Sendable, CaseIterable {
  case overflow, noOverflow, below, aboveOrEqual, equal, notEqual, belowOrEqual, above
  case negative, notNegative, parityEven, parityOdd, less, greaterOrEqual, lessOrEqual, greater

  package var suffix: String { Self.suffixes[Int(rawValue)] }

  private static let suffixes = [
    "o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g",
  ]
}

extension X86Instruction {
  /// The general registers that the instruction mentions, in addresses too.
  package var generalRegisters: GeneralRegisterSet {
    var registers: GeneralRegisterSet = []
    for index in 0..<Self.maximumOperandCount {
      switch self[operand: index] {
      case .general32(let register), .general64(let register):
        registers.insert(GeneralRegisterSet(register))
      case .memory(let memory):
        registers.insert(GeneralRegisterSet(memory.base))
        if case .general(let register) = memory.index { registers.insert(GeneralRegisterSet(register)) }
      case .none, .vector, .mask, .immediate: break
      }
    }
    return registers
  }
}
