import Testing

@testable import CinchGraph
@testable import CinchRunner

@Suite struct TrainingProgressTests {
  private final class Screen {
    var text = ""
    var time = 0.0
  }

  private func run(
    _ style: ProgressReport, epochs: Int, secondsPerBatch: Double, batches: Int = 2, unit: ProgressUnit = .steps,
    secondsBefore: Double = 0, width: Int = 120, callback: ((Screen, Int) -> Void)? = nil
  ) -> String {
    let screen = Screen()
    let reporter = ProgressReporter(
      style, epochs: 0..<epochs, batchesPerEpoch: batches, step: 0, unit: unit, rowCount: 31, width: width,
      write: { screen.text += $0 }, now: { screen.time })
    var progress = TrainingProgress()
    reporter.excluding { screen.time += secondsBefore }
    for epoch in 1...epochs {
      for batch in 1...batches {
        // The first step fills memory and caches.
        screen.time += secondsPerBatch * (progress.step == 0 && secondsBefore > 0 ? 10 : 1)
        progress.step += 1
        progress.batch = batch
        reporter.endBatch(progress) { Evaluation(loss: 1 / Double(progress.step), metrics: [("accuracy", 0.25)], rowCount: 4) }
      }
      progress.epoch += 1
      progress.batch = 0
      let training = Evaluation(loss: 0.123456, metrics: [("accuracy", 0.5)], rowCount: 4)
      reporter.endEpoch(EpochRecord(epoch: epoch, step: progress.step, training: training, validation: epoch == 2 ? training : nil))
      if let callback {
        reporter.clearFrame()
        callback(screen, epoch)
      }
    }
    reporter.finish()
    return screen.text
  }

  /// What a terminal shows of it: lines, the last of which may be unfinished.
  private func shown(_ text: String) -> [String] {
    var lines: [[Character]] = [[]]
    var column = 0
    for character in text {
      switch character {
      case "\n":
        lines.append([])
        column = 0
      case "\r": column = 0
      default:
        if column < lines[lines.count - 1].count {
          lines[lines.count - 1][column] = character
        } else {
          lines[lines.count - 1].append(character)
        }
        column += 1
      }
    }
    return lines.map { line in String(String(line.reversed()).drop { $0 == " " }.reversed()) }
  }

  @Test func plainLinesComeAtAReadingPace() {
    let slow = run(.lines, epochs: 3, secondsPerBatch: 1)
    #expect(
      slow == """
        epoch 1/3: loss 0.1235, accuracy 0.5000 · 2.0s · 1.000 steps/s · 4.0s left
        epoch 2/3: loss 0.1235, accuracy 0.5000 · validation loss 0.1235, accuracy 0.5000 · 2.0s · 1.000 steps/s · 2.0s left
        epoch 3/3: loss 0.1235, accuracy 0.5000 · 2.0s · 1.000 steps/s · 6.0s in all

        """)
    // Few epochs have a line each, however fast they are.
    #expect(run(.lines, epochs: 100, secondsPerBatch: 0.001).filter { $0 == "\n" }.count == 100)
    let fast = run(.lines, epochs: 2000, secondsPerBatch: 0.001)
    #expect(fast.split(separator: "\n").count == 5)
    #expect(!fast.contains("\r") && fast.contains("epoch 2000/2000"))
  }

  /// On a terminal, each epoch leaves what a file would have.
  @Test(arguments: [0.001, 0.2, 3]) func theBarLeavesALineForEachEpoch(secondsPerBatch: Double) {
    let lines = shown(run(.bar, epochs: 3, secondsPerBatch: secondsPerBatch, width: 60))
    #expect(lines.joined(separator: "\n") == run(.lines, epochs: 3, secondsPerBatch: secondsPerBatch))
    let many = shown(run(.bar, epochs: 2000, secondsPerBatch: 0.01))
    #expect(many.count == 42 && many[40].hasPrefix("epoch 2000/2000: loss 0.1235") && many[41].isEmpty, "\(many.count)")
  }

  @Test func theBarShowsMeansOfTheEpochSoFar() {
    let text = run(.bar, epochs: 2, secondsPerBatch: 0.2)
    #expect(
      text.contains(
        "\repoch 2/2 ██████████░░░░░░░░░░ 1/2: loss 0.3333, accuracy 0.2500 · 5.000 steps/s · 0.2s left"), "\(text)")
    // One step says little about others.
    #expect(text.hasPrefix("\repoch 1/2 ██████████░░░░░░░░░░ 1/2: loss 1.000, accuracy 0.2500\r"), "\(text)")
    let narrow = run(.bar, epochs: 2, secondsPerBatch: 0.2, width: 40)
    #expect(narrow.split(separator: "\r").allSatisfy { $0.contains("\n") || $0.count < 40 })
  }

  @Test func whatCallbacksPrintStandsAlone() {
    for epochs in [3, 1000] {
      let text = run(.bar, epochs: epochs, secondsPerBatch: 0.06) { screen, epoch in screen.text += "hello \(epoch)\n" }
      let lines = shown(text)
      #expect(lines.allSatisfy { !$0.contains("hello") || $0.hasPrefix("hello ") && $0.count <= 10 })
      #expect(lines.filter { $0.hasPrefix("hello") }.count == epochs)
      #expect(lines.allSatisfy { $0.isEmpty || $0.hasPrefix("hello") || $0.hasPrefix("epoch") })
    }
  }

  /// Three seconds of compiling and a slow first step before a job of some tenths of a second.
  @Test func compilingIsNoPartOfTheEstimate() {
    let text = run(.bar, epochs: 2, secondsPerBatch: 0.1, secondsBefore: 3)
    let estimates = text.split(separator: " ").indices.compactMap { index -> Substring? in
      let words = text.split(separator: " ")
      return words[index].hasPrefix("left") ? words[index - 1] : nil
    }
    #expect(estimates == ["0.2s", "0.1s"] && text.contains("4.3s in all"), "\(text)")
  }

  @Test func trainingWithoutAnEndSaysNone() {
    var text = ""
    let reporter = ProgressReporter(
      .lines, epochs: 0..<Int.max, batchesPerEpoch: 1, step: 0, unit: .rows("r", each: .max), rowCount: 31,
      write: { text += $0 }, now: { 2 * Double(text.count + 1) })
    let training = Evaluation(loss: 0.5, metrics: [], rowCount: 4)
    reporter.endEpoch(EpochRecord(epoch: 1, step: 1, training: training, validation: nil))
    #expect(text.hasPrefix("epoch 1: loss 0.5000") && !text.contains("left"), "\(text)")
  }

  @Test func theSpeedMayBeToldInRowsOrWhatTheyHold() {
    let images = run(.lines, epochs: 1, secondsPerBatch: 0.001, unit: .images)
    #expect(images.contains(" · 15,500 images/s · 0.0s in all"), "\(images)")
    let tokens = run(.bar, epochs: 2, secondsPerBatch: 0.2, unit: .rows("tokens", each: 64))
    #expect(tokens.contains("1/2: loss 0.3333, accuracy 0.2500 · 4,960 tokens/s · 0.2s left"), "\(tokens)")
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
