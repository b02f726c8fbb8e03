import Cinch

// W5: a network of convolutions.

extension Workload {
  static let w5 = Workload(
    5, "1×28×28: two 3×3 convolutions (32, 64) with ReLU, 2×2 max pooling, 9216-128-10, cross-entropy, batch 64, SGD with momentum",
    inputs: [Source("x", [64, 1, 28, 28], .uniform(bound: 1)), Source("y", [64], .index(limit: 10))],
    parameters: [
      Source("c1w", [32, 1, 3, 3], he(9)), Source("c1b", [32], standard(9)),
      Source("c2w", [64, 32, 3, 3], he(288)), Source("c2b", [64], standard(288)),
      Source("W1", [9216, 128], he(9216)), Source("b1", [128], standard(9216)),
      Source("W2", [128, 10], he(128)), Source("b2", [10], standard(128)),
    ],
    stateNames: [0, 2, 6, 8].flatMap { ["\($0).weight", "\($0).bias"] }, loss: .softmaxCrossEntropy,
    optimizer: .sgd(learningRate: 0.0001, momentum: 0.9),
    // With this seed, no window of the pooling has two nearly equal largest elements during the first steps: which of them
    // gets the gradient would depend on rounding.
    seed: 8600, input: TensorType(.float32, [64, 1, 28, 28]), target: TensorType(.int32, [64])
  ) {
    Sequential {
      Conv2d(1, 32, window: 3, weights: .zeros, biases: .zeros)
      ReLU()
      Conv2d(32, 64, window: 3, weights: .zeros, biases: .zeros)
      ReLU()
      MaxPool2d(2)
      Flatten()
      Linear(9216, 128, weights: .zeros, biases: .zeros)
      ReLU()
      Linear(128, 10, weights: .zeros, biases: .zeros)
    }
  }

  /// He's initialisation for so many inputs.
  private static func he(_ fan: Double) -> TensorGenerator { .uniform(bound: (6 / fan).squareRoot()) }
  private static func standard(_ fan: Double) -> TensorGenerator { .uniform(bound: 1 / fan.squareRoot()) }
}
