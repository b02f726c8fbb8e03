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
    // So many rows that sums over them are cut into runs, from one axis or several that the rows are made of.
    ProgramStep(Sum.self) { w in
      let (outer, inner, columns) = (
        Int.random(in: 3...40, using: &w.random), Int.random(in: 1...40, using: &w.random), Int.random(in: 1...9, using: &w.random)
      )
      let count = outer * inner
      var rows = w.newFloat([outer, inner, columns])
      if w.random.oneIn(2) { rows = tanh(rows) }
      if w.random.oneIn(3) { rows = rows.padded(low: [0, 1, 0], high: [0, 0, 0]).sliced(along: 1, 0..<inner) }
      switch Int.random(in: 0...2, using: &w.random) {
      case 0: w.add(rows.mean(along: 0, 1), bound: 2)
      case 1: w.add(rows.reshaped(to: [count, columns]).sum(along: 0) * (1 / Float(count)), bound: 2)
      default:
        let others = w.newFloat([count, Int.random(in: 1...9, using: &w.random)])
        let product = matmul(rows.reshaped(to: [count, columns]).transposedMatrix(), others)
        w.add(product * (1 / Float(count)), bound: 4)
      }
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
