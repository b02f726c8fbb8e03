import Cinch

// Ways to make a graph smaller. What comes out may be broken: whoever asks runs the verifier.

extension Graph {
  /// The graph without nodes, inputs and state variables that no output and no update depends on.
  func trimmed() -> Graph {
    var isLive = [Bool](repeating: false, count: nodes.count)
    for root in roots { isLive[root.index] = true }
    for index in nodes.indices.reversed() where isLive[index] {
      for operand in nodes[index].operands { isLive[operand.index] = true }
    }
    var keptState = Set(updates.map(\.state))
    for index in nodes.indices where isLive[index] {
      if let read = nodes[index].op as? ReadState { keptState.insert(read.id) }
    }
    var result = Graph(name: name)
    var stateNumbers: [StateID: StateID] = [:]
    for id in keptState.sorted() {
      stateNumbers[id] = StateID(result.state.count)
      result.state.append(state[id.index])
    }
    var numbers = [NodeID](repeating: NodeID(0), count: nodes.count)
    for index in nodes.indices where isLive[index] {
      var node = nodes[index]
      for position in node.operands.indices { node.operands[position] = numbers[node.operands[position].index] }
      if let read = node.op as? ReadState, let id = stateNumbers[read.id] { node.op = ReadState(id, read.type) }
      numbers[index] = NodeID(result.nodes.count)
      result.nodes.append(node)
    }
    result.outputs = outputs.map { Output(name: $0.name, node: numbers[$0.node.index]) }
    result.updates = updates.map { Update(state: stateNumbers[$0.state] ?? $0.state, node: numbers[$0.node.index]) }
    return result
  }

  /// The graph in which another value takes the place of a node's.
  func replacing(_ id: NodeID, with other: NodeID) -> Graph {
    var result = self
    func renamed(_ node: NodeID) -> NodeID { node == id ? other : node }
    for index in result.nodes.indices { result.nodes[index].operands = result.nodes[index].operands.map(renamed) }
    for index in result.outputs.indices { result.outputs[index].node = renamed(result.outputs[index].node) }
    for index in result.updates.indices { result.updates[index].node = renamed(result.updates[index].node) }
    return result
  }

  /// The graph in which an extent is another one wherever it stands: in types and in ops' attributes, bodies included.
  func replacing(extent: Int, with other: Int) -> Graph? {
    func mapped(_ type: TensorType) -> TensorType {
      TensorType(type.elementType, Shape(type.shape.extents.map { $0 == extent ? other : $0 }))
    }
    var result = self
    for index in result.state.indices { result.state[index].type = mapped(result.state[index].type) }
    for index in result.nodes.indices {
      let node = result.nodes[index]
      let attributes = node.op.attributes.map { attribute -> Attribute in
        switch attribute.value {
        case .integers(let values): Attribute(attribute.name, .integers(values.map { $0 == extent ? other : $0 }))
        // What counts an axis, and no state variable's or result's number.
        case .integer(extent) where attribute.name != "index": Attribute(attribute.name, .integer(other))
        default: attribute
        }
      }
      guard var reader = try? AttributeReader(attributes), let op = try? Swift.type(of: node.op).init(attributes: &reader) else {
        return nil
      }
      result.nodes[index].op = op
      result.nodes[index].type = mapped(node.type)
      result.nodes[index].furtherTypes = node.furtherTypes.map(mapped)
      for (number, body) in node.bodies.enumerated() {
        guard let body = body.replacing(extent: extent, with: other) else { return nil }
        result.nodes[index].bodies[number] = body
      }
    }
    return result
  }

  /// The graph without the lines where its nodes were made.
  func withoutSites() -> Graph {
    var result = self
    for index in result.state.indices { result.state[index].site = .unknown }
    for index in result.nodes.indices {
      result.nodes[index].site = .unknown
      result.nodes[index].bodies = result.nodes[index].bodies.map { $0.withoutSites() }
    }
    return result
  }
}
