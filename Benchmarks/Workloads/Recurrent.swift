import Cinch

// W8: a recurrent network.

extension Workload {
  static let w8 = recurrent(steps: 32, batch: 32, inputs: 32, units: 128)

  static func recurrent(steps: Int, batch: Int, inputs: Int, units: Int) -> Workload {
    let standard = TensorGenerator.uniform(bound: 1 / Double(units).squareRoot())
    return Workload(
      8, "LSTM \(inputs)-\(units) over \(steps) steps, the last hidden state to 10 classes, cross-entropy, batch \(batch), SGD",
      inputs: [Source("x", [steps, batch, inputs], .uniform(bound: 1)), Source("y", [batch], .index(limit: 10))],
      parameters: [
        Source("Wih", [inputs, 4 * units], standard), Source("Whh", [units, 4 * units], standard),
        Source("bih", [4 * units], standard), Source("bhh", [4 * units], standard),
        Source("Wo", [units, 10], standard), Source("bo", [10], standard),
      ],
      stateNames: ["0.weight_ih_l0", "0.weight_hh_l0", "0.bias_ih_l0", "0.bias_hh_l0", "1.weight", "1.bias"],
      loss: .softmaxCrossEntropy, optimizer: .sgd(learningRate: 0.5),
      input: TensorType(.float32, [steps, batch, inputs]), target: TensorType(.int32, [batch])
    ) {
      Sequential {
        LSTM(inputs, units, returns: .last, weights: .zeros, biases: .zeros)
        Linear(units, 10, weights: .zeros, biases: .zeros)
      }
    }
  }
}
