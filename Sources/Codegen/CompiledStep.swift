public import CinchGraph

/// What lowering leaves to its caller; none of it changes a bit of any result.
public struct LoweringOptions: Sendable, Hashable {
  /// A gap of 64 bytes around each buffer, for tests that look for stray writes.
  public var hasCanaries: Bool
  /// Whether tensors that are never alive together share memory.
  public var reusesMemory: Bool
  /// Lane operations from which workers share a kernel; tests set it to 0, so that they share everything that can be shared.
  public var parallelWork: Int

  /// Elements from which a value that only waits while most memory is taken is computed again; tests set it to 1.
  public var leastRecomputed: Int

  /// Below this, sharing a kernel costs more than it saves (some microseconds).
  public static let standardParallelWork = 1 << 16
  /// Below this, little memory would be saved.
  public static let standardLeastRecomputed = 1 << 17

  public init(
    hasCanaries: Bool = false, reusesMemory: Bool = true, parallelWork: Int = Self.standardParallelWork,
    leastRecomputed: Int = Self.standardLeastRecomputed
  ) {
    self.hasCanaries = hasCanaries
    self.reusesMemory = reusesMemory
    self.parallelWork = parallelWork
    self.leastRecomputed = leastRecomputed
  }
}

/// A graph as kernels, a memory plan and loops: what printers, back ends and the runner need.
public struct CompiledStep: Sendable {
  public struct Input: Sendable, Hashable {
    public let name: String
    public let type: TensorType
  }

  public struct Output: Sendable, Hashable {
    public let name: String
    public let type: TensorType
    /// In `loops`; row-major.
    public let buffer: BufferID
  }

  /// Numbers of the graph that the program reads like an input: its bytes belong at this index of the inputs.
  public struct Constant: Sendable, Hashable {
    public let input: Int
    public let type: TensorType
    public let bytes: [UInt8]
  }

  public let graph: Graph
  public let kernels: [KernelSummary]
  public let loops: LoopProgram
  public let memory: MemoryPlan
  /// In the order of the graph's input nodes; constants follow them among the program's inputs.
  public let inputs: [Input]
  public let outputs: [Output]
  public let constants: [Constant]
  public let stateLayout: StateLayout
  public let target: Target

  public var checks: [RuntimeCheck] { loops.checks }

  /// How many of so many workers a step is run by: one, where none of its kernels is worth sharing.
  public func workerCount(of workers: Int) -> Int { loops.kernels.contains(where: \.isParallel) ? workers : 1 }
}

/// Lowers a graph on which all passes have run.
///
/// - Throws: `InternalError` if an invariant of Cinch's own is broken.
public func lower(
  _ graph: Graph, target: Target = .generic, options: LoweringOptions = LoweringOptions()
) throws -> CompiledStep {
  try Lowering(graph, target, options).finished()
}
