import CinchCodegen
import CinchGraph
import TestSupport

/// Random loop programs of one kernel: nests of all axes, carried values, folds, padding, conditions, all operations.
/// Each store has a buffer of its own in which each point has its own element.
struct RandomKernel {
  static let inputCount = 2048

  private var random: SplitMix
  private var kernel = LoopKernel(name: "random")
  private var program = LoopProgram(name: "random")
  private var enclosing: [Loop] = []
  private var scope: [LoopValue] = []
  /// Values whose NaNs keep their bits.
  private var loaded: Set<LoopValue> = []
  private var points = 1
  private let maximumPoints = 6000

  static func program(seed: UInt64) -> LoopProgram {
    var generator = RandomKernel(random: SplitMix(seed: seed))
    return generator.make()
  }

  private init(random: SplitMix) { self.random = random }

  private mutating func make() -> LoopProgram {
    let types: [ElementType] = [.float32, .float32, .float32, .int32, .int32, .bool, .bool]
    for (index, type) in types.enumerated() {
      program.buffers.append(
        Buffer(
          name: "x\(index)", elementType: type, elementCount: Self.inputCount,
          segment: index == 0 ? .state : .input(index - 1), byteOffset: index == 0 ? 64 : 0))
    }
    program.stateByteCount = 64 + 4 * Self.inputCount
    let isParallel = chance(60)
    for _ in 0..<(1 + below(2)) {
      if isParallel {
        kernel.body.append(loop(.parallel, depth: 0))
      } else {
        kernel.body += block(depth: 0)
      }
      scope = []
    }
    program.kernels = [kernel]
    program.schedule = [.run(0)]
    return program
  }

  // MARK: - Chance

  private mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
  private mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
  private mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

  // MARK: - Values

  private mutating func value(_ type: ElementType) -> LoopValue {
    kernel.valueTypes.append(type)
    return LoopValue(raw: Int32(kernel.valueTypes.count - 1))
  }

  private func type(_ value: LoopValue) -> ElementType { kernel.valueTypes[value.index] }

  /// A value of a type that is in scope; a new one if there is none.
  private mutating func some(_ type: ElementType, _ list: inout [LoopStatement]) -> LoopValue {
    let known = scope.filter { self.type($0) == type }
    if !known.isEmpty, !chance(8) { return chance(60) ? known[max(0, known.count - 1 - below(4))] : pick(known) }
    return define(type, chance(40) ? .constant(literal(type)) : load(type, &list), &list)
  }

  private mutating func define(
    _ type: ElementType, _ expression: LoopExpression, _ list: inout [LoopStatement]
  ) -> LoopValue {
    let result = value(type)
    list.append(.define(result, expression))
    scope.append(result)
    if case .load = expression { loaded.insert(result) }
    return result
  }

  private mutating func literal(_ type: ElementType) -> ScalarLiteral {
    switch type {
    case .bool: .bool(chance(50))
    case .int32: .int(pick([0, 1, -1, 31, .min, .max, Int32(below(1000)) - 500]))
    default: .float(pick([0, -0.0, 1, -1.5, .infinity, .nan, 3e9, Float(below(1000)) / 256 - 2]))
    }
  }

  // MARK: - Indices

  /// The lanes' variable, of the innermost vector loop.
  private var lane: LoopVariable? { enclosing.last { $0.axis == .vector }?.variable }

  private mutating func affine(laneSteps: [Int]) -> AffineExpression {
    var index = AffineExpression()
    for loop in enclosing where chance(75) {
      let step = loop.variable == lane ? pick(laneSteps) : pick([1, 2, 3, 8, 17, 64, -5])
      index.add(AffineExpression(loop.variable), times: step)
    }
    return index
  }

  private func range(_ index: AffineExpression) -> ClosedRange<Int> {
    var (low, high) = (index.constant, index.constant)
    for loop in enclosing {
      let last = index.coefficient(of: loop.variable) * (loop.extent - 1)
      low += min(0, last)
      high += max(0, last)
    }
    return low...high
  }

