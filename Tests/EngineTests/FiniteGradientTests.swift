import Cinch
import TestSupport
import Testing

/// Where a value is finite, its gradient is the right number, and so is the gradient's: formulas that users write, at points where
/// parts of them overflow or vanish.
@Suite struct FiniteGradientTests {
  struct Formula: Sendable, CustomStringConvertible {
    let description: String
    let f: @Sendable (Tensor) -> Tensor
    let slope: @Sendable (Double) -> Double
    let curvature: @Sendable (Double) -> Double
    init(
      _ name: String, _ f: @escaping @Sendable (Tensor) -> Tensor, _ slope: @escaping @Sendable (Double) -> Double,
      _ curvature: @escaping @Sendable (Double) -> Double
    ) {
      (description, self.f, self.slope, self.curvature) = (name, f, slope, curvature)
    }
  }

  private static let points: [Double] = [-1e9, -200, -100, -30, -1.5, -0.5, 0.5, 1, 30, 100, 200, 1e9]

  /// Each element by itself.
  static let formulas: [Formula] =
    softplusForms.map { Formula($0, $1, s, ds) }
    + logSigmoidForms.map { Formula($0, $1, { s(-$0) }, { -ds($0) }) }
    + sigmoidForms.map { Formula($0, $1, ds, { ds($0) * (1 - 2 * s($0)) }) }
    + tanhForms.map { Formula($0, $1, { 4 * ds(2 * $0) }, { 8 * ds(2 * $0) * (1 - 2 * s(2 * $0)) }) }
    + [
      Formula("log(1 − sigmoid x)", { log(1 - sigmoid($0)) }, { -s($0) }, { -ds($0) }),
      Formula("log(1 − 1 / (1 + exp(−x)))", { log(1 - 1 / (1 + exp(-$0))) }, { -s($0) }, { -ds($0) }),
      Formula("log(exp x + exp(−x))", { log((exp($0) + exp(-$0)) / 2) }, { 2 * s(2 * $0) - 1 }, { 4 * ds(2 * $0) }),
      Formula("log(sigmoid(x)³ · 2)", { log(power(sigmoid($0), 3) * 2) }, { 3 * s(-$0) }, { -3 * ds($0) }),
      Formula(
        "log(sigmoid x / 7)", { log(sigmoid($0).reshaped(to: [1, 12]).transposedMatrix().squeezed(1) / 7) }, { s(-$0) },
        { -ds($0) }),
      Formula("log exp x", { log(exp($0)) }, { _ in 1 }, { _ in 0 }),
      Formula("log √exp x", { log(sqrt(exp($0))) }, { _ in 0.5 }, { _ in 0 }),
      Formula("log(exp x / (1 + exp x))", { log(exp($0) / (1 + exp($0))) }, { s(-$0) }, { -ds($0) }),
      Formula(
        "x · sigmoid x by hand", { $0 / (1 + exp(-$0)) }, { s($0) + $0 * ds($0) }, { 2 * ds($0) + $0 * ds($0) * (1 - 2 * s($0)) }),
      Formula("elu by hand", { select($0 .> 0, $0, exp($0) - 1) }, { $0 > 0 ? 1 : e($0) }, { $0 > 0 ? 0 : e($0) }),
      Formula("√|x|", { sqrt(abs(relu($0))) }, { $0 > 0 ? 0.5 / $0.squareRoot() : 0 }, { _ in .nan }),
      Formula("log of the larger", { log(maximum(sigmoid($0), exp($0))) }, { _ in 1 }, { _ in .nan }),
      Formula(
        "in a loop",
        { x in
          scan(over: x, initial: x.sliced(along: 0, 0..<1).squeezed(0)) { (carried: $1, output: log(1 + exp($0))) }.stacked
        }, { s($0) }, { ds($0) }),
      Formula("log where positive", { select($0 .> 0, log($0), $0) }, { $0 > 0 ? 1 / $0 : 1 }, { $0 > 0 ? -1 / $0 / $0 : 0 }),
      Formula(
        "√ of relu", { sqrt(relu($0)) }, { $0 > 0 ? 0.5 / $0.squareRoot() : 0 }, { $0 > 0 ? -0.25 / ($0 * $0.squareRoot()) : 0 }),
      Formula("exp cut off", { minimum(exp($0), $0 * 0 + 10) }, { $0 > 2.3 ? 0 : e($0) }, { $0 > 2.3 ? 0 : e($0) }),
      Formula(
        "focal loss", { power(1 - sigmoid($0), 2) * log(sigmoid($0)) },
        {
          let (p, q) = (s($0), s(-$0))
          return -2 * q * q * p * logSigmoid($0) + q * q * q
        }, { _ in .nan }),
    ]

