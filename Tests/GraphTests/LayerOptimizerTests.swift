import Testing

@testable import CinchGraph

/// Steps of an optimizer on `p` with the gradient `g`, by the interpreter.
@Suite struct LayerOptimizerTests {
  private struct Scale: Module {
    let p = Parameter([2])
    func callAsFunction(_ x: Tensor) -> Tensor { x * p }
  }

  /// The parameter after each step, where the gradient of step t is `gradients[t]`.
  private func run(
    _ optimizer: Optimizer, from start: [Float], gradients: [[Float]], isResetting: Bool = false
  ) throws -> [[Float]] {
    let step = TrainingStep(Scale(), loss: Loss("sum") { prediction, _ in prediction.sum() }, optimizer: optimizer)
    let type = TensorType(.float32, [2])
    let graph = step.training(type, target: type)
    #expect(graph.diagnostics.isEmpty)
    let interpreter = try Interpreter(graph)
    var state: [String: ElementArray] = [:]
    for variable in graph.state { state[variable.name] = variable.initialValue(seed: 0) }
    state["p"] = .float32(start)
    var inputs: [String: ElementArray] = ["y": .float32([0, 0])]
    for number in optimizer.hyperparameters {
      inputs[number.name] = number.type == .float64 ? .float64([number.value]) : .float32([Float(number.value)])
    }
    return try gradients.map { gradient in
      inputs["x"] = .float32(gradient)
      if isResetting { state["p"] = .float32(start) }
      _ = try interpreter.run(inputs: inputs, state: &state)
      return state["p"]?.floats ?? []
    }
  }

  private func expectClose(_ found: [[Float]], _ expected: [[Double]], _ tolerance: Double = 2e-7) {
    #expect(found.count == expected.count)
    for (a, b) in zip(found.joined(), expected.joined()) {
      #expect(abs(Double(a) - b) <= tolerance * max(1, abs(b)), "\(a) is not \(b)")
    }
  }

  private let gradients: [[Float]] = [[1, -2], [0.5, 3], [-4, 0.25], [0, 1]]

  @Test func plainDescent() throws {
    let found = try run(.sgd(learningRate: 0.1), from: [1, 2], gradients: gradients)
    expectClose(found, [[0.9, 2.2], [0.85, 1.9], [1.25, 1.875], [1.25, 1.775]])
  }

  /// v = μ·v + g; p −= lr·v, by hand: v is 1, 1.4, −2.74, −2.466 and −2, 1.2, 1.33, 2.197.
  @Test func momentum() throws {
    let found = try run(.sgd(learningRate: 0.1, momentum: 0.9), from: [1, 2], gradients: gradients)
    expectClose(found, [[0.9, 2.2], [0.76, 2.08], [1.034, 1.947], [1.2806, 1.7273]])
  }

  /// p −= lr·(g + μ·v), with the same v.
  @Test func nesterov() throws {
    let found = try run(.sgd(learningRate: 0.1, momentum: 0.9, nesterov: true), from: [1, 2], gradients: gradients)
    expectClose(found, [[0.81, 2.38], [0.634, 1.972], [1.2806, 1.8273], [1.50254, 1.52957]])
  }

  @Test func descentWithDecayAddsToTheGradient() throws {
    let found = try run(.sgd(learningRate: 0.1, weightDecay: 0.5), from: [1, 2], gradients: [[1, -2], [0, 0]])
    expectClose(found, [[0.85, 2.1], [0.8075, 1.995]])
  }

  /// The paper's formula in Float64, as an independent reference.
  private func adam(
    _ start: [Float], _ gradients: [[Float]], lr: Double, beta1: Double, beta2: Double, epsilon: Double,
    added: Double = 0, decoupled: Double = 0
  ) -> [[Double]] {
    var p = start.map(Double.init)
    var m = [0.0, 0]
    var v = [0.0, 0]
    var (power1, power2) = (1.0, 1.0)
    return gradients.map { gradient in
      power1 *= beta1
      power2 *= beta2
      for i in p.indices {
        p[i] *= 1 - lr * decoupled
        let g = Double(gradient[i]) + added * p[i]
        m[i] = beta1 * m[i] + (1 - beta1) * g
        v[i] = beta2 * v[i] + (1 - beta2) * g * g
        p[i] -= lr / (1 - power1) * m[i] / ((v[i] / (1 - power2)).squareRoot() + epsilon)
      }
      return p
    }
  }

