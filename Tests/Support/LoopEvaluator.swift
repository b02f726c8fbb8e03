public import CinchCodegen
import CinchGraph

/// Executes a loop program literally, one point after another: what every back end must do, bit for bit.
///
/// Slow and obvious. Each access is checked against its buffer, so a wrong index is an error here, not a crash.
public struct LoopEvaluator {
  public struct Failure: Error, CustomStringConvertible {
    public var description: String
  }

  /// The bytes a step works on.
  public struct Memory: Equatable {
    public var state: [UInt8]
    public var scratch: [UInt8]
    public var inputs: [[UInt8]]

    public init(for program: LoopProgram, workers: Int = 1, inputs: [[UInt8]] = []) {
      state = Array(repeating: 0, count: program.stateByteCount)
      scratch = Array(repeating: 0, count: program.scratchByteCount(workers: workers))
      self.inputs = inputs
    }
  }

  /// The order in which the points of vector, unrolled and parallel loops run; a right program doesn't care.
  public enum Order: Sendable, CaseIterable { case forward, backward }

  private let program: LoopProgram
  private let workers: Int
  private let order: Order
  private var memory: Memory
  private var kernel = LoopKernel(name: "")
  private var worker = 0
  private var variables: [Int] = []
  private var extents: [Int] = []
  private var values: [UInt64] = []
  private var enclosing: [LoopVariable] = []
  /// Of the schedule's loops around, outermost first.
  private var iterations: [Int] = []

  /// Runs one step in `memory` and gives what the generated function returns.
  public static func run(
    _ program: LoopProgram, on memory: inout Memory, workers: Int = 1, order: Order = .forward
  ) throws -> Int {
    var evaluator = LoopEvaluator(program, memory, workers, order)
    if !program.checks.isEmpty {
      for word in 0..<3 { evaluator.setWord(program.failureOffset + 8 * word, 0) }
    }
    let result = try evaluator.run(program.schedule)
    memory = evaluator.memory
    return result ?? 0
  }

  private init(_ program: LoopProgram, _ memory: Memory, _ workers: Int, _ order: Order) {
    self.program = program
    self.memory = memory
    self.workers = workers
    self.order = order
  }

  // MARK: Schedule

  private mutating func run(_ items: [ScheduleItem]) throws -> Int? {
    for item in items {
      switch item {
      case .run(let index):
        kernel = program.kernels[index]
        for number in 0..<(kernel.isParallel ? workers : 1) {
          worker = number
          variables = Array(repeating: 0, count: kernel.variableCount)
          extents = variables
          values = Array(repeating: 0, count: kernel.valueTypes.count)
          try run(kernel.body)
        }
      case .barrier: break
      case .stopIfFailed:
        let failed = word(program.failureOffset)
        if failed != 0 { return failed }
      case .loop(let count, let body):
        iterations.append(0)
        defer { iterations.removeLast() }
        for iteration in 0..<count {
          iterations[iterations.count - 1] = iteration
          if let result = try run(body) { return result }
        }
      }
    }
    return nil
  }

  private func word(_ offset: Int) -> Int {
    (0..<8).reduce(0) { $0 | Int(memory.scratch[offset + $1]) << (8 * $1) }
  }

