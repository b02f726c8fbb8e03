import CinchGraph

/// Writes the order of accumulation onto each node that has one and doesn't say it yet.
enum AccumulationOrders {
  static func run(_ graph: Graph) -> Graph {
    var graph = graph
    for index in graph.nodes.indices {
      guard var op = graph.nodes[index].op.accumulating, op.order == nil else { continue }
      let operand = graph.type(of: graph.nodes[index].operands[0]).shape
      switch graph.meaning(of: NodeID(index)) {
      case .reduce(let reduction):
        op.order = .standard(reducing: reduction.axes, of: operand)
      case .contract:
        let shape = graph.nodes[index].type.shape
        op.order = .standard(contracting: operand[operand.rank - 1], columns: shape[shape.rank - 1])
      default: continue
      }
      graph.nodes[index].op = op
    }
    return graph
  }
}
