import CinchGraph

extension LoopProgram {
  /// Reads the text that `description` writes; `//` starts a comment.
  public init(parsing text: String) throws(LoopParseError) {
    var parser = try LoopParser(text)
    self = try parser.program()
  }
}

struct LoopParser {
  private var lexer: LoopLexer
  private var token = LoopLexer.Token.end
  private var buffers: [String: Int] = [:]
  private var kernels: [String: Int] = [:]
  private var types: [ElementType?] = []
  private var variableCount = 0
  private var depth = 0

  /// More than any program needs; less than what exhausts the stack.
  private static let deepest = 100
  private static let mostValues = 1 << 20
  /// A kernel has no more loop variables than its text has bytes.
  private let mostVariables: Int

  init(_ text: String) throws(LoopParseError) {
    lexer = LoopLexer(text)
    mostVariables = min(text.utf8.count, Self.mostValues)
    token = try lexer.next()
  }

  // MARK: Program

  mutating func program() throws(LoopParseError) -> LoopProgram {
    try expect("program")
    var program = LoopProgram(name: try string())
    try expect("{")
    while !(try accept("}")) {
      switch try word("a part of a program") {
      case "state": program.stateByteCount = try count()
      case "scratch": program.scratchByteCount = try count()
      case "worker": program.workerByteCount = try count()
      case "failure": program.failureOffset = try count()
      case "buffer":
        let (key, name) = try keyAndName()
        guard buffers.updateValue(program.buffers.count, forKey: key) == nil else {
          throw lexer.error("a second buffer `\(key)`")
        }
        program.buffers.append(try buffer(named: name))
      case "check": program.checks.append(try check())
      case "kernel":
        let (key, name) = try keyAndName()
        guard kernels.updateValue(program.kernels.count, forKey: key) == nil else {
          throw lexer.error("a second kernel `\(key)`")
        }
        program.kernels.append(try kernel(named: name))
      case "schedule":
        try expect("{")
        program.schedule += try schedule()
      case let other: throw lexer.error("`\(other)` is no part of a program")
      }
    }
    guard token == .end else { throw unexpected("the end") }
    return program
  }

  private mutating func keyAndName() throws(LoopParseError) -> (key: String, name: String) {
    let key = try word("a name")
    if case .string = token { return (key, try string()) }
    return (key, key)
  }

  private mutating func buffer(named name: String) throws(LoopParseError) -> Buffer {
    try expect(":")
    let type = try elementType()
    try expect("[")
    let elementCount = try count()
    try expect("]")
    try expect("at")
    let segment: Segment
    switch try word("a segment") {
    case "state": segment = .state
    case "scratch": segment = .scratch
    case "worker": segment = .worker
    case "input": segment = .input(try count())
    case let other: throw lexer.error("`\(other)` is no segment: state, scratch, worker or input")
    }
    try expect("+")
    var buffer = Buffer(
      name: name, elementType: type, elementCount: elementCount, segment: segment, byteOffset: try count())
    if try accept("moves") {
      var steps = [try integer()]
      while try accept(",") { steps.append(try integer()) }
      try expect("in")
      let key = try word("the buffer that it is a slice of")
      guard let parent = buffers[key] else { throw lexer.error("no buffer `\(key)` before this one") }
      buffer.motion = Buffer.Motion(parent: BufferID(raw: Int32(parent)), steps: steps)
    }
    return buffer
  }

  private mutating func check() throws(LoopParseError) -> RuntimeCheck {
    let operation = try string()
    try expect("limit")
    let limit = try integer()
    var extents: [Int] = []
    if try accept("of") {
      try expect("[")
      repeat { extents.append(try count()) } while try accept(",")
      try expect("]")
    }
    var site = CallSite.unknown
    if try accept("at") {
      let fileID = try string()
      site = CallSite(fileID: fileID, filePath: try string(), line: try integer())
    }
    return RuntimeCheck(operation: operation, limit: limit, extents: extents, site: site)
  }

  private mutating func schedule() throws(LoopParseError) -> [ScheduleItem] {
    try enter()
    defer { depth -= 1 }
    var items: [ScheduleItem] = []
    while !(try accept("}")) {
      switch try word("run, barrier, stop_if_failed or loop") {
      case "run":
        let key = try word("a kernel's name")
        guard let kernel = kernels[key] else { throw lexer.error("no kernel `\(key)`") }
        items.append(.run(kernel))
      case "barrier": items.append(.barrier)
      case "stop_if_failed": items.append(.stopIfFailed)
      case "loop":
        let count = try integer()
        try expect("{")
        items.append(.loop(count: count, try schedule()))
      case let other: throw lexer.error("`\(other)` is no part of a schedule")
      }
    }
    return items
  }

  // MARK: Kernels

