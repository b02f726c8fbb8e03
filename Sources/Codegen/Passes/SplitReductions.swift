import CinchGraph

/// Brings reductions into the forms that have an order of accumulation which vector code can follow: over one group of
/// neighbouring axes at a time, innermost first, and very long rows in runs, which workers can share.
enum SplitReductions {
  static func rewrite(_ builder: GraphBuilder, _ node: Node, _ x: [Tensor]) -> Tensor? {
    guard let op = node.op.accumulating?.reducing else { return nil }
    if let order = op.order { return gathered(builder, node, op, order, x[0]) }
    let shape = x[0].shape
    // Axes of extent 1 hold nothing to reduce.
    let axes = op.axes.filter { shape[$0] != 1 }
    var groups = neighbouringGroups(axes, shape)
    let runs = groups.last.flatMap { Self.runs(along: $0, shape) }
    guard groups.count != 1 || axes != op.axes || runs != nil else { return nil }
    var result = x[0]
    if let runs, let last = groups.popLast() {
      // What stands before the group, the runs, and after it axes of extent 1.
      let kept = Array(shape.extents[..<last[0]])
      result = result.reshaped(to: Shape(kept + [runs.count, runs.length]))
      for axis in [kept.count + 1, kept.count] {
        result = builder.add(type(of: op).init(axes: [axis], order: nil), [result], at: node.site)
      }
    }
    for group in groups.reversed() {
      result = builder.add(type(of: op).init(axes: group, order: nil), [result], at: node.site)
    }
    return result.reshaped(to: node.type.shape)
  }

  /// An order that a text has set numbers the elements across all reduced axes: these have to be neighbours, unless a chain takes
  /// them one by one.
  private static func gathered(
    _ builder: GraphBuilder, _ node: Node, _ op: any ReductionOp, _ order: AccumulationOrder, _ x: Tensor
  ) -> Tensor? {
    guard order != .chain, neighbouringGroups(op.axes, x.shape).count > 1 else { return nil }
    let kept = x.shape.extents.indices.filter { !op.axes.contains($0) }
    let last = Array(kept.count..<x.shape.rank)
    let result = builder.add(type(of: op).init(axes: last, order: order), [x.transposed(to: kept + op.axes)], at: node.site)
    return result.reshaped(to: node.type.shape)
  }

  /// Elements from which a row is cut, and about how many a run then has.
  private static let longRow = 1 << 16
  private static let run = 1 << 14

  /// How a group of last axes is cut into equal runs if it is very long.
  private static func runs(along group: [Int], _ shape: Shape) -> (count: Int, length: Int)? {
    guard let last = group.last, shape.extents[(last + 1)...].allSatisfy({ $0 == 1 }) else { return nil }
    let count = shape.extents[group[0]...last].reduce(1, *)
    guard count > longRow else { return nil }
    guard let length = (run / 4...run).last(where: { count % $0 == 0 }) else { return nil }
    return (count / length, length)
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
