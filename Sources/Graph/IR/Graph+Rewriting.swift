extension Graph {
  /// The graph in which each node is what `rule` makes of it: given the node and its operands in the new graph, the rule
  /// returns the replacement for the node's (first) result, or nil to keep the node.
  ///
  /// What the rule adds carries the site and the layer of the node it replaces. State variables, outputs and updates
  /// stay; bodies are left to the caller. A graph of which all nodes are kept costs one look at each of them. The rule may be
  /// asked twice about a node, and has to give the same answer.
  public func rewritten(_ rule: (GraphBuilder, Node, [Tensor]) -> Tensor?) -> Graph {
    guard let start = firstNode(changedBy: rule) else { return self }
    let builder = GraphBuilder(name: name)
    builder.isRewriting = true
    builder.graph.state = state
    builder.graph.nodes.reserveCapacity(nodes.count)
    builder.graph.nodes += nodes[..<start]
    var replacement = (0..<start).map { NodeID($0) }
    replacement.reserveCapacity(nodes.count)
    var operands: [Tensor] = []
    for index in start..<nodes.count {
      let node = nodes[index]
      operands.removeAll(keepingCapacity: true)
      for operand in node.operands { operands.append(Tensor(builder: builder, id: replacement[operand.index])) }
      let first = builder.graph.nodes.count
      let firstDiagnostic = builder.graph.diagnostics.count
      builder.scopes = [node.name]
      var result = rule(builder, node, operands)
      let mistakes = firstDiagnostic..<builder.graph.diagnostics.count
      if !mistakes.isEmpty {
        for index in mistakes {
          let message = builder.graph.diagnostics[index].message
          builder.graph.diagnostics[index].message = "\(Swift.type(of: node.op).mnemonic) can't be computed: \(message)"
          builder.graph.diagnostics[index].site = node.site
          builder.graph.diagnostics[index].notes = []
        }
        // What uses the node finds the type that it relies on.
        result = builder.poison(recovered: node.type, site: node.site)
      }
      if let tensor = result {
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

  /// Throws what a rewriting had to say. A right graph may become one with too large tensors, which is the user's matter; other
  /// mistakes are ours.
  ///
  /// - Parameter stage: who rewrote the graph, for the message.
  package func checkRewriting(_ stage: String) throws {
    if let mistake = diagnostics.first(where: { !$0.isAboutSize }) {
      throw InternalError(stage: stage, message: mistake.message)
    }
    if !diagnostics.isEmpty { throw GraphError(diagnostics) }
  }

  /// The first node that the rule replaces or says something about.
  private func firstNode(changedBy rule: (GraphBuilder, Node, [Tensor]) -> Tensor?) -> Int? {
    let builder = GraphBuilder(name: name)
    builder.isRewriting = true
    builder.graph.state = state
    // What the rule adds comes after all of them, and is forgotten.
    builder.graph.nodes = nodes
    var operands: [Tensor] = []
    for index in nodes.indices {
      operands.removeAll(keepingCapacity: true)
      for operand in nodes[index].operands { operands.append(Tensor(builder: builder, id: operand)) }
      builder.scopes = [nodes[index].name]
      if rule(builder, nodes[index], operands) != nil || !builder.graph.diagnostics.isEmpty { return index }
    }
    return nil
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
    return keeping(isLive, replacing: nodes.indices.map { NodeID($0) })
  }

  /// The graph of some of the nodes, where each node that is used stands for itself or for an earlier one that is kept.
  package func keeping(_ isKept: [Bool], replacing replacement: [NodeID]) -> Graph {
    var result = self
    result.nodes = []
    result.nodes.reserveCapacity(nodes.count)
    var renumbered = [NodeID](repeating: NodeID(0), count: nodes.count)
    func new(_ id: NodeID) -> NodeID { renumbered[replacement[id.index].index] }
    for index in nodes.indices where isKept[index] {
      renumbered[index] = NodeID(result.nodes.count)
      var node = nodes[index]
      for position in node.operands.indices { node.operands[position] = new(node.operands[position]) }
      result.nodes.append(node)
    }
    for position in outputs.indices { result.outputs[position].node = new(outputs[position].node) }
    for position in updates.indices { result.updates[position].node = new(updates[position].node) }
    return result
  }
}
