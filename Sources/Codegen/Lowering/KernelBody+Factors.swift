import CinchGraph

// What a contraction's schedule asks of its kernel's body.

extension KernelBody {
  /// Adds everything that `value` needs.
  private func mark(_ value: LoopValue, _ set: inout Set<Int>) {
    guard !isResult[value.index], set.insert(value.index).inserted else { return }
    switch expressions[value.index] {
    case .apply(_, let operands): for operand in operands { mark(operand, &set) }
    case .load(let access, let condition, _):
      if let index = access.indirection?.value { mark(index, &set) }
      if let condition { mark(condition, &set) }
    case .constant, .index, .within: break
    }
  }

  /// Everything that `value` needs, in order.
  private func expressions(for value: LoopValue) -> [LoopExpression] {
    var needed: Set<Int> = []
    mark(value, &needed)
    return needed.sorted().map { expressions[$0] }
  }

  /// Everything that `value` needs and nothing else does.
  func expressions(only value: LoopValue) -> Set<Int> {
    var needed: Set<Int> = []
    var others: Set<Int> = []
    for stage in stages {
      for reduction in stage.reductions {
        switch reduction.kind {
        case .combine(_, let other), .argMax(let other, _): mark(other, &others)
        case .fusedMultiplyAdd(let a, let b):
          if a != value { mark(a, &others) }
          if b != value { mark(b, &others) }
        }
      }
      for store in stage.stores + stage.results { mark(store.value, &others) }
      for other in stage.values { mark(other, &others) }
    }
    mark(value, &needed)
    return needed.subtracting(others)
  }

  /// Whether each k of each row along the axis has a cache line of its own.
  func takesLines(_ value: LoopValue, _ row: LoopAxis, _ reduced: Range<Int>) -> Bool {
    let ks = reduced.filter { extents[$0] > 1 }.map { loadStride(value, LoopVariable(raw: Int32($0))) }
    return loadStride(value, LoopVariable(raw: Int32(row.axis))) != 1 && ks.allSatisfy { $0 >= ContractionSchedule.line }
  }

  /// The reduced axis with which the column axis forms one sum in every index that the value needs, whose lines are fewest.
  func slide(of value: LoopValue, along column: Int, _ reduced: Range<Int>) -> ContractionSchedule.Slide? {
    var indices: [AffineExpression] = []
    for expression in expressions(for: value) {
      switch expression {
      case .load(let access, _, _):
        if access.indirection != nil { return nil }
        indices.append(access.index)
      case .index(let index), .within(let index, _): indices.append(index)
      case .constant, .apply: break
      }
    }
    let slides = reduced.compactMap { axis -> ContractionSchedule.Slide? in
      guard extents[axis] > 1 else { return nil }
      var step: Int?
      for index in indices {
        let along = index.coefficient(of: LoopVariable(raw: Int32(column)))
        let across = index.coefficient(of: LoopVariable(raw: Int32(axis)))
        if along == 0, across == 0 { continue }
        guard along != 0, across != 0, across % along == 0, step == nil || step == across / along else { return nil }
        step = across / along
      }
      return step.map { ContractionSchedule.Slide(axis: axis, extent: extents[axis], step: $0) }
    }
    // More lines than the image has would be no windows that overlap.
    return slides.filter { $0.margin < extents[column] }.min { $0.margin < $1.margin }
  }

  /// Elements between neighbours along an axis in memory: the most of what the value is computed from.
  func loadStride(_ value: LoopValue, _ axis: LoopVariable) -> Int {
    loads(of: value).reduce(0) { max($0, abs($1.index.coefficient(of: axis))) }
  }

  /// What a value is computed from in memory.
  func loads(of value: LoopValue) -> [Access] {
    if case .load(let access, _, _) = expressions[value.index] { return [access] }
    return expressions(for: value).compactMap { expression in
      if case .load(let access, _, _) = expression { access } else { nil }
    }
  }

  /// Whether a value is more than a load.
  func isComputed(_ value: LoopValue) -> Bool {
    if case .load = expressions[value.index] { false } else { true }
  }

  /// Whether what `value` needs lies in memory with neighbours along the innermost of the reduced axes, of at least so many, and
  /// columns apart.
  func liesAlongDepth(_ value: LoopValue, _ column: LoopAxis, _ reduced: Range<Int>, atLeast count: Int) -> Bool {
    guard let depth = reduced.last(where: { extents[$0] > 1 }), extents[depth] >= count else { return false }
    let (along, across) = (LoopVariable(raw: Int32(depth)), LoopVariable(raw: Int32(column.axis)))
    return expressions(only: value).contains { number in
      guard case .load(let access, nil, _) = expressions[number], access.indirection == nil, types[number] != .bool
      else { return false }
      return access.index.coefficient(of: along) == 1 && !(0...1).contains(access.index.coefficient(of: across))
    }
  }

  /// Loads of neighbours along the columns, different ones for each row, that belong to no stage's loops; none if all together
  /// have at most `limit` bytes.
  func readsPerPoint(_ row: LoopAxis, _ column: LoopAxis, beyond limit: Int) -> [Access] {
    let domain: UInt64 = (1 << UInt64(domainCount)) - 1
    var result: [Access] = []
    var byteCount = 0
    for (expression, mask) in zip(expressions, masks) where mask & ~domain == 0 && mask & row.mask != 0 {
      guard case .load(let access, nil, _) = expression, access.indirection == nil, !result.contains(access),
        access.index.coefficient(of: LoopVariable(raw: Int32(column.axis))) == 1
      else { continue }
      result.append(access)
      byteCount += (0..<domainCount).reduce(4) { mask >> UInt64($1) & 1 == 0 ? $0 : $0 * extents[$1] }
    }
    return byteCount > limit ? result : []
  }

  /// The first of the contraction's reduced axes that isn't 1.
  var outermostReducedAxis: Int? { stages[0].axes.first { extents[$0] > 1 } }
  /// Its iterations.
  var outermostReduced: Int { outermostReducedAxis.map { extents[$0] } ?? 1 }

  /// Of a result with an element for each point of the domain.
  var domainBytes: Int { extents.prefix(domainCount).reduce(4, *) }

  /// About how many instructions come after the contraction.
  func epilogueSize(_ factors: LoopValue...) -> Int {
    var inside: Set<Int> = []
    for factor in factors { inside.formUnion(expressions(only: factor)) }
    var count = 0
    for (index, expression) in expressions.enumerated() where !inside.contains(index) && !isResult[index] {
      if case .apply = expression { count += 1 }
    }
    return count
  }
}
