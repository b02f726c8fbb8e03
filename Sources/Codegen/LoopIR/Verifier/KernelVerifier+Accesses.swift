import CinchGraph

extension KernelVerifier {
  // MARK: Conditions

  /// What a Bool value says about loop variables: `within`, and `and` of such.
  mutating func noteCondition(_ value: LoopValue, _ expression: LoopExpression) {
    switch expression {
    case .within(let index, let bound):
      constraintLists.append([IndexConstraint(expression: index, bound: bound)])
      conditionOf[value.index] = Int32(constraintLists.count - 1)
      isExactCondition[value.index] = true
    case .apply(.and, let operands) where operands.count == 2 && kernel.valueTypes[value.index] == .bool:
      let known = operands.filter { conditionOf.indices.contains($0.index) }
      let lists = known.map { conditionOf[$0.index] }.filter { $0 >= 0 }
      guard !lists.isEmpty else { return }
      var all: [IndexConstraint] = []
      for list in lists {
        for constraint in constraintLists[Int(list)] where !all.contains(constraint) { all.append(constraint) }
      }
      constraintLists.append(all)
      conditionOf[value.index] = Int32(constraintLists.count - 1)
      isExactCondition[value.index] = lists.count == 2 && known.allSatisfy { isExactCondition[$0.index] }
    default: break
    }
  }

  func constraints(_ record: Record) -> [IndexConstraint] {
    record.condition < 0 ? [] : constraintLists[record.condition]
  }

  // MARK: Bounds

  /// The buffer, if the access means something; its index is proved in bounds when it is recorded.
  mutating func verify(_ access: Access) -> Buffer? {
    guard program.buffers.indices.contains(access.buffer.index) else {
      report("there is no buffer \(access.buffer.raw)")
      return nil
    }
    guard verify(access.index) else { return nil }
    if let indirection = access.indirection {
      guard let type = use(indirection.value) else { return nil }
      if type != .int32 { report("an index is int32, not \(type.rawValue)") }
      if indirection.limit < 1 || indirection.limit > 1 << 40 || abs(indirection.scale) > 1 << 40 {
        report("an indirect index below \(indirection.limit) times \(indirection.scale)")
        return nil
      }
    }
    return program.buffers[access.buffer.index]
  }

  mutating func record(_ access: Access, _ condition: LoopValue?, isStore: Bool) {
    facts.report.accessCount += 1
    if isStore {
      if facts.written[access.buffer] == nil { facts.written[access.buffer] = statement }
    } else if facts.read[access.buffer] == nil {
      facts.read[access.buffer] = statement
    }
    var record = Record(
      access: access, condition: -1, isConditionExact: true, isStore: isStore, statement: statement,
      enclosing: enclosing)
    if let condition, conditionOf.indices.contains(condition.index) {
      record.condition = Int(conditionOf[condition.index])
      record.isConditionExact = isExactCondition[condition.index]
    }
    verifyBounds(record)
    if let indirection = access.indirection { verifyIndirection(indirection) }
    if !isStore { record.isCovered = isCovered(record) }
    recordsOf[access.buffer, default: []].append(records.count)
    records.append(record)
  }

  /// What an access can touch: of several ways to see it that all hold, one that stays inside the buffer if there is one.
  func elements(of access: Access, _ constraints: [IndexConstraint]) -> IndexSet {
    let elements = IndexSet(access.index, constraints, extents: extents)
    let bounds = 0..<max(0, program.buffers[access.buffer.index].elementCount)
    func isInside(_ set: IndexSet) -> Bool { set.isEmpty || bounds.contains(set.first) && bounds.contains(set.last) }
    if isInside(elements) { return elements }
    let other = IndexSet(access.index, constraints, extents: extents, usesAll: true)
    if isInside(other) { return other }
    // A constraint on the whole index is hidden by one on a part of it.
    for constraint in constraints where constraints.count > 1 {
      var larger = IndexSet(access.index, [constraint], extents: extents)
      larger.isExact = false
      if isInside(larger) { return larger }
    }
    // Where only several constraints together say enough.
    if !constraints.isEmpty, let range = SplitBox.range(of: access.index, constraints, extents, within: bounds) {
      return IndexSet(within: range)
    }
    return elements
  }

  private mutating func verifyBounds(_ record: Record) {
    let buffer = program.buffers[record.access.buffer.index]
    let elements = elements(of: record.access, constraints(record))
    if elements.isEmpty { return }
    var (least, greatest) = (elements.first, elements.last)
    if let indirection = record.access.indirection {
      let end = Saturating.product(indirection.scale, indirection.limit - 1)
      least = Saturating.sum(least, min(0, end))
      greatest = Saturating.sum(greatest, max(0, end))
    }
    if least < 0 || greatest >= buffer.elementCount {
      report(
        "touches elements \(least) to \(greatest) of \(buffer.name), which has \(buffer.elementCount)")
    }
  }

  // MARK: Data-dependent indices

  private mutating func verifyIndirection(_ indirection: Access.Indirection) {
    if let range = range(of: indirection.value, depth: 0), range.lowerBound >= 0,
      range.upperBound < indirection.limit
    {
      return
    }
    if let origin = origin(of: indirection.value, limit: indirection.limit) { facts.indirect.append(origin) }
  }

