import CinchGraph

/// What the schedule needs to know of a kernel.
struct KernelFacts {
  struct Read {
    var buffer: BufferID
    var elements: IndexSet
    /// Of the load.
    var statement: Int
  }

  struct Write {
    var buffer: BufferID
    var elements: IndexSet
  }

  /// The buffers' first accesses in the kernel's text.
  var read: [BufferID: Int] = [:]
  var written: [BufferID: Int] = [:]
  /// Loads of elements that the kernel has not written itself.
  var exposed: [Read] = []
  var writes: [Write] = []
  /// Indices that the kernel checks, and those that rely on a check.
  var checked: [IndexOrigin] = []
  var indirect: [IndexOrigin] = []
  var report = ProofReport.Kernel(name: "")
}

/// How a data-dependent index is computed: the same computation from the same buffers gives the same index.
struct IndexOrigin {
  indirect enum Computation: Hashable {
    case constant(ScalarLiteral)
    case apply(ScalarOpcode, ElementType, [Computation])
    case element(BufferID)
    /// A loop's variables, and whatever else is not followed.
    case position
  }

  var computation: Computation
  /// The elements it starts from.
  var elements: [KernelFacts.Read]
  var limit: Int
  var statement: Int
}

/// Verifies one kernel by itself: values, types, axes, indices; and that points which may run in any order do not touch
/// each other's elements.
struct KernelVerifier {
  /// A load or store.
  struct Record {
    var access: Access
    /// Into `constraintLists`; -1 for none.
    var condition: Int
    /// Whether the condition holds exactly where its constraints do.
    var isConditionExact: Bool
    var isStore: Bool
    var statement: Int
    /// The loops around, outermost first.
    var enclosing: [LoopVariable]
    /// Loads: whether a store before it in the kernel gives all its elements.
    var isCovered = false
    /// Stores: no longer counted, since other workers may have run them.
    var isForgotten = false
  }

  enum Visibility: UInt8 { case undefined, visible, outOfScope }

  let program: LoopProgram
  let kernel: LoopKernel
  let kernelIndex: Int
  var issues: [LoopIssue] = []
  /// Of issues, those that are not kept included.
  private var reportCount = 0
  var facts = KernelFacts()

  var visibility: [Visibility]
  var definitions: [LoopExpression?]
  /// Of Bool values, into `constraintLists`; -1 if it says nothing, and whether the constraints say all.
  var conditionOf: [Int32]
  var isExactCondition: [Bool]
  var constraintLists: [[IndexConstraint]] = []
  /// Values that leave scope with the loops around.
  var scopes: [[LoopValue]] = [[]]

  /// The loops around; their variables' extents are in `extents` from then on.
  var enclosing: [LoopVariable] = []
  var axes: [Loop.Axis] = []
  var extents: [Int]
  var hasLoop: [Bool]
  var iterations = 1

  var records: [Record] = []
  /// The loads and stores of each buffer, as positions in `records`.
  var recordsOf: [BufferID: [Int]] = [:]
  var statement = -1

  init(_ program: LoopProgram, _ index: Int) {
    self.program = program
    kernel = program.kernels[index]
    kernelIndex = index
    let valueCount = kernel.valueTypes.count
    visibility = Array(repeating: .undefined, count: valueCount)
    definitions = Array(repeating: nil, count: valueCount)
    conditionOf = Array(repeating: -1, count: valueCount)
    isExactCondition = Array(repeating: false, count: valueCount)
    extents = Array(repeating: 1, count: max(0, kernel.variableCount))
    hasLoop = Array(repeating: false, count: max(0, kernel.variableCount))
    facts.report.name = kernel.name
  }

  mutating func report(_ message: String, at place: Int? = nil) {
    reportCount += 1
    // One wrong thing usually makes many; the first ones tell.
    guard issues.count < 20 else { return }
    let number = place ?? statement
    issues.append(
      LoopIssue(
        place: number < 0 ? .kernel(kernelIndex) : .statement(kernel: kernelIndex, number), kernel: kernel.name,
        message: message))
  }

  mutating func verify() -> KernelFacts {
    verify(kernel.body)
    if issues.isEmpty { finishAccesses() }
    return facts
  }

  // MARK: Statements

