public import Cinch

/// A program with everything that it needs to run.
public struct RandomProgram: Sendable {
  public let seed: UInt64
  /// What one step does.
  public var step: Graph
  /// How often a run does it, as one graph.
  public var repeats: Int
  public var inputs: [String: ElementArray]
  /// Values of the state variables, by name.
  public var state: [String: ElementArray]
  /// Whether infinities and NaN may turn up anywhere, so that nothing can be said of rounding errors.
  public var isWild: Bool

  public init(
    seed: UInt64, graph: Graph, inputs: [String: ElementArray], state: [String: ElementArray], isWild: Bool = false
  ) {
    self.seed = seed
    step = graph
    repeats = 1
    self.inputs = inputs
    self.state = state
    self.isWild = isWild
  }

  /// What runs.
  public var graph: Graph { repeats == 1 ? step : step.repeated(repeats) }

  /// Writes the program of this seed, with gradients and updates: the same one whatever has been written before.
  ///
  /// Every second step goes round all kinds of steps as seeds go up, so that some hundred seeds in a row cover each op and its
  /// gradient; the others are free. Values are kept in a moderate range by squashing what grows; discontinuous ops
  /// (comparisons, casts to integers, argMax) read inputs directly, so that the Float64 meaning takes the same branches. One
  /// program in 32 is wild, and one in 16 is repeated: a loop around the whole step.
  public init(seed: UInt64) {
    var writer = ProgramWriter(seed: seed, isWild: seed % 32 == 31)
    let kinds = ProgramStep.all
    // Positions in a program are so far apart that seeds in a row give each kind each position.
    let distance = kinds.count / 5
    for number in 0..<Int.random(in: 6...14, using: &writer.random) {
      let position = Int(seed % UInt64(kinds.count)) + number / 2 * distance
      let kind = number % 2 == 0 ? kinds[position % kinds.count] : kinds.randomElement(using: &writer.random)
      kind?.write(&writer)
    }
    self = writer.finish()
    if seed % 16 == 5 { repeats = Int.random(in: 2...3, using: &writer.random) }
  }
}
