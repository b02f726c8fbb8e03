/// A convolution of images with a bias for each output channel: `[n, inputs, h, w] → [n, outputs, …, …]`.
public struct Conv2d: Layer {
  public let identity = LayerIdentity()
  /// [outputs, inputs / groups, height, width].
  public let weight: Parameter
  public let bias: Parameter?
  public let inputs: Int
  public let outputs: Int
  public let window: Size2D
  public let stride: Size2D
  public let padding: Size2D
  public let dilation: Size2D
  public let groups: Int

  /// - Parameters:
  ///   - window: the height and width of what one output sees.
  ///   - stride: the distance between neighbouring windows.
  ///   - padding: zeros on each side of the image.
  ///   - dilation: the distance between neighbouring taps of a window.
  ///   - groups: channels are divided into so many groups, each of which is convolved by itself.
  ///   - weights: how the weights begin; uniform in ±1/√(inputs of one output), PyTorch's default, unless given.
  ///   - biases: how the biases begin; likewise.
  public init(
    _ inputs: Int, _ outputs: Int, window: Size2D, stride: Size2D = 1, padding: Size2D = 0, dilation: Size2D = 1,
    groups: Int = 1, bias: Bool = true, weights: Initialiser? = nil, biases: Initialiser? = nil,
    file: StaticString = #filePath, line: Int = #line
  ) {
    let site = CallSite(file, line)
    // Groups that don't divide the channels are reported when the layer is called.
    let channels = groups >= 1 ? Swift.max(1, inputs / groups) : 1
    let standard = Initialiser.fanInUniform(fanIn: Shape([channels, window.height, window.width]).elementCount)
    weight = Parameter([outputs, channels, window.height, window.width], weights ?? standard, at: site)
    self.bias = bias ? Parameter([outputs], biases ?? standard, at: site) : nil
    self.inputs = inputs
    self.outputs = outputs
    self.window = window
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
  }

  public var configuration: String {
    var text = "\(inputs), \(outputs), kernel_size=\(window.tuple), stride=\(stride.tuple)"
    if padding != 0 { text += ", padding=\(padding.tuple)" }
    if dilation != 1 { text += ", dilation=\(dilation.tuple)" }
    if groups != 1 { text += ", groups=\(groups)" }
    if bias == nil { text += ", bias=False" }
    return text
  }

  public func forward(_ input: Tensor) -> Tensor {
    let builder = input.builder
    let site = weight.site
    guard input.shape.rank == 4, input.shape[1] == inputs, input.elementType == .float32 else {
      return builder.fail(
        "Conv2d(\(configuration)) needs float32 images [n, \(inputs), height, width], not \(input.type)",
        operands: [input], recovered: TensorType(.float32, [1, outputs, 1, 1]), at: site)
    }
    let weightTensor = builder.parameter(weight, hint: "weight", at: site)
    let biasTensor = bias.map { builder.parameter($0, hint: "bias", at: site) }
    return builder.withSite(site) {
      let output = conv2d(
        input, weightTensor, stride: stride, padding: padding, dilation: dilation, groups: groups)
      guard let biasTensor else { return output }
      return output + biasTensor.reshaped(to: [outputs, 1, 1])
    }
  }
}

/// The largest element of each window: `[…, h, w] → […, …, …]`.
public struct MaxPool2d: Layer {
  public let identity = LayerIdentity()
  public let window: Size2D
  public let stride: Size2D
  public let padding: Size2D
  public let dilation: Size2D
  let site: CallSite

  /// - Parameters:
  ///   - stride: the distance between neighbouring windows; the window itself unless given.
  ///   - padding: elements on each side that are smaller than any number; at most half of the window.
  ///   - dilation: the distance between neighbouring elements of a window.
  public init(
    _ window: Size2D, stride: Size2D? = nil, padding: Size2D = 0, dilation: Size2D = 1,
    file: StaticString = #filePath, line: Int = #line
  ) {
    self.window = window
    self.stride = stride ?? window
    self.padding = padding
    self.dilation = dilation
    site = CallSite(file, line)
  }

  public var configuration: String {
    "kernel_size=\(window.short), stride=\(stride.short), padding=\(padding.short), dilation=\(dilation.short), ceil_mode=False"
  }

  public func forward(_ input: Tensor) -> Tensor {
    input.builder.withSite(site) {
      maxPool2d(input, window, stride: stride, padding: padding, dilation: dilation)
    }
  }
}

/// The mean of each window: `[…, h, w] → […, …, …]`.
public struct AvgPool2d: Layer {
  public let identity = LayerIdentity()
  public let window: Size2D
  public let stride: Size2D
  public let padding: Size2D
  public let countsPadding: Bool
  let site: CallSite

  /// - Parameters:
  ///   - stride: the distance between neighbouring windows; the window itself unless given.
  ///   - padding: zeros on each side; at most half of the window.
  ///   - countsPadding: whether those zeros count as elements of the mean.
  public init(
    _ window: Size2D, stride: Size2D? = nil, padding: Size2D = 0, countsPadding: Bool = true,
    file: StaticString = #filePath, line: Int = #line
  ) {
    self.window = window
    self.stride = stride ?? window
    self.padding = padding
    self.countsPadding = countsPadding
    site = CallSite(file, line)
  }

  public var configuration: String {
    "kernel_size=\(window.short), stride=\(stride.short), padding=\(padding.short)"
  }

  public func forward(_ input: Tensor) -> Tensor {
    input.builder.withSite(site) {
      averagePool2d(input, window, stride: stride, padding: padding, countsPadding: countsPadding)
    }
  }
}
