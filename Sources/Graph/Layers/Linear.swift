/// `y = x·W + b` over the last axis, with W of shape [inputs, outputs].
public struct Linear: Layer {
  public let identity = LayerIdentity()
  public let weight: Parameter
  public let bias: Parameter?

  /// - Parameters:
  ///   - bias: whether b is there.
  ///   - weights: how W begins; uniform in ±1/√inputs, PyTorch's default, unless given.
  ///   - biases: how b begins; likewise.
  public init(
    _ inputs: Int, _ outputs: Int, bias: Bool = true, weights: Initialiser? = nil, biases: Initialiser? = nil,
    file: StaticString = #filePath, line: Int = #line
  ) {
    let site = CallSite(file, line)
    let standard = Initialiser.fanInUniform(fanIn: inputs)
    weight = Parameter([inputs, outputs], weights ?? standard, at: site)
    self.bias = bias ? Parameter([outputs], biases ?? standard, at: site) : nil
  }

  public var inputs: Int { weight.shape[0] }
  public var outputs: Int { weight.shape[1] }

  public var configuration: String {
    "in_features=\(inputs), out_features=\(outputs), bias=\(bias == nil ? "False" : "True")"
  }

  public func forward(_ input: Tensor) -> Tensor {
    let builder = input.builder
    let site = weight.site
    let leading = input.shape.extents.dropLast()
    let result = TensorType(.float32, Shape(leading + [outputs]))
    guard let depth = input.shape.extents.last, depth == inputs, input.elementType == .float32 else {
      return builder.fail(
        "Linear(\(configuration)) needs float32 with a last axis of \(inputs), not \(input.type)",
        operands: [input], recovered: result, isCertain: true, at: site)
    }
    let weightTensor = builder.parameter(weight, hint: "weight", at: site)
    let biasTensor = bias.map { builder.parameter($0, hint: "bias", at: site) }
    return builder.withSite(site) {
      // One product of two matrices, however many axes lead.
      var output = matmul(input.reshaped(to: [Shape(Array(leading)).elementCount, inputs]), weightTensor)
      if let biasTensor { output = output + biasTensor }
      return output.reshaped(to: result.shape)
    }
  }
}
