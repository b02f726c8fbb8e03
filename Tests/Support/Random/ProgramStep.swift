import Cinch

/// One way to extend a random program, named by the op that it is there for.
struct ProgramStep: Sendable {
  let mnemonic: String
  let write: @Sendable (inout ProgramWriter) -> Void

  init(_ op: any Op.Type, _ write: @escaping @Sendable (inout ProgramWriter) -> Void) {
    mnemonic = op.mnemonic
    self.write = write
  }

  /// A function of one tensor, with the largest magnitude of its result.
  static func unary(_ op: any Op.Type, bound: Double? = nil, _ apply: @escaping @Sendable (Tensor) -> Tensor) -> ProgramStep {
    ProgramStep(op) { w in
      let x = w.anyFloat()
      w.add(apply(x.tensor), bound: bound ?? x.bound)
    }
  }

  static func binary(_ op: any Op.Type, _ bound: @escaping @Sendable (Double, Double) -> Double,
    _ apply: @escaping @Sendable (Tensor, Tensor) -> Tensor
  ) -> ProgramStep {
    ProgramStep(op) { w in
      let x = w.anyFloat()
      let y = w.partner(of: x.tensor.shape)
      w.add(w.random.oneIn(2) ? apply(x.tensor, y.tensor) : apply(y.tensor, x.tensor), bound: bound(x.bound, y.bound))
    }
  }

  private static let written: [ProgramStep] =
    arithmetic + functions + choices + rows + shapes + indices + specials + updates

  /// For every op of the catalogue at least one: where none is written here, its samples.
  static let all: [ProgramStep] = {
    let known = Set(written.map(\.mnemonic))
    return written + OpCatalogue.all.filter { !known.contains($0.mnemonic) }.compactMap(sample)
  }()

