import Cinch

extension ProgramStep {
  /// ±0, infinities and subnormals into functions that take them, with gradients.
  static let specials: [ProgramStep] = [
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

  /// Formulas by hand, of numbers at which parts of them overflow or vanish, though neither the value nor its gradient does.
  static let formulas: [ProgramStep] = [
    ProgramStep(LogSumExpOp.self) { w in
      let x = w.anyFloat(rank: 1)
      let large = x.tensor * Float(120 / x.bound)
      let axis = Int.random(in: 0..<large.shape.rank, using: &w.random)
      let forms: [(Tensor) -> Tensor] = [
        { log(exp($0).sum(along: axis)) }, { log(exp($0).mean(along: axis, keepingAxes: true)) },
        { log(softmax($0, axis: axis)) },
        { log(1 + exp($0)) }, { log1p(exp($0)) }, { log(sigmoid($0)) }, { log(1 - sigmoid($0)) },
        { log(1 / (1 + exp(-$0))) }, { log(exp($0) / exp($0).sum(along: axis, keepingAxes: true)) },
        { log(exp($0) + exp(-$0)) }, { $0 / (1 + exp(-$0)) },
      ]
      let form = w.random.oneIn(2) ? nil : forms.randomElement(using: &w.random)
      w.add((form?(large) ?? large.logSumExp(along: axis)) / 60, bound: 6)
    },
    ProgramStep(LogAddExpOp.self) { w in
      let x = w.anyFloat()
      let y = w.partner(of: x.tensor.shape)
      let (a, b) = (x.tensor * Float(120 / x.bound), y.tensor * Float(120 / y.bound))
      w.add((w.random.oneIn(2) ? logAddExp(a, b) : log(exp(a) + exp(b))) / 60, bound: 4)
    },
    ProgramStep(WhereNonzero.self) { w in
      let x = w.newFloat(w.shape())
      if w.random.oneIn(2) {
        // Differentiation alone makes this op; here its own gradient is asked for.
        let share = w.newFloat(x.shape)
        w.add(w.builder.add(WhereNonzero(), [share, relu(x)], at: x.site), bound: 1)
        return
      }
      let forms: [(Tensor) -> Tensor] = [
        { exp($0 * 60) / (1 + exp($0 * 60)) }, { (exp($0 * 60) - exp($0 * -60)) / (exp($0 * 60) + exp($0 * -60)) },
        { select($0 .> 0.25, log($0), $0) },
        { minimum(exp($0 * 60), $0 * 0 + 3) }, { select($0 .> 0, $0 * 0.5, exp($0 * 90) - 1) },
        { sqrt((relu($0) * relu($0)).sum(along: -1)) }, { power(power($0, 2), 0.5) },
      ]
      w.add((forms.randomElement(using: &w.random) ?? forms[0])(x), bound: 20)
    },
  ]

  /// State that is awkward to update in place.
  static let updates: [ProgramStep] = [
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
}
