import Cinch

extension ProgramStep {
  static let rows: [ProgramStep] = [
    ProgramStep(Sum.self) { w in
      let x = w.anyFloat(rank: 1)
      let axes = w.someAxes(x.tensor)
      w.add(
        x.tensor.builder.add(Sum(axes: axes), [x.tensor], at: x.tensor.site),
        bound: x.bound * Double(axes.reduce(1) { $0 * x.tensor.shape[$1] }))
    },
    ProgramStep(Mean.self) { w in
      let x = w.anyFloat(rank: 1)
      w.add(x.tensor.builder.add(Mean(axes: w.someAxes(x.tensor)), [x.tensor], at: x.tensor.site), bound: x.bound)
    },
    ProgramStep(Max.self) { w in
      let x = w.anyFloat(rank: 1)
      w.add(x.tensor.builder.add(Max(axes: w.someAxes(x.tensor)), [x.tensor], at: x.tensor.site), bound: x.bound)
    },
    ProgramStep(Min.self) { w in
      let x = w.anyFloat(rank: 1)
      w.add(x.tensor.builder.add(Min(axes: w.someAxes(x.tensor)), [x.tensor], at: x.tensor.site), bound: x.bound)
    },
    ProgramStep(ArgMax.self) { w in
      let x = w.newFloat(w.shape())
      let axis = Int.random(in: 0..<x.shape.rank, using: &w.random)
      let best = x.argMax(along: axis, keepingAxes: true)
      w.add(x * (best.cast(to: .float32) * 0.01), bound: 6)
    },
    ProgramStep(SoftmaxOp.self) { w in
      let x = w.anyFloat(rank: 1)
      w.add(softmax(x.tensor, axis: Int.random(in: 0..<x.tensor.shape.rank, using: &w.random)) * x.tensor, bound: x.bound)
    },
    ProgramStep(LogSoftmaxOp.self) { w in
      let x = w.anyFloat(rank: 1)
      w.add(logSoftmax(x.tensor, axis: Int.random(in: 0..<x.tensor.shape.rank, using: &w.random)), bound: 2 * x.bound + 6)
    },
    ProgramStep(LayerNormOp.self) { w in
      let x = w.anyFloat(rank: 1)
      let axes = Int.random(in: 1...x.tensor.shape.rank, using: &w.random)
      // A large epsilon, because the deviations of equal elements are rounding alone.
      w.add(layerNorm(x.tensor, axes: axes, epsilon: 0.5), bound: 1.5 * x.bound)
    },
    ProgramStep(MatMul.self) { w in
      let x = w.anyFloat(rank: 2)
      let depth = x.tensor.shape[x.tensor.shape.rank - 1]
      let width = w.extent()
      let weights = w.newFloat([depth, width], in: -1...1)
      let product =
        w.random.oneIn(3)
        ? matmul(x.tensor, w.newFloat([width, depth], in: -1...1).transposedMatrix()) : matmul(x.tensor, weights)
      w.add(product, bound: 2 * x.bound * Double(depth).squareRoot())
    },
  ]
}

extension ProgramWriter {
  /// At least one axis, ascending.
  fileprivate mutating func someAxes(_ x: Tensor) -> [Int] {
    let axes = (0..<x.shape.rank).filter { _ in random.oneIn(2) }
    return axes.isEmpty ? [Int.random(in: 0..<x.shape.rank, using: &random)] : axes
  }
}
