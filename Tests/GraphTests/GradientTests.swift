import Cinch
import TestSupport
import Testing

/// Gradients with respect to anything, of anything: intermediate tensors, gradients of gradients, and where they stop.
@Suite struct GradientTests {
  /// The outputs in the independent meaning.
  private func run(_ inputs: [String: [Double]], _ build: (GraphBuilder) -> Void) throws -> [String: [Double]] {
    let graph = Graph("gradients", build)
    #expect(graph.diagnostics.isEmpty)
    return try Interpreter(graph, mode: .float64).run(inputs: inputs.mapValues { .float64($0) }).mapValues(\.doubles)
  }

  private func expectClose(_ found: [Double]?, _ expected: [Double], sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(found?.count == expected.count, sourceLocation: sourceLocation)
    for (a, b) in zip(found ?? [], expected) {
      #expect(abs(a - b) <= 1e-9 * max(1, abs(b)), "\(found ?? []) is not \(expected)", sourceLocation: sourceLocation)
    }
  }

  @Test func anyTensorHasAGradient() throws {
    let x = [0.3, -1.2, 2]
    let found = try run(["x": x]) { g in
      let x = g.input("x", [3])
      let h = sin(x)
      let loss = (h * h).sum()
      let later = loss * 3
      let apart = cos(x)
      let names = ["x", "h", "loss", "later", "apart"]
      for (name, gradient) in zip(names, gradients(of: loss, withRespectTo: [x, h, loss, later, apart])) {
        g.output(name, gradient)
      }
    }
    expectClose(found["h"], x.map { 2 * sinOf($0) })
    // Both targets lie on one path, and both are whole.
    expectClose(found["x"], x.map { 2 * sinOf($0) * cosOf($0) })
    expectClose(found["loss"], [1])
    expectClose(found["later"], [0])
    expectClose(found["apart"], [0, 0, 0])
  }

  @Test func everyUseCounts() throws {
    let found = try run(["x": [3]]) { g in
      let x = g.input("x", [])
      let a = x * x
      // Two paths of different length, one operand in both places, and a broadcast.
      let loss = (a * a + a.broadcast(to: [2, 5]) * x).sum()
      g.output("g", gradient(of: loss, withRespectTo: x))
      g.output("a", gradient(of: loss, withRespectTo: a))
    }
    // 10 (x⁴ + x³)
    expectClose(found["g"], [10 * (4 * 27 + 3 * 9)])
    expectClose(found["a"], [10 * (2 * 9 + 3)])
  }

  @Test func gradientsOfGradientsToAnyDepth() throws {
    let found = try run(["x": [0.7, -1.3]]) { g in
      let x = g.input("x", [2])
      var value = power(x, 4).sum() + exp(x).sum()
      for order in 1...5 {
        let slope = gradient(of: value, withRespectTo: x)
        g.output("order \(order)", slope)
        value = slope.sum()
      }
    }
    let exponentials = [2.0137527074704766, 0.2725317930340126]
    expectClose(found["order 3"], zip([0.7, -1.3], exponentials).map { 24 * $0 + $1 })
    expectClose(found["order 4"], exponentials.map { 24 + $0 })
    expectClose(found["order 5"], exponentials)
  }

  /// However many gradients follow from it.
  @Test func aMistakeIsReportedOnce() {
    let graph = Graph("mistake") { g in
      let a = g.input("a", [3])
      let b = g.input("b", [3])
      for (number, gradient) in gradients(of: a * b, withRespectTo: [a, b]).enumerated() {
        g.output("gradient \(number)", gradient)
      }
    }
    #expect(graph.diagnostics.count == 1)
  }

  /// A penalty on a gradient is a loss like any other: its gradient against differences of it.
  @Test func aGradientPenaltyTrains() throws {
    func graph(_ g: GraphBuilder) {
      let x = g.input("x", [4, 3])
      let w = g.input("w", [3, 5])
      let v = g.input("v", [5, 1])
      let loss = softplus(matmul(tanh(matmul(x, w)), v)).mean()
      let slope = gradient(of: loss, withRespectTo: x)
      let penalty = (slope * slope).sum()
      g.output("penalty", penalty)
      for (name, gradient) in zip(["w", "v"], gradients(of: penalty, withRespectTo: [w, v])) { g.output(name, gradient) }
    }
    var random = SplitMix(seed: 5)
    var inputs: [String: [Double]] = [:]
    for (name, count) in [("x", 12), ("w", 15), ("v", 5)] {
      inputs[name] = (0..<count).map { _ in Double(random.float(in: -1...1)) }
    }
    let here = try run(inputs, graph)
    for name in ["w", "v"] {
      for position in [0, 3, 4] {
        var (low, high) = (inputs, inputs)
        low[name]?[position] -= 1e-5
        high[name]?[position] += 1e-5
        let measured = try ((run(high, graph)["penalty"]?[0] ?? 0) - (run(low, graph)["penalty"]?[0] ?? 0)) / 2e-5
        #expect(abs(measured - (here[name]?[position] ?? .nan)) < 1e-8)
      }
    }
  }

