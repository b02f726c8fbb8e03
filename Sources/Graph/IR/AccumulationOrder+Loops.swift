extension AccumulationOrder {
  /// Whether loops along axes of these extents, outermost first, can follow the order: each run is a whole number of iterations of
  /// an axis, and none begins in one iteration of the axis outside and ends in the next.
  package func fits(_ extents: [Int]) -> Bool {
    if case .lanes(let count) = leaf, extents.count > 1, extents[extents.count - 1] % count != 0 { return false }
    return Self.fits(extents[...], runs[...])
  }

  private static func fits(_ extents: ArraySlice<Int>, _ runs: ArraySlice<Int>) -> Bool {
    guard let length = runs.last, let extent = extents.first else { return true }
    // A run of one iteration is the axes inside of it.
    if extent == 1, extents.count > 1 { return fits(extents.dropFirst(), runs) }
    let below = extents.dropFirst().reduce(1, *)
    if length >= extent * below { return fits(extents, runs.dropLast()) }
    if length >= below {
      guard length % below == 0 else { return false }
      let count = length / below
      func fitsInside(_ count: Int) -> Bool { fits([count] + extents.dropFirst(), runs.dropLast()) }
      return fitsInside(count) && (extent % count == 0 || fitsInside(extent % count))
    }
    return below % length == 0 && fits(extents.dropFirst(), runs)
  }
}
