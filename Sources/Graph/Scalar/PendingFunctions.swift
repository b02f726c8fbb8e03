// Replaced by the real sequences; delete this file when they land.
extension ScalarFunction {
  private static let pending = ScalarFunction(.negate, [.float32], type: .float32)
  static let exp = pending
  static let log = pending
  static let log1p = pending
  static let tanh = pending
  static let sigmoid = pending
  static let erf = pending
  static let sin = pending
  static let cos = pending
  static let power = ScalarFunction(.multiply, [.float32, .float32], type: .float32)
  /// (key0, key1, counter0, counter1), all Int32, to the first word.
  static let threefry2x32 = ScalarFunction([.int32, .int32, .int32, .int32]) { b, x in
    b.add(b.add(x[0], x[1]), b.add(x[2], x[3]))
  }
  static let threefry2x32SecondWord = threefry2x32
  /// Random bits (Int32) to a float in [0, 1).
  static let uniform = ScalarFunction([.int32]) { b, x in b.convert(x[0], to: .float32) }
  /// Two words of random bits to one standard normal float.
  static let normal = ScalarFunction([.int32, .int32]) { b, x in b.convert(b.add(x[0], x[1]), to: .float32) }
}
