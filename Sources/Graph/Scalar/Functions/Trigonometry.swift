// x = q·π/2 + r with |r| ≤ π/4, then a polynomial in r for sine or cosine, as q says.
//
// Up to 2¹⁷, r comes by subtracting q·π/2 in three parts, each exact or rounded once by fma (Cody and Waite 1980). Above,
// x·2/π modulo 4 is computed in integers from the 96 bits of 2/π that matter for x's exponent (Payne and Hanek 1983).
// One is selected for each lane; vectors without a lane above skip the second way.

extension ScalarFunction {
  /// The sine of radians; at most 1.5 ULP for every finite float, NaN for infinities.
  static let sin = ScalarFunction([.float32]) { b, x in
    let (quadrant, r) = b.reducedAngle(x[0])
    let sign = b.xor(b.shiftLeft(b.and(quadrant, b.int(2)), 30), b.signBit(x[0]))
    let y = b.sineOrCosine(r, isCosine: quadrant, sign)
    // −0 stays −0.
    return b.trigonometricAtTheEnds(b.select(b.equal(x[0], b.float(0)), x[0], y), x[0])
  }

  /// The cosine of radians; at most 1.5 ULP for every finite float, NaN for infinities.
  static let cos = ScalarFunction([.float32]) { b, x in
    let (quadrant, r) = b.reducedAngle(x[0])
    return b.trigonometricAtTheEnds(b.cosine(r, quadrant), x[0])
  }
}

private let halfPi: (high: Float, middle: Float, low: Float) = (0x1.921fb6p+0, -0x1.777a5cp-25, -0x1.ee59dap-50)

/// Nine zero bits, then 2/π.
private let twoOverPi: [UInt32] = [
  0x0051_7CC1, 0xB727_220A, 0x94FE_13AB, 0xE8FA_9A6E, 0xE06D_B14A, 0xCC9E_21C8, 0x20FF_28B1,
]

extension ScalarBuilder {
  /// The bits of `cos` for an angle from 0 to 2¹⁷.
  mutating func cosineOfModerate(_ angle: ScalarValue) -> ScalarValue {
    let (quadrant, r) = reducedModerateAngle(angle)
    return cosine(r, quadrant)
  }

  fileprivate mutating func cosine(_ r: ScalarValue, _ quadrant: ScalarValue) -> ScalarValue {
    let next = add(quadrant, int(1))
    return sineOrCosine(r, isCosine: next, shiftLeft(and(next, int(2)), 30))
  }

  /// The quadrant of |x| (its low two bits count) and the rest.
  fileprivate mutating func reducedAngle(_ x: ScalarValue) -> (quadrant: ScalarValue, rest: ScalarValue) {
    let a = absolute(x)
    let moderate = reducedModerateAngle(a)
    let large = reducedLargeAngle(a)
    let isLarge = lessOrEqual(float(0x1p17), a)
    return (selectRarely(isLarge, large.quadrant, moderate.quadrant), selectRarely(isLarge, large.rest, moderate.rest))
  }

  private mutating func reducedModerateAngle(_ a: ScalarValue) -> (quadrant: ScalarValue, rest: ScalarValue) {
    let (n, shifted) = roundedProduct(a, 0x1.45f306p-1)
    var r = fma(n, float(-halfPi.high), a)
    r = fma(n, float(-halfPi.middle), r)
    r = fma(n, float(-halfPi.low), r)
    return (bits(shifted), r)
  }

