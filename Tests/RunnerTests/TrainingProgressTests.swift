import Testing

@testable import CinchGraph
@testable import CinchRunner

@Suite struct TrainingProgressTests {
  private final class Screen {
    var text = ""
    var time = 0.0
  }

  private func run(_ style: ProgressReport, epochs: Int, secondsPerBatch: Double, batches: Int = 2, unit: ProgressUnit = .steps)
    -> String
  {
    let screen = Screen()
    let reporter = ProgressReporter(
      style, epochs: 0..<epochs, batchesPerEpoch: batches, step: 0, unit: unit, rowCount: 31, width: 100,
      write: { screen.text += $0 }, now: { screen.time })
    var progress = TrainingProgress()
    for epoch in 1...epochs {
      for batch in 1...batches {
        screen.time += secondsPerBatch
        progress.step += 1
        progress.batch = batch
        reporter.endBatch(progress, loss: 0.5)
      }
      progress.epoch += 1
      progress.batch = 0
      let training = Evaluation(loss: 0.123456, metrics: [("accuracy", 0.5)], rowCount: 4)
      reporter.endEpoch(EpochRecord(epoch: epoch, training: training, validation: epoch == 2 ? training : nil))
    }
    reporter.finish()
    return screen.text
  }

  @Test func plainLinesComeAtAReadingPace() {
    let slow = run(.lines, epochs: 3, secondsPerBatch: 1)
    #expect(
      slow == """
        epoch 1/3: loss 0.1235, accuracy 0.5000 · 1.000 steps/s · 4.0s left
        epoch 2/3: loss 0.1235, accuracy 0.5000 · validation loss 0.1235, accuracy 0.5000 · 1.000 steps/s · 2.0s left
        epoch 3/3: loss 0.1235, accuracy 0.5000 · 1.000 steps/s · 6.0s

        """)
    let fast = run(.lines, epochs: 2000, secondsPerBatch: 0.001)
    #expect(fast.split(separator: "\n").count == 5)
    #expect(!fast.contains("\r") && fast.contains("epoch 2000/2000"))
  }

  @Test func theBarUpdatesOneLine() {
    let text = run(.bar, epochs: 2, secondsPerBatch: 0.2)
    #expect(text.filter { $0 == "\n" }.count == 1 && text.hasSuffix("\n"))
    #expect(text.contains("\repoch 1/2 ██████████░░░░░░░░░░ 1/2: loss 0.5000 · 5.000 steps/s · 0.6s left"))
    #expect(text.split(separator: "\r").allSatisfy { $0.count <= 100 })
  }

  @Test func theSpeedMayBeToldInRowsOrWhatTheyHold() {
    let images = run(.lines, epochs: 1, secondsPerBatch: 0.001, unit: .images)
    #expect(images.contains(" · 15,500 images/s · 0.0s"), "\(images)")
    let tokens = run(.bar, epochs: 2, secondsPerBatch: 0.2, unit: .rows("tokens", each: 64))
    #expect(tokens.contains("1/2: loss 0.5000 · 4,960 tokens/s · 0.6s left"), "\(tokens)")
  }

  @Test func silenceIsSilent() { #expect(run(.silent, epochs: 3, secondsPerBatch: 1).isEmpty) }

  @Test func numbersHaveFourDigits() {
    let texts = [0.123456, 12.3456, 1234.56, 123456.7, 0.000123456, 1.23e-5, -0.5, 9.99996, 1e9, 0].map(shortNumber)
    #expect(
      texts == ["0.1235", "12.35", "1235", "123457", "0.0001235", "1.23e-05", "-0.5000", "10.00", "1.0e+09", "0"])
    #expect(shortNumber(.nan) == "nan" && shortNumber(-.infinity) == "-inf")
    #expect([0.44, 9.94, 59.4, 65, 7265].map(ProgressReporter.duration) == ["0.4s", "9.9s", "59s", "1m05s", "2h01m"])
  }
}
