import Cinch

// Away from 0, so that divisions and logarithms stay moderate.
private func positive(_ x: Tensor) -> Tensor { abs(x) + 0.5 }

extension ProgramStep {
  static let arithmetic: [ProgramStep] = [
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

  static let functions: [ProgramStep] = [
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

  static let choices: [ProgramStep] = [
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
    // One value as several types, in any order: what each is cast to is cast back for the sum.
    ProgramStep(Cast.self) { w in
      let source = w.random.oneIn(3) ? w.newFloat(w.shape()) : w.anyDiscrete()
      let types = ElementType.allCases.shuffled(using: &w.random).prefix(Int.random(in: 2...4, using: &w.random))
      var sum = w.newFloat([1])
      for type in types { sum = sum + tanh(source.cast(to: type).cast(to: .float32) * 0.5) }
      w.add(sum, bound: 6)
    },
    ProgramStep(Random.self) { w in
      let x = w.anyFloat()
      let kind: Random.Distribution = w.random.oneIn(2) ? .uniform : .normal
      w.add(x.tensor * w.builder.random(kind, x.tensor.shape), bound: 4 * x.bound)
    },
  ]
}
