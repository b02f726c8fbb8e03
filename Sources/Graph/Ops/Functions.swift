#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// Functions of one float. The Float32 meanings are the fixed sequences of Scalar/; the references are libm's.

public struct Exp: ElementwiseOp, AttributeFree {
  public static let mnemonic = "exp"
  public static let summary = "eᵃ."
  public init() {}
  public func resultElementType(_ o: [ElementType]) throws(TypeViolation) -> ElementType { try float32Type(o, "exp") }
  public func function(_ o: [ElementType]) -> ScalarFunction { .exp }
  public func reference(_ x: [Double]) -> Double { Glibc.exp(x[0]) }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [c.flowing(c.gradient * c.result)] }
  public static var samples: [OpSample] { floatSamples(Exp(), -3...3) }
}

public struct Log: ElementwiseOp, AttributeFree {
  public static let mnemonic = "log"
  public static let summary = "The natural logarithm."
  public init() {}
  public func resultElementType(_ o: [ElementType]) throws(TypeViolation) -> ElementType { try float32Type(o, "log") }
  public func function(_ o: [ElementType]) -> ScalarFunction { .log }
  public func reference(_ x: [Double]) -> Double { Glibc.log(x[0]) }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [c.flowing(c.gradient / c.operands[0])] }
  public static var samples: [OpSample] { floatSamples(Log(), 0.1...5) }
}

public struct Log1p: ElementwiseOp, AttributeFree {
  public static let mnemonic = "log1p"
  public static let summary = "log(1 + a), accurate near 0."
  public init() {}
  public func resultElementType(_ o: [ElementType]) throws(TypeViolation) -> ElementType { try float32Type(o, "log1p") }
  public func function(_ o: [ElementType]) -> ScalarFunction { .log1p }
  public func reference(_ x: [Double]) -> Double { Glibc.log1p(x[0]) }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [c.flowing(c.gradient / (1 + c.operands[0]))] }
  public static var samples: [OpSample] { floatSamples(Log1p(), -0.5...3) }
}

public struct SquareRoot: ElementwiseOp, AttributeFree {
  public static let mnemonic = "sqrt"
  public static let summary = "√a, correctly rounded."
  public init() {}
  public func resultElementType(_ o: [ElementType]) throws(TypeViolation) -> ElementType { try floatType(o, "sqrt") }
  public func function(_ o: [ElementType]) -> ScalarFunction { .init(.squareRoot, o, type: o[0]) }
  public func reference(_ x: [Double]) -> Double { x[0].squareRoot() }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    guard c.operands[0].isSumOfSquares() else { return [c.flowing(c.gradient * 0.5 / c.result)] }
    // The length of a vector of zeros: what it is computed from counts for nothing there.
    let zero = Tensor.zeros(like: c.result)
    let safe = select(c.result .== zero, Tensor.ones(like: c.result), c.result)
    return [select(c.result .== zero, zero, c.gradient * 0.5 / safe)]
  }
  public static var samples: [OpSample] { floatSamples(SquareRoot(), 0.1...5) }
}

public struct ReciprocalSquareRoot: ElementwiseOp, AttributeFree {
  public static let mnemonic = "rsqrt"
  public static let summary = "1 / √a, by a division and a square root (never an approximate instruction)."
  public init() {}
  public func resultElementType(_ o: [ElementType]) throws(TypeViolation) -> ElementType { try float32Type(o, "rsqrt") }
  private static let float = ScalarFunction([.float32]) { b, x in
    b.divide(b.float(1), b.apply(.squareRoot, x[0]))
  }
  public func function(_ o: [ElementType]) -> ScalarFunction { Self.float }
  public func reference(_ x: [Double]) -> Double { 1 / x[0].squareRoot() }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    [c.flowing(c.gradient * (-0.5) * (c.result / c.operands[0]))]
  }
  public static var samples: [OpSample] { floatSamples(ReciprocalSquareRoot(), 0.2...5) }
}

public struct TanhOp: ElementwiseOp, AttributeFree {
  public static let mnemonic = "tanh"
  public static let summary = "The hyperbolic tangent."
  public init() {}
  public func resultElementType(_ o: [ElementType]) throws(TypeViolation) -> ElementType { try float32Type(o, "tanh") }
  public func function(_ o: [ElementType]) -> ScalarFunction { .tanh }
  public func reference(_ x: [Double]) -> Double { Glibc.tanh(x[0]) }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [c.gradient * (1 - c.result * c.result)] }
  public static var samples: [OpSample] { floatSamples(TanhOp(), -3...3) }
}

