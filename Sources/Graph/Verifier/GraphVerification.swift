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

/// Ops with the types on which they have been found sound. After a pass most ops are those of the graph before, on operands of the
/// types that they had, and what is asked of them has the same answer.
package struct SoundOps: Sendable {
  private struct Finding: Sendable {
    /// Held, so that no other op gets its identity.
    let operation: Operation
    let operandTypes: [TensorType]
    let type: TensorType
    let promises: GraphPromises
  }

  private var findings: [ObjectIdentifier: Finding] = [:]

  package init() {}

  /// Whether the node's op has been found sound on these very types, under all of the promises.
  fileprivate func contains(_ id: NodeID, of graph: Graph, promising promises: GraphPromises) -> Bool {
    let index = id.index
    guard let finding = findings[ObjectIdentifier(graph.nodes[index].operation)], finding.promises.isSuperset(of: promises),
      graph.nodes[index].bodies.isEmpty, graph.nodes[index].furtherTypes.isEmpty, graph.nodes[index].type == finding.type,
      graph.nodes[index].operands.count == finding.operandTypes.count
    else { return false }
    for (position, operand) in graph.nodes[index].operands.enumerated()
    where graph.nodes[operand.index].type != finding.operandTypes[position] { return false }
    return true
  }

  fileprivate mutating func insert(_ subject: NodeUnderCheck, of graph: Graph) {
    switch subject.meaning {
    // What these need is elsewhere in the graph.
    case .state, .projection, .loop: return
    default: break
    }
    let operation = graph.nodes[subject.id.index].operation
    findings[ObjectIdentifier(operation)] = Finding(
      operation: operation, operandTypes: subject.operandTypes, type: subject.type, promises: subject.promises)
  }
}

/// One run of the verifier over a graph and its bodies.
struct GraphVerification {
  let graph: Graph
  let promises: GraphPromises
  /// From runs over other graphs, and from this one.
  private(set) var soundOps: SoundOps
  private(set) var violations: [GraphViolation] = []

  init(graph: Graph, promises: GraphPromises, soundOps: SoundOps = SoundOps()) {
    self.graph = graph
    self.promises = promises
    self.soundOps = soundOps
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
