/// A graph under construction: the one reference type below Runner, because tensors of one graph share it.
///
/// Building never traps: a mistake is recorded as a diagnostic, and the node gets the type it would have had, so
/// that all mistakes of a model are found at once. Not thread-safe; a graph is built by one thread.
public final class GraphBuilder {
  public internal(set) var graph: Graph
  var poisoned: Set<NodeID> = []
  var scopes: [String] = []
  var stateByIdentity: [ParameterIdentity: StateID] = [:]
  private(set) var stateByName: [String: StateID] = [:]
  /// Names that a model gave its parameters; other parameters are named by their own hint.
  var parameterNames: [ParameterIdentity: String] = [:]
  var customGradients: [NodeID: CustomGradient] = [:]
  /// The one node that reads each state variable: all uses share it, so that gradients with respect to it are whole.
  /// By its number: a tensor would hold the builder, which would hold the tensor, for ever.
  private var reads: [StateID: NodeID] = [:]

  /// How the bodies of loops were written, by the loop.
  var loops: [NodeID: LoopTrace] = [:]
  /// By their numbers, as above: what stands for the inputs of loops' bodies.
  var loopVariables: [NodeID] = []
  /// Scans whose bodies are being written, outermost first.
  var openScans: [OpenScan] = []
  /// Nodes of bodies that have ended, with the line of their scan.
  var closedBodies: [NodeID: CallSite] = [:]
  var depthInsideBodies = 0

  /// Each use of a module's parameter, in order.
  var usedParameters: [(parameter: Parameter, node: NodeID)] = []

  /// Whether layers that differ in training, such as `Dropout`, act as in training.
  public var isTraining = false
  /// The paths of a registered model's layers.
  var layerPaths: [LayerIdentity: String] = [:]
  /// The random streams that layers have taken.
  var usedStreams: Set<Int32> = []
  /// How many random tensors have been given a stream without asking for one.
  var unnamedStreamCount: Int32 = 0
  /// Whether the graph evaluates or predicts with a trainer's state, which it leaves as it is.
  var isOutsideTraining = false
  /// While a user's loss or metric is asked.
  var broadcastWatch: BroadcastWatch?
  /// What reflection found in the registered models, with what stands before its paths.
  var trees: [(prefix: String, tree: ModuleTree)] = []
  /// Whether a pass is at work, whose mistakes no line of the user's makes.
  var isRewriting = false
  /// The output shapes of the layers called so far, for a model's summary.
  var layerOutputs: [String: Shape] = [:]

  public init(name: String = "step") { graph = Graph(name: name) }

  public func record(_ diagnostic: Diagnostic) { graph.diagnostics.append(located(diagnostic)) }

  /// Keeps what is right and probably not meant.
  ///
  /// - Parameter topic: tells warnings about one line apart; of those that share it, one is shown.
  func warn(_ diagnostic: Diagnostic, topic: String) {
    var warning = diagnostic
    warning.severity = .warning
    warning.topic = topic
    if warning.site.isOfOperand, let caller = Caller.current() { warning.site = caller.site }
    graph.warnings.append(warning)
  }

  /// Adds a node and infers its type; the one way into a graph.
  public func add(
    _ op: any Op, _ operands: [Tensor], at site: CallSite, name: String? = nil, bodies: [Graph] = []
  ) -> Tensor {
    var isPoisoned = false
    for operand in operands {
      if operand.builder !== self {
        if adoptMistake(of: operand) { return poison(recovered: operand.type, site: site) }
        record(
          Diagnostic(
            "\(type(of: op).mnemonic) mixes tensors of two graphs; a tensor belongs to the graph whose closure made it",
            at: site, notes: [.init("this operand belongs to another graph", at: operand.site)]))
        return poison(recovered: operand.type, site: site)
      }
      if poisoned.contains(operand.id) { isPoisoned = true }
      if !closedBodies.isEmpty, isLeaked(operand, by: type(of: op).mnemonic, at: site) {
        return poison(recovered: operand.type, site: site)
      }
    }
    let types = operands.map(\.type)
    do throws(TypeViolation) {
      let type = try op.resultType(of: types)
      guard type.shape.elementCount <= Shape.maximumElementCount else {
        throw .tooLarge(
          type, "the result \(type) of \(Swift.type(of: op).mnemonic) has more than 2³⁸ elements; no memory holds it")
      }
      guard !type.shape.extents.contains(where: { $0 < 1 }) else {
        throw TypeViolation(
          "the result \(type) of \(Swift.type(of: op).mnemonic) is no tensor: every extent must be at least 1")
      }
      let tensor = append(
        Node(
          op: op, operands: operands.map(\.id), type: type, site: site, name: name ?? scope,
          bodies: bodies))
      if isPoisoned { poisoned.insert(tensor.id) }
      return tensor
    } catch {
      if !isPoisoned {
        var diagnostic = Diagnostic(
          error.message, at: site, notes: operands.map(\.origin))
        diagnostic.isAboutSize = error.isAboutSize
        record(diagnostic)
      }
      return poison(
        recovered: error.recovered ?? types.first ?? TensorType(.float32, []), site: site,
        isCertain: error.recovered != nil && !isPoisoned)
    }
  }

  /// Adds a node whose type is known to be right: for passes that copy.
  package func append(_ node: Node) -> Tensor {
    let id = NodeID(graph.nodes.count)
    graph.nodes.append(node)
    return Tensor(builder: self, id: id)
  }

