import CinchGraph

/// Brings reductions into the forms that have an order of accumulation which vector code can follow: over one group of
/// neighbouring axes at a time, innermost first.
enum SplitReductions {
  static func rewrite(_ builder: GraphBuilder, _ node: Node, _ x: [Tensor]) -> Tensor? {
    guard let op = node.op as? any ReductionOp, op.order == nil else { return nil }
    let shape = x[0].shape
    // Axes of extent 1 hold nothing to reduce.
    let axes = op.axes.filter { shape[$0] != 1 }
    let groups = neighbouringGroups(axes, shape)
    guard groups.count != 1 || axes != op.axes else { return nil }
    var result = x[0]
    for group in groups.reversed() {
      result = builder.add(type(of: op).init(axes: group, order: nil), [result], at: node.site)
    }
    return result.reshaped(to: node.type.shape)
  }

  /// Runs of axes with nothing (but extents of 1) between them, outermost first.
  private static func neighbouringGroups(_ axes: [Int], _ shape: Shape) -> [[Int]] {
    var groups: [[Int]] = []
    for axis in axes {
      if let last = groups.last?.last, ((last + 1)..<axis).allSatisfy({ shape[$0] == 1 }) {
        groups[groups.count - 1].append(axis)
      } else {
        groups.append([axis])
      }
    }
    return groups
  }
}
