// x = 2ᵉ·m with m in [√½, √2); log x = e·ln 2 + log m, and with r = m − 1, log m = r + r²·P(r).

/// √½ as bits: subtracting it from a float's bits makes the exponent round at √2.
private let sqrtHalfBits: Int32 = 0x3F35_04F3
private let ln2: Float = 0x1.62e430p-1

extension ScalarFunction {
  /// The natural logarithm; at most 1.16 ULP. −∞ at 0, NaN below.
  static let log = ScalarFunction([.float32]) { b, x in
    let isSmall = b.less(x[0], b.float(0x1p-126))
    let normal = b.select(isSmall, b.multiply(x[0], b.float(0x1p23)), x[0])
    let shifted = b.subtract(b.bits(normal), b.int(sqrtHalfBits))
    let exponent = b.convert(b.shiftRightArithmetic(shifted, 23), to: .float32)
    let e = b.add(exponent, b.select(isSmall, b.float(-23), b.float(0)))
    let result = b.logarithm(shifted, exponent: e)
    let finite = b.select(b.less(x[0], b.float(.infinity)), result, x[0])
    return b.logarithmAtTheEnds(finite, x[0], pole: 0)
  }

  /// log(1 + x); at most 1.6 ULP. −∞ at −1, NaN below.
  static let log1p = ScalarFunction([.float32]) { b, x in
    // Beyond 2⁹⁶, 1 is nothing beside x, and 2⁻ᵉ would leave the normal range.
    let isLarge = b.less(b.float(0x1p96), x[0])
    let a = b.select(isLarge, b.multiply(x[0], b.float(0x1p-64)), x[0])
    let sum = b.add(b.float(1), a)
    // −e, from the sum's exponent; scaling a and 1 by 2⁻ᵉ separately keeps the digits that the sum has lost.
    let shifted = b.subtract(b.int(sqrtHalfBits + 0x80_0000 - 1), b.bits(sum))
    let negated = b.shiftRightArithmetic(shifted, 23)
    let scale = b.float(ofBits: b.add(b.shiftLeft(negated, 23), b.int(0x3F80_0000)))
    let r = b.fma(a, scale, b.subtract(scale, b.float(1)))
    let e = b.subtract(b.convert(negated, to: .float32), b.select(isLarge, b.float(64), b.float(0)))
    let result = b.fma(e, b.float(-ln2), b.logarithmOfOnePlus(r))
    let finite = b.select(b.less(x[0], b.float(.infinity)), result, x[0])
    // −0 stays −0.
    let signed = b.select(b.equal(x[0], b.float(0)), x[0], finite)
    return b.logarithmAtTheEnds(signed, x[0], pole: -1)
  }
}

extension ScalarBuilder {
  /// The bits of `log` for a normal, positive, finite float.
  mutating func logarithmOfNormal(_ x: ScalarValue) -> ScalarValue {
    let shifted = subtract(bits(x), int(sqrtHalfBits))
    return logarithm(shifted, exponent: convert(shiftRightArithmetic(shifted, 23), to: .float32))
  }

  /// e·ln 2 + log m, where `shifted` is the bits of a float with the fraction of m, less those of √½.
  fileprivate mutating func logarithm(_ shifted: ScalarValue, exponent e: ScalarValue) -> ScalarValue {
    let m = float(ofBits: add(and(shifted, int(0x7F_FFFF)), int(sqrtHalfBits)))
    return fma(e, float(ln2), logarithmOfOnePlus(subtract(m, float(1))))
  }

  /// r + r²·P(r) for r in [√½ − 1, √2 − 1].
  mutating func logarithmOfOnePlus(_ r: ScalarValue) -> ScalarValue {
    let p = polynomial(
      [
        0x1.645f16p-4, -0x1.242fccp-3, 0x1.3172dcp-3, -0x1.5382a4p-3, 0x1.98d826p-3, -0x1.000380p-2, 0x1.5556d8p-2,
        -0.5,
      ], r)
    return fma(multiply(r, r), p, r)
  }

  /// `result` above the pole, −∞ at it, NaN below and for NaN.
  mutating func logarithmAtTheEnds(_ result: ScalarValue, _ x: ScalarValue, pole: Float) -> ScalarValue {
    let atPole = select(equal(x, float(pole)), float(-.infinity), float(.nan))
    return select(less(float(pole), x), result, atPole)
  }
}
