import CinchGraph

/// Replaces ops whose meaning is other ops.
enum Decompose {
  /// Far deeper than any op's nesting; a decomposition into itself would not end otherwise.
  private static let maximumDepth = 16

  static func run(_ graph: Graph) throws -> Graph {
    var graph = graph
    for _ in 0..<maximumDepth {
      var found = false
      graph = graph.rewritten { _, node, operands in
        guard case .decomposition(let expand) = node.op.meaning(of: operands.map(\.type), result: node.type)
        else { return nil }
        found = true
        return expand(operands)
      }
      if !found { return graph }
    }
    throw InternalError(stage: "decompose", message: "an op decomposes into itself")
  }
}