  private mutating func verify(_ list: [LoopStatement]) {
    for item in list {
      statement += 1
      switch item {
      case .define(let value, let expression):
        let reportsBefore = reportCount
        let type = verify(expression, giving: value)
        let isSound = reportCount == reportsBefore
        define(value)
        if value.index >= 0, value.index < definitions.count {
          // What follows from a definition may rely on its operands, its index and its buffer.
          if isSound {
            definitions[value.index] = expression
            noteCondition(value, expression)
          }
          if let type, type != kernel.valueTypes[value.index] {
            report("v\(value.raw) is \(kernel.valueTypes[value.index].rawValue), but its expression \(type.rawValue)")
          }
        }
      case .store(let access, let value, let condition):
        let type = use(value)
        verify(condition: condition)
        guard let buffer = verify(access) else { continue }
        if let type, type != buffer.elementType {
          report("stores \(type.rawValue) to \(buffer.name), which holds \(buffer.elementType.rawValue)")
        }
        if case .input = buffer.segment { report("stores to the input \(buffer.name)") }
        record(access, condition, isStore: true)
      case .prefetch(let access):
        _ = verify(access)
      case .check(let value, let limit, let check):
        verifyCheck(value, limit, check)
      case .loop(let loop):
        verify(loop)
      }
    }
  }

  private mutating func verifyCheck(_ value: LoopValue, _ limit: Int, _ check: Int) {
    if let type = use(value), type != .int32 { report("checks v\(value.raw), which is \(type.rawValue)") }
    if program.checks.indices.contains(check) {
      if program.checks[check].limit != limit {
        report("the limit of check \(check) is \(program.checks[check].limit), not \(limit)")
      }
    } else {
      report("there is no check \(check)")
    }
    if kernel.isParallel { report("checks stand in kernels that worker 0 runs alone") }
    if let origin = origin(of: value, limit: limit) { facts.checked.append(origin) }
  }

  private mutating func verify(_ loop: Loop) {
    let place = statement
    if loop.extent < 1 || loop.extent > 1 << 40 { report("a loop of \(loop.extent) iterations") }
    let isKnown = hasLoop.indices.contains(loop.variable.index)
    if !isKnown {
      report("the kernel has \(kernel.variableCount) loop variables, no i\(loop.variable.raw)")
    } else if hasLoop[loop.variable.index] {
      report("i\(loop.variable.raw) belongs to another loop already")
    }
    if loop.axis == .parallel, !enclosing.isEmpty { report("a parallel loop stands only at the top of a kernel") }
    if loop.axis == .vector, axes.contains(.vector) { report("a vector loop cannot stand in a vector loop") }
    if loop.axis != .sequential, !loop.carried.isEmpty { report("only sequential loops carry values") }
    let foldsLanes = loop.axis == .vector || loop.axis == .unrolled
    if !foldsLanes, !loop.folds.isEmpty { report("only vector and unrolled loops fold") }
    if !loop.folds.isEmpty, loop.extent > 0, loop.extent & (loop.extent - 1) != 0 {
      report("folds \(loop.extent) points, which is no power of two")
    }
    for item in loop.carried {
      let types = [use(item.initial), type(of: item.argument), type(of: item.result)]
      if types.contains(where: { $0 != types[1] }) {
        report("the types of v\(item.initial.raw), v\(item.argument.raw) and v\(item.result.raw) differ")
      }
    }
    guard isKnown else { return }

    extents[loop.variable.index] = max(1, loop.extent)
    hasLoop[loop.variable.index] = true
    enclosing.append(loop.variable)
    axes.append(loop.axis)
    scopes.append([])
    let outerIterations = iterations
    iterations = Saturating.product(iterations, max(1, loop.extent))
    for item in loop.carried { define(item.argument) }
    let firstRecord = records.count
    verify(loop.body)
    let end = statement
    statement = place
    for item in loop.carried {
      if let type = use(item.next), type != self.type(of: item.argument) {
        report("v\(item.argument.raw) becomes v\(item.next.raw), which is \(type.rawValue)")
      }
    }
    for fold in loop.folds { verify(fold, loop) }
    for value in scopes.removeLast() { visibility[value.index] = .outOfScope }
    axes.removeLast()
    enclosing.removeLast()
    iterations = outerIterations
    if loop.axis != .sequential { verifyIndependence(of: loop, from: firstRecord) }
    if loop.axis == .parallel { forgetWorkerStores(from: firstRecord) }
    for item in loop.carried { define(item.result) }
    for fold in loop.folds { define(fold.result) }
    statement = end
  }

  private mutating func verify(_ fold: Loop.Fold, _ loop: Loop) {
    guard let type = use(fold.value) else { return }
    if type != self.type(of: fold.result) { report("folds \(type.rawValue) into v\(fold.result.raw)") }
    switch fold.combiner {
    case .add, .multiply, .minimum, .maximum:
      if type == .bool { report("\(fold.combiner.rawValue) does not combine bool") }
    case .and, .or:
      if type != .bool { report("\(fold.combiner.rawValue) combines bool, not \(type.rawValue)") }
    default: report("\(fold.combiner.rawValue) is no combiner")
    }
    if type.isFloatingPoint { addFlops(Saturating.product(loop.extent - 1, iterations / max(1, loop.extent))) }
  }