  private mutating func load(_ type: ElementType, _ list: inout [LoopStatement]) -> LoopExpression {
    let buffers = program.buffers.indices.filter {
      program.buffers[$0].elementType == type && $0 < 7
    }
    let buffer = BufferID(raw: Int32(pick(buffers)))
    let steps = type == .bool ? [1, 1, 1, 0] : [1, 1, 1, 1, 1, 0, 2, -1, 3]
    var index = affine(laneSteps: steps)
    if chance(20) {
      // Padding: partly outside, and then not loaded.
      let span = range(index)
      let bound = max(1, (span.upperBound - span.lowerBound) * 2 / 3)
      index.constant -= span.lowerBound + below(4)
      if bound <= Self.inputCount {
        let condition = define(.bool, .within(index, bound: bound), &list)
        if type != .bool || !chance(100) {
          return .load(Access(buffer, index), condition: condition, otherwise: literal(type))
        }
        index.constant += 3
      }
    }
    var span = range(index)
    if span.upperBound - span.lowerBound >= Self.inputCount {
      index = lane.map { AffineExpression($0) } ?? AffineExpression()
      span = range(index)
    }
    index.constant -= span.lowerBound
    index.constant += below(Self.inputCount - (span.upperBound - span.lowerBound))
    return .load(Access(buffer, index), condition: nil, otherwise: nil)
  }

  // MARK: - Statements

  private mutating func operation(_ list: inout [LoopStatement]) {
    switch below(20) {
    case 0..<9:
      let opcode = pick([
        ScalarOpcode.add, .subtract, .multiply, .divide, .negate, .absolute, .maximum, .minimum, .squareRoot,
        .fusedMultiplyAdd, .fusedMultiplyAdd, .multiply, .add,
      ])
      let operands = (0..<opcode.operandCount).map { _ in some(.float32, &list) }
      _ = define(.float32, .apply(opcode, operands), &list)
    case 9..<12:
      let opcode = pick([
        ScalarOpcode.add, .subtract, .multiply, .negate, .absolute, .maximum, .minimum, .and, .or, .exclusiveOr,
        .not, .shiftLeft, .shiftRightLogical, .shiftRightArithmetic,
      ])
      let operands = (0..<opcode.operandCount).map { _ in some(.int32, &list) }
      _ = define(.int32, .apply(opcode, operands), &list)
    case 12:
      let opcode = pick([ScalarOpcode.and, .or, .exclusiveOr, .not])
      let operands = (0..<opcode.operandCount).map { _ in some(.bool, &list) }
      _ = define(.bool, .apply(opcode, operands), &list)
    case 13, 14:
      let type = pick([ElementType.float32, .float32, .int32])
      let operands = [some(type, &list), some(type, &list)]
      _ = define(.bool, .apply(pick([.equal, .notEqual, .less, .lessOrEqual]), operands), &list)
    case 15, 16:
      let type = pick([ElementType.float32, .float32, .int32, .bool])
      let operands = [some(.bool, &list), some(type, &list), some(type, &list)]
      _ = define(type, .apply(.select, operands), &list)
    case 17:
      let (from, to) = pick([
        (ElementType.float32, ElementType.int32), (.int32, .float32), (.bool, .float32), (.bool, .int32),
        (.float32, .bool), (.int32, .bool),
      ])
      _ = define(to, .apply(.convert, [some(from, &list)]), &list)
    case 18:
      let source = some(chance(50) ? .int32 : .float32, &list)
      if type(source) == .float32, !loaded.contains(source) { return }
      let to: ElementType = type(source) == .int32 ? .float32 : .int32
      _ = define(to, .apply(.bitcast, [source]), &list)
    default: _ = define(.int32, .index(affine(laneSteps: [1, 2, -3])), &list)
    }
  }

