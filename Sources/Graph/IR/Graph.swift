/// A node's number in its graph; operands have smaller numbers than their users.
public struct NodeID: Sendable, Hashable, Comparable, BitwiseCopyable, CustomStringConvertible {
  public let raw: Int32
  public init(raw: Int32) { self.raw = raw }
  public init(_ index: Int) { self.raw = Int32(index) }
  public var index: Int { Int(raw) }
  public static func < (a: NodeID, b: NodeID) -> Bool { a.raw < b.raw }
  public var description: String { "%\(raw)" }
}

/// A state variable's number in its graph.
public struct StateID: Sendable, Hashable, Comparable, BitwiseCopyable {
  public let raw: Int32
  public init(raw: Int32) { self.raw = raw }
  public init(_ index: Int) { self.raw = Int32(index) }
  public var index: Int { Int(raw) }
  public static func < (a: StateID, b: StateID) -> Bool { a.raw < b.raw }
}

/// One operation on whole tensors.
public struct Node: Sendable {
  public var op: any Op {
    get { operation.op }
    set { operation = Operation(newValue) }
  }
  /// In a box, because it may have any size: so a node's parts are read without copying the whole node.
  private(set) var operation: Operation
  public var operands: [NodeID]
  /// The type of the (first) result.
  public var type: TensorType
  /// The types of further results, which only ops with a body have; `Projection` nodes name them.
  public var furtherTypes: [TensorType] = []
  public var site: CallSite
  /// The layer or the name the user gave; may be empty.
  public var name: String
  /// Body graphs, which see only their own inputs.
  public var bodies: [Graph] = []

  public init(
    op: any Op, operands: [NodeID], type: TensorType, site: CallSite, name: String = "",
    bodies: [Graph] = []
  ) {
    operation = Operation(op)
    self.operands = operands
    self.type = type
    self.site = site
    self.name = name
    self.bodies = bodies
  }
}

extension Node {
  /// What a failed check of this node is called: the mnemonic of the op that takes the index, with the layer or the user's
  /// name for it in parentheses.
  package var checkName: String {
    let reader = (op as? CheckIndex)?.reader ?? ""
    let mnemonic = reader.isEmpty ? Swift.type(of: op).mnemonic : reader
    return name.isEmpty ? mnemonic : "\(mnemonic) (\(name))"
  }
}

/// An op that never changes, so that nodes with the same box have the same op.
final class Operation: Sendable {
  let op: any Op
  init(_ op: any Op) { self.op = op }
}

/// What lives from step to step: parameters, optimizer state, random stream, step counter.
public struct StateVariable: Sendable, Hashable {
  public enum Role: String, Sendable, Hashable, CaseIterable {
    case parameter, optimizer, random, counter
  }

  /// Unique in the graph: the parameter's path (`0.weight`), or the path with the optimizer's suffix.
  public var name: String
  public var type: TensorType
  public var role: Role
  public var initialiser: Initialiser
  public var site: CallSite

  public init(
    name: String, type: TensorType, role: Role, initialiser: Initialiser, site: CallSite = .unknown
  ) {
    self.name = name
    self.type = type
    self.role = role
    self.initialiser = initialiser
    self.site = site
  }
}

/// A pure tensor program in single assignment and topological order: what is computed, and nothing of how.
///
/// One step of training is a graph: outputs are returned, and each update gives a state variable its value for
/// the next step; all reads see the value from before the step.
public struct Graph: Sendable {
  public struct Output: Sendable, Hashable {
    public var name: String
    public var node: NodeID
    public init(name: String, node: NodeID) {
      self.name = name
      self.node = node
    }
  }

  public struct Update: Sendable, Hashable {
    public var state: StateID
    public var node: NodeID
    public init(state: StateID, node: NodeID) {
      self.state = state
      self.node = node
    }
  }

  public var name: String
  public var nodes: [Node] = []
  public var state: [StateVariable] = []
  public var outputs: [Output] = []
  public var updates: [Update] = []
  /// Mistakes found while the graph was built; `compile` throws all of them at once.
  public var diagnostics: [Diagnostic] = []
  /// What is right and probably not meant; `compile` shows each once, on the standard error output.
  public var warnings: [Diagnostic] = []

  public init(name: String = "step") { self.name = name }

  public subscript(id: NodeID) -> Node {
    get { nodes[id.index] }
    set { nodes[id.index] = newValue }
  }

  public func type(of id: NodeID) -> TensorType { nodes[id.index].type }

  public func operandTypes(of node: Node) -> [TensorType] { node.operands.map { nodes[$0.index].type } }

  /// The meaning of a node, from its op and its operands' types.
  public func meaning(of id: NodeID) -> Meaning {
    let node = nodes[id.index]
    return node.op.meaning(of: operandTypes(of: node), result: node.type)
  }

  /// The nodes whose values must be computed because something outside the graph sees them.
  public var roots: [NodeID] { outputs.map(\.node) + updates.map(\.node) }

  /// Whether both are the same value for certain, without a look at any node: they share all storage.
  package func isIdentical(to other: Graph) -> Bool {
    func isShared<Element>(_ a: [Element], _ b: [Element]) -> Bool {
      a.withUnsafeBufferPointer { a in b.withUnsafeBufferPointer { b in a.baseAddress == b.baseAddress && a.count == b.count } }
    }
    return name == other.name && isShared(nodes, other.nodes) && isShared(state, other.state)
      && outputs == other.outputs && updates == other.updates && isShared(diagnostics, other.diagnostics)
  }

  /// For each node, the nodes that use it, ascending, each as often as it uses it.
  public func users() -> [[NodeID]] {
    var users = [[NodeID]](repeating: [], count: nodes.count)
    for index in nodes.indices {
      for operand in nodes[index].operands { users[operand.index].append(NodeID(index)) }
    }
    return users
  }

  /// The graph's inputs, in the order of their nodes.
  public var inputs: [(name: String, node: NodeID)] {
    var inputs: [(name: String, node: NodeID)] = []
    for index in nodes.indices where nodes[index].operands.isEmpty {
      if let input = nodes[index].op as? Input { inputs.append((input.name, NodeID(index))) }
    }
    return inputs
  }
}