  /// Stands for the result of a mistake that has been recorded. What is computed from it reports nothing more, unless the type
  /// is certainly the one that the result should have had.
  func poison(recovered type: TensorType, site: CallSite, isCertain: Bool = false) -> Tensor {
    var type = type
    // Of a shape that no tensor has, only the rank says something.
    let isSound = type.shape.elementCount <= Shape.maximumElementCount && !type.shape.extents.contains { $0 < 1 }
    if !isSound { type.shape = Shape(type.shape.extents.map { _ in 1 }) }
    let literal = ScalarLiteral(type: type.elementType, bits: 0)
    let tensor = append(
      Node(op: Constant(.splat(literal), shape: type.shape), operands: [], type: type, site: site))
    if !isCertain || !isSound { poisoned.insert(tensor.id) }
    return tensor
  }

  /// A result without a graph, for a mistake in a call that names none. Whoever uses it gets the mistake as its own.
  static func mistake(_ message: String, at site: CallSite) -> Tensor {
    let builder = GraphBuilder(name: "")
    builder.record(Diagnostic(message, at: site))
    return builder.poison(recovered: TensorType(.float32, []), site: site)
  }

  /// Where another graph's tensor stands for a mistake, that mistake explains more than that two graphs are mixed.
  private func adoptMistake(of foreign: Tensor) -> Bool {
    guard foreign.builder.poisoned.contains(foreign.id) else { return false }
    let known = Set(graph.diagnostics)
    graph.diagnostics += foreign.builder.graph.diagnostics.filter { !known.contains($0) }
    return true
  }

  /// The layers being built, joined by dots.
  public var scope: String { scopes.last ?? "" }

  /// Nodes made by `body` belong to the layer with this full name.
  public func withScope<Result>(_ name: String, _ body: () -> Result) -> Result {
    scopes.append(name)
    defer { scopes.removeLast() }
    return body()
  }

  /// Nodes and mistakes made by `body` belong to that line of the user's: for library code, which is written with operators.
  func withSite<Result>(_ site: CallSite, _ body: () -> Result) -> Result {
    let firstNode = graph.nodes.count
    let firstDiagnostic = graph.diagnostics.count
    defer {
      if firstDiagnostic < graph.diagnostics.count {
        let replaced = Set(graph.nodes[firstNode...].map(\.site))
        for index in firstDiagnostic..<graph.diagnostics.count {
          graph.diagnostics[index].site = site
          for note in graph.diagnostics[index].notes.indices
          where replaced.contains(graph.diagnostics[index].notes[note].site) { graph.diagnostics[index].notes[note].site = site }
        }
      }
      graph.setSite(site, of: firstNode..<graph.nodes.count)
    }
    return body()
  }

  // MARK: Leaves

  /// What each run is given under that name; a second input of a name is recorded as a mistake.
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
    guard let id = declare(variable, at: site) else {
      return poison(recovered: TensorType(variable.type.elementType, []), site: site)
    }
    return read(id, at: site)
  }

  /// Gives a state variable its place in the state, whether or not the graph reads it; nil after a mistake.
  func declare(_ variable: StateVariable, at site: CallSite) -> StateID? {
    // A pass gives its builder the whole state at once.
    if stateByName.count != graph.state.count {
      for (index, variable) in graph.state.enumerated() { stateByName[variable.name] = StateID(index) }
    }
    if let id = stateByName[variable.name] {
      let known = graph.state[id.index]
      if known.type != variable.type {
        record(
          Diagnostic(
            "state '\(variable.name)' has type \(known.type) and now \(variable.type)", at: site,
            notes: [.init("first made here", at: known.site)]))
      }
      return id
    }
    let shape = variable.type.shape
    if shape.elementCount > Shape.maximumElementCount || shape.extents.contains(where: { $0 < 1 }) {
      record(
        Diagnostic(
          "'\(variable.name)' can't have the shape \(shape): extents must be positive and the elements at most 2³⁸",
          at: site))
      return nil
    }
    if let obstacle = variable.obstacleToInitialValue {
      record(Diagnostic("'\(variable.name)' of type \(variable.type) begins with \(obstacle)", at: site))
    }
    let id = StateID(graph.state.count)
    graph.state.append(variable)
    stateByName[variable.name] = id
    return id
  }

  func read(_ id: StateID, at site: CallSite) -> Tensor {
    if let known = reads[id] { return Tensor(builder: self, id: known) }
    let variable = graph.state[id.index]
    let tensor = add(ReadState(id, variable.type), [], at: site, name: variable.name)
    reads[id] = tensor.id
    return tensor
  }

  /// Whether anything has read the variable.
  func isRead(_ id: StateID) -> Bool { reads[id] != nil }

  /// One number, everywhere in the shape.
  public func constant(_ literal: ScalarLiteral, shape: Shape = [], at site: CallSite) -> Tensor {
    add(Constant(.splat(literal), shape: shape), [], at: site)
  }

  // MARK: Roots

  /// Returned to the caller under that name; a second output of a name is recorded as a mistake.
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

  func owns(_ tensor: Tensor, _ what: String, at site: CallSite) -> Bool {
    if tensor.builder === self { return !isLeaked(tensor, by: what, at: site) }
    if adoptMistake(of: tensor) { return false }
    record(
      Diagnostic(
        "\(what) mixes tensors of two graphs", at: site,
        notes: [.init("this tensor belongs to another graph", at: tensor.site)]))
    return false
  }
}
