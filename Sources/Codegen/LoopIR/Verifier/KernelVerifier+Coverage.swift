// Whether what a load reads has been written: by stores before it in the same kernel, or else by earlier kernels.

extension KernelVerifier {
  /// Whether stores before the load give all its elements, in each iteration of the loops around both.
  func isCovered(_ load: Record) -> Bool {
    switch program.buffers[load.access.buffer.index].segment {
    case .state, .input: return true
    case .scratch, .worker: break
    }
    guard let positions = recordsOf[load.access.buffer] else { return false }
    var written: [Int: WrittenElements] = [:]
    for position in positions {
      let store = records[position]
      guard store.isStore, !store.isForgotten, store.isConditionExact, store.access.indirection == nil else { continue }
      let shared = zip(store.enclosing, load.enclosing).prefix { $0 == $1 }.count
      let common = Set(load.enclosing.prefix(shared))
      let (storeOuter, storeInner) = split(store.access.index, common)
      let (loadOuter, loadInner) = split(load.access.index, common)
      guard storeOuter == loadOuter else { continue }
      if isSameForm(store, storeInner, load, loadInner, common) { return true }
      written[shared, default: WrittenElements()].insert(elements(store, storeInner, common, mustBeExact: true))
      if written[shared]!.contains(elements(load, loadInner, common, mustBeExact: false)) { return true }
    }
    return false
  }

  private func split(
    _ index: AffineExpression, _ common: Set<LoopVariable>
  ) -> (outer: [AffineExpression.Term], inner: AffineExpression) {
    guard !common.isEmpty else { return ([], index) }
    var outer: [AffineExpression.Term] = []
    var inner = AffineExpression(constant: index.constant)
    for term in index.terms {
      if common.contains(term.variable) {
        outer.append(term)
      } else {
        inner.add(AffineExpression(term.variable), times: term.coefficient)
      }
    }
    return (outer, inner)
  }

  /// The elements for fixed values of the common variables, relative to what those give.
  private func elements(
    _ record: Record, _ inner: AffineExpression, _ common: Set<LoopVariable>, mustBeExact: Bool
  ) -> IndexSet {
    let all = constraints(record)
    let own = all.filter { constraint in !constraint.expression.terms.contains { common.contains($0.variable) } }
    var set = IndexSet(inner, own, extents: extents)
    if mustBeExact, own.count < all.count, all.contains(where: { !own.contains($0) && !isAlwaysTrue($0) }) {
      set.isExact = false
    }
    if let indirection = record.access.indirection { set.repeatBlocks(indirection.scale, indirection.limit) }
    return set
  }

  private func isAlwaysTrue(_ constraint: IndexConstraint) -> Bool {
    let range = IndexSet.range(of: constraint.expression, extents)
    return range.least >= 0 && range.greatest < constraint.bound
  }

  /// Whether the load walks the same elements under the same conditions, with other names for its loops.
  private func isSameForm(
    _ store: Record, _ storeInner: AffineExpression, _ load: Record, _ loadInner: AffineExpression,
    _ common: Set<LoopVariable>
  ) -> Bool {
    guard load.access.indirection == nil, storeInner.constant == loadInner.constant,
      storeInner.terms.count == loadInner.terms.count
    else { return false }
    func sorted(_ terms: [AffineExpression.Term]) -> [AffineExpression.Term] {
      terms.sorted {
        ($0.coefficient, extents[$0.variable.index], $0.variable.raw)
          < ($1.coefficient, extents[$1.variable.index], $1.variable.raw)
      }
    }
    var names: [LoopVariable: LoopVariable] = [:]
    for (own, other) in zip(sorted(storeInner.terms), sorted(loadInner.terms)) {
      guard own.coefficient == other.coefficient, extents[own.variable.index] >= extents[other.variable.index]
      else { return false }
      names[own.variable] = other.variable
    }
    let known = constraints(load)
    for constraint in constraints(store) where !isAlwaysTrue(constraint) {
      var renamed = AffineExpression(constant: constraint.expression.constant)
      for term in constraint.expression.terms {
        guard let name = common.contains(term.variable) ? term.variable : names[term.variable] else { return false }
        renamed.add(AffineExpression(name), times: term.coefficient)
      }
      guard known.contains(IndexConstraint(expression: renamed, bound: constraint.bound)) else { return false }
    }
    return true
  }

