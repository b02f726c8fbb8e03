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
