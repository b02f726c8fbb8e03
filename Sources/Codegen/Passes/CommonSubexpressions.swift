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
    var known: [Key: Tensor] = [:]
    known.reserveCapacity(graph.nodes.count)
    return graph.rewritten { builder, node, operands in
      guard node.bodies.isEmpty, !(node.op is Projection) else { return nil }
      let key = Key(
        op: ObjectIdentifier(type(of: node.op)), attributes: node.op.attributes, operands: operands.map(\.id),
        type: node.type)
      if let same = known[key] { return same }
      var copy = node
      copy.operands = key.operands
      let tensor = builder.append(copy)
      known[key] = tensor
      return tensor
    }
  }
}