  private mutating func reducedLargeAngle(_ a: ScalarValue) -> (quadrant: ScalarValue, rest: ScalarValue) {
    let exponent = shiftRight(bits(a), 23)
    let mantissa = or(and(bits(a), int(0x7F_FFFF)), int(0x80_0000))
    let offset = subtract(exponent, int(143))
    let index = shiftRight(offset, 5)
    let shift = and(offset, int(31))
    // 96 bits of 2/π, the first of weight 2 once multiplied by a's power of two.
    let picked = (0..<4).map { word in pick(word, index) }
    let rest = subtract(int(31), shift)
    let words = (0..<3).map { position in
      let left = apply(.shiftLeft, picked[position], shift)
      return or(left, apply(.shiftRightLogical, shiftRight(picked[position + 1], 1), rest))
    }
    // The product's two upper words: a·2/π modulo 4, in units of 2⁻⁶².
    let lowProduct = multiply(mantissa, words[1])
    let low = add(lowProduct, upperProduct(mantissa, words[2]))
    let carry = select(lessUnsigned(low, lowProduct), int(1), int(0))
    let high = add(add(multiply(mantissa, words[0]), upperProduct(mantissa, words[1])), carry)
    // Without the two bits of the quadrant, as a signed fraction; its magnitude is off by one unit of 2⁻⁶⁴ where negative.
    let fractionHigh = or(shiftLeft(high, 2), shiftRight(low, 30))
    let negative = shiftRightArithmetic(fractionHigh, 31)
    let quadrant = subtract(shiftRight(high, 30), negative)
    let upper = xor(fractionHigh, negative)
    let lower = xor(shiftLeft(low, 2), negative)
    // Two floats that hold its first 55 bits, times π/2.
    let first = multiply(convert(and(upper, int(~127)), to: .float32), float(0x1p-32))
    let secondBits = or(shiftLeft(and(upper, int(127)), 24), shiftRight(lower, 8))
    let second = multiply(convert(secondBits, to: .float32), float(0x1p-56))
    let correction = fma(first, float(halfPi.middle), multiply(second, float(halfPi.high)))
    let magnitude = fma(first, float(halfPi.high), correction)
    return (quadrant, float(ofBits: xor(bits(magnitude), and(negative, int(.min)))))
  }

  /// Word `word + index` of 2/π, for an index of 0 to 3.
  private mutating func pick(_ word: Int, _ index: ScalarValue) -> ScalarValue {
    func entry(_ position: Int) -> Int32 { Int32(bitPattern: twoOverPi[position]) }
    var result = int(entry(word + 3))
    for candidate in [2, 1, 0] {
      result = select(equal(index, int(Int32(candidate))), int(entry(word + candidate)), result)
    }
    return result
  }

  /// The upper 32 bits of the product of a 24-bit and a 32-bit unsigned number, by digits of 16 bits.
  private mutating func upperProduct(_ a: ScalarValue, _ b: ScalarValue) -> ScalarValue {
    let (aLow, aHigh) = (and(a, int(0xFFFF)), shiftRight(a, 16))
    let (bLow, bHigh) = (and(b, int(0xFFFF)), shiftRight(b, 16))
    let middle = add(multiply(aHigh, bLow), shiftRight(multiply(aLow, bLow), 16))
    let carried = add(multiply(aLow, bHigh), and(middle, int(0xFFFF)))
    return add(add(multiply(aHigh, bHigh), shiftRight(middle, 16)), shiftRight(carried, 16))
  }

  private mutating func lessUnsigned(_ a: ScalarValue, _ b: ScalarValue) -> ScalarValue {
    less(xor(a, int(.min)), xor(b, int(.min)))
  }

  /// The sine of r or, where the quadrant is odd, its cosine; with the sign bit flipped as `sign` says.
  fileprivate mutating func sineOrCosine(
    _ r: ScalarValue, isCosine quadrant: ScalarValue, _ sign: ScalarValue
  ) -> ScalarValue {
    let z = multiply(r, r)
    let p = polynomial([0x1.7a86b2p-19, -0x1.a053f2p-13, 0x1.111170p-7, -0x1.555556p-3], z)
    let sine = fma(multiply(p, z), r, r)
    let cosine = polynomial([0x1.99911cp-16, -0x1.6c0af4p-10, 0x1.555548p-5, -0.5, 1], z)
    let isOdd = notEqual(and(quadrant, int(1)), int(0))
    return float(ofBits: xor(bits(select(isOdd, cosine, sine)), sign))
  }

  /// NaN for infinities and NaN.
  fileprivate mutating func trigonometricAtTheEnds(_ y: ScalarValue, _ x: ScalarValue) -> ScalarValue {
    select(less(absolute(x), float(.infinity)), y, subtract(x, x))
  }
}
