import Testing

@testable import CinchGraph

/// Losses and hand-written backward passes, against formulas and autodiff, in the independent meaning.
@Suite struct LayerGradientTests {
  /// The loss and the gradient with respect to the prediction.
  private func evaluate(
    _ loss: Loss, _ prediction: [Float], _ shape: Shape, _ target: ElementArray, _ targetShape: Shape
  ) throws -> (loss: Double, gradient: [Double]) {
    let graph = Graph { g in
      let x = g.input("x", shape)
      let y = g.input("y", targetShape, type: target.elementType)
      let value = loss(x, y)
      g.output("loss", value)
      g.output("gradient", gradient(of: value, withRespectTo: x))
    }
    #expect(graph.diagnostics.isEmpty)
    var state: [String: ElementArray] = [:]
    let results = try Interpreter(graph, mode: .float64).run(
      inputs: ["x": .float32(prediction), "y": target], state: &state)
    return (results["loss"]?.doubles.first ?? .nan, results["gradient"]?.doubles ?? [])
  }

  private func expectClose(_ found: [Double], _ expected: [Double]) {
    #expect(found.count == expected.count)
    for (a, b) in zip(found, expected) { #expect(abs(a - b) <= 1e-6 * max(1, abs(b)), "\(found) is not \(expected)") }
  }

  @Test func meanSquaredError() throws {
    let (loss, gradient) = try evaluate(
      .meanSquaredError, [1, 2, 3, 4], [2, 2], .float32([0, 2, 5, 4.5]), [2, 2])
    expectClose([loss], [(1 + 0 + 4 + 0.25) / 4])
    expectClose(gradient, [0.5, 0, -1, -0.25])
  }

  @Test func softmaxCrossEntropy() throws {
    let (loss, gradient) = try evaluate(
      .softmaxCrossEntropy, [0, 0, 0, 1, 2, 3], [2, 3], .int32([1, 0]), [2])
    // By hand: log 3, and log(1 + e + e²).
    expectClose([loss], [(1.0986122886681098 + 2.4076059644443806) / 2])
    expectClose(gradient, [1 / 6.0, -1 / 3.0, 1 / 6.0, (0.09003057 - 1) / 2, 0.24472847 / 2, 0.66524096 / 2])
  }

  /// Huge and infinite logits of other classes make no NaN.
  @Test func softmaxCrossEntropyIsStable() throws {
    let (loss, gradient) = try evaluate(
      .softmaxCrossEntropy, [1000, -1000, 0, -.infinity, 5, 5], [2, 3], .int32([0, 2]), [2])
    expectClose([loss], [0.6931471805599453 / 2])
    expectClose(gradient, [0, 0, 0, 0, 0.25, -0.25])
  }

  @Test func binaryCrossEntropy() throws {
    let (loss, gradient) = try evaluate(
      .binaryCrossEntropyWithLogits, [0, 2, -800, 800], [4], .float32([0.25, 1, 0, 0]), [4])
    expectClose([loss], [(0.6931471805599453 + 0.1269280110429725 + 0 + 800) / 4])
    // At 0, where max(a, 0) has a corner, too.
    expectClose(gradient, [0.25 / 4, (0.8807970779778823 - 1) / 4, 0, 0.25])
  }

  @Test func lossesRefuseOtherShapes() {
    let cases: [(Loss, Shape, TensorType, String)] = [
      (.meanSquaredError, [200, 1], TensorType(.float32, [200]), "f32[200, 1] and f32[200]"),
      (.softmaxCrossEntropy, [8, 3], TensorType(.int32, [8, 1]), "logits [8, 3] take labels [8], not [8, 1]"),
      (.softmaxCrossEntropy, [8, 3], TensorType(.float32, [8]), "labels of int32"),
      (.binaryCrossEntropyWithLogits, [8], TensorType(.float32, [8, 1]), "f32[8] and f32[8, 1]"),
    ]
    for (loss, shape, target, text) in cases {
      let graph = Graph { g in
        g.output("loss", loss(g.input("x", shape), g.input("y", target.shape, type: target.elementType)))
      }
      #expect(graph.diagnostics.count == 1)
      #expect(graph.diagnostics.first?.message.contains(text) == true, "\(graph.diagnostics)")
      #expect(graph.diagnostics.first?.site.fileID.hasSuffix("LayerGradientTests.swift") == true)
    }
  }

  @Test func handWrittenPartsGiveWhatAutodiffGives() throws {
    func gradients(_ model: some Module, _ loss: Loss) throws -> [String: [Double]] {
      let graph = Graph { g in
        g.register(model)
        let x = g.input("x", [4, 3])
        let value = loss(model(x), g.input("y", [4, 2]))
        let parameters = model.namedParameters
        let tensors = [x] + parameters.map { $0.parameter.tensor(in: g) }
        let found = CinchGraph.gradients(of: value, withRespectTo: tensors)
        for (name, gradient) in zip(["x"] + parameters.map(\.name), found) { g.output(name + ".g", gradient) }
        g.output("loss", value)
      }
      #expect(graph.diagnostics.isEmpty)
      var state: [String: ElementArray] = [:]
      for variable in graph.state {
        let other = StateVariable(
          name: variable.name, type: variable.type, role: .parameter, initialiser: .uniform(bound: 1))
        state[variable.name] = other.initialValue(seed: 7)
      }
      let x = (0..<12).map { Float($0 % 5) * 0.3 - 0.5 }
      let y = (0..<8).map { Float($0 % 3) * 0.5 }
      return try Interpreter(graph, mode: .float64).run(
        inputs: ["x": .float32(x), "y": .float32(y)], state: &state
      ).mapValues { $0.doubles }
    }
    let byHand = try gradients(
      Sequential {
        FromScratch.Linear(3, 5)
        FromScratch.Sigmoid()
        FromScratch.Linear(5, 2)
      }, Loss(FromScratch.MeanSquaredError()))
    let automatic = try gradients(
      Sequential {
        Linear(3, 5)
        Sigmoid()
        Linear(5, 2)
      }, .meanSquaredError)
    #expect(byHand.keys.sorted() == automatic.keys.sorted())
    #expect(automatic["0.weight.g"]?.contains { abs($0) > 1e-3 } == true)
    for (name, values) in automatic { expectClose(byHand[name] ?? [], values) }
  }

  /// The backward pass that is written is the one that is used.
  @Test func theHandWrittenBackwardReplacesAutodiff() throws {
    struct Doubled: CustomGradientModule {
      func forward(_ input: Tensor) -> Tensor { input }
      func backward(input: Tensor, output: Tensor, gradient: Tensor) -> Tensor { 10 * gradient }
    }
    let graph = Graph { g in
      let x = g.input("x", [2])
      let y = (Doubled()(x) + x).sum()
      g.output("x.g", gradient(of: y, withRespectTo: x))
    }
    var state: [String: ElementArray] = [:]
    let found = try Interpreter(graph).run(inputs: ["x": .float32([1, 2])], state: &state)
    #expect(found["x.g"]?.floats == [11, 11])
  }

  @Test func aForgottenParameterGradientIsAMistake() {
    struct Forgetful: CustomGradientModule {
      let weight = Parameter([2])
      func forward(_ input: Tensor) -> Tensor { input * weight }
      func backward(input: Tensor, output: Tensor, gradient: Tensor) -> Tensor { gradient * weight }
    }
    let model = Forgetful()
    let graph = Graph { g in
      g.register(model)
      let y = model(g.input("x", [2])).sum()
      g.output("w.g", gradient(of: y, withRespectTo: model.weight.tensor(in: g)))
    }
    #expect(
      graph.diagnostics.map(\.message) == [
        "the hand-written backward of Forgetful returns no gradient for its parameter 'weight'"
      ])
  }
}
