import CinchGraph

/// A vector of coordinates, numbered so that memo keys are three integers.
struct IndexID: Hashable {
  let raw: Int32
}

/// What stands in the way of computing a value where it is used.
enum Obstacle: Error {
  /// A loop variable must become two, so that a reshape's coordinates are affine.
  case split(LoopVariable, inner: Int)
  case store(NodeID, StoreReason)
  /// The axes aren't those of the domain, or the node has no value outside of a kernel of its own.
  case unfit
}

/// One look at a stored tensor.
struct Read {
  var slot: Int32
  /// The row-major number of the element.
  var index: AffineExpression
  /// Some points of the domain don't look, or look at a row that is known only at run time.
  var isPartial: Bool
  var stage: Int32
}

/// Computes nodes at points given by affine coordinates: a demand-driven walk that composes views, looks stored
/// tensors up, and writes scalar code, each pair of node and coordinates once.
///
/// Planning runs it without code, for the reads alone; building a kernel's body runs it with code.
struct Evaluator {
  struct Key: Hashable {
    var node: Int32
    var index: Int32
    var condition: Int32
  }

  /// What makes two values one. The type counts, for a conversion's opcode and operand don't tell it.
  private struct TypedExpression: Hashable {
    var expression: LoopExpression
    var type: ElementType
  }

  /// A result of the kernel under construction that needs no memory.
  struct Register {
    var value: LoopValue
    /// Where it may be used: at this row-major number only.
    var index: AffineExpression
    var stage: Int32
    /// Whether it is seen by all later stages, or only in its own.
    var isPoint: Bool
  }

  let table: NodeTable
  let writesCode: Bool
  /// By loop variable.
  var extents: [Int]
  /// Results of this kernel, by slot.
  var registers: [Int32: Register] = [:]
  var stage: Int32 = 0
  /// What the root that is evaluated doesn't read where it is stored.
  var replacements: [Root.Replacement] = []

  private(set) var expressions: [LoopExpression] = []
  private(set) var types: [ElementType] = []
  /// Which variables each value varies with.
  private(set) var masks: [UInt64] = []
  private(set) var reads: [Read] = []
  /// Coordinates other than those of reads: they limit which axes may be collapsed.
  private(set) var coordinates: [AffineExpression] = []

  /// Run-time checks that must have passed.
  private(set) var checks: [NodeID] = []
  /// How often each node was computed from its operands, in points of the current domain.
  var domainCount = 1
  /// How often a contraction computes its second factor, where it does not do so at each point.
  var packedCount: Int?
  private(set) var evaluations: [(node: NodeID, points: Int)] = []
  private(set) var cost = 0

  private var memo: [Key: LoopValue] = [:]
  private var known: [TypedExpression: LoopValue] = [:]
  private var vectors: [[AffineExpression]] = []
  private var vectorNumbers: [[AffineExpression]: IndexID] = [:]

  init(_ table: NodeTable, extents: [Int], writesCode: Bool) {
    self.table = table
    self.extents = extents
    self.writesCode = writesCode
  }

  mutating func intern(_ coordinates: [AffineExpression]) -> IndexID {
    if let id = vectorNumbers[coordinates] { return id }
    let id = IndexID(raw: Int32(vectors.count))
    vectors.append(coordinates)
    vectorNumbers[coordinates] = id
    return id
  }

  /// A new stage begins: values that vary along the inner axes of stages before are not seen in it.
  mutating func beginStage(_ number: Int) { stage = Int32(number) }

  // MARK: Values

  mutating func define(_ expression: LoopExpression, _ type: ElementType, mask: UInt64) -> LoopValue {
    writesCode ? defineAlways(expression, type, mask: mask) : LoopValue(raw: 0)
  }

  /// A value that the schedule computes: a reduction's result.
  mutating func placeholder(_ type: ElementType, mask: UInt64) -> LoopValue {
    let value = LoopValue(raw: Int32(expressions.count))
    // Never emitted and equal to no other.
    expressions.append(.index(AffineExpression(constant: -1 - Int(value.raw))))
    types.append(type)
    masks.append(mask)
    return value
  }

