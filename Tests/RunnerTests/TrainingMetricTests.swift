import Cinch
import Foundation
import Synchronization
import Testing

/// Metrics over batches, random numbers outside of training, and warnings, as a user of `Trainer` meets them.
@Suite(.serialized) struct TrainingMetricTests {
  /// Adds noise in training and outside of it, and has two layers called twice.
  private struct Noisy: Module {
    let linear = Linear(2, 2)
    let last = Linear(2, 1)
    let drop = Dropout(0.25)
    func callAsFunction(_ x: Tensor) -> Tensor {
      let builder = x.builder
      let hidden = drop(linear(drop(linear(x))))
      return last(hidden + 0.1 * builder.random(.normal, hidden.shape) + 0.1 * builder.random(.uniform, hidden.shape, stream: 1))
    }
  }

  private static let metrics: [Metric] = [
    .meanAbsoluteError, .rootMeanSquaredError,
    Metric("variance", means: 2, { p, _ in [p.squared().mean(), p.mean()] }, finish: { $0[0] - $0[1] * $0[1] }),
    Metric("bias") { p, t in (p - t).mean() },
  ]

  private func data() throws -> Dataset {
    let x = HostTensor.randomNormal([23, 2], seed: 1)
    return try Dataset(x, HostTensor(.float32((0..<23).map { 3 * x[$0, 0] * x[$0, 1] }), shape: [23, 1]))
  }

  private func trainer(_ model: some Module, learningRate: Double = 0.01) throws -> Trainer {
    try Trainer(
      model, loss: .meanSquaredError, optimizer: .adam(learningRate: learningRate), metrics: Self.metrics, seed: 3,
      engine: .interpreter)
  }

  /// A root of means is not the mean of roots: the same numbers, whatever the batches.
  @Test func metricsAreThoseOfAllRows() throws {
    let trainer = try trainer(Linear(2, 1), learningRate: 0)
    let data = try data()
    let prediction = try trainer.predict(data.x).floats.map(Double.init)
    let errors = zip(prediction, data.y.floats).map { $0 - Double($1) }
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    let expected = [
      mean(errors.map(abs)), mean(errors.map { $0 * $0 }).squareRoot(),
      mean(prediction.map { $0 * $0 }) - mean(prediction) * mean(prediction), mean(errors),
    ]
    for batchSize in [nil, 1, 4, 22, 23] {
      let evaluation = try trainer.evaluate(data, batchSize: batchSize)
      let record = try trainer.fit(data, epochs: 1, batchSize: batchSize, report: .silent)
      for found in [evaluation, try #require(record).training] {
        #expect(found.metrics.map(\.name) == Self.metrics.map(\.name))
        for (metric, value) in zip(found.metrics, expected) {
          #expect(abs(metric.value - value) < 1e-5 * max(1, abs(value)), "\(metric) with batches of \(batchSize ?? 23)")
        }
      }
    }
  }

  /// Every metric's sums go on after a resume inside an epoch, as if there had been none.
  @Test func resumedMetricsAreThoseOfAnUninterruptedEpoch() throws {
    let path = NSTemporaryDirectory() + "cinch-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let (data, model) = (try data(), Noisy())
    let whole = try trainer(model)
    let record = try whole.fit(
      data, epochs: 2, batchSize: 4, validation: data, report: .silent, saving: .every(steps: 9, to: path))
    let resumed = try trainer(model)
    try resumed.load(path)
    #expect(resumed.progress.batch == 3)
    let other = try resumed.fit(data, epochs: 1, batchSize: 4, validation: data, report: .silent)
    #expect(record?.training.metrics.map(\.value) == other?.training.metrics.map(\.value))
    #expect(record?.validation?.metrics.map(\.value) == other?.validation?.metrics.map(\.value))
    #expect(Set(record?.training.metrics.map(\.value) ?? []).count == 4)
  }

  /// What is asked of a model between two steps leaves the training's random numbers alone.
  @Test func predictingChangesNoTraining() throws {
    let (data, model) = (try data(), Noisy())
    let (quiet, asked) = (try trainer(model), try trainer(model))
    var predictions: [[Float]] = []
    for _ in 0..<3 {
      try quiet.fit(data, epochs: 1, batchSize: 8, report: .silent)
      try asked.fit(data, epochs: 1, batchSize: 8, report: .silent)
      predictions.append(try asked.predict(data.x, batchSize: 8).floats)
      predictions.append(try asked.predict(data.x, batchSize: 8).floats)
      let evaluations = try (0..<2).map { _ in try asked.evaluate(data, batchSize: 8).loss }
      #expect(evaluations[0] == evaluations[1])
    }
    #expect(Set(predictions).count == predictions.count)
    for name in quiet.state.names { try #expect(quiet.value(of: name) == asked.value(of: name), "\(name)") }
  }

  private final class Seen: Sendable {
    let warnings = Mutex<[Diagnostic]>([])
  }

  /// With their line, once, and not where they are observed or silenced.
  @Test func warningsAreShownOnce() throws {
    let seen = Seen()
    Warnings.observe { warning in
      if warning.site.filePath.hasSuffix("TrainingMetricTests.swift") { seen.warnings.withLock { $0.append(warning) } }
    }
    defer { Warnings.observe(nil) }
    struct Forgetful: Module {
      let used = Linear(2, 1), forgotten = Linear(2, 1)
      func callAsFunction(_ x: Tensor) -> Tensor { used(x) }
    }
    let data = try data()
    let targets = HostTensor(.float32((0..<23).map { $0 == 5 ? 2 : 1 }), shape: [23, 1])
    for _ in 0..<2 {
      let trainer = try Trainer(
        Forgetful(), loss: .binaryCrossEntropyWithLogits, optimizer: .sgd(learningRate: 0.1), engine: .interpreter)
      for batchSize in [23, 8] { try trainer.fit(data.x, targets, epochs: 1, batchSize: batchSize, report: .silent) }
    }
    let found = seen.warnings.withLock { $0 }
    #expect(found.count == 2)
    #expect(found.contains { $0.message == "y[5, 0] is 2.0, but binaryCrossEntropyWithLogits takes targets from 0.0 to 1.0" })
    #expect(found.contains { $0.message.hasPrefix("the layer 'forgotten' (Linear) is never called in training") })
    #expect(found.allSatisfy { $0.description.contains(": warning: ") })
  }
}
