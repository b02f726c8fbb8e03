/// The parts of a first neural network with both passes written by hand, in the style of a lesson: what `Linear`, `Sigmoid`
/// and the mean squared error do, with the chain rule spelled out. Training with them gives what autodiff gives.
public enum FromScratch {
  /// `y = x·W + b`.
  public struct Linear: CustomGradientModule {
    public let weight: Parameter
    public let bias: Parameter

    /// The weights begin as standard normal numbers divided by √inputs, so that the variance stays; the biases as zeros.
    public init(
      _ inputs: Int, _ outputs: Int, weights: Initialiser = .scaledNormal, file: StaticString = #filePath,
      line: Int = #line
    ) {
      weight = Parameter([inputs, outputs], weights, file: file, line: line)
      bias = Parameter([outputs], .zeros, file: file, line: line)
    }

    public var configuration: String { "in_features=\(weight.shape[0]), out_features=\(weight.shape[1])" }

    public func forward(_ input: Tensor) -> Tensor { matmul(input, weight) + bias }

    public func backward(input: Tensor, output: Tensor, gradient: Tensor) -> Gradients {
      Gradients(
        input: matmul(gradient, weight.tensor(in: input).transposedMatrix()),
        parameters: [
          weight: matmul(input.transposedMatrix(), gradient),
          bias: gradient.sum(along: 0),
        ])
    }
  }

  /// σ(x) = 1 / (1 + e⁻ˣ), with σ′ = σ · (1 − σ).
  public struct Sigmoid: CustomGradientModule {
    public init() {}

    public func forward(_ input: Tensor) -> Tensor { sigmoid(input) }

    public func backward(input: Tensor, output: Tensor, gradient: Tensor) -> Tensor {
      output * (1 - output) * gradient
    }
  }

  /// The mean of (prediction − target)², with the gradient 2 · (prediction − target) / n.
  public struct MeanSquaredError: CustomGradientLoss {
    public init() {}

    public func forward(_ prediction: Tensor, _ target: Tensor) -> Tensor {
      (prediction - target).squared().mean()
    }

    public func backward(prediction: Tensor, target: Tensor, gradient: Tensor) -> Tensor {
      2 * (prediction - target) / Float(prediction.shape.elementCount) * gradient
    }
  }
}
