/// What the arithmetic ops share: two operands of one number type.
func numberType(_ operands: [ElementType], _ mnemonic: String, count: Int) throws(TypeViolation) -> ElementType {
  guard operands.count == count else { throw TypeViolation("\(mnemonic) takes \(count) operands, not \(operands.count)") }
  guard let first = operands.first, first != .bool else {
    throw TypeViolation("\(mnemonic) needs numbers, not bool; cast first", recovered: nil)
  }
  for other in operands.dropFirst() where other != first {
    throw TypeViolation("\(mnemonic) needs operands of one element type: \(first.rawValue) and \(other.rawValue); cast one")
  }
  return first
}

func floatType(_ operands: [ElementType], _ mnemonic: String, count: Int = 1) throws(TypeViolation) -> ElementType {
  let type = try numberType(operands, mnemonic, count: count)
  guard type.isFloatingPoint else { throw TypeViolation("\(mnemonic) needs floats, not \(type.rawValue); cast first") }
  return type
}

/// Of ops whose Float32 is a sequence of operations of its own, which Float64 would need too.
func float32Type(_ operands: [ElementType], _ mnemonic: String, count: Int = 1) throws(TypeViolation) -> ElementType {
  let type = try floatType(operands, mnemonic, count: count)
  guard type == .float32 else { throw TypeViolation("\(mnemonic) has no float64 form yet; cast to float32") }
  return type
}

/// Int32 arithmetic on numbers that hold Int32 values exactly.
func wrapped(_ value: Double) -> Double { Double(Int32(truncatingIfNeeded: Int64(value))) }

public struct Add: ElementwiseOp, AttributeFree {
  public static let mnemonic = "add"
  public static let summary = "a + b."
  public init() {}
  public func resultElementType(_ operands: [ElementType]) throws(TypeViolation) -> ElementType {
    try numberType(operands, "add", count: 2)
  }
  public func function(_ operands: [ElementType]) -> ScalarFunction { .init(.add, operands, type: operands[0]) }
  public func reference(_ x: [Double]) -> Double { x[0] + x[1] }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [c.gradient, c.gradient] }
  public static var samples: [OpSample] {
    floatSamples(Add(), -2...2, 0.5...3) + integerSamples(Add(), count: 2)
  }
}

public struct Subtract: ElementwiseOp, AttributeFree {
  public static let mnemonic = "subtract"
  public static let summary = "a − b."
  public init() {}
  public func resultElementType(_ operands: [ElementType]) throws(TypeViolation) -> ElementType {
    try numberType(operands, "subtract", count: 2)
  }
  public func function(_ operands: [ElementType]) -> ScalarFunction {
    .init(.subtract, operands, type: operands[0])
  }
  public func reference(_ x: [Double]) -> Double { x[0] - x[1] }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [c.gradient, -c.gradient] }
  public static var samples: [OpSample] {
    floatSamples(Subtract(), -2...2, 0.5...3) + integerSamples(Subtract(), count: 2)
  }
}

public struct Multiply: ElementwiseOp, AttributeFree {
  public static let mnemonic = "multiply"
  public static let summary = "a · b, element by element."
  public init() {}
  public func resultElementType(_ operands: [ElementType]) throws(TypeViolation) -> ElementType {
    try numberType(operands, "multiply", count: 2)
  }
  public func function(_ operands: [ElementType]) -> ScalarFunction {
    .init(.multiply, operands, type: operands[0])
  }
  public func reference(_ x: [Double]) -> Double { x[0] * x[1] }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    // 0 · ∞ would be NaN where nothing flows.
    func share(_ other: Tensor) -> Tensor {
      other.mayBeInfinite() ? c.flowing(c.gradient * other) : c.gradient * other
    }
    return [share(c.operands[1]), share(c.operands[0])]
  }
  public static var samples: [OpSample] {
    floatSamples(Multiply(), -2...2, 0.5...3) + integerSamples(Multiply(), count: 2)
  }
}

public struct Divide: ElementwiseOp, AttributeFree {
  public static let mnemonic = "divide"
  public static let summary = "a / b on floats."
  public init() {}
  public func resultElementType(_ operands: [ElementType]) throws(TypeViolation) -> ElementType {
    try floatType(operands, "divide", count: 2)
  }
  public func function(_ operands: [ElementType]) -> ScalarFunction {
    .init(.divide, operands, type: operands[0])
  }
  public func reference(_ x: [Double]) -> Double { x[0] / x[1] }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    let shares = [c.gradient / c.operands[1], -(c.gradient * c.result / c.operands[1])]
    let divisor = Match(c.operands[1]).splat?.asDouble
    return divisor.map { $0.isFinite && $0 != 0 } ?? false ? shares : shares.map { c.flowing($0) }
  }
  public static var samples: [OpSample] { floatSamples(Divide(), -2...2, 0.5...3) }
}

public struct Negate: ElementwiseOp, AttributeFree {
  public static let mnemonic = "negate"
  public static let summary = "−a: flips the sign bit of floats."
  public init() {}
  public func resultElementType(_ operands: [ElementType]) throws(TypeViolation) -> ElementType {
    try numberType(operands, "negate", count: 1)
  }
  public func function(_ operands: [ElementType]) -> ScalarFunction {
    .init(.negate, operands, type: operands[0])
  }
  public func reference(_ x: [Double]) -> Double { -x[0] }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [-c.gradient] }
  public static var samples: [OpSample] {
    floatSamples(Negate(), -2...2) + integerSamples(Negate(), count: 1)
  }
}

