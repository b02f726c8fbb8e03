extension ScalarFunction {
  /// The error function; at most 1.25 ULP.
  ///
  /// Near 0, a + a·P(a²) for a = |x|; from 1.2 on, 1 − Q(a)⁴, where Q approximates the fourth root of erfc, which is smooth:
  /// what the powers lose is small beside 1. Beyond 4 it is 1.
  static let erf = ScalarFunction([.float32]) { b, x in
    let a = b.atMost(4, b.absolute(x[0]))
    let p = b.polynomial(
      [
        -0x1.092778p-17, 0x1.baa2fcp-14, -0x1.b6ce94p-11, 0x1.558f16p-8, -0x1.b81960p-6, 0x1.ce2e30p-4, -0x1.812742p-2,
        0x1.06eba8p-3,
      ], b.multiply(a, a))
    let small = b.fma(p, a, a)
    let q = b.polynomial(
      [
        -0x1.8d8c0ep-13, 0x1.ba9906p-9, -0x1.79d580p-6, 0x1.1a152cp-4, -0x1.c868b8p-5, -0x1.d7738ap-5, -0x1.3fe188p-2,
        0x1.01a528p+0,
      ], a)
    let square = b.multiply(q, q)
    let large = b.subtract(b.float(1), b.multiply(square, square))
    return b.copySign(b.select(b.less(a, b.float(1.2)), small, large), of: x[0])
  }
}