  // MARK: The whole kernel

  /// What the schedule must know, once all statements are right.
  mutating func finishAccesses() {
    verifyParallelNests()
    var spans: [BufferID: (read: ClosedRange<Int>?, written: ClosedRange<Int>?)] = [:]
    for record in records {
      let id = record.access.buffer
      let buffer = program.buffers[id.index]
      var set = elements(of: record.access, constraints(record))
      if set.isEmpty { continue }
      if let indirection = record.access.indirection { set.repeatBlocks(indirection.scale, indirection.limit) }
      let span = set.first...max(set.first, set.last)
      if record.isStore {
        spans[id, default: (nil, nil)].written = Self.hull(spans[id]?.written ?? nil, span)
        if record.access.indirection != nil || !record.isConditionExact { set.isExact = false }
        facts.writes.append(.init(buffer: id, elements: set))
        continue
      }
      if !record.isCovered {
        // What the same kernel writes first does not come from memory.
        spans[id, default: (nil, nil)].read = Self.hull(spans[id]?.read ?? nil, span)
        switch buffer.segment {
        case .scratch: facts.exposed.append(.init(buffer: id, elements: set, statement: record.statement))
        case .worker:
          report("reads \(buffer.name), which this worker has not written", at: record.statement)
        case .state, .input: break
        }
      } else if buffer.segment != .scratch, buffer.segment != .worker {
        spans[id, default: (nil, nil)].read = Self.hull(spans[id]?.read ?? nil, span)
      }
    }
    for (id, span) in spans where program.buffers[id.index].segment != .worker {
      let count = (span.read?.count ?? 0) + (span.written?.count ?? 0)
      facts.report.byteCount = Saturating.sum(
        facts.report.byteCount, Saturating.product(count, program.buffers[id.index].elementType.byteCount))
    }
  }

  private static func hull(_ a: ClosedRange<Int>?, _ b: ClosedRange<Int>) -> ClosedRange<Int> {
    guard let a else { return b }
    return min(a.lowerBound, b.lowerBound)...max(a.upperBound, b.upperBound)
  }

  /// Nests of one kernel run without a barrier between: what one worker stores in any of them, no other may touch.
  private mutating func verifyParallelNests() {
    guard kernel.isParallel, kernel.body.count > 1 else { return }
    var nests: [LoopVariable: Loop] = [:]
    for case .loop(let loop) in kernel.body where loop.axis == .parallel { nests[loop.variable] = loop }
    var touched: [BufferID: FootprintSet] = [:]
    for record in records {
      let id = record.access.buffer
      guard facts.written[id] != nil, program.buffers[id.index].segment != .worker else { continue }
      guard let nest = record.enclosing.first.flatMap({ nests[$0] }) else {
        report(
          "touches \(program.buffers[id.index].name) outside of the parallel loops, in which workers share it",
          at: record.statement)
        continue
      }
      guard let footprint = footprint(of: record, in: nest) else { continue }
      guard touched[id, default: FootprintSet()].insert(footprint) else {
        report(
          "\(program.buffers[id.index].name) is divided among workers in another way by a nest before",
          at: record.statement)
        return
      }
    }
  }
}

extension IndexSet {
  /// Adds `step` times every number below `count`.
  mutating func repeatBlocks(_ step: Int, _ count: Int) {
    guard count > 1, step != 0 else { return }
    if step < 0 { first = Saturating.sum(first, Saturating.product(step, count - 1)) }
    strides.append(Stride(step: abs(step), count: count))
    strides.sort { ($0.step, $0.count) < ($1.step, $1.count) }
    condense()
  }
}
