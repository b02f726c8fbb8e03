public import Cinch

/// What random programs contain, so that a test can say what it has seen.
public struct ProgramCoverage: Sendable {
  /// What programs should contain besides ops.
  public enum Feature: String, Sendable, CaseIterable {
    case broadcasts
    case views
    case severalUsers = "values with several users"
    case crossedUpdates = "updates by another variable's value"
    case repeatedSteps = "steps in a loop"
    case plusZero = "programs with +0"
    case minusZero = "programs with -0"
    case infinities = "programs with infinities"
    case subnormals = "programs with subnormals"
    case notANumber = "programs with NaN"
  }

  /// How often each op, by mnemonic, has stood in a program as built, loops' bodies included, and with a gradient
  /// flowing through it. Nodes that nothing depends on don't count.
  public private(set) var forwardCounts: [String: Int] = [:]
  public private(set) var gradientCounts: [String: Int] = [:]
  public private(set) var nodeCounts: [Int] = []
  /// Programs with a leaf of that extent along some axis.
  public private(set) var extentCounts: [Int: Int] = [:]
  public private(set) var featureCounts: [Feature: Int] = [:]
  public private(set) var outputElementCount = 0
  /// Elements of outputs that are finite, and stand in an output that isn't the same number everywhere.
  public private(set) var livelyElementCount = 0
  public private(set) var inPlaceUpdateCount = 0
  public private(set) var copiedUpdateCount = 0

  public init() {}

  public var programCount: Int { nodeCounts.count }
  public var medianNodeCount: Int { nodeCounts.isEmpty ? 0 : nodeCounts.sorted()[nodeCounts.count / 2] }
  public var livelyShare: Double { Double(livelyElementCount) / Double(max(outputElementCount, 1)) }

  // MARK: Recording

  /// Counts what a program contains as it was built.
  public mutating func record(_ program: RandomProgram) {
    let step = program.step.withoutDeadNodes()
    nodeCounts.append(step.nodes.count)
    var extents: Set<Int> = []
    for node in step.nodes where node.op is Input || node.op is ReadState { extents.formUnion(node.type.shape.extents) }
    for extent in extents { extentCounts[extent, default: 0] += 1 }
    count(step)
    if program.repeats > 1 {
      count(.repeatedSteps)
      // The loop itself; its body has been counted.
      for node in program.graph.nodes { forwardCounts[type(of: node.op).mnemonic, default: 0] += 1 }
    }
    for update in step.updates where !Self.readsItself(update, step) { count(.crossedUpdates) }
    let numbers = (Array(program.inputs.values) + Array(program.state.values)).flatMap { $0.floats ?? [] }
    if numbers.contains(where: { $0 == 0 && $0.sign == .plus }) { count(.plusZero) }
    if numbers.contains(where: { $0 == 0 && $0.sign == .minus }) { count(.minusZero) }
    if numbers.contains(where: \.isInfinite) { count(.infinities) }
    if numbers.contains(where: \.isSubnormal) { count(.subnormals) }
    if numbers.contains(where: \.isNaN) { count(.notANumber) }
    for mnemonic in Self.differentiatedOps(step) { gradientCounts[mnemonic, default: 0] += 1 }
  }

  /// Counts what a program gave, and how many of its updates the compiled step makes in place.
  public mutating func record(outputs: [ElementArray], inPlaceUpdates: Int, copiedUpdates: Int) {
    inPlaceUpdateCount += inPlaceUpdates
    copiedUpdateCount += copiedUpdates
    for output in outputs {
      outputElementCount += output.count
      let numbers = output.doubles
      let isConstant = numbers.count > 1 && numbers.allSatisfy { $0 == numbers[0] }
      if !isConstant { livelyElementCount += numbers.count { $0.isFinite } }
    }
  }

  /// Adds what another has counted.
  public mutating func merge(_ other: ProgramCoverage) {
    forwardCounts.merge(other.forwardCounts, uniquingKeysWith: +)
    gradientCounts.merge(other.gradientCounts, uniquingKeysWith: +)
    extentCounts.merge(other.extentCounts, uniquingKeysWith: +)
    featureCounts.merge(other.featureCounts, uniquingKeysWith: +)
    nodeCounts += other.nodeCounts
    outputElementCount += other.outputElementCount
    livelyElementCount += other.livelyElementCount
    inPlaceUpdateCount += other.inPlaceUpdateCount
    copiedUpdateCount += other.copiedUpdateCount
  }

  private mutating func count(_ feature: Feature, _ number: Int = 1) { featureCounts[feature, default: 0] += number }

  private mutating func count(_ graph: Graph) {
    var useCounts = [Int](repeating: 0, count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      forwardCounts[type(of: node.op).mnemonic, default: 0] += 1
      if node.op is Broadcast { count(.broadcasts) }
      if case .view = graph.meaning(of: NodeID(index)) { count(.views) }
      for operand in node.operands { useCounts[operand.index] += 1 }
      for body in node.bodies { count(body) }
    }
    count(.severalUsers, useCounts.count { $0 > 1 })
  }

  /// Whether an update is a variable's own old value minus something.
  private static func readsItself(_ update: Graph.Update, _ graph: Graph) -> Bool {
    guard let first = graph[update.node].operands.first else { return false }
    return (graph[first].op as? ReadState)?.id == update.state
  }

  /// Ops between the differentiated tensors and the loss, both included.
  private static func differentiatedOps(_ graph: Graph) -> [String] {
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
      guard reaches[index], depends[index], case .differentiable = node.op.differentiability else { continue }
      result.append(type(of: node.op).mnemonic)
    }
    return result
  }
}
