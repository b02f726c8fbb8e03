extension AccumulationOrder {
  /// Lanes for `count` contiguous elements: 64, or as many as there are elements, rounded up to a power of two.
  static func lanes(forCount count: Int) -> AccumulationOrder {
    var lanes = 1
    while lanes < count, lanes < 64 { lanes *= 2 }
    return .lanes(lanes)
  }

  /// The order of a reduction over `axes` of `shape`: lanes where the reduced elements are contiguous in memory, so that a
  /// vector holds neighbours; else a chain for each result, so that a vector holds neighbouring results.
  public static func standard(reducing axes: [Int], of shape: Shape) -> AccumulationOrder {
    guard let first = axes.first else { return .chain }
    let isContiguous = (first..<shape.rank).allSatisfy { axes.contains($0) || shape[$0] == 1 }
    return isContiguous ? lanes(forCount: axes.reduce(1) { $0 * shape[$1] }) : .chain
  }

  /// The order of a contraction `[m, k] × [k, n]`: a matrix-vector product is one dot per row, by lanes; else each result
  /// has a chain of fma over k, so that a vector holds neighbouring results.
  public static func standard(contracting depth: Int, columns: Int) -> AccumulationOrder {
    columns == 1 ? lanes(forCount: depth) : .chain
  }
}
