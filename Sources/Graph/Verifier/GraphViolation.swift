/// What is wrong with a graph, as a check of the verifier found it.
public struct GraphViolation: Sendable, Hashable {
  /// The name of the check.
  public let check: String
  /// Where; `nil` for the graph as a whole, its outputs and updates.
  public let node: NodeID?
  public let message: String
}

/// What graphs promise from some pass on.
public struct GraphPromises: OptionSet, Sendable, Hashable {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// No node's meaning is a decomposition.
  public static let primitivesOnly = GraphPromises(rawValue: 1)
  /// Each reduction and contraction has its order of accumulation.
  public static let ordersSet = GraphPromises(rawValue: 2)
}

extension Graph {
  /// Everything that the verifier's checks find, node by node; empty for a sound graph.
  public func violations(promising promises: GraphPromises = []) -> [GraphViolation] {
    var soundOps = SoundOps()
    return violations(promising: promises, &soundOps)
  }

  private func violations(promising promises: GraphPromises, _ soundOps: inout SoundOps) -> [GraphViolation] {
    var verification = GraphVerification(graph: self, promises: promises)
    verification.run(&soundOps)
    return verification.violations
  }

  /// Throws an `InternalError` that names `pass` and shows the graph, with what is wrong below each guilty node.
  public func verify(after pass: String, promising promises: GraphPromises = []) throws {
    var soundOps = SoundOps()
    try verify(after: pass, promising: promises, &soundOps)
  }

  /// The same, where graphs before may have had nodes of this one: `soundOps` knows their ops, and learns the others.
  package func verify(after pass: String, promising promises: GraphPromises = [], _ soundOps: inout SoundOps) throws {
    let violations = violations(promising: promises, &soundOps)
    if violations.isEmpty { return }
    var remarks: [NodeID: [String]] = [:]
    var message = "the graph is broken"
    for violation in violations {
      if let node = violation.node {
        remarks[node, default: []].append("\(violation.check): \(violation.message)")
      } else {
        message += "\n\(violation.check): \(violation.message)"
      }
    }
    var printer = GraphPrinter()
    printer.append(self, remarks: remarks)
    throw InternalError(stage: pass, message: message + "\n" + printer.text)
  }
}
