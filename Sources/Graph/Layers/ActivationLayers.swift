// Activation functions as layers, named and printed as PyTorch has them.

/// A layer that applies one function and has no parameters.
protocol ActivationLayer: Layer {
  var site: CallSite { get }
  func apply(_ x: Tensor) -> Tensor
}

extension ActivationLayer {
  public func forward(_ input: Tensor) -> Tensor {
    input.builder.withSite(site) { apply(input) }
  }
}

/// 1 / (1 + e⁻ˣ).
public struct Sigmoid: ActivationLayer {
  public let identity = LayerIdentity()
  let site: CallSite
  public init(file: StaticString = #filePath, line: Int = #line) { site = CallSite(file, line) }
  func apply(_ x: Tensor) -> Tensor { sigmoid(x) }
}

/// The hyperbolic tangent.
public struct Tanh: ActivationLayer {
  public let identity = LayerIdentity()
  let site: CallSite
  public init(file: StaticString = #filePath, line: Int = #line) { site = CallSite(file, line) }
  func apply(_ x: Tensor) -> Tensor { tanh(x) }
}

/// max(x, 0), with slope 0 at 0.
public struct ReLU: ActivationLayer {
  public let identity = LayerIdentity()
  let site: CallSite
  public init(file: StaticString = #filePath, line: Int = #line) { site = CallSite(file, line) }
  func apply(_ x: Tensor) -> Tensor { relu(x) }
}

/// x where x > 0, else slope · x.
public struct LeakyReLU: ActivationLayer {
  public let identity = LayerIdentity()
  public let slope: Float
  let site: CallSite
  public init(_ slope: Float = 0.01, file: StaticString = #filePath, line: Int = #line) {
    self.slope = slope
    site = CallSite(file, line)
  }
  public var configuration: String { "negative_slope=\(slope)" }
  func apply(_ x: Tensor) -> Tensor { leakyRelu(x, slope: slope) }
}

/// x · Φ(x) (Hendrycks and Gimpel 2016), with the error function or in its tanh form.
public struct GELU: ActivationLayer {
  public let identity = LayerIdentity()
  public let form: GeluForm
  let site: CallSite
  public init(_ form: GeluForm = .exact, file: StaticString = #filePath, line: Int = #line) {
    self.form = form
    site = CallSite(file, line)
  }
  public var configuration: String { "approximate='\(form == .exact ? "none" : "tanh")'" }
  func apply(_ x: Tensor) -> Tensor { gelu(x, approximation: form) }
}

/// x · sigmoid(x).
public struct SiLU: ActivationLayer {
  public let identity = LayerIdentity()
  let site: CallSite
  public init(file: StaticString = #filePath, line: Int = #line) { site = CallSite(file, line) }
  func apply(_ x: Tensor) -> Tensor { silu(x) }
}

/// log(1 + eˣ). From x = 20 on, that is x to Float32's precision: the threshold which PyTorch prints.
public struct Softplus: ActivationLayer {
  public let identity = LayerIdentity()
  let site: CallSite
  public init(file: StaticString = #filePath, line: Int = #line) { site = CallSite(file, line) }
  public var configuration: String { "beta=1.0, threshold=20.0" }
  func apply(_ x: Tensor) -> Tensor { softplus(x) }
}

/// eˣ / Σ eˣ along an axis, the last unless given.
public struct Softmax: ActivationLayer {
  public let identity = LayerIdentity()
  public let axis: Int
  let site: CallSite
  public init(axis: Int = -1, file: StaticString = #filePath, line: Int = #line) {
    self.axis = axis
    site = CallSite(file, line)
  }
  public var configuration: String { "dim=\(axis)" }
  func apply(_ x: Tensor) -> Tensor { softmax(x, axis: axis) }
}

/// log softmax along an axis, the last unless given.
public struct LogSoftmax: ActivationLayer {
  public let identity = LayerIdentity()
  public let axis: Int
  let site: CallSite
  public init(axis: Int = -1, file: StaticString = #filePath, line: Int = #line) {
    self.axis = axis
    site = CallSite(file, line)
  }
  public var configuration: String { "dim=\(axis)" }
  func apply(_ x: Tensor) -> Tensor { logSoftmax(x, axis: axis) }
}
