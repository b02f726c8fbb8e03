extension ScalarFunction {
  /// The error function; at most 1.09 ULP.
  ///
  /// Near 0, a + a·P(a²) for a = |x|; from 0.9 on, 1 − e^−Q(a), where Q approximates −log erfc: what is lost in the
  /// difference is small beside 1. Beyond 4 it is 1.
  static let erf = ScalarFunction([.float32]) { b, x in
    let a = b.atMost(4, b.absolute(x[0]))
    let p = b.polynomial(
      [
        0x1.582cdap-14, -0x1.a8dc76p-11, 0x1.54a0ecp-8, -0x1.b80aaap-6, 0x1.ce2ddcp-4, -0x1.812742p-2, 0x1.06eba8p-3,
      ], b.multiply(a, a))
    let small = b.fma(p, a, a)
    let q = b.polynomial(
      [
        0x1.5d88ccp-16, -0x1.c46666p-12, 0x1.106576p-8, -0x1.9aed3ep-6, 0x1.bb45b6p-4, 0x1.444d16p-1, 0x1.212628p+0,
        -0x1.62db3cp-13,
      ], a)
    let large = b.subtract(b.float(1), b.exponential(b.negate(q)))
    return b.copySign(b.select(b.less(a, b.float(0.9)), small, large), of: x[0])
  }
}