  private static let softplusForms: [(String, @Sendable (Tensor) -> Tensor)] = [
    ("log1p exp x", { log1p(exp($0)) }), ("log(1 + exp x)", { log(1 + exp($0)) }), ("log(exp x + 1)", { log(exp($0) + 1) }),
    ("log(exp 0 + exp x)", { log(exp($0 * 0) + exp($0)) }), ("−log sigmoid(−x)", { -log(sigmoid(-$0)) }),
    ("−log(1 − sigmoid x)", { -log(1 - sigmoid($0)) }), ("x − log sigmoid x", { $0 - log(sigmoid($0)) }),
  ]
  private static let logSigmoidForms: [(String, @Sendable (Tensor) -> Tensor)] = [
    ("log sigmoid x", { log(sigmoid($0)) }), ("log(1 / (1 + exp(−x)))", { log(1 / (1 + exp(-$0))) }),
    ("log(1 − sigmoid(−x))", { log(1 - sigmoid(-$0)) }),
    ("−log(1 + exp(−x))", { -log(1 + exp(-$0)) }),
    (
      "log of two columns' softmax",
      { log(softmax(concatenate([$0.expandedAxis(1), $0.expandedAxis(1) * 0], along: 1))).sliced(along: 1, 0..<1).squeezed(1) }
    ),
    (
      "log of a slice of softmax",
      { log(softmax(concatenate([$0.expandedAxis(1), $0.expandedAxis(1) * 0], along: 1)).sliced(along: 1, 0..<1)).squeezed(1) }
    ),
    (
      "log of softmax by hand",
      {
        let e = exp(concatenate([$0.expandedAxis(1), $0.expandedAxis(1) * 0], along: 1))
        return log(e / e.sum(along: 1, keepingAxes: true)).sliced(along: 1, 0..<1).squeezed(1)
      }
    ),
    (
      "log of softmax at a label",
      {
        let p = softmax(concatenate([$0.expandedAxis(1), $0.expandedAxis(1) * 0], along: 1))
        return log((oneHot(($0 * 0).cast(to: .int32), depth: 2) * p).sum(along: 1))
      }
    ),
  ]
  private static let sigmoidForms: [(String, @Sendable (Tensor) -> Tensor)] = [
    ("1 / (1 + exp(−x))", { 1 / (1 + exp(-$0)) }), ("exp x / (1 + exp x)", { exp($0) / (exp($0) + 1) }),
    ("exp x / (exp x + exp 0)", { exp($0) / (exp($0) + exp($0 * 0)) }),
    (
      "softmax by hand",
      {
        let e = exp(concatenate([$0.expandedAxis(1), $0.expandedAxis(1) * 0], along: 1))
        return (e / e.sum(along: 1, keepingAxes: true)).sliced(along: 1, 0..<1).squeezed(1)
      }
    ),
    (
      "softmax by hand, first axis",
      {
        let e = exp(concatenate([$0.expandedAxis(0), $0.expandedAxis(0) * 0], along: 0))
        return (e / e.sum(along: 0)).sliced(along: 0, 0..<1).squeezed(0)
      }
    ),
  ]
  private static let tanhForms: [(String, @Sendable (Tensor) -> Tensor)] = [
    ("(exp x − exp(−x)) / (exp x + exp(−x))", { (exp($0) - exp(-$0)) / (exp($0) + exp(-$0)) }),
    ("(1 − exp(−2x)) / (1 + exp(−2x))", { (1 - exp(-2 * $0)) / (1 + exp(-2 * $0)) }),
    ("(exp 2x − 1) / (exp 2x + 1)", { (exp(2 * $0) - 1) / (exp(2 * $0) + 1) }),
    ("1 − 2 / (exp 2x + 1)", { 1 - 2 / (exp(2 * $0) + 1) }),
  ]

