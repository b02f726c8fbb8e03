import Cinch

// W1 to W4: networks of fully connected layers.

extension Workload {
  static let w1 = perceptron1(sizes: [1, 100, 1], batch: 200)
  static let w2 = perceptron2(sizes: [64, 128, 64, 10], batch: 64)
  static let w3 = perceptron3(sizes: [784, 512, 256, 10], batch: 128)
  static let w4 = perceptron4(width: 1024, batch: 256)

  static func perceptron1(sizes: [Int], batch: Int) -> Workload {
    perceptron(
      1, "\(text(sizes)) sigmoid, mean squared error, batch \(batch), SGD", sizes: sizes, isHe: false,
      inputs: [
        Source("x", [batch, 1], .linearSpace(from: -1, to: 1)), Source("y", [batch, 1], .square(of: "x")),
      ],
      loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.01)
    ) {
      Sequential {
        Linear(sizes[0], sizes[1], weights: .zeros, biases: .zeros)
        Sigmoid()
        Linear(sizes[1], sizes[2], weights: .zeros, biases: .zeros)
      }
    }
  }

  static func perceptron2(sizes: [Int], batch: Int) -> Workload {
    classifier(2, sizes: sizes, batch: batch, optimizer: .adam(learningRate: 1e-3))
  }

  static func perceptron3(sizes: [Int], batch: Int) -> Workload {
    classifier(3, sizes: sizes, batch: batch, optimizer: .adam(learningRate: 3e-4))
  }

  private static func classifier(_ number: UInt64, sizes: [Int], batch: Int, optimizer: Optimizer) -> Workload {
    perceptron(
      number, "\(text(sizes)) ReLU, cross-entropy, batch \(batch), Adam", sizes: sizes, isHe: true,
      inputs: [Source("x", [batch, sizes[0]], .uniform(bound: 1)), Source("y", [batch], .index(limit: sizes[3]))],
      loss: .softmaxCrossEntropy, optimizer: optimizer
    ) {
      Sequential {
        Linear(sizes[0], sizes[1], weights: .zeros, biases: .zeros)
        ReLU()
        Linear(sizes[1], sizes[2], weights: .zeros, biases: .zeros)
        ReLU()
        Linear(sizes[2], sizes[3], weights: .zeros, biases: .zeros)
      }
    }
  }

  static func perceptron4(width: Int, batch: Int) -> Workload {
    perceptron(
      4, "4 × (\(width)-\(width), GELU), mean squared error, batch \(batch), AdamW",
      sizes: [Int](repeating: width, count: 5), isHe: true,
      inputs: [Source("x", [batch, width], .uniform(bound: 1)), Source("y", [batch, width], .uniform(bound: 1))],
      loss: .meanSquaredError, optimizer: .adamW(learningRate: 1e-4, weightDecay: 0.01)
    ) {
      Sequential {
        for _ in 0..<4 {
          Linear(width, width, weights: .zeros, biases: .zeros)
          GELU(.tanh)
        }
      }
    }
  }

  private static func text(_ sizes: [Int]) -> String { sizes.map(String.init).joined(separator: "-") }

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