  private mutating func store(_ list: inout [LoopStatement]) {
    var type = pick([ElementType.float32, .float32, .float32, .int32, .bool])
    var stored = some(type, &list)
    if type == .int32, chance(30) {
      stored = some(.float32, &list)
      type = .float32
    }
    // Every point has its own element, lanes side by side.
    var index = AffineExpression(constant: below(5))
    var stride = 1
    let order = enclosing.filter { $0.variable == lane } + enclosing.reversed().filter { $0.variable != lane }
    for loop in order {
      index.add(AffineExpression(loop.variable), times: stride)
      stride *= loop.extent
    }
    let offset = (program.scratchByteCount + 63) & ~63
    let buffer = Buffer(
      name: "y\(program.buffers.count)", elementType: type, elementCount: stride + 8, segment: .scratch,
      byteOffset: offset)
    program.scratchByteCount = offset + (buffer.byteCount + 63) & ~63
    program.buffers.append(buffer)
    let id = BufferID(raw: Int32(program.buffers.count - 1))
    let condition = type != .bool && chance(20) ? some(.bool, &list) : nil
    list.append(.store(Access(id, index), stored, condition: condition))
  }

  private mutating func block(depth: Int) -> [LoopStatement] {
    let outer = scope
    var list: [LoopStatement] = []
    for _ in 0..<(1 + below(7)) { operation(&list) }
    if depth < 4 {
      for _ in 0..<(depth == 0 ? 1 : below(3)) {
        if let axis = nextAxis() { list.append(loop(axis, depth: depth + 1, &list)) }
        for _ in 0..<below(4) { operation(&list) }
      }
    }
    if chance(depth < 2 ? 40 : 80) { store(&list) }
    scope = outer + scope.suffix(max(0, scope.count - outer.count))
    return list
  }

  private mutating func nextAxis() -> Loop.Axis? {
    let hasLane = lane != nil
    let budget = maximumPoints / points
    if budget < 4 { return nil }
    return pick(hasLane ? [.sequential, .unrolled, .sequential] : [.sequential, .unrolled, .vector, .vector])
  }

  private mutating func loop(_ axis: Loop.Axis, depth: Int) -> LoopStatement {
    var none: [LoopStatement] = []
    return loop(axis, depth: depth, &none)
  }

  private mutating func loop(_ axis: Loop.Axis, depth: Int, _ before: inout [LoopStatement]) -> LoopStatement {
    let budget = max(1, maximumPoints / points)
    let extent: Int
    switch axis {
    case .sequential: extent = min(budget, pick([1, 2, 3, 5, 9, 16, 24]))
    case .unrolled: extent = min(budget, pick([1, 2, 3, 4]))
    case .vector: extent = min(budget, pick([1, 3, 8, 16, 17, 31, 32, 48, 64, 5, 128]))
    case .parallel: extent = min(budget, pick([1, 2, 5, 7]))
    }
    let variable = LoopVariable(raw: Int32(kernel.variableCount))
    kernel.variableCount += 1
    var result = Loop(variable, extent: extent, axis: axis, body: [])
    let outer = scope
    var arguments: [LoopValue] = []
    var initials: [LoopValue] = []
    if axis == .sequential {
      for _ in 0..<below(4) {
        let type = pick([ElementType.float32, .float32, .int32, .bool])
        initials.append(some(type, &before))
        arguments.append(value(type))
      }
    }
    scope += arguments
    points *= extent
    enclosing.append(result)
    result.body = block(depth: depth)
    var outside = outer + initials
    for (argument, initial) in zip(arguments, initials) {
      let type = type(argument)
      let next = some(type, &result.body)
      let after = value(type)
      result.carried.append(Loop.Carried(argument: argument, initial: initial, next: next, result: after))
      outside.append(after)
    }
    if axis == .vector || axis == .unrolled, extent & (extent - 1) == 0 {
      for _ in 0..<below(3) {
        let type = pick([ElementType.float32, .float32, .int32, .bool])
        let folded = some(type, &result.body)
        let combiner: ScalarOpcode =
          type == .bool ? pick([.and, .or]) : pick([.add, .multiply, .maximum, .minimum])
        let after = value(type)
        result.folds.append(Loop.Fold(value: folded, combiner: combiner, result: after))
        outside.append(after)
      }
    }
    enclosing.removeLast()
    points /= extent
    scope = outside
    return .loop(result)
  }
}
