import CinchGraph

extension LoopProgram: CustomStringConvertible {
  /// The program as text that `init(parsing:)` reads back.
  public var description: String { LoopPrinter.text(of: self) }
}

/// Writes loop IR as text, with notes below the lines that they are about.
struct LoopPrinter {
  /// A place in the text: what a note stands under.
  enum Place: Hashable, Sendable {
    case program
    case buffer(Int)
    case check(Int)
    case kernel(Int)
    /// Statements are counted through a kernel in the order of their first lines.
    case statement(kernel: Int, Int)
    /// Items are counted through the whole schedule likewise.
    case schedule(Int)
  }

  private let program: LoopProgram
  private let notes: [Place: [String]]
  private let bufferKeys: [String]
  private let kernelKeys: [String]
  private var out = TextBuffer()
  private var types: [ElementType] = []
  private var kernelIndex = 0
  private var statementCount = 0
  private var scheduleCount = 0

  static func text(of program: LoopProgram, notes: [Place: [String]] = [:]) -> String {
    var printer = LoopPrinter(program, notes)
    printer.writeProgram()
    return printer.out.text
  }

  private init(_ program: LoopProgram, _ notes: [Place: [String]]) {
    self.program = program
    self.notes = notes
    bufferKeys = Self.keys(program.buffers.map(\.name), prefix: "b")
    kernelKeys = Self.keys(program.kernels.map(\.name), prefix: "k")
  }

  /// The names themselves where they are words and unique, numbered ones elsewhere.
  private static func keys(_ names: [String], prefix: String) -> [String] {
    var counts: [String: Int] = [:]
    for name in names { counts[name, default: 0] += 1 }
    return names.enumerated().map { index, name in
      counts[name] == 1 && LoopLexer.isWord(name) && !isNumbered(name, prefix) ? name : "\(prefix)\(index)"
    }
  }

  /// Whether the name looks like those that stand for others.
  private static func isNumbered(_ name: String, _ prefix: String) -> Bool {
    name.hasPrefix(prefix) && Int(name.dropFirst(prefix.count)) != nil
  }

  // MARK: Program

  private mutating func writeProgram() {
    out.startLine()
    out.write("program ")
    write(quoted: program.name)
    out.write(" {\n")
    out.indent()
    note(.program)
    out.writeLine("state \(program.stateByteCount)")
    out.writeLine("scratch \(program.scratchByteCount)")
    if program.workerByteCount != 0 { out.writeLine("worker \(program.workerByteCount)") }
    if program.failureOffset != 0 { out.writeLine("failure \(program.failureOffset)") }
    for (index, buffer) in program.buffers.enumerated() {
      out.startLine()
      out.write("buffer ")
      write(key: bufferKeys[index], name: buffer.name)
      out.write(": \(buffer.elementType.rawValue)[\(buffer.elementCount)] at ")
      switch buffer.segment {
      case .state: out.write("state")
      case .scratch: out.write("scratch")
      case .worker: out.write("worker")
      case .input(let number): out.write("input \(number)")
      }
      out.write(" + \(buffer.byteOffset)")
      if let motion = buffer.motion {
        out.write(" moves \(motion.steps.map(String.init).joined(separator: ", ")) in ")
        out.write(bufferKeys.indices.contains(motion.parent.index) ? bufferKeys[motion.parent.index] : "b\(motion.parent.raw)")
      }
      out.write("\n")
      note(.buffer(index))
    }
    for (index, check) in program.checks.enumerated() {
      out.startLine()
      out.write("check ")
      write(quoted: check.operation)
      out.write(" limit \(check.limit)")
      if !check.extents.isEmpty { out.write(" of [\(check.extents.map(String.init).joined(separator: ", "))]") }
      if check.site != .unknown {
        out.write(" at ")
        write(quoted: check.site.fileID)
        out.write(" ")
        write(quoted: check.site.filePath)
        out.write(" \(check.site.line)")
      }
      out.write("\n")
      note(.check(index))
    }
    for (index, kernel) in program.kernels.enumerated() { write(kernel, index) }
    out.write("\n")
    out.writeLine("schedule {")
    write(program.schedule)
    out.writeLine("}")
    out.outdent()
    out.writeLine("}")
  }