  @Test func nothingPassesAStop() throws {
    let found = try run(["x": [2]]) { g in
      let x = g.input("x", [])
      let held = stopGradient(x * x)
      g.output("value", held)
      let slope = gradient(of: held * x * x, withRespectTo: x)
      g.output("first", slope)
      g.output("second", gradient(of: slope, withRespectTo: x))
      g.output("only", gradient(of: held, withRespectTo: x))
      g.output("itself", gradient(of: held * 3, withRespectTo: held))
    }
    expectClose(found["value"], [4])
    expectClose(found["first"], [4 * 2 * 2])
    expectClose(found["second"], [4 * 2])
    expectClose(found["only"], [0])
    expectClose(found["itself"], [3])
  }

  /// A hand-written backward pass is made of tensors, so it has a gradient of its own.
  @Test func handWrittenBackwardsAreDifferentiated() throws {
    struct Cube: CustomGradientModule {
      func forward(_ input: Tensor) -> Tensor { input * input * input }
      func backward(input: Tensor, output: Tensor, gradient: Tensor) -> Tensor { 3 * input * input * gradient }
    }
    let found = try run(["x": [2, -1]]) { g in
      let x = g.input("x", [2])
      let slope = gradient(of: Cube()(sin(x)).sum(), withRespectTo: x)
      g.output("first", slope)
      g.output("second", gradient(of: slope.sum(), withRespectTo: x))
    }
    let (s, c) = ([2.0, -1].map(sinOf), [2.0, -1].map(cosOf))
    expectClose(found["first"], zip(s, c).map { 3 * $0 * $0 * $1 })
    expectClose(found["second"], zip(s, c).map { 6 * $0 * $1 * $1 - 3 * $0 * $0 * $0 })
  }

  /// The seed's style, every module's backward by hand, against autodiff: gradients of weights, biases, input and what lies between,
  /// then the same curve.
  @Test func writtenByHandOrNotItIsTheSame() throws {
    func gradients(_ layers: [any Module], _ loss: Loss) throws -> [String: [Double]] {
      let graph = Graph { g in
        let model = Sequential(layers)
        g.register(model)
        let x = g.input("x", [7, 1])
        var between = [x]
        for layer in layers { between.append(layer(between[between.count - 1])) }
        let value = loss(between[between.count - 1], g.input("y", [7, 1]))
        let names = between.indices.map { "after \($0)" } + model.namedParameters.map(\.name)
        let targets = between + model.namedParameters.map { $0.parameter.tensor(in: g) }
        for (name, gradient) in zip(names, Cinch.gradients(of: value, withRespectTo: targets)) { g.output(name, gradient) }
        g.output("loss", value)
      }
      #expect(graph.diagnostics.isEmpty)
      var state = Dictionary(
        uniqueKeysWithValues: graph.state.map { variable in
          let other = StateVariable(name: variable.name, type: variable.type, role: .parameter, initialiser: .uniform(bound: 1))
          return (variable.name, other.initialValue(seed: 3))
        })
      let x = (0..<7).map { Float($0) * 0.4 - 1.2 }
      return try Interpreter(graph.optimised()).run(
        inputs: ["x": .float32(x), "y": .float32(x.map { $0 * $0 })], state: &state
      ).mapValues(\.doubles)
    }
    let byHand: [any Module] = [FromScratch.Linear(1, 100), FromScratch.Sigmoid(), FromScratch.Linear(100, 1)]
    let automatic: [any Module] = [
      Linear(1, 100, weights: .scaledNormal, biases: .zeros), Sigmoid(), Linear(100, 1, weights: .scaledNormal, biases: .zeros),
    ]
    let (a, b) = (try gradients(byHand, Loss(FromScratch.MeanSquaredError())), try gradients(automatic, .meanSquaredError))
    #expect(a.keys.sorted() == b.keys.sorted() && a.count == 9)
    for (name, values) in b {
      #expect(values.contains { abs($0) > 1e-3 }, "\(name) is all zero")
      for (x, y) in zip(a[name] ?? [], values) { #expect(abs(x - y) <= 1e-6 * max(1, abs(y)), "\(name): \(x), \(y)") }
    }

    let x = HostTensor.randomNormal([200, 1], seed: 1)
    func curve(_ layers: [any Module], _ loss: Loss) throws -> [Float] {
      let trainer = try Trainer(Sequential(layers), loss: loss, optimizer: .sgd(learningRate: 0.05), seed: 4)
      try trainer.fit(x, x.map { $0 * $0 }, epochs: 200, report: .silent)
      return trainer.lossCurve.steps
    }
    let (hand, auto) = (try curve(byHand, Loss(FromScratch.MeanSquaredError())), try curve(automatic, .meanSquaredError))
    #expect(hand.count == 200 && auto[199] < auto[0] / 3)
    for (x, y) in zip(hand, auto) { #expect(abs(x - y) <= 1e-5 * abs(y)) }
  }
}

private func sinOf(_ x: Double) -> Double { Sine().reference([x]) }
private func cosOf(_ x: Double) -> Double { Cosine().reference([x]) }
