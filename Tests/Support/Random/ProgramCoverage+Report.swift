import Cinch

extension ProgramCoverage {
  /// Whether a gradient flows through an op: it takes operands, and says nothing else.
  private static func isDifferentiable(_ op: any Op.Type) -> Bool {
    // Loops and their further results have no samples, for they need bodies.
    guard let sample = op.samples.first else { return true }
    if case .differentiable = sample.op.differentiability { return !sample.operands.isEmpty || op is Input.Type }
    return false
  }

  /// What is missing for the programs to mean something; empty if nothing is.
  public var shortcomings: [String] {
    var result: [String] = []
    for op in OpCatalogue.all {
      let count = forwardCounts[op.mnemonic, default: 0]
      if count < 20 { result.append("\(op.mnemonic) occurs \(count) times") }
      let gradients = gradientCounts[op.mnemonic, default: 0]
      if Self.isDifferentiable(op), gradients < 20 { result.append("a gradient flows through \(op.mnemonic) \(gradients) times") }
    }
    for size in ProgramWriter.sizes where extentCounts[size, default: 0] < 20 {
      result.append("extent \(size) occurs in \(extentCounts[size, default: 0]) programs")
    }
    for feature in Feature.allCases where featureCounts[feature, default: 0] < 20 {
      // One program in 32 is wild.
      if feature == .notANumber, featureCounts[feature, default: 0] >= 5 { continue }
      result.append("\(feature.rawValue): \(featureCounts[feature, default: 0])")
    }
    if medianNodeCount < 20 { result.append("the median program has \(medianNodeCount) nodes") }
    if inPlaceUpdateCount < 100 { result.append("\(inPlaceUpdateCount) updates in place") }
    if copiedUpdateCount < 20 { result.append("\(copiedUpdateCount) updates that need a copy") }
    if livelyShare < 0.9 {
      result.append("\(livelyElementCount) of \(outputElementCount) elements of outputs are finite and not constant")
    }
    return result
  }

  /// A table of everything that is asked for.
  public var report: String {
    func padded(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(0, width - text.count)) }
    var text = "\(programCount) random programs\n"
    text += "  nodes: median \(medianNodeCount), largest \(nodeCounts.max() ?? 0)\n"
    text += "  elements of outputs: \(outputElementCount), finite and not constant: \((livelyShare * 1000).rounded() / 10) %\n"
    text += "  updates in place: \(inPlaceUpdateCount), by a copy: \(copiedUpdateCount)\n"
    for feature in Feature.allCases { text += "  \(feature.rawValue): \(featureCounts[feature, default: 0])\n" }
    text += "  programs with an extent: "
    text += ProgramWriter.sizes.map { "\($0): \(extentCounts[$0, default: 0])" }.joined(separator: ", ")
    text += "\n  op: occurrences / with a gradient\n"
    let entries = OpCatalogue.all.map { op in
      let gradients = Self.isDifferentiable(op) ? "\(gradientCounts[op.mnemonic, default: 0])" : "–"
      return padded("\(op.mnemonic): \(forwardCounts[op.mnemonic, default: 0]) / \(gradients)", 40)
    }.sorted()
    for start in stride(from: 0, to: entries.count, by: 3) {
      text += "    " + entries[start..<min(start + 3, entries.count)].joined() + "\n"
    }
    return text
  }
}
