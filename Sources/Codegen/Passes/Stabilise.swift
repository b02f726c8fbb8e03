import CinchGraph

/// Forms that lose all digits near the ends of the range become those that don't. One rule a line, on the ops by name.
enum Stabilise {
  static func rewrite(_ builder: GraphBuilder, _ node: Node, _ x: [Tensor]) -> Tensor? {
    guard let operand = x.first else { return nil }
    let inner = Match(operand)
    if node.op is Log {
      if let (softmax, a) = inner.unary(SoftmaxOp.self) { return logSoftmax(a, axis: softmax.axis) }
      if let (_, a) = inner.unary(Logistic.self) { return -softplus(-a) }
      if let a = inner.oneMinus(), let (_, b) = Match(a).unary(Logistic.self) { return -softplus(b) }
      if let a = inner.onePlus() { return log1p(a) }
      if let a = inner.oneMinus() { return log1p(-a) }
      if let (sum, a) = inner.unary(Sum.self), let (_, b) = Match(a).unary(Exp.self) {
        return logSumExp(b, axes: sum.axes)
      }
    }
    if node.op is Log1p, let (_, a) = inner.unary(Exp.self) { return softplus(a) }
    return nil
  }

  /// max + log Σ e^(a − max); an infinite max is not subtracted, for ∞ − ∞ is no number.
  private static func logSumExp(_ a: Tensor, axes: [Int]) -> Tensor {
    let max = stopGradient(a.builder.add(Max(axes: axes), [a], at: a.site))
    let zero = Tensor.zeros(like: max)
    let largest = select((max - max) .== zero, max, zero)
    var kept = a.shape
    for axis in axes { kept.extents[axis] = 1 }
    let shifted = exp(a - largest.reshaped(to: kept))
    return largest + log(a.builder.add(Sum(axes: axes), [shifted], at: a.site))
  }
}

/// Looks at how a tensor was made.
struct Match {
  let tensor: Tensor

  init(_ tensor: Tensor) { self.tensor = tensor }

  var op: any Op { tensor.builder.graph.nodes[tensor.id.index].op }

  var operands: [Tensor] {
    tensor.builder.graph.nodes[tensor.id.index].operands.map { Tensor(builder: tensor.builder, id: $0) }
  }

  func operand(_ index: Int) -> Tensor {
    Tensor(builder: tensor.builder, id: tensor.builder.graph.nodes[tensor.id.index].operands[index])
  }

  /// The op and its first operand, if this is such an op.
  func unary<T: Op>(_ type: T.Type) -> (T, Tensor)? {
    (op as? T).map { ($0, operand(0)) }
  }

  /// The op's two operands, if this is such an op.
  func binary<T: Op>(_ type: T.Type) -> (Tensor, Tensor)? {
    op is T ? (operand(0), operand(1)) : nil
  }

  /// The value of a constant all of whose elements are equal, seen through broadcasts.
  var splat: ScalarLiteral? {
    let op = op
    if let constant = op as? Constant, case .splat(let literal) = constant.data { return literal }
    if op is Broadcast { return Match(operand(0)).splat }
    return nil
  }

  func isSplat(_ value: Double) -> Bool { splat.map { $0.asDouble == value } ?? false }

  /// `a` where this is 1 + a or a + 1.
  func onePlus() -> Tensor? {
    guard let (a, b) = binary(Add.self) else { return nil }
    if Match(a).isSplat(1) { return b }
    return Match(b).isSplat(1) ? a : nil
  }

  /// `a` where this is 1 − a.
  func oneMinus() -> Tensor? {
    guard let (a, b) = binary(Subtract.self), Match(a).isSplat(1) else { return nil }
    return b
  }
}
