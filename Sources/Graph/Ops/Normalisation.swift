/// Layer normalisation without its scale and shift (Ba, Kiros and Hinton 2016).
public struct LayerNormOp: DecomposedOp {
  public static let mnemonic = "layer_norm"
  public static let summary =
    "(a − mean) / √(variance + epsilon) over the last axes, so many of them; the variance is the biased one."
  public let axes: Int
  public let epsilon: Float

  public init(axes: Int, epsilon: Float) {
    self.axes = axes
    self.epsilon = epsilon
  }

  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    axes = try attributes.integer("axes")
    epsilon = try attributes.literal("epsilon").floatValue
  }

  public var attributes: [Attribute] {
    [Attribute("axes", .integer(axes)), Attribute("epsilon", .literal(.float(epsilon)))]
  }

  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    _ = try float32Type(operands.map(\.elementType), Self.mnemonic)
    guard operands.count == 1 else { throw TypeViolation("layer_norm takes one operand") }
    guard axes >= 1, axes <= operands[0].shape.rank else {
      throw TypeViolation(
        "layer_norm over the last \(axes) axes, which a tensor of shape \(operands[0].shape) doesn't have",
        recovered: operands[0])
    }
    guard epsilon.isFinite, epsilon >= 0 else {
      throw TypeViolation("layer_norm needs an epsilon from 0 on, not \(epsilon)", recovered: operands[0])
    }
    return operands[0]
  }

  public func decompose(_ x: [Tensor]) -> Tensor {
    let (centred, scale) = parts(x[0])
    return centred * scale
  }

  /// With x̂ for the result and r for 1 / √(variance + epsilon): r · (g − mean(g) − x̂ · mean(g · x̂)).
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    // Written as the forward pass has it, so that both share it.
    let (centred, scale) = parts(c.operands[0])
    let result = centred * scale
    let shared = repeated(mean(c.gradient), along: result) + result * repeated(mean(c.gradient * result), along: result)
    return [(c.gradient - shared) * scale]
  }

  /// a − mean and 1 / √(variance + epsilon), both of the operand's shape; the latter is computed once for each row.
  private func parts(_ x: Tensor) -> (centred: Tensor, scale: Tensor) {
    let centred = x - repeated(mean(x), along: x)
    return (centred, repeated(rsqrt(mean(centred * centred) + epsilon), along: x))
  }

  /// Of each row.
  private func mean(_ x: Tensor) -> Tensor { x.builder.add(Mean(axes: lastAxes(of: x)), [x], at: x.site) }

  private func repeated(_ value: Tensor, along x: Tensor) -> Tensor { value.expanded(at: lastAxes(of: x), to: x.shape) }

  private func lastAxes(of x: Tensor) -> [Int] { Array((x.shape.rank - axes)..<x.shape.rank) }

  public static var samples: [OpSample] {
    func sample(_ shape: Shape, axes: Int, _ range: ClosedRange<Float>, epsilon: Float = 1e-5) -> OpSample {
      OpSample(LayerNormOp(axes: axes, epsilon: epsilon), [(TensorType(.float32, shape), .uniform(range))])
    }
    return [
      sample([5, 17], axes: 1, -2...2), sample([3, 2, 65], axes: 1, -2...2), sample([3, 4, 5], axes: 2, -2...2),
      sample([15], axes: 1, -2...2, epsilon: 0.5), sample([7, 1], axes: 1, -2...2),
      // A mean that is large beside the deviations.
      sample([3, 16], axes: 1, 60...64),
    ]
  }
}
