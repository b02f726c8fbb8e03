import CinchGraph

/// Forms that lose all digits near the ends of the range become those that don't, which gradients are made of already.
enum Stabilise {
  /// Far more than forms lie inside of each other; what has a stable form is given it once.
  private static let maximumRounds = 8

  static func run(_ graph: Graph) -> Graph {
    var graph = graph
    for _ in 0..<maximumRounds {
      let next = graph.rewritten { builder, node, operands in builder.stableForm(of: node.op, operands) }
      if next.isIdentical(to: graph) { break }
      graph = next
    }
    return graph
  }
}
