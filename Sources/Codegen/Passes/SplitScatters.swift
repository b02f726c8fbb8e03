import CinchGraph

/// Cuts rows that are added to those that indices name into runs with results of their own, which a sum then brings together: a
/// row that most indices name would be one long chain otherwise.
enum SplitScatters {
  /// Least positions of a sum that is cut, in all and for each row of its result. Cut sums have more rows, so they stay below.
  private static let leastPositions = 1 << 12
  private static let leastPerRow = 64

  static func rewrite(_ builder: GraphBuilder, _ node: Node, _ x: [Tensor]) -> Tensor? {
    guard let scatter = node.op as? ScatterAdd, x[1].elementType.isFloatingPoint else { return nil }
    let positions = x[0].shape.elementCount
    guard positions > leastPositions, positions / leastPerRow > scatter.count else { return nil }
    // Each run has all rows: the longer, the less it costs.
    let length = min(max(256, 16 * scatter.count), leastPerRow * scatter.count)
    let rest = Array(x[1].shape.extents.dropFirst(x[0].shape.rank))
    let indices = x[0].reshaped(to: [positions])
    let rows = x[1].reshaped(to: Shape([positions] + rest))
    func added(_ part: Range<Int>, runs: Int) -> Tensor {
      var places = indices.sliced(along: 0, part).reshaped(to: [runs, part.count / runs])
      let run = builder.iota(places.shape, along: 0)
      places = places + run * builder.constant(.int(Int32(scatter.count)), shape: places.shape, at: node.site)
      places = builder.add(CheckIndex(limit: runs * scatter.count), [places.reshaped(to: [part.count])], at: node.site)
      let sums = builder.add(
        ScatterAdd(count: runs * scatter.count), [places, rows.sliced(along: 0, part)], at: node.site)
      return sums.reshaped(to: Shape([runs, scatter.count] + rest))
    }
    let (runs, left) = positions.quotientAndRemainder(dividingBy: length)
    var sums = added(0..<(runs * length), runs: runs)
    sums = builder.add(Sum(axes: [0]), [sums], at: node.site)
    if left > 0 { sums = sums + added((runs * length)..<positions, runs: 1).reshaped(to: node.type.shape) }
    return sums.reshaped(to: node.type.shape)
  }
}