  private mutating func kernel(named name: String) throws(LoopParseError) -> LoopKernel {
    types = []
    variableCount = 0
    var statedVariables: Int?
    var kernel = LoopKernel(name: name)
    try expect("{")
    while true {
      if try accept("origin") {
        kernel.origin.append(try string())
      } else if try accept("variables") {
        let start = lexer
        let stated = try count()
        guard stated <= mostVariables else { throw start.error("more loop variables than a kernel of this text can have") }
        statedVariables = stated
      } else if try accept("declare") {
        _ = try definition()
      } else {
        break
      }
    }
    kernel.body = try statements()
    try expect("}")
    kernel.variableCount = statedVariables ?? variableCount
    kernel.valueTypes = []
    for (index, type) in types.enumerated() {
      guard let type else { throw lexer.error("kernel `\(name)` does not define v\(index)") }
      kernel.valueTypes.append(type)
    }
    return kernel
  }

  /// Up to `}`, `next` or `fold`.
  private mutating func statements() throws(LoopParseError) -> [LoopStatement] {
    try enter()
    defer { depth -= 1 }
    var list: [LoopStatement] = []
    while true {
      switch token {
      case .symbol(UInt8(ascii: "}")), .end, .word("next"), .word("fold"): return list
      default: list.append(try statement())
      }
    }
  }

  private mutating func statement() throws(LoopParseError) -> LoopStatement {
    if try accept("store") {
      let access = try access()
      try expect("=")
      let value = try value()
      return .store(access, value, condition: try accept("if") ? try self.value() : nil)
    }
    if try accept("prefetch") { return .prefetch(try access()) }
    if try accept("check") {
      let value = try value()
      try expect("limit")
      let limit = try integer()
      try expect("number")
      return .check(value, limit: limit, check: try integer())
    }
    if case .word(let text) = token, Loop.Axis(rawValue: text) != nil { return .loop(try loop([])) }
    var results = [try definition()]
    while try accept(",") { results.append(try definition()) }
    try expect("=")
    if case .word(let text) = token, Loop.Axis(rawValue: text) != nil { return .loop(try loop(results)) }
    guard results.count == 1 else { throw unexpected("a loop") }
    return .define(results[0], try expression(types[results[0].index]!))
  }

  private mutating func loop(_ results: [LoopValue]) throws(LoopParseError) -> Loop {
    guard let axis = Loop.Axis(rawValue: try word("an axis")) else {
      throw lexer.error("an axis is sequential, unrolled, vector or parallel")
    }
    let variable = try variable()
    variableCount = max(variableCount, variable.index + 1)
    try expect("in")
    var loop = Loop(variable, extent: try integer(), axis: axis, body: [])
    var arguments: [(argument: LoopValue, initial: LoopValue)] = []
    if try accept("carry") {
      try expect("(")
      repeat {
        let argument = try definition()
        try expect("=")
        arguments.append((argument, try value()))
      } while try accept(",")
      try expect(")")
    }
    if case .string = token { loop.comment = try string() }
    try expect("{")
    loop.body = try statements()
    guard arguments.count <= results.count else { throw unexpected("as many results as carried values") }
    if !arguments.isEmpty {
      try expect("next")
      for (index, item) in arguments.enumerated() {
        if index > 0 { try expect(",") }
        loop.carried.append(
          .init(argument: item.argument, initial: item.initial, next: try value(), result: results[index]))
      }
    }
    for result in results.dropFirst(arguments.count) {
      try expect("fold")
      guard let combiner = ScalarOpcode(rawValue: try word("a combiner")) else {
        throw lexer.error("a fold combines by an opcode")
      }
      loop.folds.append(.init(value: try value(), combiner: combiner, result: result))
    }
    try expect("}")
    return loop
  }

  // MARK: Expressions

  private mutating func expression(_ type: ElementType) throws(LoopParseError) -> LoopExpression {
    switch try word("an expression") {
    case "constant": return .constant(try literal(type))
    case "index": return .index(try affine())
    case "within":
      let index = try affine()
      try expect("below")
      return .within(index, bound: try integer())
    case "load":
      let access = try access()
      let condition = try accept("if") ? try value() : nil
      return .load(access, condition: condition, otherwise: try accept("else") ? try literal(type) : nil)
    case let name:
      guard let opcode = ScalarOpcode(rawValue: name) else { throw lexer.error("`\(name)` is no opcode") }
      var operands: [LoopValue] = []
      if case .word(let text) = token, text.hasPrefix("v"), Int32(text.dropFirst()) != nil {
        repeat { operands.append(try value()) } while try accept(",")
      }
      return .apply(opcode, operands)
    }
  }

