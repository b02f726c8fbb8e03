import Cinch
import Foundation
import Testing

private func network(dropout: Bool = false) -> Sequential {
  Sequential {
    Linear(3, 8)
    ReLU()
    if dropout { Dropout(0.25) }
    Linear(8, 2)
  }
}

private func data(rows: Int = 23) throws -> Dataset {
  let x = HostTensor.randomNormal([rows, 3], seed: 1)
  let y = (0..<rows).flatMap { [x[$0, 0] + x[$0, 1], x[$0, 2] * x[$0, 0]] }
  return try Dataset(x, HostTensor(y, shape: [rows, 2]))
}

private func temporaryPath(_ name: String) -> String {
  NSTemporaryDirectory() + "cinch-\(UUID().uuidString)-\(name)"
}

/// Every state variable's bits.
private func contents(_ trainer: Trainer) throws -> [String: HostTensor] {
  Dictionary(uniqueKeysWithValues: try trainer.state.names.map { ($0, try trainer.value(of: $0)) })
}

@Suite struct TrainingFitTests {
  private func trainer(
    _ optimizer: Optimizer = .adam(learningRate: 0.01), dropout: Bool = false, engine: Engine = .interpreter,
    metrics: [Metric] = []
  ) throws -> Trainer {
    try Trainer(
      network(dropout: dropout), loss: .meanSquaredError, optimizer: optimizer, metrics: metrics, seed: 3,
      engine: engine)
  }

  @Test(arguments: [Engine.interpreter, .tinycc(nil)])
  func theLossFalls(engine: Engine) throws {
    let trainer = try trainer(engine: engine, metrics: [.meanAbsoluteError])
    let data = try data()
    let before = try trainer.evaluate(data)
    let last = try trainer.fit(data, epochs: 40, batchSize: 8, report: .silent)
    let after = try trainer.evaluate(data)
    #expect(after.loss < before.loss / 2)
    #expect((after["meanAbsoluteError"] ?? 9) < (before["meanAbsoluteError"] ?? 0))
    #expect(last?.epoch == 40 && trainer.progress.step == 120 && trainer.lossCurve.steps.count == 120)
    #expect(try trainer.value(of: "optimizer.step").scalar == 120)
  }

  /// The last, partial batch counts by its rows.
  @Test func theEpochsLossIsTheMeanOverRows() throws {
    let trainer = try trainer(.sgd(learningRate: 0))
    let data = try data()
    let record = try trainer.fit(data, epochs: 1, batchSize: 10, shuffling: false, report: .silent)
    let whole = try trainer.evaluate(data)
    #expect(abs((record?.training.loss ?? 0) - whole.loss) < 1e-6)
    #expect(abs(try trainer.evaluate(data, batchSize: 7).loss - whole.loss) < 1e-6)
    #expect(record?.training.rowCount == 23)
    // By hand from the predictions.
    let predictions = try trainer.predict(data.x, batchSize: 9)
    #expect(predictions.shape == [23, 2])
    #expect(predictions == (try trainer.predict(data.x)))
    let squares = zip(predictions.floats, data.y.floats).map { Double(($0 - $1) * ($0 - $1)) }
    #expect(abs(squares.reduce(0, +) / 46 - whole.loss) < 1e-6)
  }

  @Test func everyRowIsUsedOnceInAnEpochAndOrdersDiffer() throws {
    // With the loss Σ prediction and lr 1, the parameter sums up the rows.
    struct Probe: Module {
      let p = Parameter([1])
      func callAsFunction(_ x: Tensor) -> Tensor { x * p }
    }
    let trainer = try Trainer(
      Probe(), loss: Loss("sum") { prediction, _ in prediction.sum() }, optimizer: .sgd(learningRate: 1),
      engine: .interpreter)
    let x = HostTensor((0..<10).map { Float(1 << $0) }, shape: [10, 1])
    var steps: [[Float]] = []
    try trainer.fit(x, x, epochs: 3, batchSize: 3, report: .silent) { _ in
      let before = steps.joined().reduce(0, +)
      steps.append([-(try trainer.value(of: "p").scalar) - before])
    }
    #expect(steps == [[1023], [1023], [1023]])
    #expect(Set(trainer.lossCurve.steps).count > 4)
  }

