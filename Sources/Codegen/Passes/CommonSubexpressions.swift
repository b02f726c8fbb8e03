import CinchGraph

/// Equal ops on equal operands are one node: the first of them, with its line.
enum CommonSubexpressions {
  private struct Key: Hashable {
    let op: ObjectIdentifier
    let attributes: [Attribute]
    let operands: [NodeID]
    let type: TensorType
  }

  static func run(_ graph: Graph) -> Graph {
    var known: [Key: NodeID] = [:]
    known.reserveCapacity(graph.nodes.count)
    var isFirst = [Bool](repeating: true, count: graph.nodes.count)
    var representative: [NodeID] = []
    representative.reserveCapacity(graph.nodes.count)
    for index in graph.nodes.indices {
      representative.append(NodeID(index))
      let op = graph.nodes[index].op
      guard graph.nodes[index].bodies.isEmpty, !(op is Projection) else { continue }
      let key = Key(
        op: ObjectIdentifier(type(of: op)), attributes: op.attributes,
        operands: graph.nodes[index].operands.map { representative[$0.index] }, type: graph.nodes[index].type)
      if let same = known[key] {
        representative[index] = same
        isFirst[index] = false
      } else {
        known[key] = NodeID(index)
      }
    }
    return isFirst.contains(false) ? graph.keeping(isFirst, replacing: representative) : graph
  }
}
