import Cinch
import TestSupport
import Testing

/// Programs for two sizes of batch, for evaluation and for prediction work on one state segment: whatever the engine and the
/// number of workers, they leave the same bits.
@Suite struct SharedStateTests {
  private static let definition = TrainingStep(
    Sequential {
      Linear(9, 33)
      GELU()
      Dropout(0.25)
      Linear(33, 4)
    }, loss: .softmaxCrossEntropy, optimizer: .adamW(learningRate: 0.01), metrics: [.accuracy])

  private static let classes: Int32 = 4

  /// What is left of everything after some steps: losses, predictions, state.
  private func run(_ engine: Engine, workers: Int) throws -> [HostTensor] {
    let options = ProgramOptions(engine: engine, workers: workers, isTesting: true)
    let definition = Self.definition
    func types(_ rows: Int) -> (TensorType, TensorType) { (TensorType(.float32, [rows, 9]), TensorType(.int32, [rows])) }
    let (wholeX, wholeY) = types(32)
    let (partX, partY) = types(7)
    let (allX, allY) = types(71)
    let whole = try definition.training(wholeX, target: wholeY).compile(options)
    let part = try definition.training(partX, target: partY).compile(options)
    let evaluation = try definition.evaluation(allX, target: allY).compile(options)
    let prediction = try definition.prediction(allX).compile(options)
    let state = try ModelState(whole.step.stateLayout, seed: 5, isTesting: true)

    let x = HostTensor.randomNormal([71, 9], seed: 1)
    let y = HostTensor((0..<71).map { Int32($0 * $0 % 4) })
    for program in [whole, part] {
      for hyperparameter in definition.optimizer.hyperparameters {
        let value: ElementArray =
          hyperparameter.type == .float64 ? .float64([hyperparameter.value]) : .float32([Float(hyperparameter.value)])
        try program.setInput(hyperparameter.name, to: HostTensor(value, shape: []))
      }
    }
    var left: [HostTensor] = []
    for _ in 0..<3 {
      for start in [0, 32] {
        left.append(
          try #require(try whole.run(["x": x.rows(start..<start + 32), "y": y.rows(start..<start + 32)], state: state)["loss"]))
      }
      left.append(try #require(try part.run(["x": x.rows(64..<71), "y": y.rows(64..<71)], state: state)["loss"]))
      let scores = try evaluation.run(["x": x, "y": y], state: state)
      left += [try #require(scores["loss"]), try #require(scores["accuracy"])]
      left.append(try #require(try prediction.run(["x": x], state: state)["prediction"]))
    }
    // None has taken a copy: all see the last step's parameters, and nothing else has changed them.
    return left + (try state.names.map { try state.value(of: $0) })
  }

  @Test func oneStateForAllPrograms() throws {
    let expected = try run(.interpreter, workers: 1)
    #expect(Set(expected.prefix(18).map { "\($0)" }).count > 12)
    let engines = TestedEngine.available.compactMap { Engine(name: $0.rawValue) }
    for engine in engines {
      for workers in [1, 3] {
        let found = try run(engine, workers: workers)
        #expect(found == expected, "\(engine) with \(workers) workers")
      }
    }
  }

  /// Piece by piece, whatever the type, and again after a change.
  @Test func resetGivesInitialValuesAgain() throws {
    let graph = Graph { g in
      let weights = g.parameter("weights", [37, 999], .xavierNormal)
      let count = g.parameter("count", [], .constant(3))
      g.update(weights, to: weights * 2)
      g.update(count, to: count + 1)
      g.output("y", weights.sum())
    }
    let program = try graph.compile(ProgramOptions(engine: .interpreter))
    let state = try ModelState(program.step.stateLayout, seed: 5)
    let initial = Dictionary(
      uniqueKeysWithValues: state.layout.entries.map {
        ($0.variable.name, HostTensor($0.variable.initialValue(seed: 5), shape: $0.variable.type.shape))
      })
    func values() throws -> [String: HostTensor] {
      Dictionary(uniqueKeysWithValues: try state.names.map { ($0, try state.value(of: $0)) })
    }
    #expect(try values() == initial)
    try program.step(state)
    #expect(try values() != initial)
    state.reset(seed: 5)
    #expect(try values() == initial)
    state.reset(seed: 6)
    #expect(try values()["weights"] != initial["weights"])
  }
}
