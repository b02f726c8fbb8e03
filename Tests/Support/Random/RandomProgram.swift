public import Cinch

/// A program with everything that it needs to run.
public struct RandomProgram: Sendable {
  public let seed: UInt64
  public var graph: Graph
  public var inputs: [String: ElementArray]
  /// Values of the state variables, by name.
  public var state: [String: ElementArray]

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
/// inputs directly, so that the Float64 meaning takes the same branches.
public struct ProgramGenerator {
  public static let sizes = [1, 3, 15, 16, 17, 63, 65, 100, 257]
  static let maximumElementCount = 20_000

  /// How often each op, by mnemonic, has stood in a program as built, and with a gradient flowing through it.
  public private(set) var forwardCounts: [String: Int] = [:]
  public private(set) var gradientCounts: [String: Int] = [:]
  public private(set) var nodeCounts: [Int] = []
  public private(set) var extentCounts: [Int: Int] = [:]

  public init() {}

  public mutating func next(seed: UInt64) -> RandomProgram {
    var writer = ProgramWriter(seed: seed)
    let steps = Int.random(in: 6...14, using: &writer.random)
    for _ in 0..<steps {
      let choices = ProgramStep.all.shuffled(using: &writer.random)
      let rarest = choices.min { count($0) < count($1) }
      // Half the steps fill gaps, half are free.
      let step = writer.random.oneIn(2) ? rarest ?? choices[0] : choices[0]
      step.write(&writer)
    }
    let program = writer.finish()
    record(program)
    return program
  }

  private func count(_ step: ProgramStep) -> Int { forwardCounts[step.mnemonic, default: 0] }

  private mutating func record(_ program: RandomProgram) {
    let graph = program.graph
    nodeCounts.append(graph.nodes.count)
    for node in graph.nodes {
      forwardCounts[type(of: node.op).mnemonic, default: 0] += 1
      for extent in node.type.shape.extents { extentCounts[extent, default: 0] += 1 }
    }
    for mnemonic in differentiatedOps(graph, program) { gradientCounts[mnemonic, default: 0] += 1 }
  }

  /// Ops between the differentiated tensors and the loss.
  private func differentiatedOps(_ graph: Graph, _ program: RandomProgram) -> [String] {
    guard let loss = graph.outputs.first(where: { $0.name == "loss" })?.node else { return [] }
    var reaches = [Bool](repeating: false, count: graph.nodes.count)
    reaches[loss.index] = true
    for index in stride(from: loss.index, through: 0, by: -1) where reaches[index] {
      for operand in graph.nodes[index].operands { reaches[operand.index] = true }
    }
    var depends = [Bool](repeating: false, count: loss.index + 1)
    var result: [String] = []
    for index in 0...loss.index {
      let node = graph.nodes[index]
      let isLeaf = (node.op is Input || node.op is ReadState) && node.type.elementType == .float32
      depends[index] = isLeaf || node.operands.contains { depends[$0.index] }
      guard reaches[index], depends[index], !isLeaf, case .differentiable = node.op.differentiability else { continue }
      result.append(type(of: node.op).mnemonic)
    }
    return result
  }

  /// The coverage report that the tests print.
  public var report: String {
    let sorted = nodeCounts.sorted()
    var text = "\(sorted.count) random programs, nodes: median \(sorted.isEmpty ? 0 : sorted[sorted.count / 2])"
    text += ", largest \(sorted.last ?? 0)\n"
    text += "op: occurrences (with a gradient)\n"
    for op in OpCatalogue.all.map({ $0.mnemonic }).sorted() {
      text += "  \(op): \(forwardCounts[op, default: 0]) (\(gradientCounts[op, default: 0]))\n"
    }
    text += "extents: "
    text += Self.sizes.map { "\($0): \(extentCounts[$0, default: 0])" }.joined(separator: ", ")
    return text
  }
}