  private mutating func write(_ items: [ScheduleItem]) {
    out.indent()
    for item in items {
      let number = scheduleCount
      scheduleCount += 1
      switch item {
      case .run(let kernel):
        out.writeLine("run \(kernelKeys.indices.contains(kernel) ? kernelKeys[kernel] : "k\(kernel)")")
        note(.schedule(number))
      case .barrier:
        out.writeLine("barrier")
        note(.schedule(number))
      case .stopIfFailed:
        out.writeLine("stop_if_failed")
        note(.schedule(number))
      case .loop(let count, let body):
        out.writeLine("loop \(count) {")
        note(.schedule(number))
        write(body)
        out.writeLine("}")
      }
    }
    out.outdent()
  }

  // MARK: Kernels

  private mutating func write(_ kernel: LoopKernel, _ index: Int) {
    kernelIndex = index
    statementCount = 0
    types = kernel.valueTypes
    out.write("\n")
    out.startLine()
    out.write("kernel ")
    write(key: kernelKeys[index], name: kernel.name)
    out.write(" {\n")
    note(.kernel(index))
    out.indent()
    for line in kernel.origin {
      out.startLine()
      out.write("origin ")
      write(quoted: line)
      out.write("\n")
    }
    let census = LoopCensus(kernel)
    if census.variableCount != kernel.variableCount { out.writeLine("variables \(kernel.variableCount)") }
    for value in 0..<kernel.valueTypes.count where !census.isDefined(value) {
      out.writeLine("declare v\(value): \(types[value].rawValue)")
    }
    for statement in kernel.body { write(statement) }
    out.outdent()
    out.writeLine("}")
  }

  private mutating func write(_ statement: LoopStatement) {
    let number = statementCount
    statementCount += 1
    out.startLine()
    switch statement {
    case .define(let value, let expression):
      write(definition: value)
      out.write(" = ")
      write(expression, type(of: value))
      out.write("\n")
      note(.statement(kernel: kernelIndex, number))
    case .store(let access, let value, let condition):
      out.write("store ")
      write(access)
      out.write(" = ")
      write(value)
      if let condition {
        out.write(" if ")
        write(condition)
      }
      out.write("\n")
      note(.statement(kernel: kernelIndex, number))
    case .prefetch(let access):
      out.write("prefetch ")
      write(access)
      out.write("\n")
      note(.statement(kernel: kernelIndex, number))
    case .check(let value, let limit, let check):
      out.write("check ")
      write(value)
      out.write(" limit \(limit) number \(check)\n")
      note(.statement(kernel: kernelIndex, number))
    case .loop(let loop):
      write(loop, number)
    }
  }

  private mutating func write(_ loop: Loop, _ number: Int) {
    let results = loop.carried.map(\.result) + loop.folds.map(\.result)
    for (index, result) in results.enumerated() {
      if index > 0 { out.write(", ") }
      write(definition: result)
    }
    if !results.isEmpty { out.write(" = ") }
    out.write(loop.axis.rawValue)
    out.write(" i")
    out.write(loop.variable.raw)
    out.write(" in ")
    out.write(loop.extent)
    if !loop.carried.isEmpty {
      out.write(" carry (")
      for (index, item) in loop.carried.enumerated() {
        if index > 0 { out.write(", ") }
        write(definition: item.argument)
        out.write(" = ")
        write(item.initial)
      }
      out.write(")")
    }
    if !loop.comment.isEmpty {
      out.write(" ")
      write(quoted: loop.comment)
    }
    out.write(" {\n")
    note(.statement(kernel: kernelIndex, number))
    out.indent()
    for statement in loop.body { write(statement) }
    if !loop.carried.isEmpty {
      out.startLine()
      out.write("next ")
      for (index, item) in loop.carried.enumerated() {
        if index > 0 { out.write(", ") }
        write(item.next)
      }
      out.write("\n")
    }
    for fold in loop.folds {
      out.startLine()
      out.write("fold ")
      out.write(fold.combiner.rawValue)
      out.write(" ")
      write(fold.value)
      out.write("\n")
    }
    out.outdent()
    out.writeLine("}")
  }

  // MARK: Parts of statements

  private func type(of value: LoopValue) -> ElementType? {
    types.indices.contains(value.index) ? types[value.index] : nil
  }

  private mutating func write(_ value: LoopValue) {
    out.write("v")
    out.write(value.raw)
  }

