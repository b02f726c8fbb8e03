public import CinchGraph

/// A rewriting of the graph, as a value: the pipeline is a list of these.
public struct Pass: Sendable {
  /// Lower-case words with hyphens: the name in dumps, in error messages and of the switch that leaves the pass out.
  public let name: String
  /// What it does and why it stands where it does.
  public let summary: String
  /// Passes that must have run before, with the reason.
  public let after: [(pass: String, reason: String)]
  /// What the verifier checks of the graph from this pass on.
  public let promises: GraphPromises
  /// Whether code generation can't do without it.
  public let isRequired: Bool
  let run: @Sendable (Graph) throws -> Graph

  public init(
    _ name: String, _ summary: String, after: [(pass: String, reason: String)] = [],
    promises: GraphPromises = [], isRequired: Bool = false,
    run: @escaping @Sendable (Graph) throws -> Graph
  ) {
    self.name = name
    self.summary = summary
    self.after = after
    self.promises = promises
    self.isRequired = isRequired
    self.run = run
  }

  /// On the graph and, innermost first, on the bodies of its nodes.
  ///
  /// - Throws: `GraphError` for what becomes too large for any memory; `InternalError` for any other mistake.
  public func callAsFunction(_ graph: Graph) throws -> Graph {
    var graph = graph
    for index in graph.nodes.indices where !graph.nodes[index].bodies.isEmpty {
      graph.nodes[index].bodies = try graph.nodes[index].bodies.map { try self($0) }
    }
    graph = try run(graph)
    try graph.checkRewriting("pass \(name)")
    return graph
  }
}

extension Pass {
  /// In the order in which they run. All rewrites that may change a value stand here: below the graph, every bit stays.
  public static let pipeline: [Pass] = [
    Pass("stabilise", "log softmax, log sigmoid and the like in the forms that neither overflow nor cancel.") {
      Stabilise.run($0)
    },
    Pass(
      "decompose", "Ops that are other ops become those.",
      after: [("stabilise", "its patterns are visible only while ops have their names")],
      promises: .primitivesOnly, isRequired: true
    ) { try Decompose.run($0) },
    Pass(
      "check-indices", "Indices into a table are checked by a node of their own, here so that equal checks merge.",
      after: [("decompose", "ops that are other ops may look up rows")], isRequired: true
    ) { $0.rewritten(CheckIndices.rewrite) },
    Pass(
      "split-scatters", "Rows added to very few rows go to several results first, which a sum brings together.",
      after: [("check-indices", "the message about an index is that of the user's op")]
    ) { $0.rewritten(SplitScatters.rewrite) },
    Pass("fold", "Computes what depends on constants alone, where the result is small.") { ConstantFolding.run($0) },
    Pass("algebra", "Removes what computes nothing and rewrites what has a cheaper form.") {
      $0.rewritten(Algebra.rewrite)
    },
    Pass("merge", "Equal nodes become one, so that backward shares what forward computed.") { CommonSubexpressions.run($0) },
    Pass(
      "fold-again", "Computes the constants that algebra has brought together.",
      after: [("algebra", "it exposes them")]
    ) { ConstantFolding.run($0) },
    Pass(
      "algebra-again", "Rewrites what folding and merging have exposed.", after: [("merge", "users are counted exactly")]
    ) { $0.rewritten(Algebra.rewrite) },
    Pass(
      "split-reductions", "Reductions over separate groups of axes become one after the other.", isRequired: true
    ) { $0.rewritten(SplitReductions.rewrite) },
    Pass("merge-again", "Equal nodes that the passes since have made become one.") { CommonSubexpressions.run($0) },
    Pass(
      "prune-loops", "Takes from loops the carried, stacked and given values that nothing reads.",
      after: [("merge-again", "what reads a value twice reads it once by now")]
    ) { PruneLoops.run($0) },
    Pass("dead-code", "Removes what nothing uses, so that the passes that follow count only real users.") {
      $0.withoutDeadNodes()
    },
    Pass(
      "fma", "a · b + c with one rounding, where nothing else uses the product.",
      after: [
        ("merge-again", "a product with two users must be seen as one node"),
        ("dead-code", "a dead user would keep a product apart"),
      ]
    ) { FusedMultiplyAddContraction.run($0) },
    Pass(
      "accumulation-order", "Gives each reduction and contraction its order, from the logical shape.",
      after: [("split-reductions", "it decides which elements one reduction adds")],
      promises: .ordersSet, isRequired: true
    ) { AccumulationOrders.run($0) },
    Pass("sweep", "Removes what contraction left behind.", after: [("fma", "its products are dead")]) { $0.withoutDeadNodes() },
  ]
}