  /// One of the op's samples on new inputs, the result squashed; nil for an op without samples, and for those that begin
  /// every program.
  private static func sample(_ op: any Op.Type) -> ProgramStep? {
    guard !(op is Input.Type), !(op is ReadState.Type), !op.samples.isEmpty else { return nil }
    return ProgramStep(op) { w in
      let samples = op.samples.filter { sample in
        sample.operands.allSatisfy {
          $0.type.elementType != .float64 && $0.type.shape.elementCount <= ProgramGenerator.maximumElementCount
        }
      }
      guard let sample = samples.randomElement(using: &w.random) else { return }
      let operands = sample.operands.map { w.leaf($0.type, $0.values) }
      let result = w.builder.add(sample.op, operands, at: CallSite(#filePath, #line))
      switch result.elementType {
      case .float32: w.add(tanh(result * 0.25), bound: 1)
      case .int32: w.add((result & w.builder.constant([7] as [Int32], [1])).cast(to: .float32) * 0.1, bound: 1)
      case .bool: w.add(result.cast(to: .float32), bound: 1)
      case .float64: break
      }
    }
  }
}

/// ±0, infinities and subnormals into functions that take them, with gradients.
private let specials: [ProgramStep] = [
  ProgramStep(TanhOp.self) { w in w.add(tanh(w.newSpecial(w.shape())), bound: 1) },
  ProgramStep(Logistic.self) { w in w.add(sigmoid(w.newSpecial(w.shape())), bound: 1) },
  ProgramStep(Erf.self) { w in w.add(erf(w.newSpecial(w.shape())), bound: 1) },
  ProgramStep(Minimum.self) { w in
    w.add(minimum(maximum(w.newSpecial(w.shape()), w.builder.constant(-2)), w.builder.constant(2)), bound: 2)
  },
  ProgramStep(Select.self) { w in
    let x = w.newSpecial(w.shape())
    w.add(select(abs(x) .< w.builder.constant(3), x, w.builder.constant(1)), bound: 3)
  },
  ProgramStep(Max.self) { w in
    // Away from +∞ the largest is finite.
    let x = -abs(w.newSpecial(w.shape(rank: 2...2)))
    w.add(x.builder.add(Max(axes: [1]), [x], at: x.site).reshaped(to: [x.shape[0]]), bound: 2, mayBeInfinite: true)
  },
]

/// State that is awkward to update in place.
private let updates: [ProgramStep] = [
  ProgramStep(ReadState.self) { w in
    // Each takes the other's place.
    let shape = w.shape(rank: 1...2)
    let (a, b) = (w.newFloat(shape, asParameter: true), w.newFloat(shape, asParameter: true))
    w.crossed.append((a, b))
    w.add(a * b, bound: 4)
  },
  ProgramStep(Transpose.self) { w in
    let n = [3, 15, 17, 65].randomElement(using: &w.random) ?? 3
    let a = w.newFloat([n, n], asParameter: true)
    w.turned.append(a)
    w.add(a.transposedMatrix() * 0.5, bound: 1)
  },
]

// Away from 0, so that divisions and logarithms stay moderate.
private func positive(_ x: Tensor) -> Tensor { abs(x) + 0.5 }

private let arithmetic: [ProgramStep] = [
  .binary(Add.self, { $0 + $1 }) { $0 + $1 },
  .binary(Subtract.self, { $0 + $1 }) { $0 - $1 },
  .binary(Multiply.self, { $0 * $1 }) { $0 * $1 },
  .binary(Divide.self, { 2 * $0 + 0 * $1 + 4 }) { tanh($0) / positive($1) },
  .binary(Maximum.self, { Swift.max($0, $1) }) { maximum($0, $1) },
  .binary(Minimum.self, { Swift.max($0, $1) }) { minimum($0, $1) },
  .binary(Power.self, { _, _ in 4 }) { power(sigmoid($0) + 0.5, tanh($1)) },
  .unary(Negate.self) { -$0 },
  .unary(Absolute.self) { abs($0) },
  ProgramStep(FusedMultiplyAdd.self) { w in
    let x = w.anyFloat()
    let (y, z) = (w.partner(of: x.tensor.shape), w.partner(of: x.tensor.shape))
    guard let shape = x.tensor.shape.broadcast(with: y.tensor.shape), shape.broadcast(with: z.tensor.shape) != nil
    else { return }
    w.add(fma(x.tensor, y.tensor, z.tensor), bound: x.bound * y.bound + z.bound)
  },
  ProgramStep(Sign.self) { w in
    let x = w.newFloat(w.shape())
    w.add(sign(x) * x, bound: 2)
  },
]

private let functions: [ProgramStep] = [
  .unary(Exp.self, bound: 3) { exp(tanh($0)) },
  .unary(Log.self, bound: 4) { log(positive($0)) },
  .unary(Log1p.self, bound: 4) { log1p(abs($0)) },
  .unary(SquareRoot.self) { sqrt(positive($0)) },
  .unary(ReciprocalSquareRoot.self, bound: 2) { rsqrt(positive($0)) },
  .unary(TanhOp.self, bound: 1) { tanh($0) },
  .unary(Logistic.self, bound: 1) { sigmoid($0) },
  .unary(Erf.self, bound: 1) { erf($0) },
  .unary(Sine.self, bound: 1) { sin($0) },
  .unary(Cosine.self, bound: 1) { cos($0) },
  .unary(Relu.self) { relu($0) },
  .unary(LeakyRelu.self) { leakyRelu($0, slope: 0.1) },
  .unary(Gelu.self) { gelu($0) },
  .unary(GeluTanh.self) { gelu($0, approximation: .tanh) },
  .unary(Silu.self) { silu($0) },
  .unary(SoftplusOp.self) { softplus($0) },
  .unary(StopGradient.self) { $0 * stopGradient(cos($0)) },
  .unary(IdentityOp.self) { x in
    x.builder.add(IdentityOp(), [x], at: x.site)
  },
]

private let choices: [ProgramStep] = [
  ProgramStep(Compare.self) { w in
    let shape = w.shape()
    let (a, b) = (w.newFloat(shape), w.newFloat(shape))
    let kinds: [(Tensor, Tensor) -> Tensor] = [
      { $0 .< $1 }, { $0 .<= $1 }, { $0 .== $1 }, { $0 .!= $1 }, { $0 .> $1 }, { $0 .>= $1 },
    ]
    let condition = (kinds.randomElement(using: &w.random) ?? kinds[0])(a, b)
    w.add(select(condition, a, b * 0.5), bound: 2)
  },
  ProgramStep(Select.self) { w in
    let x = w.anyFloat()
    let y = w.partner(of: x.tensor.shape)
    guard let shape = x.tensor.shape.broadcast(with: y.tensor.shape) else { return }
    w.add(select(w.newBool(shape), x.tensor, y.tensor), bound: Swift.max(x.bound, y.bound))
  },
  ProgramStep(Logical.self) { w in
    let x = w.anyFloat()
    let (a, b) = (w.newBool(x.tensor.shape), w.newBool(x.tensor.shape))
    let condition = w.random.oneIn(3) ? a & b : w.random.oneIn(2) ? a | b : a ^ b
    w.add(select(condition, x.tensor, -x.tensor), bound: x.bound)
  },
  ProgramStep(Not.self) { w in
    let x = w.anyFloat()
    w.add(x.tensor * (!w.newBool(x.tensor.shape)).cast(to: .float32), bound: x.bound)
  },
  ProgramStep(Cast.self) { w in
    let bits = w.newBits(w.shape())
    let small = bits & w.builder.constant([255] as [Int32], [1])
    w.add(small.cast(to: .float32) * 0.01 + w.newFloat(small.shape).cast(to: .int32).cast(to: .float32), bound: 5)
  },
  ProgramStep(Random.self) { w in
    let x = w.anyFloat()
    let kind: Random.Distribution = w.random.oneIn(2) ? .uniform : .normal
    w.add(x.tensor * w.builder.random(kind, x.tensor.shape), bound: 4 * x.bound)
  },
]

private let rows: [ProgramStep] = [
  ProgramStep(Sum.self) { w in
    let x = w.anyFloat(rank: 1)
    let axes = w.someAxes(x.tensor)
    w.add(x.tensor.builder.add(Sum(axes: axes), [x.tensor], at: x.tensor.site), bound: x.bound * Double(axes.reduce(1) { $0 * x.tensor.shape[$1] }))
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
    let product = w.random.oneIn(3) ? matmul(x.tensor, w.newFloat([width, depth], in: -1...1).transposedMatrix()) : matmul(x.tensor, weights)
    w.add(product, bound: 2 * x.bound * Double(depth).squareRoot())
  },
]

private let shapes: [ProgramStep] = [
  ProgramStep(Transpose.self) { w in
    let x = w.anyFloat(rank: 2)
    w.add(x.tensor.transposed(to: Array(0..<x.tensor.shape.rank).shuffled(using: &w.random)), bound: x.bound)
  },
  ProgramStep(Broadcast.self) { w in
    let x = w.anyFloat()
    w.add(x.tensor.broadcast(to: Shape([3] + x.tensor.shape.extents)), bound: x.bound)
  },
  ProgramStep(Slice.self) { w in
    let x = w.anyFloat(rank: 1)
    var (starts, extents, steps) = ([Int](), [Int](), [Int]())
    for extent in x.tensor.shape.extents {
      let start = Int.random(in: 0...(extent / 3), using: &w.random)
      let step = w.random.oneIn(3) ? 2 : 1
      starts.append(start)
      steps.append(step)
      extents.append(Int.random(in: 1...((extent - start - 1) / step + 1), using: &w.random))
    }
    w.add(x.tensor.sliced(starts: starts, extents: extents, steps: steps), bound: x.bound)
  },
  ProgramStep(Pad.self) { w in
    let x = w.anyFloat(rank: 1)
    let low = x.tensor.shape.extents.map { _ in Int.random(in: 0...3, using: &w.random) }
    let high = x.tensor.shape.extents.map { _ in Int.random(in: 0...3, using: &w.random) }
    w.add(x.tensor.padded(low: low, high: high, with: w.random.oneIn(2) ? 0 : 1.5), bound: x.bound)
  },
  ProgramStep(Reshape.self) { w in
    let x = w.anyFloat(rank: 1)
    w.add(x.tensor.reshaped(to: w.refactored(x.tensor.shape)), bound: x.bound)
  },
  ProgramStep(Concatenate.self) { w in
    let x = w.anyFloat(rank: 1)
    let axis = Int.random(in: 0..<x.tensor.shape.rank, using: &w.random)
    var shape = x.tensor.shape
    shape.extents[axis] = w.extent()
    guard shape.elementCount < 10_000 else { return }
    w.add(concatenate([x.tensor, w.newFloat(shape), sin(x.tensor)], along: axis), bound: x.bound)
  },
  ProgramStep(Constant.self) { w in
    let x = w.anyFloat()
    let values: [Float] = (0..<17).map { _ in w.random.float(in: -1...1) }
    w.add(x.tensor.mean() * w.builder.constant(values, [17]), bound: x.bound)
  },
  ProgramStep(Iota.self) { w in
    let x = w.anyFloat(rank: 1)
    let axis = Int.random(in: 0..<x.tensor.shape.rank, using: &w.random)
    w.add(x.tensor * (w.builder.iota(x.tensor.shape, along: axis).cast(to: .float32) * 0.01), bound: 3 * x.bound)
  },
]

private let indices: [ProgramStep] = [
  ProgramStep(Gather.self) { w in
    let x = w.anyFloat(rank: 1)
    let indices = w.newIndices([w.extent()], limit: x.tensor.shape[0])
    w.add(gather(x.tensor, at: indices), bound: x.bound)
  },
  ProgramStep(ScatterAdd.self) { w in
    let x = w.anyFloat(rank: 1)
    let count = w.extent()
    let indices = w.newIndices([x.tensor.shape[0]], limit: count)
    w.add(scatterAdd(x.tensor, at: indices, count: count), bound: x.bound * Double(Swift.min(x.tensor.shape[0], 20)))
  },
  ProgramStep(OneHot.self) { w in
    let depth = w.extent()
    let hot = oneHot(w.newIndices([w.extent()], limit: depth), depth: depth)
    w.add(hot * w.newFloat([depth]), bound: 2)
  },
  ProgramStep(CheckIndex.self) { w in
    let indices = w.newIndices(w.shape(), limit: 9)
    let checked = indices.builder.add(CheckIndex(limit: 9), [indices], at: indices.site)
    w.add(checked.cast(to: .float32) * 0.1 + w.newFloat(indices.shape), bound: 3)
  },
]

extension ProgramWriter {
  /// At least one axis, ascending.
  fileprivate mutating func someAxes(_ x: Tensor) -> [Int] {
    let axes = (0..<x.shape.rank).filter { _ in random.oneIn(2) }
    return axes.isEmpty ? [Int.random(in: 0..<x.shape.rank, using: &random)] : axes
  }

  /// Another shape with as many elements: neighbouring axes merged, or one split.
  fileprivate mutating func refactored(_ shape: Shape) -> Shape {
    var extents = shape.extents
    if extents.count > 1, random.oneIn(2) {
      let axis = Int.random(in: 0..<(extents.count - 1), using: &random)
      extents[axis] *= extents.remove(at: axis + 1)
      return Shape(extents)
    }
    let axis = Int.random(in: 0..<extents.count, using: &random)
    guard let divisor = (2...17).first(where: { extents[axis] % $0 == 0 }) else { return Shape(extents + [1]) }
    extents[axis] /= divisor
    extents.insert(divisor, at: axis + 1)
    return Shape(extents)
  }
}
