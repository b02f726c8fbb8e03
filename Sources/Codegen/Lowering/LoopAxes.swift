/// Axes of a kernel's body that run as one loop: neighbours collapse where every index allows it.
struct LoopAxis: Sendable {
  var extent: Int
  /// The innermost of the body's axes in it: it stands for all, the others are 0.
  var axis: Int
  /// All of the body's axes in it, as bits.
  var mask: UInt64
}

struct LoopAxes: Sendable {
  var domain: [LoopAxis]
  /// By stage.
  var inner: [[LoopAxis]]

  init(_ body: KernelBody) {
    self.init(body, without: []) { _ in (0, 0) }
  }

  /// Without the indices of some of the body's expressions, which are evaluated in loops of their own along the columns (the
  /// last axes of the last one's class) and the stages' axes; only axes of one class collapse.
  init(_ body: KernelBody, without hidden: Set<Int>, classes: (Int) -> (UInt64, UInt64)) {
    let indices = body.indices(without: hidden)
    var columns = body.domainCount
    while columns > 0, classes(columns - 1) == classes(body.domainCount - 1) { columns -= 1 }
    let all = hidden.isEmpty ? indices : body.indices(without: [])
    domain = Self.collapsed(0..<columns, body.extents, all, classes)
    domain += Self.collapsed(columns..<body.domainCount, body.extents, indices, classes)
    inner = body.stages.map { Self.collapsed($0.axes, body.extents, indices, classes) }
  }

  private static func collapsed(
    _ axes: Range<Int>, _ extents: [Int], _ indices: [AffineExpression], _ classes: (Int) -> (UInt64, UInt64)
  ) -> [LoopAxis] {
    var result: [LoopAxis] = []
    for axis in axes {
      let own = LoopAxis(extent: extents[axis], axis: axis, mask: 1 << UInt64(axis))
      guard let last = result.last else {
        result.append(own)
        continue
      }
      let (outer, inner) = (LoopVariable(raw: Int32(last.axis)), LoopVariable(raw: Int32(axis)))
      let collapses =
        classes(last.axis) == classes(axis)
        && indices.allSatisfy { $0.coefficient(of: outer) == $0.coefficient(of: inner) * extents[axis] }
      if collapses {
        result[result.count - 1] = LoopAxis(
          extent: last.extent * own.extent, axis: axis, mask: last.mask | own.mask)
      } else {
        result.append(own)
      }
    }
    return result
  }
}

extension KernelBody {
  /// Every index in the body, each once, but for those of some expressions.
  func indices(without hidden: Set<Int>) -> [AffineExpression] {
    var seen: Set<AffineExpression> = []
    var result: [AffineExpression] = []
    func add(_ expression: AffineExpression) {
      if expression.terms.isEmpty { return }
      if seen.insert(expression).inserted { result.append(expression) }
    }
    for (number, expression) in expressions.enumerated() where !isResult[number] && !hidden.contains(number) {
      switch expression {
      case .index(let index), .within(let index, _): add(index)
      case .load(let access, _, _): add(access.index)
      case .constant, .apply: break
      }
    }
    for stage in stages {
      for store in stage.stores { add(store.access.index) }
      for store in stage.results { add(store.access.index) }
      for scatter in stage.scatters { add(scatter.base) }
      for reduction in stage.reductions {
        if case .argMax(_, let coordinate) = reduction.kind { add(coordinate) }
      }
    }
    return result
  }
}
