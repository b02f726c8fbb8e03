// The checks themselves. `operand order` and `type` stand in GraphVerification.swift, because all others build on them.

/// One check on the whole of a graph.
struct GraphCheck: Sendable {
  let name: String
  let summary: String
  let problems: @Sendable (Graph) -> [(node: NodeID?, message: String)]
}

extension GraphVerification {
  static let nodeChecks: [NodeCheck] = [
    NodeCheck(
      name: "meaning", summary: "The meaning fits the types of operands and result.",
      problem: { subject, _ in subject.meaning.problem(operands: subject.operandTypes, result: subject.type) }),
    NodeCheck(
      name: "state", summary: "State is read by a number and with a type that the graph has.",
      problem: { subject, graph in
        guard case .state(let id) = subject.meaning else { return nil }
        let state = graph.state
        guard state.indices.contains(id.index) else { return "there is no state \(id.raw); the graph has \(state.count)" }
        let type = state[id.index].type
        return type == subject.type ? nil : "'\(state[id.index].name)' has type \(type), not \(subject.type)"
      }),
    NodeCheck(
      name: "bodies", summary: "A loop has one body, whose inputs and outputs fit what it carries; other nodes have none.",
      problem: { $0.bodyProblem($1) }),
    NodeCheck(
      name: "projection", summary: "A projection names a further result of its operand and has its type.",
      problem: { subject, graph in
        guard case .projection(let index) = subject.meaning else { return nil }
        guard let source = graph.nodes[subject.id.index].operands.first else { return "it has no operand" }
        let further = graph.nodes[source.index].furtherTypes
        guard index >= 1, index <= further.count else {
          return "\(source) has \(further.count) further results, so there is no result \(index)"
        }
        let type = further[index - 1]
        return type == subject.type ? nil : "result \(index) of \(source) has type \(type), not \(subject.type)"
      }),
    NodeCheck(
      name: "primitives only", summary: "After decomposition, no meaning is a decomposition.",
      problem: { subject, graph in
        guard subject.promises.contains(.primitivesOnly), case .decomposition = subject.meaning else { return nil }
        return "\(type(of: graph.nodes[subject.id.index].op).mnemonic) is a decomposition, and those are replaced by now"
      }),
    NodeCheck(
      name: "order", summary: "Orders of accumulation are sound, and set once the pass for them has run.",
      problem: { subject, graph in
        let order: AccumulationOrder?
        switch subject.meaning {
        case .reduce(let reduction): order = reduction.order
        case .contract(let ofContraction): order = ofContraction
        default: return nil
        }
        guard let order else {
          return subject.promises.contains(.ordersSet) ? "the order of accumulation is not set" : nil
        }
        if let shortest = order.runs.first, shortest < 1 { return "a chunk has \(shortest) elements" }
        guard zip(order.runs, order.runs.dropFirst()).allSatisfy(<) else { return "the runs \(order.runs) don't ascend" }
        guard case .lanes(let count) = order.leaf else { return nil }
        return count >= 1 && count & (count - 1) == 0 ? nil : "\(count) lanes are no power of two"
      }),
  ]

  static let graphChecks: [GraphCheck] = [
    GraphCheck(
      name: "state variables", summary: "Names are unique, types are types of tensors.",
      problems: { graph in
        var names: Set<String> = []
        var problems: [(node: NodeID?, message: String)] = []
        for variable in graph.state {
          if !names.insert(variable.name).inserted { problems.append((nil, "state '\(variable.name)' is there twice")) }
          if variable.type.shape.extents.contains(where: { $0 < 1 }) {
            problems.append((nil, "state '\(variable.name)' has type \(variable.type)"))
          }
        }
        return problems
      }),
    GraphCheck(
      name: "inputs", summary: "Names of inputs are unique.",
      problems: { graph in
        var names: Set<String> = []
        return graph.inputs.filter { !names.insert($0.name).inserted }.map {
          ($0.node, "input '\($0.name)' is there twice")
        }
      }),
    GraphCheck(
      name: "outputs", summary: "Outputs name nodes that exist, and their names are unique.",
      problems: { graph in
        var names: Set<String> = []
        var problems: [(node: NodeID?, message: String)] = []
        for output in graph.outputs {
          if !graph.nodes.indices.contains(output.node.index) {
            problems.append((nil, "output '\(output.name)' is \(output.node), which does not exist"))
          }
          if !names.insert(output.name).inserted { problems.append((nil, "output '\(output.name)' is there twice")) }
        }
        return problems
      }),
    GraphCheck(
      name: "updates", summary: "Updates name state and nodes of one type, each variable at most once.",
      problems: { graph in
        var updated: Set<StateID> = []
        return graph.updates.compactMap { update in
          guard graph.state.indices.contains(update.state.index) else {
            return (nil, "an update is of state \(update.state.raw), which does not exist")
          }
          let variable = graph.state[update.state.index]
          guard graph.nodes.indices.contains(update.node.index) else {
            return (nil, "the update of '\(variable.name)' is \(update.node), which does not exist")
          }
          guard updated.insert(update.state).inserted else { return (update.node, "'\(variable.name)' is updated twice") }
          let type = graph.type(of: update.node)
          return type == variable.type
            ? nil : (update.node, "'\(variable.name)' of type \(variable.type) is updated with \(type)")
        }
      }),
  ]
}

extension NodeUnderCheck {
  fileprivate func bodyProblem(_ graph: Graph) -> String? {
    guard case .loop(let iteration) = meaning else {
      if !graph.nodes[id.index].bodies.isEmpty { return "it has a body, but is no loop" }
      return graph.nodes[id.index].furtherTypes.isEmpty ? nil : "it has several results, but is no loop"
    }
    let node = graph[id]
    guard node.bodies.count == 1 else { return "a loop has one body, not \(node.bodies.count)" }
    let body = node.bodies[0]
    if !body.state.isEmpty || !body.updates.isEmpty { return "the body has state of its own" }
    let expected: [TensorType]
    do throws(TypeViolation) {
      expected = try iteration.inputTypes(operandTypes)
    } catch {
      return error.message
    }
    let inputs = body.inputs.map { body.type(of: $0.node) }
    guard inputs == expected else { return "the body's inputs \(inputs) are not \(expected), as the operands have it" }
    // Which nodes exist is the body's own check.
    let inner = body.violations(promising: promises)
    if let first = inner.first {
      let place = first.node.map { " at \($0)" } ?? ""
      return "in the body\(place): \(first.check): \(first.message)"
    }
    let outputs = body.outputs.map { body.type(of: $0.node) }
    guard outputs.count == iteration.carried + iteration.stacked else {
      return "the body has \(outputs.count) outputs, not \(iteration.carried) carried and \(iteration.stacked) stacked"
    }
    guard outputs.prefix(iteration.carried) == inputs.prefix(iteration.carried) else {
      return
        "the body turns carried values of types \(inputs.prefix(iteration.carried)) into \(outputs.prefix(iteration.carried))"
    }
    let results = [node.type] + node.furtherTypes
    return iteration.resultTypes(outputs) == results
      ? nil : "the results \(results) are not what the body's outputs \(outputs) give"
  }
}
