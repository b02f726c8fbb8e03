extension Graph {
  /// This step `count` times as one graph: a loop whose body is the step.
  ///
  /// Every updated state variable is carried from iteration to iteration. So is every output, unread, because a
  /// loop's results are what it carried last: the outputs are those of the last step. Inputs are the same in each step.
  public func repeated(_ count: Int) -> Graph {
    var body = Graph(name: "\(name).body")
    var outer = Graph(name: name)
    outer.state = state
    outer.diagnostics = diagnostics

    func addOuter(_ op: any Op, _ type: TensorType, _ site: CallSite, _ name: String) -> NodeID {
      outer.nodes.append(Node(op: op, operands: [], type: type, site: site, name: name))
      return NodeID(outer.nodes.count - 1)
    }

    // Carried: the updated state, then outputs; then what stays the same.
    var operands: [NodeID] = []
    var carriedTypes: [TensorType] = []
    var bodyInputOfState: [StateID: NodeID] = [:]
    var bodyInputOfInput: [String: NodeID] = [:]
    func addBodyInput(_ name: String, _ type: TensorType) -> NodeID {
      body.nodes.append(Node(op: Input(name, type), operands: [], type: type, site: .unknown, name: name))
      return NodeID(body.nodes.count - 1)
    }
    func readState(_ id: StateID) {
      let variable = state[id.index]
      operands.append(addOuter(ReadState(id, variable.type), variable.type, variable.site, variable.name))
      bodyInputOfState[id] = addBodyInput("state \(variable.name)", variable.type)
    }
    for update in updates {
      readState(update.state)
      carriedTypes.append(state[update.state.index].type)
    }
    for output in outputs {
      let type = type(of: output.node)
      let zero = Constant(.splat(ScalarLiteral(type: type.elementType, bits: 0)), shape: type.shape)
      operands.append(addOuter(zero, type, nodes[output.node.index].site, output.name))
      _ = addBodyInput("output \(output.name)", type)
      carriedTypes.append(type)
    }
    for node in nodes {
      if let read = node.op as? ReadState, bodyInputOfState[read.id] == nil {
        readState(read.id)
      } else if let input = node.op as? Input {
        operands.append(addOuter(input, node.type, node.site, node.name))
        bodyInputOfInput[input.name] = addBodyInput(input.name, node.type)
      }
    }

    var renumbered: [NodeID] = []
    renumbered.reserveCapacity(nodes.count)
    for node in nodes {
      if let read = node.op as? ReadState, let id = bodyInputOfState[read.id] {
        renumbered.append(id)
      } else if let input = node.op as? Input, let id = bodyInputOfInput[input.name] {
        renumbered.append(id)
      } else {
        var copy = node
        for position in copy.operands.indices { copy.operands[position] = renumbered[copy.operands[position].index] }
        renumbered.append(NodeID(body.nodes.count))
        body.nodes.append(copy)
      }
    }
    for (number, root) in carriedNodes.enumerated() {
      body.outputs.append(Output(name: "carried \(number)", node: renumbered[root.index]))
    }

    guard let firstType = carriedTypes.first else { return outer }
    let site = nodes.last?.site ?? .unknown
    var loop = Node(
      op: Repeat(count: count, carried: carriedTypes.count), operands: operands, type: firstType, site: site,
      name: name, bodies: [body])
    loop.furtherTypes = Array(carriedTypes.dropFirst())
    outer.nodes.append(loop)
    let loopID = NodeID(outer.nodes.count - 1)
    let results = carriedTypes.enumerated().map { index, type -> NodeID in
      if index == 0 { return loopID }
      outer.nodes.append(
        Node(op: Projection(index: index, type: type), operands: [loopID], type: type, site: site, name: name))
      return NodeID(outer.nodes.count - 1)
    }
    for (index, update) in updates.enumerated() {
      outer.updates.append(Update(state: update.state, node: results[index]))
    }
    for (index, output) in outputs.enumerated() {
      outer.outputs.append(Output(name: output.name, node: results[updates.count + index]))
    }
    return outer
  }

  private var carriedNodes: [NodeID] { updates.map(\.node) + outputs.map(\.node) }
}
