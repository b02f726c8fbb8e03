import CinchGraph

/// Writes a kernel's body as loop IR: loops are opened around it, and each value is defined, when something needs it, in the
/// outermost loop that binds all axes it varies with.
struct Emitter {
  struct Scope {
    var statements: [LoopStatement] = []
    /// Axes that are bound here.
    var mask: UInt64
    var defined: [Int] = []
  }

  let body: KernelBody
  let axes: LoopAxes
  let choice: ScheduleChoice
  /// What each stage's first loop is about; empty where none is named.
  let comments: [String]
  /// From slots to buffers.
  let buffers: [Int32]

  var scopes = [Scope(mask: 0)]
  private(set) var valueTypes: [ElementType] = []
  private(set) var variableCount = 0
  /// By axis of the body.
  private var substitution: [AffineExpression]
  /// By value of the body; -1 where it isn't defined.
  private var values: [Int32]
  /// Points past the end of a lane's share: loads that vary with these axes look only where the Bool holds.
  var guardValue: LoopValue?
  var guardMask: UInt64 = 0
  /// Values are never defined outside this scope.
  var floor = 0
  /// Where the second factor of the contraction under way has been packed.
  var panel: PackedPanel?
  /// Likewise the first factor's rows.
  var packedRows: PackedPanel?
  var workspace = ContractionWorkspace()
  /// What went wrong: what has been written means nothing.
  private(set) var failure: String?
  /// The rows that a worker has, where a contraction divides them before it packs; all if nil.
  var rowShare: Rows?

  init(_ body: KernelBody, _ axes: LoopAxes, _ choice: ScheduleChoice, buffers: [Int32], comments: [String]) {
    self.body = body
    self.axes = axes
    self.choice = choice
    self.buffers = buffers
    self.comments = comments
    substitution = [AffineExpression](repeating: AffineExpression(), count: body.extents.count)
    values = [Int32](repeating: -1, count: body.expressions.count)
  }

  /// Goes on where nothing can be written any more, with anything.
  mutating func fail(_ message: String) { failure = failure ?? message }

  // MARK: Scopes

  mutating func newValue(_ type: ElementType) -> LoopValue {
    valueTypes.append(type)
    return LoopValue(raw: Int32(valueTypes.count - 1))
  }

  mutating func newVariable() -> LoopVariable {
    variableCount += 1
    return LoopVariable(raw: Int32(variableCount - 1))
  }

  mutating func append(_ statement: LoopStatement) { scopes[scopes.count - 1].statements.append(statement) }

  mutating func define(_ expression: LoopExpression, _ type: ElementType) -> LoopValue {
    let value = newValue(type)
    append(.define(value, expression))
    return value
  }

  /// Lets `axis` run as an expression of loop variables.
  mutating func bind(_ axis: LoopAxis, to expression: AffineExpression) {
    substitution[axis.axis] = expression
  }

  mutating func open(_ bound: [LoopAxis]) {
    var mask = scopes[scopes.count - 1].mask
    for axis in bound { mask |= axis.mask }
    scopes.append(Scope(mask: mask))
  }

  mutating func close() -> [LoopStatement] {
    let scope = scopes.removeLast()
    for value in scope.defined { values[value] = -1 }
    return scope.statements
  }

  // MARK: Values of the body

  func substituted(_ expression: AffineExpression) -> AffineExpression {
    var result = AffineExpression(constant: expression.constant)
    for term in expression.terms { result.add(substitution[term.variable.index], times: term.coefficient) }
    return result
  }

  func access(_ access: Access, indirection: Access.Indirection? = nil) -> Access {
    Access(
      BufferID(raw: buffers[access.buffer.index]), substituted(access.index), indirection: indirection)
  }

  /// A schedule's value for a placeholder of the body.
  mutating func set(_ placeholder: LoopValue, to value: LoopValue) {
    values[placeholder.index] = value.raw
    scopes[scopes.count - 1].defined.append(placeholder.index)
  }

  mutating func value(_ value: LoopValue) -> LoopValue {
    if values[value.index] >= 0 { return LoopValue(raw: values[value.index]) }
    if body.isResult[value.index] { fail("a reduction's result is used before its loop") }
    let expression: LoopExpression
    switch body.expressions[value.index] {
    case .constant: expression = body.expressions[value.index]
    case .apply(let opcode, let operands):
      var mapped: [LoopValue] = []
      mapped.reserveCapacity(operands.count)
      for operand in operands { mapped.append(self.value(operand)) }
      expression = .apply(opcode, mapped)
    case .index(let index): expression = .index(substituted(index))
    case .within(let index, let bound): expression = .within(substituted(index), bound: bound)
    case .load(let access, let condition, let otherwise):
      var indirection = access.indirection
      if let value = indirection?.value { indirection?.value = self.value(value) }
      var condition = condition.map { self.value($0) }
      var literal = otherwise
      if let guardValue, body.masks[value.index] & guardMask != 0 {
        condition = condition.map { define(.apply(.and, [$0, guardValue]), .bool) } ?? guardValue
        literal = literal ?? ScalarLiteral(type: body.types[value.index], bits: 0)
      }
      expression = .load(self.access(access, indirection: indirection), condition: condition, otherwise: literal)
    }
    let result = newValue(body.types[value.index])
    var scope = scopes.count - 1
    let mask = body.masks[value.index]
    while scope > floor, mask & ~scopes[scope - 1].mask == 0 { scope -= 1 }
    scopes[scope].statements.append(.define(result, expression))
    scopes[scope].defined.append(value.index)
    values[value.index] = result.raw
    return result
  }

  mutating func store(_ store: KernelBody.Store, condition: LoopValue? = nil) {
    let value = value(store.value)
    append(.store(access(store.access), value, condition: condition))
  }
}