  @Test(arguments: [Optimizer.sgd(learningRate: 0.05, momentum: 0.9), .adamW(learningRate: 0.01)])
  func resumingGivesTheSameBits(optimizer: Optimizer) throws {
    let data = try data()
    let path = temporaryPath("resume.safetensors")
    defer { try? FileManager.default.removeItem(atPath: path) }

    let whole = try trainer(optimizer, dropout: true, metrics: [.meanAbsoluteError])
    var records: [EpochRecord] = []
    try whole.fit(data, epochs: 4, batchSize: 5, report: .silent) { records.append($0) }

    // Saved every 7 steps: the last checkpoint but one stands inside the second epoch of 5 steps.
    for steps in [7, 5] {
      let first = try trainer(optimizer, dropout: true, metrics: [.meanAbsoluteError])
      try first.fit(data, epochs: 2, batchSize: 5, report: .silent, saving: .every(steps: steps, to: path))
      let second = try Trainer(
        network(dropout: true), loss: .meanSquaredError, optimizer: optimizer, metrics: [.meanAbsoluteError], seed: 99,
        engine: .interpreter)
      try second.load(path)
      #expect(second.progress.step == (steps == 7 ? 7 : 10) && second.seed == 3)
      var rest: [EpochRecord] = []
      try second.fit(data, epochs: 4 - second.progress.epoch, batchSize: 5, report: .silent) { rest.append($0) }
      #expect(try contents(second) == contents(whole))
      #expect(rest.map(\.training.loss) == records.suffix(rest.count).map(\.training.loss))
      #expect(
        rest.map { $0.training["meanAbsoluteError"] }
          == records.suffix(rest.count).map { $0.training["meanAbsoluteError"] })
      #expect(second.progress == whole.progress)
    }
  }

  @Test func aCheckpointFromInsideAnEpochNeedsTheSameBatches() throws {
    let path = temporaryPath("inside.safetensors")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let trainer = try trainer()
    try trainer.fit(data(), epochs: 1, batchSize: 5, report: .silent, saving: .every(steps: 3, to: path))
    try trainer.load(path)
    #expect(throws: TrainingError.otherBatches(rowCount: 23, batchSize: 5, givenRowCount: 23, givenBatchSize: 6)) {
      try trainer.fit(data(), epochs: 1, batchSize: 6, report: .silent)
    }
  }

  /// The compiled programs for whole batches, the last one, evaluation and prediction work on one state.
  @Test func enginesAgreeToTheBit() throws {
    let data = try data()
    var results: [[String: HostTensor]] = []
    var losses: [[Float]] = []
    for engine in [Engine.interpreter, .tinycc(nil), .tinycc(.scalar)] {
      let trainer = try trainer(dropout: true, engine: engine)
      try trainer.fit(data, epochs: 3, batchSize: 6, validation: data, report: .silent)
      results.append(try contents(trainer))
      losses.append(trainer.lossCurve.steps)
    }
    #expect(results[1] == results[0] && results[2] == results[0])
    #expect(losses[1] == losses[0] && losses[2] == losses[0])
  }

  @Test func hyperparametersChangeWithoutANewProgram() throws {
    let trainer = try trainer(.sgd(learningRate: 0.1))
    let data = try data()
    try trainer.fit(data, epochs: 1, report: .silent)
    let program = try trainer.step
    let before = try contents(trainer)
    trainer.optimizer.learningRate = 0
    try trainer.fit(data, epochs: 2, report: .silent)
    #expect(try trainer.step === program)
    #expect(try trainer.value(of: "0.weight") == before["0.weight"])
    trainer.optimizer.weightDecay = 0.1
    #expect(throws: TrainingError.self) { try trainer.fit(data, epochs: 1, report: .silent) }
    trainer.optimizer = .sgd(learningRate: -.infinity)
    #expect(throws: TrainingError.self) { try trainer.fit(data, epochs: 1, report: .silent) }
  }

  @Test func stopEndsAfterTheEpoch() throws {
    let trainer = try trainer()
    try trainer.fit(data(), epochs: 9, report: .silent) { if $0.epoch == 2 { trainer.stop() } }
    #expect(trainer.progress.epoch == 2)
    try trainer.fit(data(), epochs: 1, report: .silent)
    #expect(trainer.progress.epoch == 3)
  }

  @Test func badUseIsAnError() throws {
    func message(_ body: () throws -> Void) -> String {
      do {
        try body()
        return "no error"
      } catch { return "\(error)" }
    }
    let trainer = try trainer()
    let data = try data()
    #expect(message { _ = try trainer.step }.contains("call fit first"))
    #expect(message { try trainer.fit(data, epochs: 0) }.contains("epochs must be at least 1"))
    #expect(message { try trainer.fit(data, epochs: 1, batchSize: 0) }.contains("batch size must be at least 1"))
    #expect(message { try trainer.fit(data.x, .zeros([23, 5]), epochs: 1) }.contains("f32[23, 2] and f32[23, 5]"))
    #expect(message { try trainer.fit(.zeros([23, 4]), data.y, epochs: 1) }.contains("Linear(in_features=3"))
    #expect(message { _ = try trainer.predict(.zeros([2, 4])) }.contains("Linear(in_features=3"))
    #expect(message { _ = try trainer.value(of: "0.wait") }.contains("no state variable '0.wait'"))
    #expect(
      message { _ = try Trainer(ReLU(), loss: .meanSquaredError, optimizer: .adam()) }.contains("has no parameters"))
    #expect(
      message { _ = try Trainer(Linear(0, 2), loss: .meanSquaredError, optimizer: .adam()) }
        .contains("TrainingFitTests.swift"))
  }

  @Test func divergenceIsAnErrorAndKeepsTheCheckpoint() throws {
    let path = temporaryPath("diverged.safetensors")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let trainer = try trainer(.sgd(learningRate: 1e30))
    do {
      try trainer.fit(data(), epochs: 50, report: .silent, saving: .everyEpoch(to: path))
      Issue.record("no error")
    } catch let error as TrainingError {
      #expect("\(error)".contains("smaller learning rate"))
    }
    let file = try SafeTensors(path: path)
    #expect(Int(file.metadata["epoch"] ?? "") == trainer.progress.epoch)
    let saved = file["2.bias"]?.floats ?? []
    #expect(saved.count == 2)
  }

  @Test(arguments: [Engine.interpreter, .tinycc(nil)])
  func aLabelOutOfRangeNamesItsRow(engine: Engine) throws {
    let trainer = try Trainer(
      Linear(2, 3), loss: .softmaxCrossEntropy, optimizer: .sgd(learningRate: 0.1), metrics: [.accuracy], engine: engine)
    let x = HostTensor.randomNormal([9, 2], seed: 2)
    let y = HostTensor([0, 1, 2, 0, 1, 2, 3, 0, 1] as [Int32])
    let before = try contents(trainer)
    do {
      try trainer.fit(x, y, epochs: 1, report: .silent)
      Issue.record("no error")
    } catch {
      #expect("\(error)" == "error: y[6] is the label 3, but the model tells 3 classes apart: labels are 0 to 2")
    }
    #expect(try contents(trainer) == before)
    #expect(throws: TrainingError.labelOutOfRange(position: [6], label: 3, limit: 3)) { try trainer.evaluate(x, y) }
  }

  /// One label for each position of a sequence; the rows of a batch stand in another order than in the data.
  @Test func aLabelOutOfRangeNamesItsPosition() throws {
    let trainer = try Trainer(
      Linear(2, 3), loss: .softmaxCrossEntropy, optimizer: .sgd(learningRate: 0.1), engine: .interpreter)
    let x = HostTensor.randomNormal([6, 4, 2], seed: 2)
    let y = HostTensor((0..<24).map { $0 == 18 ? 7 : Int32($0 % 3) }, shape: [6, 4])
    #expect(throws: TrainingError.labelOutOfRange(position: [4, 2], label: 7, limit: 3)) {
      try trainer.fit(x, y, epochs: 1, batchSize: 2, report: .silent)
    }
    #expect("\(TrainingError.labelOutOfRange(position: [4, 2], label: 7, limit: 3))".hasPrefix("error: y[4, 2] is the label 7"))
  }
}
