import Cinch

// W5: a network of convolutions.

extension Workload {
  static let w5 = convolutional(batch: 64, image: 28, channels: (32, 64), hidden: 128)

  static func convolutional(batch: Int, image: Int, channels: (Int, Int), hidden: Int) -> Workload {
    let pooled = (image - 4) / 2
    let (first, second, features) = (channels.0, channels.1, channels.1 * pooled * pooled)
    let standards = [9, first * 9, features, hidden]
    let shapes: [Shape] = [[first, 1, 3, 3], [second, first, 3, 3], [features, hidden], [hidden, 10]]
    return Workload(
      5,
      "1×\(image)×\(image): two 3×3 convolutions (\(first), \(second)) with ReLU, 2×2 max pooling, \(features)-\(hidden)-10, "
        + "cross-entropy, batch \(batch), SGD with momentum",
      inputs: [
        Source("x", [batch, 1, image, image], .uniform(bound: 1)), Source("y", [batch], .index(limit: 10)),
      ],
      parameters: zip(["c1", "c2", "1", "2"], zip(shapes, standards)).flatMap { name, layer in
        let (shape, fan) = (layer.0, Double(layer.1))
        let (weight, bias) = name.hasPrefix("c") ? ("\(name)w", "\(name)b") : ("W\(name)", "b\(name)")
        return [
          Source(weight, shape, .uniform(bound: (6 / fan).squareRoot())),
          Source(bias, [shape.rank == 4 ? shape[0] : shape[1]], .uniform(bound: 1 / fan.squareRoot())),
        ]
      },
      stateNames: [0, 2, 6, 8].flatMap { ["\($0).weight", "\($0).bias"] }, loss: .softmaxCrossEntropy,
      optimizer: .sgd(learningRate: 0.0001, momentum: 0.9),
      // With this seed, no window of the pooling has two nearly equal largest elements during the first steps: which of them
      // gets the gradient would depend on rounding.
      seed: 8600, input: TensorType(.float32, [batch, 1, image, image]), target: TensorType(.int32, [batch])
    ) {
      Sequential {
        Conv2d(1, first, window: 3, weights: .zeros, biases: .zeros)
        ReLU()
        Conv2d(first, second, window: 3, weights: .zeros, biases: .zeros)
        ReLU()
        MaxPool2d(2)
        Flatten()
        Linear(features, hidden, weights: .zeros, biases: .zeros)
        ReLU()
        Linear(hidden, 10, weights: .zeros, biases: .zeros)
      }
    }
  }
}
