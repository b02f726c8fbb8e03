// The verifier: a table of checks. It runs after every pass, so each check looks at a node once.

/// One check on a single node, whose operands are known to come before it.
struct NodeCheck: Sendable {
  let name: String
  let summary: String
  /// What is wrong with the node, or `nil`.
  let problem: @Sendable (NodeUnderCheck) -> String?
}

/// A node with what several checks need to know of it.
struct NodeUnderCheck {
  let graph: Graph
  let id: NodeID
  let node: Node
  let operandTypes: [TensorType]
  let meaning: Meaning
  let promises: GraphPromises
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

  mutating func run() {
    for index in graph.nodes.indices { checkNode(NodeID(index)) }
    for check in Self.graphChecks {
      for (node, message) in check.problems(graph) {
        violations.append(GraphViolation(check: check.name, node: node, message: message))
      }
    }
  }

  private mutating func checkNode(_ id: NodeID) {
    let node = graph[id]
    func report(_ check: String, _ message: String) {
      violations.append(GraphViolation(check: check, node: id, message: message))
    }
    // The meaning is asked for only once operands and type are sound, for ops may rely on them.
    for operand in node.operands where operand.raw < 0 || operand >= id {
      return report("operand order", "operand \(operand) does not come before its user")
    }
    let operandTypes = graph.operandTypes(of: node)
    do throws(TypeViolation) {
      let inferred = try node.op.resultType(of: operandTypes)
      guard inferred == node.type else {
        return report("type", "the op's rule gives \(inferred), the node has \(node.type)")
      }
    } catch {
      return report("type", error.message)
    }
    guard node.type.shape.elementCount <= Shape.maximumElementCount,
      !node.type.shape.extents.contains(where: { $0 < 1 })
    else { return report("type", "\(node.type) is no type of a tensor: extents from 1, at most 2³⁸ elements") }

    let subject = NodeUnderCheck(
      graph: graph, id: id, node: node, operandTypes: operandTypes,
      meaning: node.op.meaning(of: operandTypes, result: node.type), promises: promises)
    for check in Self.nodeChecks {
      if let problem = check.problem(subject) { report(check.name, problem) }
    }
  }
}
