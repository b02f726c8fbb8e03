/// An index with its constraints, over the ranges that these leave the loop variables.
///
/// A constraint on several variables is then recognised in the index even where another one leaves some of them one value;
/// and variables that the index has in another proportion than the constraint stay within what the constraint says.
struct NarrowedBox {
  private(set) var index: AffineExpression
  private(set) var constraints: [IndexConstraint]
  /// How many values each variable has, from 0 on.
  private(set) var extents: [Int]

  /// Nil where no point satisfies the constraints.
  init?(_ index: AffineExpression, _ constraints: [IndexConstraint], _ extents: [Int]) {
    self.index = index
    self.constraints = constraints
    self.extents = extents
    var ranges: [LoopVariable: ClosedRange<Int>] = [:]
    // What a constraint says depends on what others have said.
    for _ in 0..<(constraints.count > 1 ? 2 : 1) {
      for constraint in constraints {
        guard Self.narrow(&ranges, extents, by: constraint) else { return nil }
      }
    }
    for (variable, range) in ranges {
      Self.substitute(variable, range, in: &self.index)
      for position in constraints.indices {
        Self.substitute(variable, range, in: &self.constraints[position].expression)
      }
      self.extents[variable.index] = range.count
    }
  }

  /// Keeps the values of each variable for which the others can satisfy the constraint; false if there are none.
  private static func narrow(
    _ ranges: inout [LoopVariable: ClosedRange<Int>], _ extents: [Int], by constraint: IndexConstraint
  ) -> Bool {
    func range(of term: AffineExpression.Term) -> (least: Int, greatest: Int) {
      let range = ranges[term.variable] ?? 0...max(0, extents[term.variable.index] - 1)
      let ends = (
        Saturating.product(term.coefficient, range.lowerBound), Saturating.product(term.coefficient, range.upperBound)
      )
      return (min(ends.0, ends.1), max(ends.0, ends.1))
    }
    for term in constraint.expression.terms {
      var least = constraint.expression.constant
      var greatest = least
      for other in constraint.expression.terms where other.variable != term.variable {
        let (low, high) = range(of: other)
        least = Saturating.sum(least, low)
        greatest = Saturating.sum(greatest, high)
      }
      // −greatest <= coefficient · variable < bound − least, where nothing is beyond what numbers hold.
      let (first, last) = (-greatest, Saturating.sum(constraint.bound - 1, -least))
      guard abs(first) < Saturating.limit, abs(last) < Saturating.limit else { continue }
      func roundedDown(_ number: Int) -> Int {
        let (quotient, rest) = number.quotientAndRemainder(dividingBy: term.coefficient)
        return rest != 0 && (rest < 0) != (term.coefficient < 0) ? quotient - 1 : quotient
      }
      let (low, high) =
        term.coefficient > 0 ? (-roundedDown(-first), roundedDown(last)) : (-roundedDown(-last), roundedDown(first))
      let known = ranges[term.variable] ?? 0...max(0, extents[term.variable.index] - 1)
      let (from, to) = (max(low, known.lowerBound), min(high, known.upperBound))
      guard from <= to else { return false }
      if from > known.lowerBound || to < known.upperBound { ranges[term.variable] = from...to }
    }
    return true
  }

  /// The variable counts from the start of its range on; one with a single value disappears.
  private static func substitute(_ variable: LoopVariable, _ range: ClosedRange<Int>, in expression: inout AffineExpression) {
    let coefficient = expression.coefficient(of: variable)
    guard coefficient != 0 else { return }
    expression.constant = Saturating.sum(expression.constant, Saturating.product(coefficient, range.lowerBound))
    if range.count == 1 { expression.add(AffineExpression(variable), times: -coefficient) }
  }
}
