extension Graph {
  /// The graph in which each node is what `rule` makes of it: given the node and its operands in the new graph, the rule
  /// returns the replacement for the node's (first) result, or nil to keep the node.
  ///
  /// What the rule adds carries the site and the layer of the node it replaces. State variables, outputs and updates
  /// stay; bodies are left to the caller.
  public func rewritten(_ rule: (GraphBuilder, Node, [Tensor]) -> Tensor?) -> Graph {
    let builder = GraphBuilder(name: name)
    builder.graph.state = state
    builder.graph.nodes.reserveCapacity(nodes.count)
    var replacement: [NodeID] = []
    replacement.reserveCapacity(nodes.count)
    var operands: [Tensor] = []
    for node in nodes {
      operands.removeAll(keepingCapacity: true)
      for operand in node.operands { operands.append(Tensor(builder: builder, id: replacement[operand.index])) }
      let first = builder.graph.nodes.count
      builder.scopes = [node.name]
      if let tensor = rule(builder, node, operands) {
        for index in first..<builder.graph.nodes.count {
          builder.graph.nodes[index].site = node.site
          if builder.graph.nodes[index].name.isEmpty { builder.graph.nodes[index].name = node.name }
        }
        replacement.append(tensor.id)
      } else {
        var copy = node
        for position in copy.operands.indices { copy.operands[position] = operands[position].id }
        replacement.append(builder.append(copy).id)
      }
    }
    var graph = builder.graph
    graph.outputs = outputs.map { Output(name: $0.name, node: replacement[$0.node.index]) }
    graph.updates = updates.map { Update(state: $0.state, node: replacement[$0.node.index]) }
    graph.diagnostics += diagnostics
    return graph
  }

  /// The graph without the nodes that no output and no update depends on. Inputs stay: the caller gives them anyway.
  public func withoutDeadNodes() -> Graph {
    var isLive = [Bool](repeating: false, count: nodes.count)
    for root in roots { isLive[root.index] = true }
    for index in nodes.indices.reversed() {
      if nodes[index].op is Input { isLive[index] = true }
      if isLive[index] { for operand in nodes[index].operands { isLive[operand.index] = true } }
    }
    if isLive.allSatisfy({ $0 }) { return self }
    var result = self
    result.nodes = []
    var renumbered = [NodeID](repeating: NodeID(0), count: nodes.count)
    for index in nodes.indices where isLive[index] {
      renumbered[index] = NodeID(result.nodes.count)
      var node = nodes[index]
      for position in node.operands.indices { node.operands[position] = renumbered[node.operands[position].index] }
      result.nodes.append(node)
    }
    for position in outputs.indices { result.outputs[position].node = renumbered[outputs[position].node.index] }
    for position in updates.indices { result.updates[position].node = renumbered[updates[position].node.index] }
    return result
  }
}