  @Test func adamIsThePapersFormula() throws {
    let expected = adam([1, 2], gradients, lr: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8)
    // With g = 1, the first step is lr whatever the betas are.
    #expect(abs(expected[0][0] - 0.9) < 1e-8)
    expectClose(try run(.adam(learningRate: 0.1), from: [1, 2], gradients: gradients), expected)
  }

  @Test func adamWithDecayAddsToTheGradient() throws {
    let expected = adam([1, 2], gradients, lr: 0.1, beta1: 0.8, beta2: 0.9, epsilon: 1e-3, added: 0.3)
    let found = try run(
      .adam(learningRate: 0.1, beta1: 0.8, beta2: 0.9, epsilon: 1e-3, weightDecay: 0.3), from: [1, 2],
      gradients: gradients)
    expectClose(found, expected)
  }

  @Test func adamWShrinksTheParameter() throws {
    let expected = adam([1, 2], gradients, lr: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decoupled: 0.3)
    let found = try run(.adamW(learningRate: 0.1, weightDecay: 0.3), from: [1, 2], gradients: gradients)
    expectClose(found, expected)
  }

  /// 1 − β₂ᵗ must not lose its digits: with a constant gradient, each of Adam's steps is lr.
  @Test func biasCorrectionStaysAccurate() throws {
    let many = [[Float]](repeating: [3, -0.001], count: 300)
    let found = try run(.adam(learningRate: 0.01, epsilon: 0), from: [0, 0], gradients: many, isResetting: true)
    for step in found {
      #expect(abs(step[0] / -0.01 - 1) < 1.5e-6, "\(step)")
      #expect(abs(step[1] / 0.01 - 1) < 1.5e-6, "\(step)")
    }
  }

  /// Gradients whose squares leave Float32, as PyTorch takes them.
  @Test func extremeGradientsLeaveNoNaN() throws {
    let (huge, tiny) = (Float(2e19), Float(1e-30))
    let adam = try run(.adam(learningRate: 0.1), from: [1, 1], gradients: [[huge, tiny], [1, 0], [1, 1], [1, 1]])
    expectClose(
      adam, [[0.9, 1], [0.83299416, 1], [0.7811985, 0.93611866], [0.73877060, 0.85802436]], 2e-5)
    let all: [Optimizer] = [
      .sgd(learningRate: 0.1), .sgd(learningRate: 0.1, momentum: 0.9), .sgd(learningRate: 0.1, momentum: 0.9, nesterov: true),
      .sgd(learningRate: 0.1, weightDecay: 0.01), .adam(learningRate: 0.1), .adam(learningRate: 0.1, weightDecay: 0.01),
      .adamW(learningRate: 0.1),
    ]
    let steps: [[Float]] = [[1e30, -1e30], [0, 1e30], [1e-30, 3e38], [2e19, -3e38], [1e-38, 1], [0, 0], [-1, 1]]
    for optimizer in all {
      for step in try run(optimizer, from: [1, 1], gradients: steps) {
        #expect(step.allSatisfy { !$0.isNaN }, "\(optimizer): \(step)")
      }
    }
    // v has overflowed, and stays: no step is taken any more, and none is NaN.
    #expect(try run(.adam(learningRate: 0.1), from: [1, 1], gradients: [[1e30, 1e30], [1, 1], [1, 1]]).joined().allSatisfy { $0 == 1 })
  }

