extension AccumulationOrder {
  /// Elements of the shortest runs of a sum by chains, and until how many there is one chain.
  private static let chainRun = (length: 128, whole: 256)
  /// Likewise of a contraction, whose register tiles go through memory between runs.
  private static let productRun = (length: 256, whole: 512)
  /// Likewise of a sum by lanes.
  private static let laneRun = (length: 1 << 13, whole: 1 << 14)
  /// How many runs one run of the next length holds, and how many results the last chain may add.
  private static let fanOut = 64
  /// Terms of a contraction from which its runs nest, and lengths of those: what is packed at once holds some of the shorter ones.
  private static let nestedProduct = (whole: 1 << 15, lengths: [256, 1 << 11, 1 << 17])

  /// Lanes for `count` contiguous elements: 64, or as many as there are elements, rounded up to a power of two.
  private static func lanes(over extents: [Int], runs: Bool) -> AccumulationOrder {
    let count = extents.reduce(1, *)
    var lanes = 1
    while lanes < count, lanes < 64 { lanes *= 2 }
    return AccumulationOrder(.lanes(lanes), runs: runs ? self.runs(over: extents, laneRun) : [])
  }

  /// The order of a reduction over `axes` of `shape`: lanes where the reduced elements are contiguous in memory, so that a
  /// vector holds neighbours; else a chain for each result, so that a vector holds neighbouring results. Sums of many floats are
  /// cut into runs; of other reductions no order is more exact.
  ///
  /// - Parameter factors: extents whose product the reduced axes' extents have, outermost first, along which loops may run.
  public static func standard(
    reducing axes: [Int], of shape: Shape, by combiner: Reduction.Combiner, _ type: ElementType, factors: [Int]? = nil
  ) -> AccumulationOrder {
    guard let first = axes.first else { return .chain }
    let isContiguous = (first..<shape.rank).allSatisfy { axes.contains($0) || shape[$0] == 1 }
    let isRounded = combiner == .sum && type.isFloatingPoint
    let extents = factors ?? axes.map { shape[$0] }
    if isContiguous { return lanes(over: extents, runs: isRounded) }
    return AccumulationOrder(.chain, runs: isRounded ? runs(over: extents, chainRun) : [])
  }

  /// The order of a contraction `[m, k] × [k, n]`: a matrix-vector product is one dot per row, by lanes; else each result
  /// has a chain of fma over k, so that a vector holds neighbouring results. Long ones are cut into runs.
  ///
  /// - Parameter factors: extents whose product is `depth`, outermost first, along which loops may run.
  public static func standard(contracting depth: Int, columns: Int, factors: [Int]? = nil) -> AccumulationOrder {
    let extents = factors ?? [depth]
    return columns == 1 ? lanes(over: extents, runs: true) : AccumulationOrder(.chain, runs: productRuns(over: extents))
  }

  private static func productRuns(over extents: [Int]) -> [Int] {
    let count = extents.reduce(1, *)
    guard count > nestedProduct.whole else { return runs(over: extents, productRun) }
    return runs(ofAbout: nestedProduct.lengths.filter { count > 4 * $0 }, over: extents)
  }

  /// Lengths from `run.length` on, each about `fanOut` times the one before.
  private static func runs(over extents: [Int], _ run: (length: Int, whole: Int)) -> [Int] {
    let count = extents.reduce(1, *)
    guard count > run.whole else { return [] }
    var nest = RunNest(extents)
    var target = run.length
    repeat {
      nest.extend(to: target)
      target = (nest.runs.last ?? target) * fanOut
    } while count > 2 * target
    return nest.finished()
  }

  /// Runs of about the given lengths that loops along axes of the given extents can follow.
  package static func runs(ofAbout lengths: [Int], over extents: [Int]) -> [Int] {
    var nest = RunNest(extents)
    for length in lengths { nest.extend(to: length) }
    return nest.finished()
  }
}

/// Lengths of nested runs, each a whole number of iterations of one of the axes.
private struct RunNest {
  private let extents: [Int]
  private(set) var runs: [Int] = []
  /// All iterations of the axis that the last length doesn't divide: there, runs begin anew.
  private var end: Int?

  init(_ extents: [Int]) {
    let axes = extents.filter { $0 > 1 }
    self.extents = axes.isEmpty ? [1] : axes
  }

  /// Adds a length of about `target`.
  mutating func extend(to target: Int) {
    if let end, end <= target { finishAxis() }
    var below = 1
    var position = extents.count - 1
    while position > 0, below * extents[position] <= target {
      below *= extents[position]
      position -= 1
    }
    let extent = extents[position]
    let most = max(1, min(target / below, extent))
    if let divisor = stride(from: most, to: most / 2, by: -1).first(where: { extent % $0 == 0 }) {
      append(below * divisor)
      end = nil
    } else {
      // Runs as equal as can be.
      let count = (extent + most - 1) / most
      append(below * ((extent + count - 1) / count))
      end = position > 0 ? below * extent : nil
    }
  }

  mutating func finished() -> [Int] {
    finishAxis()
    return runs
  }

  private mutating func finishAxis() {
    if let end { append(end) }
    end = nil
  }

  private mutating func append(_ length: Int) {
    if length > runs.last ?? 1 { runs.append(length) }
  }
}
