extension Graph {
  /// The graph, bodies included, in which ops whose meaning is other ops have become those.
  ///
  /// - Throws: `GraphError` for what becomes too large for any memory.
  public func decomposed() throws -> Graph {
    // Far deeper than any op's nesting; an op that decomposes into itself would not end otherwise.
    let maximumDepth = 16
    var graph = self
    for index in graph.nodes.indices where !graph.nodes[index].bodies.isEmpty {
      graph.nodes[index].bodies = try graph.nodes[index].bodies.map { try $0.decomposed() }
    }
    for _ in 0..<maximumDepth {
      var found = false
      graph = graph.rewritten { _, node, operands in
        guard case .decomposition(let expand) = node.op.meaning(of: operands.map(\.type), result: node.type)
        else { return nil }
        found = true
        return expand(operands)
      }
      try graph.checkRewriting("decompose")
      if !found { return graph }
    }
    throw InternalError(stage: "decompose", message: "an op decomposes into itself")
  }
}
