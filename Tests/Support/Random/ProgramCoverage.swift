public import Cinch

/// What random programs contain, so that a test can say what it has seen.
public struct ProgramCoverage: Sendable, CustomStringConvertible {
  /// How often each op, by mnemonic, has stood in a program as built, and with a gradient flowing through it.
  public private(set) var forwardCounts: [String: Int] = [:]
  public private(set) var gradientCounts: [String: Int] = [:]
  public private(set) var nodeCounts: [Int] = []
  /// Programs with a leaf of that extent along some axis.
  public private(set) var extentCounts: [Int: Int] = [:]
  /// Nodes by kind, and programs with special values, by name.
  public private(set) var featureCounts: [String: Int] = [:]
  public private(set) var outputElementCount = 0
  /// Elements of outputs that are finite, and stand in an output that isn't the same number everywhere.
  public private(set) var lively = 0
  public private(set) var inPlaceUpdateCount = 0
  public private(set) var copiedUpdateCount = 0

  static let features = [
    "broadcasts", "views", "values with several users", "crossed or transposed updates", "programs with +0",
    "programs with -0", "programs with infinities", "programs with subnormals", "programs with NaN",
  ]

  mutating func record(_ program: RandomProgram) {
    let graph = program.graph
    nodeCounts.append(graph.nodes.count)
    var extents: Set<Int> = []
    var useCounts = [Int](repeating: 0, count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      forwardCounts[type(of: node.op).mnemonic, default: 0] += 1
      if node.op is Input || node.op is ReadState { extents.formUnion(node.type.shape.extents) }
      if node.op is Broadcast { count("broadcasts") }
      if case .view = graph.meaning(of: NodeID(index)) { count("views") }
      for operand in node.operands { useCounts[operand.index] += 1 }
    }
    featureCounts["values with several users", default: 0] += useCounts.count { $0 > 1 }
    for extent in extents { extentCounts[extent, default: 0] += 1 }
    for update in graph.updates {
      let subtract = graph[update.node]
      guard let first = subtract.operands.first.map({ graph[$0].op }) else { continue }
      if (first as? ReadState)?.id != update.state { count("crossed or transposed updates") }
    }
    let numbers = (Array(program.inputs.values) + Array(program.state.values)).flatMap { values -> [Float] in
      if case .float32(let numbers) = values { numbers } else { [] }
    }
    if numbers.contains(where: { $0 == 0 && $0.sign == .plus }) { count("programs with +0") }
    if numbers.contains(where: { $0 == 0 && $0.sign == .minus }) { count("programs with -0") }
    if numbers.contains(where: \.isInfinite) { count("programs with infinities") }
    if numbers.contains(where: \.isSubnormal) { count("programs with subnormals") }
    if numbers.contains(where: \.isNaN) { count("programs with NaN") }
    for mnemonic in differentiatedOps(graph) { gradientCounts[mnemonic, default: 0] += 1 }
  }

  private mutating func count(_ feature: String) { featureCounts[feature, default: 0] += 1 }

  /// What a program gave, and how many of its updates the compiled step makes in place.
  public mutating func record(outputs: [ElementArray], inPlaceUpdates: Int, copiedUpdates: Int) {
    inPlaceUpdateCount += inPlaceUpdates
    copiedUpdateCount += copiedUpdates
    for output in outputs {
      outputElementCount += output.count
      let numbers = (0..<output.count).map { output[$0].asDouble }
      let isConstant = numbers.count > 1 && numbers.allSatisfy { $0 == numbers[0] }
      if !isConstant { lively += numbers.count { $0.isFinite } }
    }
  }

  /// Ops between the differentiated tensors and the loss.
  private func differentiatedOps(_ graph: Graph) -> [String] {
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

  private var medianNodeCount: Int { nodeCounts.isEmpty ? 0 : nodeCounts.sorted()[nodeCounts.count / 2] }

  /// Ops that graphs hold only after a pass or by a transformation of whole graphs.
  private static let withoutSamples = Set(OpCatalogue.all.filter { $0.samples.isEmpty }.map { $0.mnemonic })

  /// What is missing for the programs to mean something; empty if nothing is.
  public var shortcomings: [String] {
    var result: [String] = []
    for op in OpCatalogue.all where !Self.withoutSamples.contains(op.mnemonic) || op is Input.Type || op is ReadState.Type {
      let count = forwardCounts[op.mnemonic, default: 0]
      if count < 20 { result.append("\(op.mnemonic) occurs \(count) times") }
      guard let sample = op.samples.first, case .differentiable = sample.op.differentiability else { continue }
      let gradients = gradientCounts[op.mnemonic, default: 0]
      if gradients < 20 { result.append("a gradient flows through \(op.mnemonic) \(gradients) times") }
    }
    for size in ProgramGenerator.sizes where extentCounts[size, default: 0] < 20 {
      result.append("extent \(size) occurs in \(extentCounts[size, default: 0]) programs")
    }
    for feature in Self.features where featureCounts[feature, default: 0] < 5 {
      result.append("\(feature): \(featureCounts[feature, default: 0])")
    }
    if medianNodeCount < 20 { result.append("the median program has \(medianNodeCount) nodes") }
    if outputElementCount > 0 {
      if inPlaceUpdateCount < 100 { result.append("\(inPlaceUpdateCount) updates in place") }
      if copiedUpdateCount < 5 { result.append("\(copiedUpdateCount) updates that need a copy") }
      if Double(lively) < 0.9 * Double(outputElementCount) {
        result.append("\(lively) of \(outputElementCount) elements of outputs are finite and not constant")
      }
    }
    return result
  }

  public var description: String {
    var text = "\(nodeCounts.count) random programs, nodes: median \(medianNodeCount), largest \(nodeCounts.max() ?? 0)\n"
    text += "op: occurrences (with a gradient)\n"
    for op in OpCatalogue.all.map({ $0.mnemonic }).sorted() {
      text += "  \(op): \(forwardCounts[op, default: 0]) (\(gradientCounts[op, default: 0]))\n"
    }
    text += "programs with an extent: "
    text += ProgramGenerator.sizes.map { "\($0): \(extentCounts[$0, default: 0])" }.joined(separator: ", ")
    for feature in Self.features { text += "\n\(feature): \(featureCounts[feature, default: 0])" }
    if outputElementCount > 0 {
      text += "\nupdates in place: \(inPlaceUpdateCount), by a copy: \(copiedUpdateCount)"
      let share = Double(lively) / Double(outputElementCount)
      text += "\nelements of outputs: \(outputElementCount), finite and not constant: \((share * 1000).rounded() / 10) %"
    }
    return text
  }
}
