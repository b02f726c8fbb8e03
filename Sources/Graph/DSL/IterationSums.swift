/// How a sum over all iterations of a term of the backward body is computed.
///
/// Products of matrices, which the gradients of weights are, become one product after the loop: of the factors of all
/// iterations, one after the other. Everything else is added up in a carried value.
indirect enum IterationSum {
  /// Σ leftᵀ·right, or Σ left·right.
  case product(left: NodeID, isTransposed: Bool, right: NodeID)
  /// Σ of a stacked value, over the given axes of one iteration too.
  case sum(NodeID, axes: [Int])
  /// A transposition or another shape of a sum.
  case view(any Op, IterationSum)
  case added(IterationSum, IterationSum)
  case accumulated(NodeID)

  var accumulated: [NodeID] {
    switch self {
    case .accumulated(let id): [id]
    case .view(_, let sum): sum.accumulated
    case .added(let a, let b): a.accumulated + b.accumulated
    case .product, .sum: []
    }
  }

  /// - Parameters:
  ///   - stack: the values of a node in all iterations.
  ///   - total: the last value of what was added up.
  func value(
    in builder: GraphBuilder, _ site: CallSite, stack: (NodeID) -> Tensor?, total: (NodeID) -> Tensor?
  ) -> Tensor? {
    switch self {
    case .accumulated(let id): return total(id)
    case .added(let a, let b):
      guard let a = a.value(in: builder, site, stack: stack, total: total),
        let b = b.value(in: builder, site, stack: stack, total: total)
      else { return nil }
      return a + b
    case .view(let op, let inner):
      return inner.value(in: builder, site, stack: stack, total: total).map { builder.add(op, [$0], at: site) }
    case .sum(let id, let axes):
      return stack(id).map { builder.add(Sum(axes: [0] + axes.map { $0 + 1 }), [$0], at: site) }
    case .product(let left, let isTransposed, let right):
      guard var left = stack(left), let right = stack(right) else { return nil }
      let depth = right.shape[0] * right.shape[1]
      if isTransposed {
        left = left.reshaped(to: [depth, left.shape[2]]).transposedMatrix()
      } else {
        left = left.transposed(to: [1, 0, 2]).reshaped(to: [left.shape[1], depth])
      }
      return matmul(left, right.reshaped(to: [depth, right.shape[2]]))
    }
  }
}

/// Decides how the terms of one backward body are added up.
struct IterationSums {
  private(set) var residuals: LoopResiduals
  /// The values of the backward body that its loop stacks.
  private(set) var stacked: [NodeID] = []

  /// - Parameter stacked: what is stacked in any case.
  init(_ residuals: LoopResiduals, stacked: [NodeID]) {
    self.residuals = residuals
    for id in stacked { stack(id) }
  }

  mutating func plan(_ term: NodeID) -> IterationSum {
    let graph = residuals.builder.graph
    let node = graph[term]
    switch node.op {
    case is Add:
      let (a, b) = (plan(node.operands[0]), plan(node.operands[1]))
      if case .accumulated = a, case .accumulated = b { return .accumulated(term) }
      return .added(a, b)
    case is MatMul:
      guard node.type.shape.rank == 2, node.operands.allSatisfy(residuals.differsByIteration) else {
        return .accumulated(term)
      }
      var left = node.operands[0]
      let isTransposed = graph[left].op is Transpose
      if isTransposed { left = graph[left].operands[0] }
      for factor in [left, node.operands[1]] where !residuals.keep(factor) { stack(factor) }
      return .product(left: left, isTransposed: isTransposed, right: node.operands[1])
    case is Transpose, is Reshape:
      let inner = plan(node.operands[0])
      if case .accumulated = inner { return .accumulated(term) }
      return .view(node.op, inner)
    case let sum as Sum where stacked.contains(node.operands[0]):
      return .sum(node.operands[0], axes: sum.axes)
    default:
      return stacked.contains(term) ? .sum(term, axes: []) : .accumulated(term)
    }
  }

  private mutating func stack(_ id: NodeID) {
    if !stacked.contains(id) { stacked.append(id) }
  }
}
