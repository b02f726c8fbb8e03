import CTinyCC
import CinchCodegen
public import CinchGraph
import Synchronization

extension Graph {
  /// Compiles the graph in this process.
  ///
  /// - Throws: `GraphError` with all mistakes of the graph and their lines; `NativeError` where the machine
  ///   refuses memory or a compiler; `InternalError` for a bug of Cinch.
  public func compile(engine: Engine? = nil, workers: Int? = nil) throws -> Program {
    var options = try ProgramOptions.fromEnvironment()
    if let engine { options.engine = engine }
    if let workers { options.workers = workers }
    return try compile(options)
  }

  /// Compiles with explicit options; nothing is read from the environment.
  public func compile(_ options: ProgramOptions) throws -> Program { try compile(options, in: nil) }

  /// - Parameter workspace: where intermediate values lie, shared with programs that never run at the same time.
  func compile(_ options: ProgramOptions, in workspace: Workspace?) throws -> Program {
    if !diagnostics.isEmpty { throw GraphError(diagnostics) }
    Warnings.show(warnings)
    try WorkerPool.check(workerCount: options.workers)
    func compile() throws -> ProgramCache.Entry {
      // What compiling took and has left would lie beside what the program works in.
      defer { cinch_release_free_memory() }
      return try compileAnew(options)
    }
    let entry =
      if options.usesCache {
        try ProgramCache.entry(ProgramCache.Key(graph: GraphKey(self), options: options), make: compile).entry
      } else {
        try compile()
      }
    let execution: any ProgramExecution =
      if let code = entry.code {
        try NativeExecution(
          entry.step, entry.proof, code, pool: WorkerPools.pool(entry.step.workerCount(of: options.workers)),
          workspace: workspace, options)
      } else {
        try InterpretedExecution(entry.step)
      }
    return Program(
      step: entry.step, proof: entry.proof, engine: options.engine, times: entry.times, options: options, execution: execution)
  }

  private func compileAnew(_ options: ProgramOptions) throws -> ProgramCache.Entry {
    var times = CompileTimes()
    let clock = ContinuousClock()
    let target = try options.target
    let dump = try options.dumpDirectory.map { try DumpDirectory($0, program: name) }
    let observe = dump.map { dump in
      { @Sendable (stage: String, graph: Graph) in dump.write(stage, "txt", graph.description) }
    }

    let start = clock.now
    let optimised = try self.optimised(PipelineOptions(skippedPasses: options.skippedPasses, observe: observe))
    let passesDone = clock.now
    let step = try lower(
      optimised, target: target,
      options: options.isTesting ? .testing : LoweringOptions())
    let proof = try step.verified()
    let source = options.source(of: step, isExplained: dump != nil)
    times.graph = passesDone - start
    times.codegen = clock.now - passesDone
    try dump?.write(step, proof, source: source)

    let code: NativeCode? =
      switch options.engine {
      case .interpreter: nil
      case .tinycc: try TinyCCompiler.compile(source)
      case .systemCompiler(let name): try SystemCompiler(executable: name).compile(source)
      }
    times.compiler = code?.compileDuration ?? .zero
    return ProgramCache.Entry(step: step, proof: proof, code: code, times: times)
  }
}

extension LoweringOptions {
  /// Room around buffers, and what pays for large tensors only done for small ones too.
  static let testing = LoweringOptions(hasCanaries: true, parallelWork: 0, leastRecomputed: 1)
}

extension ProgramOptions {
  /// The C that the engine compiles, with or without comments on machine code; empty for the interpreter.
  func source(of step: CompiledStep, isExplained: Bool) -> String {
    let profile = isProfiling ? ProfileTable(of: step.loops, workers: step.workerCount(of: workers)) : nil
    return switch engine {
    case .interpreter: ""
    case .tinycc: step.tinyccC(step.target, profile: profile, isExplained: isExplained)
    case .systemCompiler: profile.map(step.portableC(profile:)) ?? step.portableC
    }
  }

  /// What code is generated for.
  var target: Target {
    get throws {
      guard case .tinycc(let set) = engine else { return Target(vectorSet: .scalar, workers: workers) }
      let target = Target.current(set, workers: workers)
      guard target.isSupported else { throw ProgramError.unsupportedProcessor(engine.description) }
      return target
    }
  }
}