  mutating func constant(_ literal: ScalarLiteral) -> LoopValue {
    define(.constant(literal), literal.type, mask: 0)
  }

  mutating func apply(_ opcode: ScalarOpcode, _ operands: [LoopValue], _ type: ElementType) -> LoopValue {
    guard writesCode else { return LoopValue(raw: 0) }
    var mask: UInt64 = 0
    for operand in operands { mask |= masks[operand.index] }
    return define(.apply(opcode, operands), type, mask: mask)
  }

  /// Conditions are values even when no other code is written: they tell apart what is computed under them.
  private mutating func within(_ expression: AffineExpression, bound: Int) -> LoopValue {
    coordinates.append(expression)
    return defineAlways(.within(expression, bound: bound), .bool, mask: expression.variableMask)
  }

  private mutating func both(_ a: LoopValue?, _ b: LoopValue) -> LoopValue {
    guard let a else { return b }
    return defineAlways(.apply(.and, [a, b]), .bool, mask: masks[a.index] | masks[b.index])
  }

  private mutating func defineAlways(
    _ expression: LoopExpression, _ type: ElementType, mask: UInt64
  ) -> LoopValue {
    let key = TypedExpression(expression: expression, type: type)
    if let value = known[key] { return value }
    let value = LoopValue(raw: Int32(expressions.count))
    expressions.append(expression)
    types.append(type)
    masks.append(mask)
    known[key] = value
    return value
  }

  mutating func load(
    _ slot: Int32, _ index: AffineExpression, indirection: Access.Indirection?, condition: LoopValue?,
    otherwise: ScalarLiteral?
  ) -> LoopValue {
    reads.append(Read(slot: slot, index: index, isPartial: condition != nil || indirection != nil, stage: stage))
    guard writesCode else { return LoopValue(raw: 0) }
    let type = table.slots[Int(slot)].type.elementType
    var mask = index.variableMask
    if let indirection { mask |= masks[indirection.value.index] }
    if let condition { mask |= masks[condition.index] }
    let literal = condition == nil ? nil : otherwise ?? ScalarLiteral(type: type, bits: 0)
    return define(
      .load(Access(BufferID(raw: slot), index, indirection: indirection), condition: condition, otherwise: literal),
      type, mask: mask)
  }

  /// Notes that any element of a stored node may be looked at.
  mutating func readWhole(_ node: NodeID) {
    reads.append(
      Read(slot: table.slotOf[table.holder(of: node).index], index: AffineExpression(), isPartial: true, stage: stage))
  }

  // MARK: Nodes

  /// The row-major number of an element, among all or along some axes.
  func linear(_ index: IndexID, _ shape: Shape, along axes: Range<Int>? = nil) -> AffineExpression {
    var result = AffineExpression()
    var stride = 1
    let coordinates = vectors[Int(index.raw)]
    for axis in (axes ?? shape.extents.indices).reversed() {
      result.add(coordinates[axis], times: stride)
      stride *= shape[axis]
    }
    return result
  }

  /// The node's element at those coordinates; where `condition` is false, anything.
  mutating func value(
    _ node: NodeID, _ index: IndexID, _ condition: LoopValue? = nil
  ) throws(Obstacle) -> LoopValue {
    switch table.meanings[node.index] {
    case .constant(.splat(let literal)): return constant(literal)
    case .iota: return try definition(node, index, condition)
    default: break
    }
    let key = Key(node: node.raw, index: index.raw, condition: condition?.raw ?? -1)
    if let value = memo[key] { return value }
    let value: LoopValue
    let slot = slot(of: node)
    if slot >= 0 {
      value = stored(slot, linear(index, table.shape(node)), condition)
      // A register and a later load of the same element are different values; `stored` tells them apart.
      return value
    }
    value = try definition(node, index, condition)
    memo[key] = value
    return value
  }

