import Cinch

extension ProgramStep {
  /// Convolutions and pools of what the program has computed before.
  static let images: [ProgramStep] = [
    ProgramStep(Convolution.self) { w in
      let groups = w.random.oneIn(3) ? 2 : 1
      let x = w.images(channels: groups * Int.random(in: 1...3, using: &w.random))
      let outputs = groups * ([1, 2, 3, 8, 17].randomElement(using: &w.random) ?? 1)
      let window = Size2D(Int.random(in: 1...3, using: &w.random), Int.random(in: 1...3, using: &w.random))
      let depth = x.tensor.shape[1] / groups
      let weights = w.newFloat([outputs, depth, window.height, window.width], in: -1...1)
      let y = conv2d(
        x.tensor, weights, stride: Size2D(w.oneOrTwo(), w.oneOrTwo()),
        padding: Size2D(Int.random(in: 0...2, using: &w.random), Int.random(in: 0...2, using: &w.random)),
        dilation: w.random.oneIn(4) ? 2 : 1, groups: groups)
      w.add(y, bound: 2 * x.bound * Double(depth * window.height * window.width).squareRoot())
    },
    ProgramStep(MaxPool.self) { w in
      let x = w.images(channels: 2)
      let window = Size2D(Int.random(in: 2...3, using: &w.random), Int.random(in: 1...3, using: &w.random))
      // Padding is smaller than any number, and no window lies in it alone.
      let padding = w.random.oneIn(2) ? Size2D(1, 0) : 0
      w.add(
        maxPool2d(
          x.tensor, window, stride: w.random.oneIn(2) ? Size2D(1, 2) : nil, padding: padding, dilation: Size2D(1, w.oneOrTwo())),
        bound: x.bound)
    },
    ProgramStep(AveragePool.self) { w in
      let x = w.images(channels: 3)
      let window = Size2D(Int.random(in: 2...3, using: &w.random), Int.random(in: 2...3, using: &w.random))
      w.add(
        averagePool2d(
          x.tensor, window, stride: w.random.oneIn(2) ? Size2D(2, 1) : nil, padding: w.random.oneIn(2) ? 1 : 0,
          countsPadding: w.random.oneIn(2)), bound: x.bound)
    },
    ProgramStep(Windows.self) { w in
      let x = w.images(channels: 1)
      let (height, width) = (x.tensor.shape[2], x.tensor.shape[3])
      let geometry = WindowGeometry(
        window: [2, 3], extents: [height / 2, width], offsets: [0, -2], strides: [2, 1], dilations: [1, 2])
      let windows = x.tensor.builder.add(Windows(geometry, fill: .float(0.5)), [x.tensor], at: x.tensor.site)
      w.add(w.random.oneIn(2) ? windows : windows.max(along: 2), bound: x.bound)
    },
    ProgramStep(SoftmaxCrossEntropyOp.self) { w in
      let logits = w.anyFloat(rank: 1)
      let extents = logits.tensor.shape.extents
      let labels = w.newIndices(Shape(Array(extents.dropLast())), limit: extents[extents.count - 1])
      let loss = logits.tensor.builder.add(SoftmaxCrossEntropyOp(), [logits.tensor, labels], at: labels.site)
      w.add(loss, bound: 2 * logits.bound + 6)
    },
  ]
}

extension ProgramWriter {
  fileprivate mutating func oneOrTwo() -> Int { random.oneIn(2) ? 1 : 2 }

  /// Images [n, channels, h, w] made of the first elements of a tensor, or new ones.
  fileprivate mutating func images(channels: Int) -> Entry {
    let sides = [5, 7, 8, 15, 16, 17]
    let shape: Shape = [
      Int.random(in: 1...3, using: &random), channels, sides.randomElement(using: &random) ?? 5,
      sides.randomElement(using: &random) ?? 5,
    ]
    let large = floats.filter { $0.tensor.shape.elementCount >= shape.elementCount }
    guard let x = large.randomElement(using: &random), !random.oneIn(3) else {
      return Entry(tensor: newFloat(shape), bound: 2)
    }
    let flat = x.tensor.reshaped(to: [x.tensor.shape.elementCount])
    return Entry(tensor: flat.sliced(along: 0, 0..<shape.elementCount).reshaped(to: shape), bound: x.bound)
  }
}
