import CinchGraph

/// Takes from loops what nothing reads: stacked outputs, carried values that matter to no result, operands that the body
/// has no use for. Then the same in their bodies.
enum PruneLoops {
  static func run(_ graph: Graph) -> Graph {
    guard graph.nodes.contains(where: { !$0.bodies.isEmpty }) else { return graph }
    var result = graph.withoutDeadNodes()
    let nodes = result.nodes
    result.nodes = []
    let used = usedResults(of: nodes, roots: result.roots)
    var renumbered: [NodeID] = []
    // By the loop's old number: the new number of each result that is left.
    var places: [NodeID: [Int: Int]] = [:]
    for (index, old) in nodes.enumerated() {
      var node = old
      for position in node.operands.indices { node.operands[position] = renumbered[node.operands[position].index] }
      if let projection = node.op as? Projection, let place = places[old.operands[0]]?[projection.index] {
        // The first result is the loop itself.
        if place == 0 {
          renumbered.append(node.operands[0])
          continue
        }
        node.op = Projection(index: place, type: projection.type)
      } else if let used = used[NodeID(index)] {
        places[NodeID(index)] = prune(&node, used: used)
      }
      renumbered.append(NodeID(result.nodes.count))
      result.nodes.append(node)
    }
    for position in result.outputs.indices { result.outputs[position].node = renumbered[result.outputs[position].node.index] }
    for position in result.updates.indices { result.updates[position].node = renumbered[result.updates[position].node.index] }
    return result
  }

  /// The results of each loop that something reads.
  private static func usedResults(of nodes: [Node], roots: [NodeID]) -> [NodeID: Set<Int>] {
    var used: [NodeID: Set<Int>] = [:]
    for (index, node) in nodes.enumerated() where node.op is Repeat { used[NodeID(index)] = [] }
    for node in nodes {
      let result = (node.op as? Projection)?.index ?? 0
      for operand in node.operands where used[operand] != nil { used[operand]?.insert(result) }
    }
    for root in roots where used[root] != nil { used[root]?.insert(0) }
    return used
  }

  /// - Returns: the new number of each result that is left.
  private static func prune(_ loop: inout Node, used: Set<Int>) -> [Int: Int]? {
    guard let iteration = (loop.op as? Repeat)?.iteration, var body = loop.bodies.first else { return nil }
    let inputs = body.inputs.map(\.node)
    // A loop carries at least one value.
    var kept = used.contains { $0 < iteration.carried } ? used : used.union([0])
    var isLive = [Bool](repeating: false, count: body.nodes.count)
    var known = -1
    while kept.count != known {
      known = kept.count
      for position in kept { isLive[body.outputs[position].node.index] = true }
      for index in body.nodes.indices.reversed() where isLive[index] {
        for operand in body.nodes[index].operands { isLive[operand.index] = true }
      }
      for position in 0..<iteration.carried where isLive[inputs[position].index] { kept.insert(position) }
    }
    let keptInputs = inputs.indices.filter { $0 < iteration.carried ? kept.contains($0) : isLive[inputs[$0].index] }
    let keptOutputs = kept.sorted()
    for position in keptInputs { isLive[inputs[position].index] = true }

    var renumbered = [NodeID](repeating: NodeID(0), count: body.nodes.count)
    let nodes = body.nodes
    body.nodes = []
    for index in nodes.indices where isLive[index] {
      renumbered[index] = NodeID(body.nodes.count)
      var node = nodes[index]
      for position in node.operands.indices { node.operands[position] = renumbered[node.operands[position].index] }
      body.nodes.append(node)
    }
    body.outputs = keptOutputs.map {
      Graph.Output(name: body.outputs[$0].name, node: renumbered[body.outputs[$0].node.index])
    }
    let results = [loop.type] + loop.furtherTypes
    let carried = keptOutputs.count { $0 < iteration.carried }
    loop.op = Repeat(
      Iteration(
        count: iteration.count, carried: carried,
        sliced: keptInputs.count { $0 >= iteration.carried && $0 < iteration.carried + iteration.sliced },
        stacked: keptOutputs.count - carried, isReversed: iteration.isReversed))
    loop.operands = keptInputs.map { loop.operands[$0] }
    loop.type = results[keptOutputs[0]]
    loop.furtherTypes = keptOutputs.dropFirst().map { results[$0] }
    loop.bodies = [run(body)]
    return Dictionary(uniqueKeysWithValues: keptOutputs.enumerated().map { ($1, $0) })
  }
}
