// The verifier: a table of checks. It runs after every pass, so each check looks at a node once.

/// One check on a single node, whose operands are known to come before it.
struct NodeCheck: Sendable {
  let name: String
  let summary: String
  /// What is wrong with the node, or `nil`. The graph stands apart from what is known of the node, for it is copied with
  /// nothing.
  let problem: @Sendable (_ node: NodeUnderCheck, _ graph: Graph) -> String?
}

/// What several checks need to know of a node.
struct NodeUnderCheck {
  let promises: GraphPromises
  let id: NodeID
  let type: TensorType
  let operandTypes: [TensorType]
  let meaning: Meaning
}

/// One run of the verifier over a graph and its bodies.
struct GraphVerification {
  let graph: Graph
  let promises: GraphPromises
  private(set) var violations: [GraphViolation] = []

  init(graph: Graph, promises: GraphPromises) {
    self.graph = graph
    self.promises = promises
  }

  /// `soundOps` come from runs over other graphs, and get what this one finds.
  mutating func run(_ soundOps: inout SoundOps) {
    for index in graph.nodes.indices { checkNode(NodeID(index), &soundOps) }
    for check in Self.graphChecks {
      for (node, message) in check.problems(graph) {
        violations.append(GraphViolation(check: check.name, node: node, message: message))
      }
    }
  }

  private mutating func checkNode(_ id: NodeID, _ soundOps: inout SoundOps) {
    func report(_ check: String, _ message: String) {
      violations.append(GraphViolation(check: check, node: id, message: message))
    }
    // The meaning is asked for only once operands and type are sound, for ops may rely on them.
    for operand in graph.nodes[id.index].operands where operand.raw < 0 || operand >= id {
      return report("operand order", "operand \(operand) does not come before its user")
    }
    if soundOps.contains(id, of: graph, promising: promises) { return }
    let type = graph.nodes[id.index].type
    let operandTypes = graph.nodes[id.index].operands.map { graph.nodes[$0.index].type }
    let op = graph.nodes[id.index].op
    do throws(TypeViolation) {
      let inferred = try op.resultType(of: operandTypes)
      guard inferred == type else {
        return report("type", "the op's rule gives \(inferred), the node has \(type)")
      }
    } catch {
      return report("type", error.message)
    }
    guard type.shape.elementCount <= Shape.maximumElementCount,
      !type.shape.extents.contains(where: { $0 < 1 })
    else { return report("type", "\(type) is no type of a tensor: extents from 1, at most 2³⁸ elements") }

    let subject = NodeUnderCheck(
      promises: promises, id: id, type: type, operandTypes: operandTypes,
      meaning: op.meaning(of: operandTypes, result: type))
    let count = violations.count
    for check in Self.nodeChecks {
      if let problem = check.problem(subject, graph) { report(check.name, problem) }
    }
    if violations.count == count { soundOps.insert(subject, of: graph) }
  }
}
