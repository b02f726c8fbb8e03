extension Int {
  /// The quotient, rounded up: how many parts of at most `divisor` make up a positive number.
  func dividedUp(by divisor: Int) -> Int { (self + divisor - 1) / divisor }
}