  private mutating func write(definition value: LoopValue) {
    write(value)
    out.write(": ")
    out.write(type(of: value)?.rawValue ?? "untyped")
  }

  private mutating func write(_ expression: LoopExpression, _ type: ElementType?) {
    switch expression {
    case .constant(let literal):
      out.write("constant ")
      write(literal, type)
    case .apply(let opcode, let operands):
      out.write(opcode.rawValue)
      for (index, operand) in operands.enumerated() {
        out.write(index > 0 ? ", " : " ")
        write(operand)
      }
    case .index(let index):
      out.write("index ")
      write(index)
    case .within(let index, let bound):
      out.write("within ")
      write(index)
      out.write(" below ")
      out.write(bound)
    case .load(let access, let condition, let otherwise):
      out.write("load ")
      write(access)
      if let condition {
        out.write(" if ")
        write(condition)
      }
      if let otherwise {
        out.write(" else ")
        write(otherwise, type)
      }
    }
  }

  private mutating func write(_ access: Access) {
    out.write(
      bufferKeys.indices.contains(access.buffer.index)
        ? bufferKeys[access.buffer.index] : "b\(access.buffer.raw)")
    out.write("[")
    write(access.index)
    if let indirection = access.indirection {
      out.write("; ")
      write(indirection.value)
      out.write("*")
      out.write(indirection.scale)
      out.write(" limit ")
      out.write(indirection.limit)
    }
    out.write("]")
  }

  private mutating func write(_ index: AffineExpression) {
    var isFirst = true
    for term in index.terms {
      if isFirst {
        if term.coefficient < 0 { out.write("-") }
      } else {
        out.write(term.coefficient < 0 ? " - " : " + ")
      }
      out.write("i")
      out.write(term.variable.raw)
      if term.coefficient.magnitude != 1 {
        out.write("*")
        out.write(term.coefficient.magnitude)
      }
      isFirst = false
    }
    if isFirst {
      out.write(index.constant)
    } else if index.constant != 0 {
      out.write(index.constant < 0 ? " - " : " + ")
      out.write(index.constant.magnitude)
    }
  }

  /// A number where it says the type and all bits; the type and the bits otherwise.
  private mutating func write(_ literal: ScalarLiteral, _ type: ElementType?) {
    if literal.type == type, let number = LoopLexer.number(literal) {
      out.write(number)
    } else {
      out.write("\(literal.type.rawValue) bits ")
      out.write(hexadecimal: literal.bits)
    }
  }

  private mutating func write(key: String, name: String) {
    out.write(key)
    if key != name {
      out.write(" ")
      write(quoted: name)
    }
  }

  private mutating func write(quoted text: String) {
    out.write("\"")
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out.write("\\\"")
      case "\\": out.write("\\\\")
      case "\n": out.write("\\n")
      case _ where scalar.value < 0x20 || scalar.value == 0x7f:
        out.write("\\u{")
        for shift in [4, 0] { out.write(hexadecimalDigit: UInt64(scalar.value >> UInt32(shift))) }
        out.write("}")
      default: out.write(String(scalar))
      }
    }
    out.write("\"")
  }

  /// The notes about the line just written, as comments.
  private mutating func note(_ place: Place) {
    guard !notes.isEmpty, let lines = notes[place] else { return }
    for line in lines { out.writeLine("// ^ error: \(line)") }
  }
}

/// Which values a kernel defines and how far its loop variables go.
private struct LoopCensus {
  private var defined: [Bool]
  private(set) var variableCount = 0

  init(_ kernel: LoopKernel) {
    defined = Array(repeating: false, count: kernel.valueTypes.count)
    count(kernel.body)
  }

  func isDefined(_ value: Int) -> Bool { defined[value] }

  private mutating func define(_ value: LoopValue) {
    if defined.indices.contains(value.index) { defined[value.index] = true }
  }

  private mutating func count(_ list: [LoopStatement]) {
    for statement in list {
      switch statement {
      case .define(let value, _): define(value)
      case .store, .prefetch, .check: break
      case .loop(let loop):
        variableCount = max(variableCount, loop.variable.index + 1)
        for item in loop.carried {
          define(item.argument)
          define(item.result)
        }
        for fold in loop.folds { define(fold.result) }
        count(loop.body)
      }
    }
  }
}