  private func slot(of node: NodeID) -> Int32 {
    if let replacement = replacements.last(where: { $0.node == node }) { replacement.slot } else { table.slotOf[node.index] }
  }

  private mutating func stored(
    _ slot: Int32, _ index: AffineExpression, _ condition: LoopValue?
  ) -> LoopValue {
    if let register = registers[slot], register.index == index, register.isPoint || register.stage == stage {
      return register.value
    }
    return load(slot, index, indirection: nil, condition: condition, otherwise: nil)
  }

  /// The node's element computed from its operands, even if the node has a place in memory.
  mutating func definition(
    _ node: NodeID, _ index: IndexID, _ condition: LoopValue? = nil
  ) throws(Obstacle) -> LoopValue {
    let operands = table.operands(node)
    let ownCost = table.ownCost[node.index]
    if ownCost > 0 {
      evaluations.append((node, domainCount))
      cost += Int(ownCost)
    }
    switch table.meanings[node.index] {
    case .constant(let data):
      guard case .splat(let literal) = data else { break }
      return constant(literal)
    case .iota(let axis):
      let expression = axis.map { vectors[Int(index.raw)][$0] } ?? linear(index, table.shape(node))
      coordinates.append(expression)
      return define(.index(expression), .int32, mask: expression.variableMask)
    case .elementwise(let function):
      var values: [LoopValue] = []
      values.reserveCapacity(function.inputTypes.count + function.instructions.count)
      for operand in operands { values.append(try value(operand, index, condition)) }
      return inlined(function, values)
    case .view(let map, let fill):
      return try view(map, fill, of: operands[0], index, condition)
    case .reshape:
      var operand = table.base(operands[0])
      while slot(of: operand) < 0, case .checkIndex = table.meanings[operand.index] {
        checks.append(operand)
        operand = table.base(table.operands(operand)[0])
      }
      if slot(of: operand) >= 0 { return try storedOrImmediate(operand, linear(index, table.shape(node)), condition) }
      return try value(operand, try coordinates(in: operand, of: index, table.shape(node)), condition)
    case .checkIndex:
      checks.append(node)
      return try value(operands[0], index, condition)
    case .contract:
      let axes = vectors[Int(index.raw)]
      let (row, column) = (axes[axes.count - 2], axes[axes.count - 1])
      let batch = axes[..<(axes.count - 2)]
      let a = try value(operands[0], intern(batch + [row, AffineExpression()]), condition)
      let b = try value(operands[1], intern(batch + [AffineExpression(), column]), condition)
      let type = table.type(node).elementType
      return apply(.fusedMultiplyAdd, [a, b, constant(ScalarLiteral(type: type, bits: 0))], type)
    case .gather:
      return try gathered(node, index, condition)
    default: break
    }
    throw .unfit
  }

  private mutating func storedOrImmediate(
    _ node: NodeID, _ number: AffineExpression, _ condition: LoopValue?
  ) throws(Obstacle) -> LoopValue {
    if case .constant(.splat(let literal)) = table.meanings[node.index] { return constant(literal) }
    return stored(slot(of: node), number, condition)
  }

  mutating func inlined(_ function: ScalarFunction, _ operands: [LoopValue]) -> LoopValue {
    guard writesCode else { return LoopValue(raw: 0) }
    var values = operands
    for instruction in function.instructions {
      switch instruction {
      case .constant(let literal): values.append(constant(literal))
      case .apply(let opcode, let arguments, let type):
        values.append(apply(opcode, arguments.map { values[$0.index] }, type))
      }
    }
    return values[function.result.index]
  }

