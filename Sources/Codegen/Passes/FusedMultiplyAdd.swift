import CinchGraph

/// a · b + c becomes one fma where the product has no other user: rounded once instead of twice, in every engine, because
/// the graph says so.
enum FusedMultiplyAddContraction {
  static func run(_ graph: Graph) -> Graph {
    var uses = [Int](repeating: 0, count: graph.nodes.count)
    for node in graph.nodes { for operand in node.operands { uses[operand.index] += 1 } }
    for root in graph.roots { uses[root.index] += 1 }
    return graph.rewritten { _, node, x in
      guard node.type.elementType == .float32, node.op is Add || node.op is Subtract else { return nil }
      let old = node.operands
      func product(_ index: Int) -> (Tensor, Tensor)? {
        uses[old[index].index] == 1 ? Match(x[index]).binary(Multiply.self) : nil
      }
      if node.op is Add {
        if let (a, b) = product(0) { return fma(a, b, x[1]) }
        if let (a, b) = product(1) { return fma(a, b, x[0]) }
      } else {
        if let (a, b) = product(1) { return fma(-a, b, x[0]) }
        if let (a, b) = product(0) { return fma(a, b, -x[1]) }
      }
      return nil
    }
  }
}