  /// Bounds of an Int32 value that hold whatever the data.
  private func range(of value: LoopValue, depth: Int) -> ClosedRange<Int>? {
    guard depth < 16, let definition = definitions[value.index] else { return nil }
    switch definition {
    case .constant(let literal) where literal.type == .int32: return Int(literal.intValue)...Int(literal.intValue)
    case .index(let index):
      let range = IndexSet.range(of: index, extents)
      guard range.least >= Int(Int32.min), range.greatest <= Int(Int32.max) else { return nil }
      return range.least...range.greatest
    case .apply(.convert, let operands) where type(of: operands[0]) == .bool: return 0...1
    case .apply(.select, let operands), .apply(.selectRarely, let operands):
      guard let a = range(of: operands[1], depth: depth + 1), let b = range(of: operands[2], depth: depth + 1)
      else { return nil }
      return min(a.lowerBound, b.lowerBound)...max(a.upperBound, b.upperBound)
    case .apply(let opcode, let operands) where opcode == .minimum || opcode == .maximum:
      let whole = Int(Int32.min)...Int(Int32.max)
      let a = range(of: operands[0], depth: depth + 1) ?? whole
      let b = range(of: operands[1], depth: depth + 1) ?? whole
      let choose: (Int, Int) -> Int = opcode == .minimum ? { min($0, $1) } : { max($0, $1) }
      return choose(a.lowerBound, b.lowerBound)...choose(a.upperBound, b.upperBound)
    default: return nil
    }
  }

  /// How the value is computed, and from which elements.
  func origin(of value: LoopValue, limit: Int) -> IndexOrigin? {
    var elements: [KernelFacts.Read] = []
    guard let computation = computation(of: value, &elements, depth: 0) else { return nil }
    return IndexOrigin(computation: computation, elements: elements, limit: limit, statement: statement)
  }

  private func computation(
    of value: LoopValue, _ elements: inout [KernelFacts.Read], depth: Int
  ) -> IndexOrigin.Computation? {
    guard depth < 32, definitions.indices.contains(value.index), let definition = definitions[value.index] else {
      return .position
    }
    switch definition {
    case .constant(let literal): return .constant(literal)
    case .index, .within: return .position
    case .load(let access, let condition, _):
      let list = condition.map { Int(conditionOf[$0.index]) } ?? -1
      var set = self.elements(of: access, list < 0 ? [] : constraintLists[list])
      if condition.map({ !isExactCondition[$0.index] }) ?? false { set.isExact = false }
      if access.indirection != nil { set.isExact = false }
      elements.append(.init(buffer: access.buffer, elements: set, statement: statement))
      return .element(access.buffer)
    case .apply(let opcode, let operands):
      var parts: [IndexOrigin.Computation] = []
      for operand in operands {
        guard let part = computation(of: operand, &elements, depth: depth + 1) else { return nil }
        parts.append(part)
      }
      return .apply(opcode, kernel.valueTypes[value.index], parts)
    }
  }

  // MARK: Points that run in any order

  /// Points of parallel, vector and unrolled loops run in any order or side by side: what one of them stores no other
  /// one may touch.
  mutating func verifyIndependence(of loop: Loop, from firstRecord: Int) {
    guard loop.extent > 1, records[firstRecord...].contains(where: { $0.isStore }) else { return }
    var touched: [BufferID: FootprintSet] = [:]
    var broken: Set<BufferID> = []
    let stored = Set(records[firstRecord...].filter { $0.isStore }.map(\.access.buffer))
    for record in records[firstRecord...] where stored.contains(record.access.buffer) {
      let buffer = program.buffers[record.access.buffer.index]
      if loop.axis == .parallel, buffer.segment == .worker || broken.contains(record.access.buffer) { continue }
      guard let footprint = footprint(of: record, in: loop) else { continue }
      if touched[record.access.buffer, default: FootprintSet()].insert(footprint) { continue }
      guard broken.insert(record.access.buffer).inserted else { continue }
      report(
        "points of the \(loop.axis.rawValue) loop i\(loop.variable.raw) touch each other's elements of \(buffer.name)",
        at: record.statement)
    }
  }

  /// After a parallel loop a worker's own scratch holds what the points left that this worker happened to run.
  mutating func forgetWorkerStores(from firstRecord: Int) {
    for index in firstRecord..<records.count
    where program.buffers[records[index].access.buffer.index].segment == .worker {
      records[index].isForgotten = true
    }
  }

  /// Nil where it never happens.
  func footprint(of record: Record, in loop: Loop) -> Footprint? {
    let step = record.access.index.coefficient(of: loop.variable)
    var near = AffineExpression()
    var outer = AffineExpression()
    var period = 0
    func repeats(_ distance: Int) { period = Self.greatestCommonDivisor(period, abs(distance)) }
    for term in record.access.index.terms where term.variable != loop.variable {
      if enclosing.contains(term.variable) {
        outer.add(AffineExpression(term.variable), times: term.coefficient)
      } else if abs(term.coefficient) > abs(step) {
        repeats(term.coefficient)
      } else {
        near.add(AffineExpression(term.variable), times: term.coefficient)
      }
    }
    var reach = 0
    if let indirection = record.access.indirection, indirection.limit > 1 {
      repeats(indirection.scale)
      reach = Saturating.product(indirection.scale, indirection.limit - 1)
    }
    near.constant = record.access.index.constant
    let all = near + AffineExpression(loop.variable, coefficient: step)
    let constraints = constraints(record)
    let nearSet = IndexSet(near, constraints, extents: extents)
    let allSet = IndexSet(all, constraints, extents: extents)
    let span = IndexSet(record.access.index + outer * -1, constraints, extents: extents)
    if nearSet.isEmpty || allSet.isEmpty || span.isEmpty { return nil }
    return Footprint(
      extent: loop.extent, step: step, period: period, outer: outer,
      near: nearSet.first...max(nearSet.first, nearSet.last), all: allSet.first...max(allSet.first, allSet.last),
      span: Saturating.sum(span.first, min(0, reach))...max(span.first, Saturating.sum(span.last, max(0, reach))))
  }

  private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    var (a, b) = (a, b)
    while b != 0 { (a, b) = (b, a % b) }
    return a
  }
}
