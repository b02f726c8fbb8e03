import Glibc

/// Shows how training goes, on the standard error output.
final class ProgressReporter {
  private let style: ProgressReport
  private let epochs: Range<Int>
  private let batchesPerEpoch: Int
  /// Of the unit, in a step; the mean where the last batch is smaller.
  private let countPerStep: Double
  private let unitName: String
  private let firstStep: Int
  private let write: (String) -> Void
  private let now: () -> Double
  /// Of the terminal; asked for anew unless given, for windows change.
  private let width: Int?
  private let start: Double
  /// What went into compiling, which the steps to come need not pay again.
  private var excludedSeconds = 0.0
  /// After the first step, which fills memory and caches: what the others are measured from.
  private var firstStepEnd: Mark?
  private var epochStart: Double
  private var lastFrame = -Double.infinity
  private var lastLine = -Double.infinity
  private var shownLength = 0
  private var pendingLine: String?

  /// A moment of training.
  private struct Mark {
    var seconds: Double
    var steps: Int
    var epochs: Double
  }

  /// Seconds between frames of a bar, so that it looks alive.
  private static let frameInterval = 0.1
  /// Seconds between lines that stay, so that a log of many epochs stays readable; few epochs have a line each.
  private static let lineInterval = 1.0
  private static let fewEpochs = 100

  /// - Parameters:
  ///   - rowCount: of the data.
  ///   - write: what shows the text; the standard error output unless given.
  ///   - now: the clock, in seconds.
  init(
    _ style: ProgressReport, epochs: Range<Int>, batchesPerEpoch: Int, step: Int, unit: ProgressUnit = .steps, rowCount: Int = 0,
    width: Int? = nil, write: ((String) -> Void)? = nil, now: (() -> Double)? = nil
  ) {
    self.style = style == .automatic ? (isatty(STDERR_FILENO) == 1 ? .bar : .lines) : style
    self.epochs = epochs
    self.batchesPerEpoch = batchesPerEpoch
    countPerStep = unit.perRow.map { Double($0) * Double(rowCount) / Double(batchesPerEpoch) } ?? 1
    unitName = unit.name
    self.width = width
    self.write = write ?? Self.writeToStandardError
    self.now = now ?? Self.monotonicSeconds
    firstStep = step
    start = self.now()
    epochStart = start
  }

  /// Does what says nothing about the speed of training.
  func excluding<Result>(_ body: () throws -> Result) rethrows -> Result {
    let begin = now()
    defer { excludedSeconds += now() - begin }
    return try body()
  }

  /// - Parameter means: of the loss and the metrics over the epoch so far.
  func endBatch(_ progress: TrainingProgress, means: () -> Evaluation) {
    guard style != .silent else { return }
    if firstStepEnd == nil { firstStepEnd = mark(progress, now()) }
    // A clock for each step would cost more than the smallest steps do.
    guard style == .bar, progress.step & 15 == 0 || batchesPerEpoch > 1 || progress.step - firstStep < 16 else { return }
    let time = now()
    guard time - lastFrame >= Self.frameInterval else { return }
    lastFrame = time
    showFrame(frame(progress, means(), time))
  }

  func endEpoch(_ record: EpochRecord) {
    guard style != .silent else { return }
    let time = now()
    let text = line(record, time)
    epochStart = time
    if record.epoch == epochs.upperBound || epochs.count <= Self.fewEpochs || time - lastLine >= Self.lineInterval {
      writeLine(text)
      lastLine = time
    } else {
      pendingLine = text
      if style == .bar, time - lastFrame >= Self.frameInterval {
        lastFrame = time
        showFrame(text)
      }
    }
  }

  /// Leaves the terminal's line empty for whoever else writes.
  func clearFrame() {
    guard shownLength > 0 else { return }
    write("\r" + String(repeating: " ", count: shownLength) + "\r")
    shownLength = 0
    lastFrame = -Double.infinity
  }

  /// The last state stays on the screen.
  func finish() {
    if let pendingLine { writeLine(pendingLine) }
    clearFrame()
  }

  // MARK: Text

