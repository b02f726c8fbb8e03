import CinchGraph

/// Along which unrolled and vector axes a value has more than one instance, as a set of nesting depths.
struct AxisSet: OptionSet, Hashable, Sendable {
  let rawValue: UInt64
  init(rawValue: UInt64) { self.rawValue = rawValue }
  init(depth: Int) { rawValue = 1 << UInt64(depth) }
  static let limit = 64
}

/// Finds the axes that each value of a kernel varies along, so that what doesn't vary is computed once: in a matrix
/// multiplication's tile, elements of the left matrix vary along the rows only, those of the right one along the
/// columns only.
struct LaneDependence {
  private(set) var axes: [AxisSet]
  private var depthOfVariable: [AxisSet]

  init(_ kernel: LoopKernel) throws(VectorLimitation) {
    axes = [AxisSet](repeating: [], count: kernel.valueTypes.count)
    depthOfVariable = [AxisSet](repeating: [], count: kernel.variableCount)
    try analyse(kernel.body, depth: 0)
  }

  subscript(value: LoopValue) -> AxisSet { axes[value.index] }

  func axes(of index: AffineExpression) -> AxisSet {
    var result: AxisSet = []
    for term in index.terms { result.formUnion(depthOfVariable[term.variable.index]) }
    return result
  }

  func axes(of access: Access) -> AxisSet {
    var result = axes(of: access.index)
    if let indirection = access.indirection { result.formUnion(self[indirection.value]) }
    return result
  }

  private mutating func analyse(_ statements: [LoopStatement], depth: Int) throws(VectorLimitation) {
    for statement in statements {
      switch statement {
      case .define(let value, let expression): axes[value.index] = axes(of: expression)
      case .store, .prefetch, .check: break
      case .loop(let loop): try analyse(loop, depth: depth)
      }
    }
  }

  private func axes(of expression: LoopExpression) -> AxisSet {
    switch expression {
    case .constant: return []
    case .apply(_, let operands):
      var result: AxisSet = []
      for operand in operands { result.formUnion(self[operand]) }
      return result
    case .index(let index), .within(let index, _): return axes(of: index)
    case .load(let access, let condition, _):
      return condition.map { axes(of: access).union(self[$0]) } ?? axes(of: access)
    }
  }

  private mutating func analyse(_ loop: Loop, depth: Int) throws(VectorLimitation) {
    switch loop.axis {
    case .unrolled, .vector:
      guard depth < AxisSet.limit else { throw .malformed("unrolled loops are nested too deeply") }
      let own = AxisSet(depth: depth)
      depthOfVariable[loop.variable.index] = own
      try analyse(loop.body, depth: depth + 1)
      for fold in loop.folds { axes[fold.result.index] = self[fold.value].subtracting(own) }
    case .sequential, .parallel:
      for carried in loop.carried { axes[carried.argument.index] = self[carried.initial] }
      while true {
        try analyse(loop.body, depth: depth)
        var grew = false
        for carried in loop.carried {
          let union = self[carried.argument].union(self[carried.next])
          if union != self[carried.argument] { grew = true }
          axes[carried.argument.index] = union
        }
        if !grew { break }
      }
      for carried in loop.carried { axes[carried.result.index] = self[carried.argument] }
    }
  }
}
