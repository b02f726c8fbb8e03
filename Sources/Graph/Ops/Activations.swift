/// An op that is other ops: its gradient is theirs unless it gives a better one.
public protocol DecomposedOp: Op {
  func decompose(_ operands: [Tensor]) -> Tensor
}

extension DecomposedOp {
  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning {
    .decomposition { decompose($0) }
  }
  public func gradients(_ context: GradientContext) -> [Tensor?] {
    context.gradientsThrough { decompose($0) }
  }
}

/// A decomposed op on floats of any shape.
public protocol ActivationOp: DecomposedOp {}

extension ActivationOp {
  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    _ = try float32Type(operands.map(\.elementType), Self.mnemonic)
    return operands[0]
  }
}

public struct LeakyRelu: ActivationOp {
  public static let mnemonic = "leaky_relu"
  public static let summary = "a where a > 0, else slope · a."
  public let slope: Float
  public init(slope: Float) { self.slope = slope }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    slope = try attributes.literal("slope").floatValue
  }
  public var attributes: [Attribute] { [Attribute("slope", .literal(.float(slope)))] }
  public func decompose(_ x: [Tensor]) -> Tensor { select(x[0] .> Tensor.zeros(like: x[0]), x[0], x[0] * slope) }
  public static var samples: [OpSample] { floatSamples(LeakyRelu(slope: 0.01), -3...3) }
}

/// Hendrycks and Gimpel 2016.
public struct Gelu: ActivationOp, AttributeFree {
  public static let mnemonic = "gelu"
  public static let summary = "a · Φ(a) with the error function."
  public init() {}
  public func decompose(_ x: [Tensor]) -> Tensor {
    0.5 * x[0] * (1 + erf(x[0] * Float(0.5.squareRoot())))
  }
  public static var samples: [OpSample] { floatSamples(Gelu(), -3...3) }
}

public struct GeluTanh: ActivationOp, AttributeFree {
  public static let mnemonic = "gelu_tanh"
  public static let summary = "The tanh form of gelu: a/2 · (1 + tanh(√(2/π) · (a + 0.044715 a³)))."
  public init() {}
  static let scale = Float((2 / Double.pi).squareRoot())
  public func decompose(_ x: [Tensor]) -> Tensor {
    0.5 * x[0] * (1 + tanh(Self.inner(x[0])))
  }
  static func inner(_ x: Tensor) -> Tensor { scale * x * (1 + 0.044715 * (x * x)) }
  /// Shares tanh with the forward pass.
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    let x = c.operands[0]
    let t = tanh(Self.inner(x))
    let innerSlope = Self.scale * (1 + (3 * 0.044715) * (x * x))
    return [c.gradient * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * innerSlope)]
  }
  public static var samples: [OpSample] { floatSamples(GeluTanh(), -3...3) }
}

public struct Silu: ActivationOp, AttributeFree {
  public static let mnemonic = "silu"
  public static let summary = "a · sigmoid(a)."
  public init() {}
  public func decompose(_ x: [Tensor]) -> Tensor { x[0] * sigmoid(x[0]) }
  public static var samples: [OpSample] { floatSamples(Silu(), -3...3) }
}

public struct SoftplusOp: ActivationOp, AttributeFree {
  public static let mnemonic = "softplus"
  public static let summary = "log(1 + eᵃ), as max(a, 0) + log1p(e^−|a|), which never overflows."
  public init() {}
  public func decompose(_ x: [Tensor]) -> Tensor { relu(x[0]) + log1p(exp(-abs(x[0]))) }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [c.gradient * sigmoid(c.operands[0])] }
  public static var samples: [OpSample] { floatSamples(SoftplusOp(), -3...3) }
}

/// A decomposed op along one axis, which keeps the shape.
public protocol RowOp: DecomposedOp {
  var axis: Int { get }
  init(axis: Int)
}

