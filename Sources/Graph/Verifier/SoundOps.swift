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
  func contains(_ id: NodeID, of graph: Graph, promising promises: GraphPromises) -> Bool {
    let index = id.index
    guard let finding = findings[ObjectIdentifier(graph.nodes[index].operation)], finding.promises.isSuperset(of: promises),
      graph.nodes[index].bodies.isEmpty, graph.nodes[index].furtherTypes.isEmpty, graph.nodes[index].type == finding.type,
      graph.nodes[index].operands.count == finding.operandTypes.count
    else { return false }
    for (position, operand) in graph.nodes[index].operands.enumerated()
    where graph.nodes[operand.index].type != finding.operandTypes[position] { return false }
    return true
  }

  mutating func insert(_ subject: NodeUnderCheck, of graph: Graph) {
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
