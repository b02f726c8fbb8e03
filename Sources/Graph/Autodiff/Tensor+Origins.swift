// What gradient rules ask of how a tensor was made.

extension Tensor {
  /// Whether it is a sum of squares, so that all slopes of it are 0 where it is 0.
  func isSumOfSquares(depth: Int = 6) -> Bool {
    guard depth > 0 else { return false }
    let match = Match(self)
    func all(_ operands: [Tensor]) -> Bool { operands.allSatisfy { $0.isSumOfSquares(depth: depth - 1) } }
    switch match.op {
    case is Multiply:
      let (a, b) = (match.operand(0), match.operand(1))
      if Match.areEqual(a, b) { return true }
      func isFactor(_ x: Tensor) -> Bool { Match(x).splat.map { $0.asDouble > 0 } ?? false }
      return isFactor(a) ? all([b]) : isFactor(b) && all([a])
    case is Divide: return (Match(match.operand(1)).splat.map { $0.asDouble > 0 } ?? false) && all([match.operand(0)])
    case is Power:
      let exponent = Match(match.operand(1)).splat?.asDouble ?? 0
      let isEven = exponent > 0 && (exponent / 2).rounded() == exponent / 2
      return isEven || exponent > 1 && Match(match.operand(0)).op is Absolute
    case is Add: return all(match.operands)
    case let op where op is Sum || op is Mean || op is Reshape || op is Transpose || op is Broadcast || op is Slice:
      return all([match.operand(0)])
    default: return false
    }
  }

  /// Whether finite operands may have made it infinite without being large themselves.
  func mayBeInfinite(depth: Int = 4) -> Bool {
    guard depth > 0 else { return false }
    let match = Match(self)
    switch match.op {
    case is Exp, is Log, is Log1p, is ReciprocalSquareRoot, is Power: return true
    case is Divide: return Match(match.operand(1)).splat == nil || match.operand(0).mayBeInfinite(depth: depth - 1)
    case let op
    where op is Add || op is Subtract || op is Multiply || op is Negate || op is Reshape || op is Transpose || op is Broadcast
      || op is Slice || op is Select || op is WhereNonzero:
      return match.operands.contains { $0.mayBeInfinite(depth: depth - 1) }
    default: return false
    }
  }
}
