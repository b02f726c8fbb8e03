import Cinch

// W1 to W4: networks of fully connected layers.

extension Workload {
  static let w1 = perceptron(
    1, "1-100-1 sigmoid, mean squared error, batch 200, SGD", sizes: [1, 100, 1], isHe: false,
    inputs: [
      Source("x", [200, 1], .linearSpace(from: -1, to: 1)), Source("y", [200, 1], .square(of: "x")),
    ],
    loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.01)
  ) {
    Sequential {
      Linear(1, 100, weights: .zeros, biases: .zeros)
      Sigmoid()
      Linear(100, 1, weights: .zeros, biases: .zeros)
    }
  }

  static let w2 = perceptron(
    2, "64-128-64-10 ReLU, cross-entropy, batch 64, Adam", sizes: [64, 128, 64, 10], isHe: true,
    inputs: [Source("x", [64, 64], .uniform(bound: 1)), Source("y", [64], .index(limit: 10))],
    loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 1e-3)
  ) {
    Sequential {
      Linear(64, 128, weights: .zeros, biases: .zeros)
      ReLU()
      Linear(128, 64, weights: .zeros, biases: .zeros)
      ReLU()
      Linear(64, 10, weights: .zeros, biases: .zeros)
    }
  }

  static let w3 = perceptron(
    3, "784-512-256-10 ReLU, cross-entropy, batch 128, Adam", sizes: [784, 512, 256, 10], isHe: true,
    inputs: [Source("x", [128, 784], .uniform(bound: 1)), Source("y", [128], .index(limit: 10))],
    loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 3e-4)
  ) {
    Sequential {
      Linear(784, 512, weights: .zeros, biases: .zeros)
      ReLU()
      Linear(512, 256, weights: .zeros, biases: .zeros)
      ReLU()
      Linear(256, 10, weights: .zeros, biases: .zeros)
    }
  }

  static let w4 = perceptron(
    4, "4 × (1024-1024, GELU), mean squared error, batch 256, AdamW", sizes: [1024, 1024, 1024, 1024, 1024], isHe: true,
    inputs: [Source("x", [256, 1024], .uniform(bound: 1)), Source("y", [256, 1024], .uniform(bound: 1))],
    loss: .meanSquaredError, optimizer: .adamW(learningRate: 1e-4, weightDecay: 0.01)
  ) {
    Sequential {
      Linear(1024, 1024, weights: .zeros, biases: .zeros)
      GELU(.tanh)
      Linear(1024, 1024, weights: .zeros, biases: .zeros)
      GELU(.tanh)
      Linear(1024, 1024, weights: .zeros, biases: .zeros)
      GELU(.tanh)
      Linear(1024, 1024, weights: .zeros, biases: .zeros)
      GELU(.tanh)
    }
  }

  /// Layers at even positions of a `Sequential`, activations between them.
  private static func perceptron(
    _ number: UInt64, _ summary: String, sizes: [Int], isHe: Bool, inputs: [Source], loss: Loss, optimizer: Optimizer,
    model: @escaping @Sendable () -> any Module
  ) -> Workload {
    var parameters: [Source] = []
    var names: [String] = []
    for (layer, (fan, outputs)) in zip(sizes, sizes.dropFirst()).enumerated() {
      let standard = 1 / Double(fan).squareRoot()
      parameters.append(
        Source("W\(layer + 1)", [fan, outputs], .uniform(bound: isHe ? (6 / Double(fan)).squareRoot() : standard)))
      parameters.append(Source("b\(layer + 1)", [outputs], .uniform(bound: standard)))
      names += ["\(2 * layer).weight", "\(2 * layer).bias"]
    }
    return Workload(
      number, summary, inputs: inputs, parameters: parameters, stateNames: names, loss: loss, optimizer: optimizer,
      input: TensorType(.float32, inputs[0].shape), target: TensorType(loss.targetType, inputs[1].shape), model: model)
  }
}
