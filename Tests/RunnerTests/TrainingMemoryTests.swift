import Cinch
import Glibc
import Testing

@testable import CinchRunner

/// What a trainer holds on to, however long it lives.
@Suite(.serialized) struct TrainingMemoryTests {
  private func residentBytes() throws -> Int { try residentAndVirtualPages().resident * MemorySegment.pageByteCount }

  /// Every batch size has a program of its own; the memory for intermediate values is one.
  @Test func programsOfATrainerShareTheirMemory() throws {
    let model = Sequential {
      Linear(4, 512)
      ReLU()
      Linear(512, 1)
    }
    let trainer = try Trainer(model, loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.01), engine: .tinycc(nil))
    func predict(_ count: Int) throws -> HostTensor { try trainer.predict(.randomNormal([count, 4], seed: 3)) }
    let first = try predict(8_000)
    let before = try residentBytes()
    for count in 7_990..<8_000 { _ = try predict(count) }
    // Each alone needs 16 MB.
    #expect(try residentBytes() - before < 48 << 20)
    #expect(try predict(8_000) == first)
  }

  @Test func whatWasNotUsedTheLongestMakesRoom() {
    var cache = RecentlyUsed<Int, String>(capacity: 3, byteLimit: 100, leastCount: 2)
    for key in 0..<3 { cache.insert("\(key)", for: key, byteCount: 10) }
    #expect(cache[0] == "0")
    cache.insert("3", for: 3, byteCount: 10)
    #expect(cache[1] == nil && cache.count == 3)
    // Two stay even so.
    cache.insert("4", for: 4, byteCount: 1_000)
    #expect(cache.count == 2 && cache[4] == "4" && cache[3] == "3")
    cache.insert("5", for: 4, byteCount: 1)
    #expect(cache.count == 2 && cache[4] == "5")
  }

  /// Means of steps, and every second epoch, then every fourth, with the first and the last.
  @Test func longCurvesAreThinnedOut() {
    var curve = LossCurve()
    let count = 100_000
    for step in 1...count { curve.addStep(Float(step)) }
    #expect(curve.stepsPerPoint == 4 && curve.steps.count == count / 4)
    #expect(curve.steps.prefix(2) == [2.5, 6.5])
    curve.addStep(7)
    #expect(curve.steps.last == 7 && curve.steps.count == count / 4 + 1)
    #expect(curve.chart().series[0].points[1].x == 6.5)

    for epoch in 1...20_001 {
      let training = Evaluation(loss: Double(epoch), metrics: [], rowCount: 1)
      curve.add(EpochRecord(epoch: epoch, step: epoch, training: training, validation: nil))
      #expect(curve.epochs.last?.epoch == epoch)
    }
    let epochs = curve.epochs.map(\.epoch)
    #expect(epochs.count < LossCurve.recordLimit && epochs.first == 1 && epochs.last == 20_001)
    #expect(epochs.dropFirst().dropLast().allSatisfy { $0 % 8 == 0 } && epochs.count == 2 + 20_000 / 8)
  }
}
