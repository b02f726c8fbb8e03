// With n = round(x·log₂e) and r = x − n·ln 2, eˣ = 2ⁿ·eʳ; eʳ is a polynomial fitted by linear programming for the least largest relative
// error, its coefficients rounded one after the other. 2ⁿ comes from shifting n into the exponent. The largest errors are those
// over all 2³² inputs, against Float64.

extension ScalarFunction {
  /// eˣ; at most 1.61 ULP, subnormal results included.
  ///
  /// n is taken even, so that 2ⁿ is the square of a float in range; the last of the two multiplications rounds once, into the
  /// subnormals where need be.
  static let exp = ScalarFunction([.float32]) { b, x in b.exponential(x[0]) }

  /// 1 / (1 + e⁻ˣ) as eˣ / (eˣ + 1); at most 1.51 ULP.
  ///
  /// Where x < 0 the quotient y is corrected by what is left of it, e − y·(e + 1), times 1 − y, which is near 1 / (e + 1).
  static let sigmoid = ScalarFunction([.float32]) { b, x in
    let a = b.atMost(60, b.atLeast(-105, x[0]))
    // Everything is scaled by 2³⁰: eˣ for x near −105 stays normal.
    let one = b.float(0x1p30)
    let (n, shifted) = b.roundedProduct(a, log2E, bias: 127 + 30)
    let r = b.fma(n, b.float(-ln2Low), b.fma(n, b.float(-ln2High), a))
    let p = b.polynomial([0x1.6a4d6ep-10, 0x1.123e58p-7, 0x1.5558b8p-5, 0x1.55548cp-3, 0x1.fffffcp-2], r)
    let scale = b.float(ofBits: b.shiftLeft(b.bits(shifted), 23))
    let e = b.fma(b.fma(b.multiply(p, r), r, r), scale, scale)
    let y = b.divide(e, b.add(e, one))
    let minusY = b.negate(y)
    let remainder = b.fma(minusY, e, b.fma(minusY, one, e))
    let weight = b.fma(minusY, b.float(0x1p-30), b.float(0x1p-30))
    return b.fma(remainder, b.select(b.less(a, b.float(0)), weight, b.float(0)), y)
  }

  /// With a = |x| and e = expm1(−2a): y = −e / (2 + e), with the sign of x; at most 1.9 ULP.
  ///
  /// The quotient is corrected by what is left of it, times (1 + y) / 2, which is near 1 / (2 + e).
  static let tanh = ScalarFunction([.float32]) { b, x in
    let a = b.atMost(10, b.absolute(x[0]))
    let (n, shifted) = b.roundedProduct(a, -2 * log2E, bias: 127)
    let r = b.fma(n, b.float(ln2Low / 2), b.fma(n, b.float(ln2High / 2), a))
    let p = b.polynomial([0x1.6ba496p-4, -0x1.122a72p-2, 0x1.5556f0p-1, -0x1.5554aep+0, 0x1.fffffep+0], r)
    let q = b.fma(b.multiply(p, r), r, b.multiply(b.float(-2), r))
    let scale = b.float(ofBits: b.shiftLeft(b.bits(shifted), 23))
    let e = b.fma(q, scale, b.subtract(scale, b.float(1)))
    let y = b.divide(e, b.subtract(b.float(-2), e))
    let remainder = b.fma(y, e, b.fma(b.float(2), y, e))
    let corrected = b.fma(remainder, b.fma(b.float(-0.5), y, b.float(-0.5)), y)
    return b.copySign(b.absolute(corrected), of: x[0])
  }
}

extension ScalarBuilder {
  mutating func exponential(_ x: ScalarValue) -> ScalarValue {
    let a = atMost(100, atLeast(-120, x))
    // Half of n: the square of its power of two is applied.
    let (half, shifted) = roundedProduct(a, 0.5 * log2E, bias: 127)
    let r = fma(half, float(-2 * ln2Low), fma(half, float(-2 * ln2High), a))
    let p = polynomial(
      [0x1.9b14f8p-13, 0x1.71d3b8p-10, 0x1.112980p-7, 0x1.5549b2p-5, 0x1.55550ap-3, 0x1.00000cp-1, 1, 1], r)
    let scale = float(ofBits: shiftLeft(bits(shifted), 23))
    return multiply(multiply(p, scale), scale)
  }
}