/// `maximum` and `minimum` split the gradient evenly between equal operands, as PyTorch does.
public struct Maximum: ElementwiseOp, AttributeFree {
  public static let mnemonic = "maximum"
  public static let summary = "The larger of a and b; NaN if either is."
  public init() {}
  public func resultElementType(_ operands: [ElementType]) throws(TypeViolation) -> ElementType {
    try numberType(operands, "maximum", count: 2)
  }
  public func function(_ operands: [ElementType]) -> ScalarFunction {
    .init(.maximum, operands, type: operands[0])
  }
  public func reference(_ x: [Double]) -> Double { x[0] > x[1] || x[0].isNaN ? x[0] : x[1] }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    splitByOrder(c, first: c.operands[0] .> c.operands[1])
  }
  public static var samples: [OpSample] {
    floatSamples(Maximum(), -2...2, 0.5...3) + integerSamples(Maximum(), count: 2)
  }
}

public struct Minimum: ElementwiseOp, AttributeFree {
  public static let mnemonic = "minimum"
  public static let summary = "The smaller of a and b; NaN if either is."
  public init() {}
  public func resultElementType(_ operands: [ElementType]) throws(TypeViolation) -> ElementType {
    try numberType(operands, "minimum", count: 2)
  }
  public func function(_ operands: [ElementType]) -> ScalarFunction {
    .init(.minimum, operands, type: operands[0])
  }
  public func reference(_ x: [Double]) -> Double { x[0] < x[1] || x[0].isNaN ? x[0] : x[1] }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    splitByOrder(c, first: c.operands[0] .< c.operands[1])
  }
  public static var samples: [OpSample] {
    floatSamples(Minimum(), -2...2, 0.5...3) + integerSamples(Minimum(), count: 2)
  }
}

private func splitByOrder(_ c: GradientContext, first: Tensor) -> [Tensor?] {
  let half = c.gradient * 0.5
  let zero = Tensor.zeros(like: c.gradient)
  let tied = c.operands[0] .== c.operands[1]
  return [
    select(tied, half, select(first, c.gradient, zero)),
    select(tied, half, select(first, zero, c.gradient)),
  ]
}

/// Made by the fma-contraction pass, or written where one rounding matters.
public struct FusedMultiplyAdd: ElementwiseOp, AttributeFree {
  public static let mnemonic = "fma"
  public static let summary = "a · b + c, rounded once."
  public init() {}
  public func resultElementType(_ operands: [ElementType]) throws(TypeViolation) -> ElementType {
    try floatType(operands, "fma", count: 3)
  }
  public func function(_ operands: [ElementType]) -> ScalarFunction {
    .init(.fusedMultiplyAdd, operands, type: operands[0])
  }
  public func reference(_ x: [Double]) -> Double { x[0] * x[1] + x[2] }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    [c.gradient * c.operands[1], c.gradient * c.operands[0], c.gradient]
  }
  public static var samples: [OpSample] {
    floatSamples(FusedMultiplyAdd(), -2...2, 0.5...3, -2...2)
  }
}

public struct Absolute: ElementwiseOp, AttributeFree {
  public static let mnemonic = "abs"
  public static let summary = "|a|; its gradient at 0 is 0."
  public init() {}
  public func resultElementType(_ operands: [ElementType]) throws(TypeViolation) -> ElementType {
    try numberType(operands, "abs", count: 1)
  }
  public func function(_ operands: [ElementType]) -> ScalarFunction {
    .init(.absolute, operands, type: operands[0])
  }
  public func reference(_ x: [Double]) -> Double { abs(x[0]) }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    let slope = c.gradient * sign(c.operands[0])
    // √|a| at 0: ∞ · 0.
    let zero = Tensor.zeros(like: c.operands[0])
    return [c.gradient.mayBeInfinite() ? select(c.operands[0] .== zero, zero, slope) : slope]
  }
  public static var samples: [OpSample] {
    floatSamples(Absolute(), -2...2) + integerSamples(Absolute(), count: 1)
  }
}

public struct Sign: ElementwiseOp, AttributeFree {
  public static let mnemonic = "sign"
  public static let summary = "−1, 0 or 1; zeros and NaN stay themselves."
  public init() {}
  public func resultElementType(_ operands: [ElementType]) throws(TypeViolation) -> ElementType {
    try float32Type(operands, "sign")
  }
  private static let float = ScalarFunction([.float32]) { b, x in
    let zero = b.float(0)
    let positive = b.less(zero, x[0])
    let negative = b.less(x[0], zero)
    return b.select(positive, b.float(1), b.select(negative, b.float(-1), x[0]))
  }
  public func function(_ operands: [ElementType]) -> ScalarFunction { Self.float }
  public func reference(_ x: [Double]) -> Double { x[0] > 0 ? 1 : x[0] < 0 ? -1 : x[0] }
  public var differentiability: Differentiability { .notDifferentiable(reason: "it is constant almost everywhere") }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [nil] }
  public static var samples: [OpSample] { floatSamples(Sign(), -2...2) }
}