  @Test func stateIsDeclaredInOrderAndTheSameInEveryGraph() {
    let model = Sequential {
      Linear(3, 4)
      Dropout(0.5)
      Linear(4, 2)
    }
    let step = TrainingStep(model, loss: .softmaxCrossEntropy, optimizer: .adam())
    func names(_ graph: Graph) -> [String] { graph.state.map { "\($0.name) \($0.type)" } }
    let training = step.training(TensorType(.float32, [8, 3]), target: TensorType(.int32, [8]))
    #expect(training.diagnostics.isEmpty)
    #expect(
      training.state.map(\.name) == [
        "0.weight", "0.bias", "2.weight", "2.bias", "0.weight.m", "0.weight.v", "0.bias.m", "0.bias.v", "2.weight.m",
        "2.weight.v", "2.bias.m", "2.bias.v", "optimizer.beta1Power", "optimizer.beta2Power", "optimizer.step",
        "random.seed", "random.step",
      ])
    let evaluation = step.evaluation(TensorType(.float32, [5, 3]), target: TensorType(.int32, [5]))
    let prediction = step.prediction(TensorType(.float32, [1, 3]))
    #expect(names(evaluation) == names(training) && names(prediction) == names(training))
    // Evaluation leaves everything as it is, the random stream too.
    #expect(evaluation.updates.isEmpty && evaluation.diagnostics.isEmpty)
    #expect(!evaluation.nodes.contains { $0.op is Random })
    #expect(training.updates.count == training.state.count - 1)
  }

  @Test func mistakesOfNumbersAreReportedTogether() {
    #expect(Optimizer.sgd(learningRate: .nan, momentum: -1, nesterov: true, weightDecay: -1).mistakes.count == 4)
    #expect(Optimizer.adam(beta1: 1, beta2: 1, epsilon: -1).mistakes.count == 3)
    #expect(Optimizer.adamW().mistakes.isEmpty)
    let step = TrainingStep(Linear(2, 2), loss: .meanSquaredError, optimizer: .adam(beta2: 1.5))
    #expect(throws: GraphError.self) { try step.state() }
    #expect(Optimizer.sgd(learningRate: 1).hasSameStep(as: .sgd(learningRate: 0.1)))
    #expect(!Optimizer.sgd(learningRate: 1).hasSameStep(as: .sgd(learningRate: 1, momentum: 0.9)))
    #expect(!Optimizer.adam(weightDecay: 1).hasSameStep(as: .adamW(weightDecay: 1)))
  }

  @Test func metricsHaveNamesOfTheirOwn() {
    func mistakes(_ metrics: [Metric]) -> [String] {
      let step = TrainingStep(Linear(2, 2), loss: .meanSquaredError, optimizer: .adam(), metrics: metrics)
      do {
        _ = try step.state()
        return []
      } catch { return (error as? GraphError)?.diagnostics.map(\.message) ?? ["\(error)"] }
    }
    #expect(mistakes([.accuracy]).isEmpty)
    #expect(
      mistakes([.accuracy, Metric("loss") { a, b in (a - b).mean() }, .accuracy]) == [
        "a metric is named 'loss' like the loss; give it a name of its own",
        "a metric is named 'accuracy' like another; give it a name of its own",
      ])
  }

  /// As in PyTorch, a parameter without a gradient stays, whatever the weight decay.
  @Test func unusedParametersStay() {
    struct Half: Module {
      let used = Parameter([2]), unused = Parameter([2])
      func callAsFunction(_ x: Tensor) -> Tensor { x * used }
    }
    let step = TrainingStep(Half(), loss: .meanSquaredError, optimizer: .adamW())
    let type = TensorType(.float32, [2])
    let graph = step.training(type, target: type)
    let updated = Set(graph.updates.map { graph.state[$0.state.index].name })
    #expect(updated.contains("used") && updated.contains("used.m"))
    #expect(!updated.contains("unused") && !updated.contains("unused.m"))
    #expect(graph.state.contains { $0.name == "unused.v" })
  }

  @Test func parametersThatReflectionCannotSeeAreAMistake() {
    struct Hidden: Module {
      let seen = Linear(2, 2)
      let make: @Sendable (Tensor) -> Tensor
      init() {
        let hidden = Linear(2, 2)
        make = { hidden($0) }
      }
      func callAsFunction(_ x: Tensor) -> Tensor { make(seen(x)) }
    }
    let step = TrainingStep(Hidden(), loss: .meanSquaredError, optimizer: .sgd(learningRate: 1))
    let type = TensorType(.float32, [1, 2])
    let messages = step.training(type, target: type).diagnostics.map(\.description)
    #expect(messages.count == 2 && messages.allSatisfy { $0.contains("not found among its stored properties") })
  }
}
