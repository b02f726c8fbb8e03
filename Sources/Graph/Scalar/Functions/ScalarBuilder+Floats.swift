// What the function sequences share.

extension ScalarBuilder {
  /// c₀ + x·(c₁ + x·(c₂ + …)) by fma, for coefficients given from the highest power down.
  mutating func polynomial(_ coefficients: [Float], _ x: ScalarValue) -> ScalarValue {
    var sum = float(coefficients[0])
    for coefficient in coefficients.dropFirst() { sum = fma(sum, x, float(coefficient)) }
    return sum
  }

  mutating func bits(_ x: ScalarValue) -> ScalarValue { bitcast(x, to: .int32) }
  mutating func float(ofBits x: ScalarValue) -> ScalarValue { bitcast(x, to: .float32) }

  mutating func shiftLeft(_ x: ScalarValue, _ count: Int32) -> ScalarValue { apply(.shiftLeft, x, int(count)) }
  mutating func shiftRight(_ x: ScalarValue, _ count: Int32) -> ScalarValue { apply(.shiftRightLogical, x, int(count)) }
  mutating func shiftRightArithmetic(_ x: ScalarValue, _ count: Int32) -> ScalarValue {
    apply(.shiftRightArithmetic, x, int(count))
  }
  mutating func and(_ a: ScalarValue, _ b: ScalarValue) -> ScalarValue { apply(.and, a, b) }
  mutating func or(_ a: ScalarValue, _ b: ScalarValue) -> ScalarValue { apply(.or, a, b) }
  mutating func xor(_ a: ScalarValue, _ b: ScalarValue) -> ScalarValue { apply(.exclusiveOr, a, b) }
  mutating func not(_ a: ScalarValue) -> ScalarValue { apply(.not, a) }

  /// `x`, but no more than `bound`; a NaN stays.
  mutating func atMost(_ bound: Float, _ x: ScalarValue) -> ScalarValue { apply(.minimum, float(bound), x) }
  /// `x`, but no less than `bound`; a NaN stays.
  mutating func atLeast(_ bound: Float, _ x: ScalarValue) -> ScalarValue { apply(.maximum, float(bound), x) }

  /// The sign bit of a float, as Int32.
  mutating func signBit(_ x: ScalarValue) -> ScalarValue { and(bits(x), int(.min)) }

  /// `magnitude` (not negative) with the sign of `x`.
  mutating func copySign(_ magnitude: ScalarValue, of x: ScalarValue) -> ScalarValue {
    float(ofBits: or(bits(magnitude), signBit(x)))
  }

  mutating func isNaN(_ x: ScalarValue) -> ScalarValue { notEqual(x, x) }

  /// The integer nearest to a · b, as a float, and the same in the low bits of a float: adding 1.5·2²³ (and a multiple of 1, `bias`)
  /// leaves no place for a fraction.
  mutating func roundedProduct(
    _ a: ScalarValue, _ b: Float, bias: Float = 0
  ) -> (integer: ScalarValue, inLowBits: ScalarValue) {
    let magic = float(0x1.8p23 + bias)
    let shifted = fma(a, float(b), magic)
    return (subtract(shifted, magic), shifted)
  }
}

/// log₂ e.
let log2E: Float = 0x1.715476p+0
/// ln 2 in two parts, the first with few enough bits that its product with a small integer is exact.
let ln2High: Float = 0x1.62e4p-1
let ln2Low: Float = 0x1.7f7d1cp-20