  @Test(arguments: formulas)
  func hasFiniteGradients(_ formula: Formula) throws {
    let program = try Graph(formula.description) { g in
      let x = g.input("x", [Self.points.count])
      let y = formula.f(x)
      let slope = gradient(of: y.sum(), withRespectTo: x)
      g.output("y", y)
      g.output("slope", slope)
      g.output("curvature", gradient(of: slope.sum(), withRespectTo: x))
    }.compile()
    let found = try program(x: HostTensor(Self.points.map { Float($0) }))
    for (index, x) in Self.points.enumerated() {
      let values = ["y", "slope", "curvature"].map { found[$0]?.floats[index] ?? .nan }
      for (value, expected) in zip(values.dropFirst(), [formula.slope(x), formula.curvature(x)]) where !expected.isNaN {
        let isNear = abs(Double(value) - expected) <= 1e-5 * max(abs(expected), 1e-3)
        #expect(isNear || !values[0].isFinite, "\(formula) at \(x) is \(values), not \(expected)")
      }
    }
  }

  /// Several elements: what is computed over axes, and points where squares add up to 0.
  @Test func sumsOverAxes() throws {
    let shape: Shape = [2, 3, 2]
    let x = (0..<12).map { Float(($0 * 7) % 12) * 40 - 200 }
    func check(
      _ name: String, _ f: @escaping (Tensor) -> Tensor, against g: @escaping (Tensor) -> Tensor,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let found = try Graph(name) { graph in
        let x = graph.input("x", shape)
        for (name, h) in [("f", f), ("g", g)] {
          let y = h(x)
          let slope = gradient(of: (y * (y * 0 + 2)).sum(), withRespectTo: x)
          graph.output(name, y)
          graph.output(name + "'", slope)
          graph.output(name + "''", gradient(of: (slope * slope).sum(), withRespectTo: x))
        }
      }.compile()(x: HostTensor(.float32(x), shape: shape))
      for order in ["", "'", "''"] {
        for (a, b) in zip(found["f" + order]?.floats ?? [], found["g" + order]?.floats ?? [.nan]) {
          #expect(abs(a - b) <= 1e-5 * max(abs(b), 1), "\(name)\(order): \(a), not \(b)", sourceLocation: sourceLocation)
        }
      }
    }
    try check("all axes", { log(exp($0).sum()) }, against: { $0.logSumExp() })
    try check(
      "kept axes", { log(exp($0).sum(along: 0, 2, keepingAxes: true)) }, against: { $0.logSumExp(along: 0, 2, keepingAxes: true) }
    )
    try check("a mean", { log(exp($0).mean(along: 1)) }, against: { $0.logSumExp(along: 1) - 1.0986123 })
    try check(
      "transposed", { log(exp($0).transposed(to: [2, 0, 1]).sum(along: 2)) },
      against: { $0.transposed(to: [2, 0, 1]).logSumExp(along: 2) })
    try check("one more", { log(1 + exp($0).sum(along: 1)) }, against: { softplus($0.logSumExp(along: 1)) })
    try check("weights", { log((exp($0) * 3).sum(along: 1) / 2) }, against: { $0.logSumExp(along: 1) + 0.40546510 })
    try check(
      "softmax by hand, two axes", { exp($0) / exp($0).sum(along: 0, 1, keepingAxes: true) },
      against: {
        softmax($0.reshaped(to: [6, 2]), axis: 0).reshaped(to: [2, 3, 2])
      })
    try check(
      "two sums", { log(softmax($0, axis: 1).sliced(along: 1, 0..<2).sum(along: 1)) },
      against: {
        $0.sliced(along: 1, 0..<2).logSumExp(along: 1) - $0.logSumExp(along: 1)
      })
    try check("a choice", { log(select($0 .> 0, sigmoid($0), exp($0))) }, against: { select($0 .> 0, -softplus(-$0), $0) })
  }