  mutating func addFlops(_ count: Int) { facts.report.flopCount = Saturating.sum(facts.report.flopCount, count) }

  // MARK: Values

  func type(of value: LoopValue) -> ElementType? {
    kernel.valueTypes.indices.contains(value.index) ? kernel.valueTypes[value.index] : nil
  }

  /// The value's type; nil, with an issue, where it can't be used.
  mutating func use(_ value: LoopValue) -> ElementType? {
    guard let type = type(of: value) else {
      report("the kernel has \(kernel.valueTypes.count) values, no v\(value.raw)")
      return nil
    }
    switch visibility[value.index] {
    case .visible: return type
    case .undefined: report("v\(value.raw) is used before it is defined")
    case .outOfScope: report("v\(value.raw) is used outside of the loop that defines it")
    }
    return nil
  }

  private mutating func define(_ value: LoopValue) {
    guard type(of: value) != nil else {
      report("the kernel has \(kernel.valueTypes.count) values, no v\(value.raw)")
      return
    }
    guard visibility[value.index] == .undefined else {
      report("v\(value.raw) is defined twice")
      return
    }
    visibility[value.index] = .visible
    scopes[scopes.count - 1].append(value)
  }

  private mutating func verify(condition: LoopValue?) {
    guard let condition, let type = use(condition), type != .bool else { return }
    report("the condition v\(condition.raw) is \(type.rawValue)")
  }

  // MARK: Expressions

  /// The expression's type, where it has one of its own.
  private mutating func verify(_ expression: LoopExpression, giving value: LoopValue) -> ElementType? {
    switch expression {
    case .constant(let literal):
      verify(literal)
      return literal.type
    case .index(let index):
      verify(index)
      return .int32
    case .within(let index, let bound):
      verify(index)
      if bound.magnitude >= LoopProgram.numberLimit.magnitude { report("the bound \(bound) is out of reach") }
      return .bool
    case .load(let access, let condition, let otherwise):
      verify(condition: condition)
      if (condition == nil) != (otherwise == nil) { report("a load has a condition and another value, or neither") }
      guard let buffer = verify(access) else { return nil }
      if let otherwise {
        verify(otherwise)
        if otherwise.type != buffer.elementType { report("the other value is \(otherwise.type.rawValue)") }
      }
      record(access, condition, isStore: false)
      return buffer.elementType
    case .apply(let opcode, let operands):
      return verify(opcode, operands, giving: value)
    }
  }

  private mutating func verify(_ literal: ScalarLiteral) {
    let width = literal.type == .bool ? 1 : UInt64(literal.type.byteCount * 8)
    if width < 64, literal.bits >> width != 0 { report("the literal has bits beyond \(literal.type.rawValue)") }
  }

  /// Whether the index speaks of loops around it, in numbers that cannot overflow.
  @discardableResult
  mutating func verify(_ index: AffineExpression) -> Bool {
    for term in index.terms where !enclosing.contains(term.variable) {
      report("i\(term.variable.raw) is not the variable of a loop around it")
      return false
    }
    if !index.isInReach {
      report("the index is out of reach")
      return false
    }
    return true
  }

  private mutating func verify(
    _ opcode: ScalarOpcode, _ operands: [LoopValue], giving value: LoopValue
  ) -> ElementType? {
    let name = opcode.rawValue
    guard operands.count == opcode.operandCount else {
      report("\(name) takes \(opcode.operandCount) operands, not \(operands.count)")
      return nil
    }
    var types: [ElementType] = []
    for operand in operands {
      guard let type = use(operand) else { return nil }
      types.append(type)
    }
    if opcode.isSelection, types.removeFirst() != .bool { report("select chooses by a bool") }
    guard types.allSatisfy({ $0 == types[0] }) else {
      report("the operands of \(name) are " + types.map(\.rawValue).joined(separator: ", "))
      return nil
    }
    guard opcode.accepts(types[0]) else {
      report("\(name) is not defined for \(types[0].rawValue)")
      return nil
    }
    if types[0].isFloatingPoint {
      switch opcode {
      case .fusedMultiplyAdd: addFlops(Saturating.product(2, iterations))
      case .add, .subtract, .multiply, .divide, .squareRoot, .maximum, .minimum: addFlops(iterations)
      default: break
      }
    }
    switch opcode {
    case .convert: return nil
    case .bitcast:
      if let type = type(of: value), type == .bool || types[0] == .bool || type.byteCount != types[0].byteCount {
        report("bitcast from \(types[0].rawValue) to \(type.rawValue)")
      }
      return nil
    default: return opcode.isComparison ? .bool : types[0]
    }
  }
}