  private mutating func access() throws(LoopParseError) -> Access {
    let key = try word("a buffer")
    guard let buffer = buffers[key] else { throw lexer.error("no buffer `\(key)`") }
    try expect("[")
    var access = Access(BufferID(raw: Int32(buffer)), try affine())
    if try accept(";") {
      let value = try value()
      try expect("*")
      let scale = try integer()
      try expect("limit")
      access.indirection = .init(value: value, scale: scale, limit: try integer())
    }
    try expect("]")
    return access
  }

  /// Terms `i0*4`, `i1` and numbers with signs between.
  private mutating func affine() throws(LoopParseError) -> AffineExpression {
    var sum = AffineExpression()
    var sign = try accept("-") ? -1 : 1
    while true {
      let start = lexer
      if case .number = token {
        sum.constant += sign * (try integer())
      } else {
        let variable = try variable()
        let coefficient = try accept("*") ? try integer() : 1
        sum.add(AffineExpression(variable, coefficient: coefficient), times: sign)
      }
      guard sum.isInReach else { throw start.error("terms of the index add up to 2^48 or more") }
      if try accept("+") { sign = 1 } else if try accept("-") { sign = -1 } else { return sum }
    }
  }

  private mutating func literal(_ type: ElementType) throws(LoopParseError) -> ScalarLiteral {
    if case .word(let text) = token, let stated = ElementType(rawValue: text) { return try bits(stated) }
    let sign = try accept("-") ? "-" : ""
    switch token {
    case .word(let text), .number(let text):
      guard let literal = LoopLexer.literal(sign + text, type) else { throw unexpected("a literal of \(type.rawValue)") }
      try advance()
      return literal
    default: throw unexpected("a literal of \(type.rawValue)")
    }
  }

  private mutating func bits(_ type: ElementType) throws(LoopParseError) -> ScalarLiteral {
    try advance()
    try expect("bits")
    guard case .number(let text) = token, text.hasPrefix("0x"), let bits = UInt64(text.dropFirst(2), radix: 16)
    else { throw unexpected("hexadecimal bits") }
    try advance()
    return ScalarLiteral(type: type, bits: bits)
  }

  // MARK: Names

  private mutating func value() throws(LoopParseError) -> LoopValue {
    LoopValue(raw: try numbered("v", "a value"))
  }

  private mutating func variable() throws(LoopParseError) -> LoopVariable {
    LoopVariable(raw: try numbered("i", "a loop variable"))
  }

  private mutating func numbered(_ prefix: String, _ what: String) throws(LoopParseError) -> Int32 {
    guard case .word(let text) = token, text.hasPrefix(prefix), let number = Int32(text.dropFirst()),
      number >= 0, number < Self.mostValues
    else { throw unexpected("\(what) like `\(prefix)3`") }
    try advance()
    return number
  }

  /// `v3: f32`
  private mutating func definition() throws(LoopParseError) -> LoopValue {
    let value = try value()
    try expect(":")
    let type = try elementType()
    while types.count <= value.index { types.append(nil) }
    types[value.index] = type
    return value
  }

  private mutating func elementType() throws(LoopParseError) -> ElementType {
    guard case .word(let text) = token, let type = ElementType(rawValue: text) else {
      throw unexpected("a type: f32, f64, i32 or bool")
    }
    try advance()
    return type
  }

  // MARK: Tokens

  private mutating func enter() throws(LoopParseError) {
    depth += 1
    if depth > Self.deepest { throw lexer.error("loops nest deeper than \(Self.deepest)") }
  }

  private mutating func advance() throws(LoopParseError) { token = try lexer.next() }

  private func unexpected(_ wanted: String) -> LoopParseError {
    lexer.error("expected \(wanted), found \(token.description)")
  }

  private func matches(_ text: String) -> Bool {
    switch token {
    case .word(let word): word == text
    case .symbol(let byte): text.utf8.count == 1 && text.utf8.first == byte
    default: false
    }
  }

  private mutating func accept(_ text: String) throws(LoopParseError) -> Bool {
    guard matches(text) else { return false }
    try advance()
    return true
  }

  private mutating func expect(_ text: String) throws(LoopParseError) {
    guard try accept(text) else { throw unexpected("`\(text)`") }
  }

  private mutating func word(_ what: String) throws(LoopParseError) -> String {
    guard case .word(let text) = token else { throw unexpected(what) }
    try advance()
    return text
  }

  private mutating func string() throws(LoopParseError) -> String {
    guard case .string(let text) = token else { throw unexpected("a string") }
    try advance()
    return text
  }

  private mutating func integer() throws(LoopParseError) -> Int {
    let sign = try accept("-") ? -1 : 1
    return sign * (try count())
  }

  /// A number without a sign.
  private mutating func count() throws(LoopParseError) -> Int {
    guard case .number(let text) = token, let number = Int(text), number < LoopProgram.numberLimit else {
      throw unexpected("a whole number below 2^48")
    }
    try advance()
    return number
  }
}
