/// Looks at how a tensor was made.
package struct Match {
  package let tensor: Tensor

  package init(_ tensor: Tensor) { self.tensor = tensor }

  package var op: any Op { tensor.builder.graph.nodes[tensor.id.index].op }

  package var operands: [Tensor] {
    tensor.builder.graph.nodes[tensor.id.index].operands.map { Tensor(builder: tensor.builder, id: $0) }
  }

  package func operand(_ index: Int) -> Tensor {
    Tensor(builder: tensor.builder, id: tensor.builder.graph.nodes[tensor.id.index].operands[index])
  }

  /// The op and its first operand, if this is such an op.
  package func unary<T: Op>(_ type: T.Type) -> (T, Tensor)? {
    (op as? T).map { ($0, operand(0)) }
  }

  /// The op's two operands, if this is such an op.
  package func binary<T: Op>(_ type: T.Type) -> (Tensor, Tensor)? {
    op is T ? (operand(0), operand(1)) : nil
  }

  /// The value of a constant all of whose elements are equal, seen through broadcasts.
  package var splat: ScalarLiteral? {
    let op = op
    if let constant = op as? Constant, case .splat(let literal) = constant.data { return literal }
    if op is Broadcast { return Match(operand(0)).splat }
    return nil
  }

  package func isSplat(_ value: Double) -> Bool { splat.map { $0.asDouble == value } ?? false }

  /// `a` where this is 1 + a or a + 1.
  package func onePlus() -> Tensor? {
    guard let (a, b) = binary(Add.self) else { return nil }
    if Match(a).isSplat(1) { return b }
    return Match(b).isSplat(1) ? a : nil
  }

  /// `a` where this is 1 − a.
  package func oneMinus() -> Tensor? {
    guard let (a, b) = binary(Subtract.self), Match(a).isSplat(1) else { return nil }
    return b
  }

  /// Whether both are computed in the same way from the same tensors, as far as a few steps show.
  package static func areEqual(_ a: Tensor, _ b: Tensor, depth: Int = 4) -> Bool {
    if a.id == b.id { return true }
    let nodes = a.builder.graph.nodes
    let (x, y) = (nodes[a.id.index], nodes[b.id.index])
    guard depth > 0, type(of: x.op) == type(of: y.op), x.type == y.type, x.operands.count == y.operands.count,
      !(x.op is Projection), x.bodies.isEmpty, x.op.attributes == y.op.attributes
    else { return false }
    return zip(Match(a).operands, Match(b).operands).allSatisfy { areEqual($0, $1, depth: depth - 1) }
  }
}