  @Test func lengthsOfZeros() throws {
    let found = try Graph("lengths") { g in
      let x = g.input("x", [2, 3])
      func output(_ name: String, _ y: Tensor) {
        let slope = gradient(of: y.sum(), withRespectTo: x)
        g.output(name, slope)
        g.output(name + "'", gradient(of: slope.sum(), withRespectTo: x))
      }
      output("norm", sqrt((x * x).sum(along: 1)))
      output("root of a mean", sqrt(x.squared().mean()))
      output("power", power(power(x, 2).sum(along: 0), 0.5))
      output("cubes", power(power(abs(x), 3).sum(), 1 / 3))
      output("two sides", sqrt(x.squared() + (x * 2).squared()))
      let centred = x - x.mean(along: 1, keepingAxes: true)
      output("deviation", sqrt((centred * centred).sum(along: 1) / 2))
      output("direction", x / (sqrt((x * x).sum(along: 1, keepingAxes: true)) + 1))
    }.compile()(x: HostTensor(.float32([0, 0, 0, 0, 0, 0]), shape: [2, 3]))
    for (name, value) in found.sorted(by: { $0.key < $1.key }) {
      let expected: Float = name == "direction" ? 1 : 0
      #expect(value.floats.allSatisfy { $0 == expected }, "\(name): \(value.floats)")
    }
  }