  /// `epoch 3/10`; without an end where there is none.
  private func title(_ epoch: Int) -> String {
    epochs.upperBound == .max ? "epoch \(epoch)" : "epoch \(epoch)/\(epochs.upperBound)"
  }

  /// `epoch 3/10: loss 0.1234, accuracy 0.95 · validation loss 0.2, … · 2.1s · 12,345 images/s · 1m05s left`.
  private func line(_ record: EpochRecord, _ time: Double) -> String {
    var text = "\(title(record.epoch)): \(record.training)"
    if let validation = record.validation { text += " · validation \(validation)" }
    // Shorter ones would all be `0.0s`.
    if time - epochStart >= 0.05 { text += " · \(Self.duration(time - epochStart))" }
    let done = Mark(
      seconds: time - start - excludedSeconds, steps: record.step - firstStep, epochs: Double(record.epoch - epochs.lowerBound))
    return text + rate(done, time)
  }

  private func frame(_ progress: TrainingProgress, _ means: Evaluation, _ time: Double) -> String {
    let fraction = Double(progress.batch) / Double(batchesPerEpoch)
    let cells = 20
    let filled = Int(fraction * Double(cells))
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: cells - filled)
    let batches = batchesPerEpoch > 1 ? " \(bar) \(progress.batch)/\(batchesPerEpoch)" : ""
    return "\(title(progress.epoch + 1))\(batches): \(means)" + rate(mark(progress, time), time)
  }

  private func mark(_ progress: TrainingProgress, _ time: Double) -> Mark {
    Mark(
      seconds: time - start - excludedSeconds, steps: progress.step - firstStep,
      epochs: Double(progress.epoch - epochs.lowerBound) + Double(progress.batch) / Double(batchesPerEpoch))
  }

  /// The speed, and how long the rest takes at that speed; what one step took says little about others.
  private func rate(_ done: Mark, _ time: Double) -> String {
    let first = firstStepEnd.flatMap { $0.steps < done.steps ? $0 : nil }
    let isLast = done.epochs >= Double(epochs.count)
    guard let from = first ?? (isLast ? Mark(seconds: 0, steps: 0, epochs: 0) : nil), done.seconds > from.seconds else { return "" }
    let seconds = done.seconds - from.seconds
    let perSecond = Double(done.steps - from.steps) * countPerStep / seconds
    let rate = 10..<1e15 ~= perSecond ? groupedDigits(Int(perSecond.rounded())) : shortNumber(perSecond)
    let text = " · \(rate) \(unitName)/s"
    if isLast { return text + " · \(Self.duration(time - start)) in all" }
    let left = seconds / (done.epochs - from.epochs) * (Double(epochs.count) - done.epochs)
    return epochs.upperBound == .max ? text : text + " · \(Self.duration(left)) left"
  }

  // MARK: The terminal

  /// On a line of its own, whole even where it wraps.
  private func writeLine(_ text: String) {
    pendingLine = nil
    let padding = String(repeating: " ", count: max(0, shownLength - text.count))
    write((shownLength > 0 ? "\r" : "") + text + padding + "\n")
    shownLength = 0
  }

  /// Overwrites what stands on the terminal's line, and cuts what would wrap.
  private func showFrame(_ text: String) {
    let text = String(text.prefix(max((width ?? Self.terminalWidth()) - 1, 20)))
    let padding = String(repeating: " ", count: max(0, shownLength - text.count))
    write("\r" + text + padding)
    shownLength = text.count
  }

  /// `0.4s`, `12s`, `3m05s`, `2h07m`.
  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "long" }
    if seconds < 9.95 { return "\((seconds * 10).rounded() / 10)s" }
    let whole = Int(seconds.rounded())
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    if whole < 60 { return "\(whole)s" }
    return whole < 3600 ? "\(whole / 60)m\(two(whole % 60))s" : "\(whole / 3600)h\(two(whole / 60 % 60))m"
  }

  private static func writeToStandardError(_ text: String) {
    var text = text
    text.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }

  private static func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  private static func terminalWidth() -> Int {
    var size = winsize()
    return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 100
  }
}