  private mutating func setWord(_ offset: Int, _ value: Int) {
    for byte in 0..<8 { memory.scratch[offset + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
  }

  // MARK: Statements

  private mutating func run(_ list: [LoopStatement]) throws {
    for statement in list {
      switch statement {
      case .define(let value, let expression): values[value.index] = try evaluate(expression, of: value)
      case .store(let access, let value, let condition):
        if let condition, values[condition.index] == 0 { continue }
        try write(access, values[value.index])
      case .prefetch: break
      case .check(let value, let limit, let check):
        let number = Int(Int32(truncatingIfNeeded: values[value.index]))
        // The first failure stays.
        if (0..<limit).contains(number) || word(program.failureOffset) != 0 { continue }
        setWord(program.failureOffset, check + 1)
        setWord(program.failureOffset + 8, number)
        setWord(
          program.failureOffset + 16, enclosing.reduce(0) { $0 * extents[$1.index] + variables[$1.index] })
      case .loop(let loop): try run(loop)
      }
    }
  }

  private mutating func run(_ loop: Loop) throws {
    for item in loop.carried { values[item.argument.index] = values[item.initial.index] }
    var lanes = loop.folds.map { _ in Array(repeating: UInt64(0), count: loop.extent) }
    extents[loop.variable.index] = loop.extent
    enclosing.append(loop.variable)
    var points = Array(0..<loop.extent)
    if loop.axis == .parallel {
      points = Array(loop.extent * worker / workers..<loop.extent * (worker + 1) / workers)
    }
    if loop.axis != .sequential, order == .backward, !containsCheck(loop.body) { points.reverse() }
    for point in points {
      variables[loop.variable.index] = point
      try run(loop.body)
      let next = loop.carried.map { values[$0.next.index] }
      for (item, value) in zip(loop.carried, next) { values[item.argument.index] = value }
      for (number, fold) in loop.folds.enumerated() { lanes[number][point] = values[fold.value.index] }
    }
    enclosing.removeLast()
    for item in loop.carried { values[item.result.index] = values[item.argument.index] }
    for (number, fold) in loop.folds.enumerated() {
      let type = kernel.valueTypes[fold.result.index]
      var half = loop.extent / 2
      while half > 0 {
        for lane in 0..<half {
          lanes[number][lane] = try apply(
            fold.combiner,
            [lanes[number][lane], lanes[number][lane + half]].map { ScalarLiteral(type: type, bits: $0) }, type)
        }
        half /= 2
      }
      values[fold.result.index] = lanes[number][0]
    }
  }

  private func containsCheck(_ list: [LoopStatement]) -> Bool {
    list.contains {
      switch $0 {
      case .check: true
      case .loop(let loop): containsCheck(loop.body)
      default: false
      }
    }
  }

  // MARK: Expressions

  private func evaluate(_ index: AffineExpression) -> Int {
    index.terms.reduce(index.constant) { $0 + $1.coefficient * variables[$1.variable.index] }
  }

  private func evaluate(_ expression: LoopExpression, of value: LoopValue) throws -> UInt64 {
    switch expression {
    case .constant(let literal): return literal.bits
    case .apply(let opcode, let operands):
      let literals = operands.map { ScalarLiteral(type: kernel.valueTypes[$0.index], bits: values[$0.index]) }
      return try apply(opcode, literals, kernel.valueTypes[value.index])
    case .index(let index): return UInt64(UInt32(truncatingIfNeeded: evaluate(index)))
    case .within(let index, let bound): return 0 <= evaluate(index) && evaluate(index) < bound ? 1 : 0
    case .load(let access, let condition, let otherwise):
      if let condition, values[condition.index] == 0 { return otherwise?.bits ?? 0 }
      return try read(access)
    }
  }

  private func apply(_ opcode: ScalarOpcode, _ operands: [ScalarLiteral], _ type: ElementType) throws -> UInt64 {
    switch operands[operands.count - 1].type {
    case .float32:
      return try applyFloat(
        opcode, operands, operands.map(\.floatValue), type, literal: { .float($0) }, signBit: 1 << 31)
    case .float64:
      return try applyFloat(
        opcode, operands, operands.map(\.doubleBits), type, literal: { .double($0) }, signBit: 1 << 63)
    case .int32: return try applyInt(opcode, operands, operands.map(\.intValue), type)
    case .bool: return try applyBool(opcode, operands, type)
    }
  }

  private func applyFloat<Number: BinaryFloatingPoint>(
    _ opcode: ScalarOpcode, _ operands: [ScalarLiteral], _ x: [Number], _ type: ElementType,
    literal: (Number) -> ScalarLiteral, signBit: UInt64
  ) throws -> UInt64 {
    func float(_ value: Number) -> UInt64 { literal(value).bits }
    switch opcode {
    case .add: return float(x[0] + x[1])
    case .subtract: return float(x[0] - x[1])
    case .multiply: return float(x[0] * x[1])
    case .divide: return float(x[0] / x[1])
    case .negate: return operands[0].bits ^ signBit
    case .absolute: return operands[0].bits & ~signBit
    case .maximum: return float(x[0] > x[1] || x[0] != x[0] ? x[0] : x[1])
    case .minimum: return float(x[0] < x[1] || x[0] != x[0] ? x[0] : x[1])
    case .squareRoot: return float(x[0].squareRoot())
    case .fusedMultiplyAdd: return float(x[2].addingProduct(x[0], x[1]))
    case .equal: return x[0] == x[1] ? 1 : 0
    case .notEqual: return x[0] != x[1] ? 1 : 0
    case .less: return x[0] < x[1] ? 1 : 0
    case .lessOrEqual: return x[0] <= x[1] ? 1 : 0
    case .select, .selectRarely: return operands[0].boolValue ? operands[1].bits : operands[2].bits
    case .bitcast: return operands[0].bits
    case .convert:
      switch type {
      case .float32: return ScalarLiteral.float(Float(x[0])).bits
      case .float64: return ScalarLiteral.double(Double(x[0])).bits
      case .bool: return x[0] != 0 ? 1 : 0
      case .int32:
        let bound = 2_147_483_648 as Number
        if x[0] != x[0] { return 0 }
        return ScalarLiteral.int(x[0] >= bound ? .max : x[0] <= -bound ? .min : Int32(x[0])).bits
      }
    default: throw Failure(description: "\(opcode.rawValue) of floating-point operands")
    }
  }

  private func applyInt(
    _ opcode: ScalarOpcode, _ operands: [ScalarLiteral], _ x: [Int32], _ type: ElementType
  ) throws -> UInt64 {
    func int(_ value: Int32) -> UInt64 { ScalarLiteral.int(value).bits }
    switch opcode {
    case .add: return int(x[0] &+ x[1])
    case .subtract: return int(x[0] &- x[1])
    case .multiply: return int(x[0] &* x[1])
    case .negate: return int(0 &- x[0])
    case .absolute: return int(x[0] < 0 ? 0 &- x[0] : x[0])
    case .maximum: return int(max(x[0], x[1]))
    case .minimum: return int(min(x[0], x[1]))
    case .equal: return x[0] == x[1] ? 1 : 0
    case .notEqual: return x[0] != x[1] ? 1 : 0
    case .less: return x[0] < x[1] ? 1 : 0
    case .lessOrEqual: return x[0] <= x[1] ? 1 : 0
    case .and: return int(x[0] & x[1])
    case .or: return int(x[0] | x[1])
    case .exclusiveOr: return int(x[0] ^ x[1])
    case .not: return int(~x[0])
    case .select, .selectRarely: return operands[0].boolValue ? operands[1].bits : operands[2].bits
    case .shiftLeft: return int(x[0] &<< (x[1] & 31))
    case .shiftRightLogical: return UInt64(UInt32(bitPattern: x[0]) &>> UInt32(x[1] & 31))
    case .shiftRightArithmetic: return int(x[0] &>> (x[1] & 31))
    case .bitcast: return operands[0].bits
    case .convert:
      switch type {
      case .float32: return ScalarLiteral.float(Float(x[0])).bits
      case .float64: return ScalarLiteral.double(Double(x[0])).bits
      case .int32: return operands[0].bits
      case .bool: return x[0] != 0 ? 1 : 0
      }
    default: throw Failure(description: "\(opcode.rawValue) of Int32 operands")
    }
  }

  private func applyBool(_ opcode: ScalarOpcode, _ operands: [ScalarLiteral], _ type: ElementType) throws -> UInt64 {
    let x = operands.map(\.boolValue)
    switch opcode {
    case .and: return x[0] && x[1] ? 1 : 0
    case .or: return x[0] || x[1] ? 1 : 0
    case .exclusiveOr, .notEqual: return x[0] != x[1] ? 1 : 0
    case .equal: return x[0] == x[1] ? 1 : 0
    case .not: return x[0] ? 0 : 1
    case .select, .selectRarely: return operands[0].boolValue ? operands[1].bits : operands[2].bits
    case .convert:
      switch type {
      case .float32: return ScalarLiteral.float(x[0] ? 1 : 0).bits
      case .float64: return ScalarLiteral.double(x[0] ? 1 : 0).bits
      case .int32, .bool: return x[0] ? 1 : 0
      }
    default: throw Failure(description: "\(opcode.rawValue) of Bool operands")
    }
  }

  // MARK: Memory

  /// The element's place: its segment's bytes start at `offset`.
  private func place(_ access: Access) throws -> (buffer: Buffer, offset: Int) {
    let buffer = program.buffers[access.buffer.index]
    var element = evaluate(access.index)
    if let indirection = access.indirection {
      let number = Int(Int32(truncatingIfNeeded: values[indirection.value.index]))
      guard number >= 0, number < indirection.limit else {
        throw Failure(description: "kernel \(kernel.name): indirect index \(number) is not below \(indirection.limit)")
      }
      element += number * indirection.scale
    }
    guard element >= 0, element < buffer.elementCount else {
      throw Failure(
        description: "kernel \(kernel.name): element \(element) of \(buffer.name), which has \(buffer.elementCount)")
    }
    var offset = buffer.byteOffset + element * buffer.elementType.byteCount
    for (step, iteration) in zip(buffer.motion?.steps ?? [], iterations) { offset += step * iteration }
    if buffer.segment == .worker { offset += program.workerByteOffset + worker * program.workerByteStride }
    return (buffer, offset)
  }

  private func read(_ access: Access) throws -> UInt64 {
    let (buffer, offset) = try place(access)
    func bits(_ bytes: [UInt8]) -> UInt64 {
      (0..<buffer.elementType.byteCount).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
    }
    switch buffer.segment {
    case .state: return bits(memory.state)
    case .scratch, .worker: return bits(memory.scratch)
    case .input(let index): return bits(memory.inputs[index])
    }
  }

  private mutating func write(_ access: Access, _ value: UInt64) throws {
    let (buffer, offset) = try place(access)
    for byte in 0..<buffer.elementType.byteCount {
      let part = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte))
      switch buffer.segment {
      case .state: memory.state[offset + byte] = part
      case .scratch, .worker: memory.scratch[offset + byte] = part
      case .input: throw Failure(description: "kernel \(kernel.name) stores to the input \(buffer.name)")
      }
    }
  }
}
