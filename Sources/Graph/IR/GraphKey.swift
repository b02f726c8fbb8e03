/// Everything that two graphs must share to compile to the same program, lines and names included.
public struct GraphKey: Sendable, Hashable {
  private struct NodeKey: Sendable, Hashable {
    let mnemonic: String
    let attributes: [Attribute]
    let operands: [NodeID]
    let types: [TensorType]
    let site: CallSite
    let name: String
    let bodies: [GraphKey]
  }

  private let name: String
  private let nodes: [NodeKey]
  private let state: [StateVariable]
  private let outputs: [Graph.Output]
  private let updates: [Graph.Update]

  public init(_ graph: Graph) {
    name = graph.name
    nodes = graph.nodes.map { node in
      NodeKey(
        mnemonic: type(of: node.op).mnemonic, attributes: node.op.attributes, operands: node.operands,
        types: [node.type] + node.furtherTypes, site: node.site, name: node.name, bodies: node.bodies.map(GraphKey.init))
    }
    state = graph.state
    outputs = graph.outputs
    updates = graph.updates
  }
}
