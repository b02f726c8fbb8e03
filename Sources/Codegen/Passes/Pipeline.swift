public import CinchGraph

/// How a graph is optimised: which passes are left out (to find the one that is at fault), and who sees each stage.
public struct PipelineOptions: Sendable {
  /// Names of passes that don't run. The ones that code generation can't do without run all the same.
  public var skippedPasses: Set<String>
  /// Given the graph before the first pass (`built`) and after each.
  public var observe: (@Sendable (_ stage: String, Graph) -> Void)?

  public init(
    skippedPasses: Set<String> = [], observe: (@Sendable (_ stage: String, Graph) -> Void)? = nil
  ) {
    self.skippedPasses = skippedPasses
    self.observe = observe
  }
}

extension Graph {
  /// The graph after all passes, verified after each that changed or promises something: what the interpreter evaluates to the
  /// bit and code generation schedules.
  ///
  /// - Throws: `GraphError` with all mistakes of the user's program, or with what becomes too large; `InternalError` naming a
  ///   pass that broke the graph.
  public func optimised(_ options: PipelineOptions = PipelineOptions()) throws -> Graph {
    if !diagnostics.isEmpty { throw GraphError(diagnostics) }
    var graph = self
    var promises: GraphPromises = []
    var soundOps = SoundOps()
    try graph.verify(after: "building", &soundOps)
    options.observe?("built", graph)
    for pass in Pass.pipeline where pass.isRequired || !options.skippedPasses.contains(pass.name) {
      let before = graph
      graph = try pass(graph)
      // What has been verified would be found sound again.
      if !graph.isIdentical(to: before) || !promises.isSuperset(of: pass.promises) {
        promises.formUnion(pass.promises)
        try graph.verify(after: pass.name, promising: promises, &soundOps)
      }
      options.observe?(pass.name, graph)
    }
    return graph
  }
}