extension RowOp {
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    self.init(axis: try attributes.integer("axis"))
  }
  public var attributes: [Attribute] { [Attribute("axis", .integer(axis))] }
  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    _ = try float32Type(operands.map(\.elementType), Self.mnemonic)
    guard axis >= 0, axis < operands[0].shape.rank else {
      throw TypeViolation(
        "\(Self.mnemonic) along axis \(axis), which a tensor of shape \(operands[0].shape) doesn't have",
        recovered: operands[0])
    }
    return operands[0]
  }
  public static var samples: [OpSample] {
    [
      OpSample(Self(axis: 1), [(TensorType(.float32, [5, 17]), .uniform(-3...3))]),
      OpSample(Self(axis: 0), [(TensorType(.float32, [15, 3]), .uniform(-3...3))]),
      OpSample(Self(axis: 1), [(TensorType(.float32, [3, 65, 2]), .uniform(-3...3))]),
      OpSample(Self(axis: 0), [(TensorType(.float32, [1]), .uniform(-3...3))]),
      // Without subtracting the largest element first, these overflow.
      OpSample(Self(axis: 1), [(TensorType(.float32, [3, 5]), .uniform(80...200))]),
    ]
  }
}

public struct SoftmaxOp: RowOp {
  public static let mnemonic = "softmax"
  public static let summary = "eᵃ / Σ eᵃ along an axis, with the largest element subtracted first."
  public let axis: Int
  public init(axis: Int) { self.axis = axis }
  public func decompose(_ x: [Tensor]) -> Tensor {
    let shifted = exp(x[0] - stopGradient(x[0].max(along: axis)).expanded(at: [axis], to: x[0].shape))
    return shifted / shifted.sum(along: axis).expanded(at: [axis], to: x[0].shape)
  }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    let weighted = c.gradient * c.result
    return [weighted - c.result * weighted.sum(along: axis).expanded(at: [axis], to: c.result.shape)]
  }
}

public struct LogSoftmaxOp: RowOp {
  public static let mnemonic = "log_softmax"
  public static let summary = "a − max − log Σ e^(a − max) along an axis."
  public let axis: Int
  public init(axis: Int) { self.axis = axis }
  public func decompose(_ x: [Tensor]) -> Tensor {
    let shifted = x[0] - stopGradient(x[0].max(along: axis)).expanded(at: [axis], to: x[0].shape)
    return shifted - log(exp(shifted).sum(along: axis)).expanded(at: [axis], to: x[0].shape)
  }
  /// With softmax written as the forward pass has it, so that the exponentials are shared.
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    let softmax = softmax(c.operands[0], axis: axis)
    return [c.gradient - softmax * c.gradient.sum(along: axis).expanded(at: [axis], to: c.result.shape)]
  }
}

public struct Mean: DecomposedOp {
  public static let mnemonic = "mean"
  public static let summary = "The sum over some axes divided by the number of elements."
  public let axes: [Int]
  public init(axes: [Int]) { self.axes = axes }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    axes = try attributes.integers("axes")
  }
  public var attributes: [Attribute] { [Attribute("axes", .integers(axes))] }
  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    guard operands.count == 1, operands[0].elementType.isFloatingPoint else {
      throw TypeViolation("mean takes one operand of floats; cast integers first")
    }
    return TensorType(operands[0].elementType, try removing(axes, from: operands[0].shape, "mean"))
  }
  public func decompose(_ x: [Tensor]) -> Tensor {
    let sum = x[0].builder.add(Sum(axes: axes), [x[0]], at: x[0].site)
    return sum / Float(axes.reduce(1) { $0 * x[0].shape[$1] })
  }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    let shape = c.operands[0].shape
    let count = Float(axes.reduce(1) { $0 * shape[$1] })
    return [(c.gradient / count).expanded(at: axes, to: shape)]
  }
  public static var samples: [OpSample] {
    [
      OpSample(Mean(axes: [0, 1]), [(TensorType(.float32, [5, 17]), .uniform(-2...2))]),
      OpSample(Mean(axes: [1]), [(TensorType(.float32, [3, 16]), .uniform(-2...2))]),
      OpSample(Mean(axes: [0, 2]), [(TensorType(.float32, [15, 1, 65]), .uniform(-2...2))]),
      OpSample(Mean(axes: [0]), [(TensorType(.float32, [1]), .uniform(-2...2))]),
    ]
  }
}
