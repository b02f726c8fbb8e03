/// The values of an index under constraints, found by halving the ranges of variables until the constraints say all.
///
/// One look at a box treats constraints that share variables one by one. In small enough boxes each of them either holds
/// everywhere or is about one variable, whose range it narrows exactly.
struct SplitBox {
  /// Boxes looked at before the index counts as unbounded.
  private static let boxLimit = 4096

  private let bounds: Range<Int>
  private var boxCount = 0
  private var range: ClosedRange<Int>?

  /// The least and the greatest value, inner nil where no point satisfies the constraints; outer nil unless all are proved to lie
  /// within `bounds`.
  static func range(
    of index: AffineExpression, _ constraints: [IndexConstraint], _ extents: [Int], within bounds: Range<Int>
  ) -> ClosedRange<Int>?? {
    var search = SplitBox(bounds: bounds)
    return search.isInside(index, constraints, extents) ? .some(search.range) : nil
  }

  private init(bounds: Range<Int>) { self.bounds = bounds }

  private mutating func isInside(_ index: AffineExpression, _ constraints: [IndexConstraint], _ extents: [Int]) -> Bool {
    boxCount += 1
    guard boxCount <= Self.boxLimit else { return false }
    guard let box = NarrowedBox(index, constraints, extents) else { return true }
    let (least, greatest) = IndexSet.range(of: box.index, box.extents)
    if bounds.contains(least), bounds.contains(greatest) {
      range = min(least, range?.lowerBound ?? least)...max(greatest, range?.upperBound ?? greatest)
      return true
    }
    var open: [IndexConstraint] = []
    for constraint in box.constraints {
      let range = IndexSet.range(of: constraint.expression, box.extents)
      if range.greatest < 0 || range.least >= constraint.bound { return true }
      if range.least < 0 || range.greatest >= constraint.bound { open.append(constraint) }
    }
    // A variable of few values, because its halves soon leave the others exact ranges.
    let variables = open.flatMap { $0.expression.terms.map(\.variable) }.filter { box.extents[$0.index] > 1 }
    guard let variable = variables.min(by: { (box.extents[$0.index], $0.raw) < (box.extents[$1.index], $1.raw) }) else {
      return false
    }
    let half = box.extents[variable.index] / 2
    for (start, count) in [(0, half), (half, box.extents[variable.index] - half)] {
      var extents = box.extents
      extents[variable.index] = count
      func moved(_ expression: AffineExpression) -> AffineExpression {
        var result = expression
        result.constant = Saturating.sum(
          result.constant, Saturating.product(result.coefficient(of: variable), start))
        return result
      }
      let parts = open.map { IndexConstraint(expression: moved($0.expression), bound: $0.bound) }
      guard isInside(moved(box.index), parts, extents) else { return false }
    }
    return true
  }
}
