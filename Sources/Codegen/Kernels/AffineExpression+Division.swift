extension AffineExpression {
  /// The smallest and largest value while each variable runs from 0 to its extent.
  func range(_ extents: [Int]) -> ClosedRange<Int> {
    var low = constant
    var high = constant
    for term in terms {
      let reach = term.coefficient * (extents[term.variable.index] - 1)
      if reach < 0 { low += reach } else { high += reach }
    }
    return low...high
  }

  /// What division by a constant gives, or why it isn't affine.
  enum Division {
    case parts(quotient: AffineExpression, remainder: AffineExpression)
    /// It would be, were the variable written as `inner · v₁ + v₀`.
    case needsSplit(LoopVariable, inner: Int)
    case impossible
  }

  /// Quotient and remainder by `divisor`, both affine: how a row-major number becomes coordinates.
  func divided(by divisor: Int, _ extents: [Int]) -> Division {
    var quotient = AffineExpression()
    var remainder = AffineExpression()
    let floor = constant >= 0 ? constant / divisor : -((-constant + divisor - 1) / divisor)
    quotient.constant = floor
    remainder.constant = constant - floor * divisor
    for term in terms {
      if term.coefficient % divisor == 0 {
        quotient.add(AffineExpression(term.variable), times: term.coefficient / divisor)
      } else {
        remainder.add(AffineExpression(term.variable), times: term.coefficient)
      }
    }
    let range = remainder.range(extents)
    if range.lowerBound >= 0, range.upperBound < divisor {
      return .parts(quotient: quotient, remainder: remainder)
    }
    for term in remainder.terms where term.coefficient > 0 && divisor % term.coefficient == 0 {
      let inner = divisor / term.coefficient
      let extent = extents[term.variable.index]
      if inner < extent, extent % inner == 0 { return .needsSplit(term.variable, inner: inner) }
    }
    return .impossible
  }

  /// The quotient where each coefficient is a multiple of `divisor`.
  func divided(exactlyBy divisor: Int) -> AffineExpression {
    var result = AffineExpression(constant: constant / divisor)
    for term in terms { result.add(AffineExpression(term.variable), times: term.coefficient / divisor) }
    return result
  }

  /// Bit v is set for each variable v that it names.
  var variableMask: UInt64 { terms.reduce(0) { $0 | 1 << UInt64($1.variable.raw) } }
}
