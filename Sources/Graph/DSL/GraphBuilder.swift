/// A graph under construction: the one reference type below Runner, because tensors of one graph share it.
///
/// Building never traps: a mistake is recorded as a diagnostic, and the node gets the type it would have had, so
/// that all mistakes of a model are found at once. Not thread-safe; a graph is built by one thread.
public final class GraphBuilder {
  public internal(set) var graph: Graph
  var poisoned: Set<NodeID> = []
  var scopes: [String] = []
  var stateByIdentity: [ParameterIdentity: StateID] = [:]
  /// Names that a model gave its parameters; other parameters are named by their own hint.
  var parameterNames: [ParameterIdentity: String] = [:]
  var customGradients: [NodeID: CustomGradient] = [:]

  public init(name: String = "step") { graph = Graph(name: name) }

  public func record(_ diagnostic: Diagnostic) { graph.diagnostics.append(diagnostic) }

  /// Adds a node and infers its type; the one way into a graph.
  public func add(
    _ op: any Op, _ operands: [Tensor], at site: CallSite, name: String? = nil, bodies: [Graph] = []
  ) -> Tensor {
    var isPoisoned = false
    for operand in operands {
      if operand.builder !== self {
        record(
          Diagnostic(
            "\(type(of: op).mnemonic) mixes tensors of two graphs; a tensor belongs to the graph whose closure made it",
            at: site, notes: [.init("this operand belongs to another graph", at: operand.site)]))
        return poison(recovered: operand.type, site: site)
      }
      if poisoned.contains(operand.id) { isPoisoned = true }
    }
    let types = operands.map(\.type)
    do throws(TypeViolation) {
      let type = try op.resultType(of: types)
      guard type.shape.elementCount <= Shape.maximumElementCount else {
        throw TypeViolation(
          "the result \(type) of \(Swift.type(of: op).mnemonic) has more than 2³⁸ elements; no memory holds it")
      }
      let tensor = append(
        Node(
          op: op, operands: operands.map(\.id), type: type, site: site, name: name ?? scope,
          bodies: bodies))
      if isPoisoned { poisoned.insert(tensor.id) }
      return tensor
    } catch {
      if !isPoisoned {
        record(
          Diagnostic(
            error.message, at: site,
            notes: operands.map { Diagnostic.Note("operand of type \($0.type) made here", at: $0.site) }))
      }
      return poison(recovered: error.recovered ?? types.first ?? TensorType(.float32, []), site: site)
    }
  }

  /// Adds a node whose type is known to be right: for passes that copy.
  package func append(_ node: Node) -> Tensor {
    let id = NodeID(graph.nodes.count)
    graph.nodes.append(node)
    return Tensor(builder: self, id: id)
  }

  /// Stands for the result of a mistake that has been recorded; what is computed from it reports nothing more.
  func poison(recovered type: TensorType, site: CallSite) -> Tensor {
    var type = type
    if type.shape.elementCount > Shape.maximumElementCount { type.shape = [] }
    let literal = ScalarLiteral(type: type.elementType, bits: 0)
    let tensor = append(
      Node(op: Constant(.splat(literal), shape: type.shape), operands: [], type: type, site: site))
    poisoned.insert(tensor.id)
    return tensor
  }

  /// The layers being built, joined by dots.
  public var scope: String { scopes.last ?? "" }

  /// Nodes made by `body` belong to the layer with this full name.
  public func withScope<Result>(_ name: String, _ body: () -> Result) -> Result {
    scopes.append(name)
    defer { scopes.removeLast() }
    return body()
  }

  // MARK: Leaves

  public func input(
    _ name: String, _ shape: Shape, type elementType: ElementType = .float32, at site: CallSite
  ) -> Tensor {
    if graph.inputs.contains(where: { $0.name == name }) {
      record(Diagnostic("the graph already has an input named '\(name)'", at: site))
    }
    return add(Input(name, TensorType(elementType, shape)), [], at: site, name: name)
  }

  /// A state variable of that name, made on first use.
  public func state(_ variable: StateVariable, at site: CallSite) -> Tensor {
    if let index = graph.state.firstIndex(where: { $0.name == variable.name }) {
      if graph.state[index].type != variable.type {
        record(
          Diagnostic(
            "state '\(variable.name)' has type \(graph.state[index].type) and now \(variable.type)", at: site,
            notes: [.init("first made here", at: graph.state[index].site)]))
      }
      return read(StateID(index), at: site)
    }
    if variable.type.shape.elementCount > Shape.maximumElementCount
      || variable.type.shape.extents.contains(where: { $0 < 0 })
    {
      record(
        Diagnostic(
          "'\(variable.name)' can't have the shape \(variable.type.shape): extents must be positive and the elements at most 2³⁸",
          at: site))
      return poison(recovered: TensorType(variable.type.elementType, []), site: site)
    }
    graph.state.append(variable)
    return read(StateID(graph.state.count - 1), at: site)
  }

  func read(_ id: StateID, at site: CallSite) -> Tensor {
    let variable = graph.state[id.index]
    return add(ReadState(id, variable.type), [], at: site, name: variable.name)
  }

  public func constant(_ literal: ScalarLiteral, shape: Shape = [], at site: CallSite) -> Tensor {
    add(Constant(.splat(literal), shape: shape), [], at: site)
  }

  // MARK: Roots

  public func output(_ name: String, _ tensor: Tensor, at site: CallSite) {
    guard owns(tensor, "output '\(name)'", at: site) else { return }
    if graph.outputs.contains(where: { $0.name == name }) {
      record(Diagnostic("the graph already has an output named '\(name)'", at: site))
    }
    graph.outputs.append(Graph.Output(name: name, node: tensor.id))
  }

  /// After the step, the state variable that `state` reads has the value of `tensor`.
  public func update(_ state: Tensor, to tensor: Tensor, at site: CallSite) {
    guard owns(state, "an update", at: site), owns(tensor, "an update", at: site) else { return }
    guard let read = graph[state.id].op as? ReadState else {
      record(Diagnostic("only state variables (parameters and the like) can be updated", at: site))
      return
    }
    if state.type != tensor.type {
      if !poisoned.contains(tensor.id) {
        record(
          Diagnostic(
            "'\(graph.state[read.id.index].name)' of type \(state.type) is updated with \(tensor.type)", at: site))
      }
      return
    }
    if graph.updates.contains(where: { $0.state == read.id }) {
      record(Diagnostic("'\(graph.state[read.id.index].name)' is updated twice in one step", at: site))
      return
    }
    graph.updates.append(Graph.Update(state: read.id, node: tensor.id))
  }

  private func owns(_ tensor: Tensor, _ what: String, at site: CallSite) -> Bool {
    if tensor.builder === self { return true }
    record(
      Diagnostic(
        "\(what) mixes tensors of two graphs", at: site,
        notes: [.init("this tensor belongs to another graph", at: tensor.site)]))
    return false
  }
}
