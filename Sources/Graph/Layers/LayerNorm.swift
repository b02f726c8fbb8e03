/// `(x − mean) / √(variance + ε) · weight + bias` over the last axes, with the biased variance (Ba, Kiros and Hinton 2016).
public struct LayerNorm: Layer {
  public let identity = LayerIdentity()
  /// The last axes of the input, over which mean and variance are taken.
  public let shape: Shape
  public let epsilon: Float
  /// Of that shape; begins as ones.
  public let weight: Parameter?
  /// Of that shape; begins as zeros.
  public let bias: Parameter?
  let site: CallSite

  /// - Parameters:
  ///   - shape: the extents of the last axes.
  ///   - epsilon: is added to the variance.
  ///   - affine: whether there are a weight and a bias.
  ///   - bias: whether there is a bias beside the weight.
  public init(
    _ shape: Shape, epsilon: Float = 1e-5, affine: Bool = true, bias: Bool = true, file: StaticString = #filePath,
    line: Int = #line
  ) {
    site = CallSite(file, line)
    self.shape = shape
    self.epsilon = epsilon
    weight = affine ? Parameter(shape, .constant(1), at: site) : nil
    self.bias = affine && bias ? Parameter(shape, .zeros, at: site) : nil
  }

  /// Over the last axis, of that extent.
  public init(
    _ width: Int, epsilon: Float = 1e-5, affine: Bool = true, bias: Bool = true, file: StaticString = #filePath,
    line: Int = #line
  ) {
    self.init(Shape([width]), epsilon: epsilon, affine: affine, bias: bias, file: file, line: line)
  }

  public var configuration: String {
    let extents = shape.extents.map(String.init).joined(separator: ", ")
    return "(\(extents)\(shape.rank == 1 ? "," : "")), eps=\(epsilon), elementwise_affine=\(weight == nil ? "False" : "True")"
  }

  public func forward(_ input: Tensor) -> Tensor {
    let builder = input.builder
    guard shape.rank >= 1, Array(input.shape.extents.suffix(shape.rank)) == shape.extents, input.elementType == .float32
    else {
      return builder.fail(
        "LayerNorm(\(configuration)) needs float32 whose last axes are \(shape), not \(input.type)", operands: [input],
        recovered: input.type, isCertain: input.elementType == .float32, at: site)
    }
    let weightTensor = weight.map { builder.parameter($0, hint: "weight", at: site) }
    let biasTensor = bias.map { builder.parameter($0, hint: "bias", at: site) }
    return builder.withSite(site) {
      var output = builder.add(LayerNormOp(axes: shape.rank, epsilon: epsilon), [input], at: site)
      if let weightTensor { output = output * weightTensor }
      if let biasTensor { output = output + biasTensor }
      return output
    }
  }
}
