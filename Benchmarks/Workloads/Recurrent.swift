import Cinch

// W8: a recurrent network.

extension Workload {
  static let w8 = Workload(
    8, "LSTM 32-128 over 32 steps, the last hidden state to 10 classes, cross-entropy, batch 32, SGD",
    inputs: [Source("x", [32, 32, 32], .uniform(bound: 1)), Source("y", [32], .index(limit: 10))],
    parameters: [
      Source("Wih", [32, 512], standard), Source("Whh", [128, 512], standard), Source("bih", [512], standard),
      Source("bhh", [512], standard), Source("Wo", [128, 10], standard), Source("bo", [10], standard),
    ],
    stateNames: ["0.weight_ih_l0", "0.weight_hh_l0", "0.bias_ih_l0", "0.bias_hh_l0", "1.weight", "1.bias"],
    loss: .softmaxCrossEntropy, optimizer: .sgd(learningRate: 0.5),
    input: TensorType(.float32, [32, 32, 32]), target: TensorType(.int32, [32])
  ) {
    Sequential {
      LSTM(32, 128, returns: .last, weights: .zeros, biases: .zeros)
      Linear(128, 10, weights: .zeros, biases: .zeros)
    }
  }

  /// Uniform in ±1/√units.
  private static let standard: TensorGenerator = .uniform(bound: 1 / 128.0.squareRoot())
}