  /// The coordinates in a node of the element that stands at `index` in a reshape of it.
  ///
  /// Runs of axes that hold as many elements in both shapes are taken by themselves, for what a view shows of an axis that isn't
  /// reshaped may lie outside of it (under a condition), where a number that counts across all axes tells nothing.
  private mutating func coordinates(in node: NodeID, of index: IndexID, _ shape: Shape) throws(Obstacle) -> IndexID {
    let target = table.shape(node)
    var result = [AffineExpression](repeating: AffineExpression(), count: target.rank)
    var (first, firstOfTarget) = (0, 0)
    while first < shape.rank || firstOfTarget < target.rank {
      var (end, endOfTarget) = (min(first + 1, shape.rank), min(firstOfTarget + 1, target.rank))
      while true {
        let count = shape.extents[first..<end].reduce(1, *)
        let countOfTarget = target.extents[firstOfTarget..<endOfTarget].reduce(1, *)
        if count == countOfTarget { break }
        if count < countOfTarget { end += 1 } else { endOfTarget += 1 }
      }
      let number = linear(index, shape, along: first..<end)
      try divide(number, among: firstOfTarget..<endOfTarget, of: node, into: &result)
      (first, firstOfTarget) = (end, endOfTarget)
    }
    return intern(result)
  }

  /// The coordinates along some axes of a node of the element with a row-major number there.
  private func divide(
    _ number: AffineExpression, among axes: Range<Int>, of node: NodeID, into result: inout [AffineExpression]
  ) throws(Obstacle) {
    let shape = table.shape(node)
    // The outermost axis that isn't 1 takes what is left.
    guard let outermost = axes.first(where: { shape[$0] != 1 }) else { return }
    var rest = number
    for axis in axes.reversed() where axis > outermost && shape[axis] != 1 {
      switch rest.divided(by: shape[axis], extents) {
      case .parts(let quotient, let remainder):
        result[axis] = remainder
        rest = quotient
      case .needsSplit(let variable, let inner): throw .split(variable, inner: inner)
      case .impossible: throw .store(node, .reshaped)
      }
    }
    result[outermost] = rest
  }

  private mutating func view(
    _ map: IndexMap, _ fill: ScalarLiteral?, of operand: NodeID, _ index: IndexID, _ condition: LoopValue?
  ) throws(Obstacle) -> LoopValue {
    let axes = vectors[Int(index.raw)]
    let shape = table.shape(operand)
    var composed: [AffineExpression] = []
    composed.reserveCapacity(shape.rank)
    var inside: LoopValue?
    for (axis, line) in map.axes.enumerated() {
      var expression = AffineExpression(constant: line.offset)
      for (coefficient, coordinate) in zip(line.coefficients, axes) where coefficient != 0 {
        expression.add(coordinate, times: coefficient)
      }
      if fill != nil {
        let range = expression.range(extents)
        if range.lowerBound < 0 || range.upperBound >= shape[axis] {
          inside = both(inside, within(expression, bound: shape[axis]))
        }
      }
      composed.append(expression)
    }
    let target = intern(composed)
    guard let inside, let fill else { return try value(operand, target, condition) }
    let both = both(condition, inside)
    let element = try value(operand, target, both)
    guard writesCode else { return element }
    if case .load(let access, let under, _) = expressions[element.index], under == both {
      // The load itself can give the fill value.
      return load(
        access.buffer.raw, access.index, indirection: access.indirection, condition: both, otherwise: fill)
    }
    return apply(.select, [inside, element, constant(fill)], fill.type)
  }

  private mutating func gathered(
    _ node: NodeID, _ index: IndexID, _ condition: LoopValue?
  ) throws(Obstacle) -> LoopValue {
    let operands = table.operands(node)
    let (source, indices) = (operands[0], operands[1])
    let target = table.holder(of: source)
    guard table.isStored(target) else { throw .store(target, .indexed) }
    let axes = vectors[Int(index.raw)]
    let count = table.shape(indices).rank
    let row = try value(indices, intern(Array(axes[..<count])), condition)
    let shape = table.shape(source)
    let rest = Shape(Array(shape.extents.dropFirst()))
    // Two statements, because `linear` may see the evaluator as it was before its argument was computed.
    let place = intern(Array(axes[count...]))
    let number = linear(place, rest)
    return load(
      table.slotOf[target.index], number,
      indirection: Access.Indirection(value: row, scale: rest.elementCount, limit: shape[0]), condition: condition,
      otherwise: nil)
  }
}
