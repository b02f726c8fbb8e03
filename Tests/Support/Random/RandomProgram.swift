public import Cinch

/// A program with everything that it needs to run.
public struct RandomProgram: Sendable {
  public let seed: UInt64
  public var graph: Graph
  public var inputs: [String: ElementArray]
  /// Values of the state variables, by name.
  public var state: [String: ElementArray]
  /// Whether infinities and NaN may turn up anywhere, so that nothing can be said of rounding errors.
  public var isWild = false

  public init(seed: UInt64, graph: Graph, inputs: [String: ElementArray], state: [String: ElementArray]) {
    self.seed = seed
    self.graph = graph
    self.inputs = inputs
    self.state = state
  }
}

/// Writes random programs with gradients and updates, and counts what they contain.
///
/// Ops that have occurred least are preferred, so that every op and every gradient is covered. Values are kept in a
/// moderate range by squashing what grows; discontinuous ops (comparisons, casts to integers, argMax) read
/// inputs directly, so that the Float64 meaning takes the same branches. One program in 32 is wild.
public struct ProgramGenerator {
  public static let sizes = [1, 3, 15, 16, 17, 63, 65, 100, 257]
  static let maximumElementCount = 20_000

  public private(set) var coverage = ProgramCoverage()

  public init() {}

  public mutating func next(seed: UInt64) -> RandomProgram {
    var writer = ProgramWriter(seed: seed, isWild: coverage.nodeCounts.count % 32 == 31)
    let steps = Int.random(in: 6...14, using: &writer.random)
    for _ in 0..<steps {
      let choices = ProgramStep.all.shuffled(using: &writer.random)
      let rarest = choices.min { count($0) < count($1) }
      // Half the steps fill gaps, half are free.
      let step = writer.random.oneIn(2) ? rarest ?? choices[0] : choices[0]
      step.write(&writer)
    }
    var program = writer.finish()
    program.isWild = writer.isWild
    coverage.record(program)
    return program
  }

  private func count(_ step: ProgramStep) -> Int { coverage.forwardCounts[step.mnemonic, default: 0] }

  /// The coverage report that the tests print.
  public var report: String { coverage.description }
}