public struct Logistic: ElementwiseOp, AttributeFree {
  public static let mnemonic = "sigmoid"
  public static let summary = "1 / (1 + e⁻ᵃ)."
  public init() {}
  public func resultElementType(_ o: [ElementType]) throws(TypeViolation) -> ElementType { try float32Type(o, "sigmoid") }
  public func function(_ o: [ElementType]) -> ScalarFunction { .sigmoid }
  public func reference(_ x: [Double]) -> Double {
    x[0] >= 0 ? 1 / (1 + Glibc.exp(-x[0])) : Glibc.exp(x[0]) / (1 + Glibc.exp(x[0]))
  }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [c.gradient * (c.result * (1 - c.result))] }
  public static var samples: [OpSample] { floatSamples(Logistic(), -4...4) }
}

public struct Erf: ElementwiseOp, AttributeFree {
  public static let mnemonic = "erf"
  public static let summary = "The error function."
  public init() {}
  public func resultElementType(_ o: [ElementType]) throws(TypeViolation) -> ElementType { try float32Type(o, "erf") }
  public func function(_ o: [ElementType]) -> ScalarFunction { .erf }
  public func reference(_ x: [Double]) -> Double { Glibc.erf(x[0]) }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    let x = c.operands[0]
    return [c.gradient * (Float(2 / Double.pi.squareRoot()) * exp(-(x * x)))]
  }
  public static var samples: [OpSample] { floatSamples(Erf(), -2...2) }
}

public struct Sine: ElementwiseOp, AttributeFree {
  public static let mnemonic = "sin"
  public static let summary = "The sine of radians, for every finite float."
  public init() {}
  public func resultElementType(_ o: [ElementType]) throws(TypeViolation) -> ElementType { try float32Type(o, "sin") }
  public func function(_ o: [ElementType]) -> ScalarFunction { .sin }
  public func reference(_ x: [Double]) -> Double { Glibc.sin(x[0]) }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [c.gradient * cos(c.operands[0])] }
  public static var samples: [OpSample] { floatSamples(Sine(), -6...6) }
}

public struct Cosine: ElementwiseOp, AttributeFree {
  public static let mnemonic = "cos"
  public static let summary = "The cosine of radians, for every finite float."
  public init() {}
  public func resultElementType(_ o: [ElementType]) throws(TypeViolation) -> ElementType { try float32Type(o, "cos") }
  public func function(_ o: [ElementType]) -> ScalarFunction { .cos }
  public func reference(_ x: [Double]) -> Double { Glibc.cos(x[0]) }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [-(c.gradient * sin(c.operands[0]))] }
  public static var samples: [OpSample] { floatSamples(Cosine(), -6...6) }
}

/// Gradients follow PyTorch: zero exponent gives zero gradient of the base; a base of zero, zero gradient of an exponent from 0 on.
public struct Power: ElementwiseOp, AttributeFree {
  public static let mnemonic = "power"
  public static let summary = "aᵇ, with C's rules for special values."
  public init() {}
  public func resultElementType(_ o: [ElementType]) throws(TypeViolation) -> ElementType {
    try float32Type(o, "power", count: 2)
  }
  public func function(_ o: [ElementType]) -> ScalarFunction { .power }
  public func reference(_ x: [Double]) -> Double { Glibc.pow(x[0], x[1]) }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    let (base, exponent) = (c.operands[0], c.operands[1])
    let (zero, one) = (Tensor.zeros(like: c.gradient), Tensor.ones(like: c.gradient))
    // What is not chosen must be finite too, or it would make NaN of the next gradient.
    let isConstant = exponent .== zero
    let isZero = (base .== zero) & (zero .<= exponent)
    let rest = select(isConstant, one, exponent)
    let slope = c.flowing(c.gradient * (rest * power(base, rest - 1)))
    var toBase = select(isConstant, zero, slope)
    if let literal = Match(exponent).splat?.asDouble, literal > 0, literal < 1, base.isSumOfSquares() {
      let safe = select(base .== zero, one, base)
      toBase = select(base .== zero, zero, c.gradient * (exponent * power(safe, exponent - 1)))
    }
    return [toBase, c.flowing(c.gradient * (c.result * log(select(isZero, one, base))))]
  }
  public static var samples: [OpSample] {
    floatSamples(Power(), 0.3...3, -2...2)
  }
}

/// A straight line on each side of 0; relu is the leaky one with slope 0, though its negative side is exactly +0.
public struct Relu: ElementwiseOp, AttributeFree {
  public static let mnemonic = "relu"
  public static let summary = "max(a, 0): NaN stays NaN, and the gradient at 0 is 0."
  public init() {}
  public func resultElementType(_ o: [ElementType]) throws(TypeViolation) -> ElementType { try float32Type(o, "relu") }
  private static let float = ScalarFunction([.float32]) { b, x in b.apply(.maximum, x[0], b.float(0)) }
  public func function(_ o: [ElementType]) -> ScalarFunction { Self.float }
  public func reference(_ x: [Double]) -> Double { x[0] > 0 || x[0].isNaN ? x[0] : 0 }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    let zero = Tensor.zeros(like: c.result)
    return [select(c.result .> zero, c.gradient, zero)]
  }
  public static var samples: [OpSample] { floatSamples(Relu(), -2...2) }
}