  /// As in PyTorch: ∂0ᵇ/∂b is 0 from b = 0 on, and powers of 0 with whole exponents have all their derivatives.
  @Test func powersOfZero() throws {
    let found = try Graph("powers") { g in
      let a = g.input("a", [4])
      let b = g.input("b", [4])
      var y = power(a, b)
      for order in 1...4 {
        let slopes = gradients(of: y.sum(), withRespectTo: [a, b])
        g.output("a\(order)", slopes[0])
        if order == 1 {
          g.output("b1", slopes[1])
          g.output("b2", gradient(of: slopes[1].sum(), withRespectTo: b))
          g.output("ab", gradient(of: slopes[1].sum(), withRespectTo: a))
        }
        y = slopes[0]
      }
    }.compile()(a: HostTensor([0, 0, 0, 0]), b: HostTensor([0, 1, 2, 3]))
    #expect(found["a1"]?.floats == [0, 1, 0, 0])
    #expect(found["a2"]?.floats == [0, 0, 2, 0])
    #expect(found["a3"]?.floats == [0, 0, 0, 6])
    #expect(found["a4"]?.floats == [0, 0, 0, 0])
    for name in ["b1", "b2"] { #expect(found[name]?.floats == [0, 0, 0, 0], "\(name)") }
    #expect(found["ab"]?.floats.contains { $0.isNaN } == false)
  }

  /// A tensor between is a variable of its own: nothing is looked up behind it.
  @Test func tensorsBetweenHaveTheirOwnGradients() throws {
    let found = try Graph("between") { g in
      let x = g.input("x", [2])
      let (s, e) = (softmax(x), exp(x))
      let y = log(s).sum() + log(1 + e).sum()
      for (name, slope) in zip(["x", "s", "e"], gradients(of: y, withRespectTo: [x, s, e])) { g.output(name, slope) }
    }.compile()(x: HostTensor([0, 1]))
    let (p, q) = (s(-1), s(1))
    let expected = ["s": [1 / p, 1 / q], "e": [0.5, 1 / (1 + e(1))], "x": [1 - 2 * p + 0.5, 1 - 2 * q + s(1)]]
    for (name, values) in expected {
      for (a, b) in zip(found[name]?.floats ?? [], values) { #expect(abs(Double(a) - b) < 1e-6, "\(name)") }
    }
  }

  /// An operand that was computed from another gets its gradient once.
  @Test func operandsOfOneOriginCountOnce() throws {
    let found = try Graph("origin") { g in
      let x = g.input("x", [1])
      g.output("slope", gradient(of: logAddExp(x, x * x).sum() + log(exp(x) + exp(x * x)).sum(), withRespectTo: x))
    }.compile()(x: HostTensor([2]))
    let expected = 2 * (s(2 - 4) + 4 * s(4 - 2))
    #expect(abs(Double(found["slope"]?.scalar ?? 0) - expected) < 1e-5)
  }

  /// The padding's −∞ stands before the image's, and takes no gradient from it.
  @Test func poolingOfInfinities() throws {
    let found = try Graph("pool") { g in
      let x = g.input("x", [1, 1, 4, 4])
      let y = maxPool2d(x, 3, stride: 2, padding: 1)
      g.output("slope", gradient(of: (y * g.constant([1, 2, 4, 8] as [Float], [1, 1, 2, 2])).sum(), withRespectTo: x))
    }.compile()(x: HostTensor(.float32([Float](repeating: -.infinity, count: 16)), shape: [1, 1, 4, 4]))
    #expect(found["slope"]?.floats == [1, 2, 0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  }

  /// Every op on single elements, at every special number: where its value is finite, its slopes are numbers.
  @Test func opsHaveSlopesWhereTheyHaveValues() throws {
    for op in OpCatalogue.all {
      guard let sample = op.samples.first(where: { $0.operands.allSatisfy { $0.values == .special } && !$0.operands.isEmpty }),
        case .differentiable = sample.op.differentiability, sample.op is any ElementwiseOp || sample.op is any ActivationOp
      else { continue }
      guard try sample.op.resultType(of: sample.operands.map(\.type)).elementType.isFloatingPoint else { continue }
      let program = SampleProgram(op, 0, sample)
      let found = try program.graph { g, operands, y in
        let slopes = gradients(of: y.sum(), withRespectTo: operands)
        for (number, slope) in slopes.enumerated() {
          g.output("x\(number)'", slope)
          g.output("x\(number)''", gradient(of: slope.sum(), withRespectTo: operands[number]))
        }
      }.compile().run(program.inputs.mapValues { HostTensor($0, shape: sample.operands[0].type.shape) })
      let values = found["y"]?.floats ?? []
      let given = sample.operands.indices.map { number -> [Float] in
        if case .float32(let numbers) = program.inputs["x\(number)"] { numbers } else { [] }
      }
      for (name, slopes) in found where name != "y" {
        for index in values.indices where values[index].isFinite && slopes.floats[index].isNaN {
          let x = given.map { $0[index] }
          // The logarithm of a negative base, as in PyTorch; infinite operands have no slope that could be told.
          if op is Power.Type, x[0] < 0 || !x[1].isFinite { continue }
          // 1 / b² leaves Float32, and so does a³ in the tanh form.
          if op is Divide.Type && abs(x[1]) < 1e-19 || op is GeluTanh.Type && abs(x[0]) > 1e19 { continue }
          let isFinite = x.allSatisfy { $0.isFinite }
          #expect(!isFinite, "\(op.mnemonic) of \(x) is \(values[index]), but \(name) is no number")
        }
      }
    }
  }
}

private func e(_ x: Double) -> Double { Exp().reference([x]) }
private func s(_ x: Double) -> Double { Logistic().reference([x]) }
private func ds(_ x: Double) -> Double { s(x) * s(-x) }
private func logSigmoid(_ x: Double) -> Double { x > 0 ? -Log1p().reference([e(-x)]) : x - Log1p().reference([e(x)]) }
