import Glibc

/// Where the progress of training is shown.
public enum ProgressReport: Sendable, Hashable {
  /// A bar that updates in place where the standard error output is a terminal, else plain lines at a reading pace.
  case automatic
  case bar
  case lines
  case silent
}

/// What the speed of training is told in.
public struct ProgressUnit: Sendable, Hashable {
  let name: String
  /// How many of them a row of data is; nil where whole steps are counted.
  let perRow: Int?

  public static let steps = ProgressUnit(name: "steps", perRow: nil)
  public static let images = rows("images")

  /// - Parameters:
  ///   - name: in the plural.
  ///   - each: how many of them one row of data holds: `.rows("tokens", each: 64)` for sequences of 64 tokens.
  public static func rows(_ name: String, each count: Int = 1) -> ProgressUnit { ProgressUnit(name: name, perRow: count) }
}

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
  private let width: Int
  private let start: Double
  private var lastShown = -Double.infinity
  private var shownLength = 0
  private var recent = 0.0
  private var pendingRecord: EpochRecord?

  /// Seconds between updates: of a bar, so that it looks alive; of lines, so that a log stays readable.
  private static let barInterval = 0.1
  private static let lineInterval = 1.0

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
    countPerStep = unit.perRow.map { Double($0 * rowCount) / Double(batchesPerEpoch) } ?? 1
    unitName = unit.name
    self.width = width ?? Self.terminalWidth()
    self.write = write ?? Self.writeToStandardError
    self.now = now ?? Self.monotonicSeconds
    firstStep = step
    start = self.now()
  }

  func endBatch(_ progress: TrainingProgress, loss: Float) {
    guard style != .silent else { return }
    // A clock for each step would cost more than the smallest steps do.
    guard progress.step & 15 == 0 || batchesPerEpoch > 1 || progress.step - firstStep < 16 else { return }
    let time = now()
    recent = Double(loss)
    if style == .bar, time - lastShown >= Self.barInterval {
      replaceLine(by: bar(progress, time))
      lastShown = time
    }
  }

  func endEpoch(_ record: EpochRecord) {
    guard style != .silent else { return }
    let time = now()
    pendingRecord = record
    let isLast = record.epoch == epochs.upperBound
    switch style {
    case .lines where isLast || time - lastShown >= Self.lineInterval:
      write(line(record, time) + "\n")
      lastShown = time
      pendingRecord = nil
    case .bar where isLast || time - lastShown >= Self.barInterval:
      replaceLine(by: line(record, time))
      lastShown = time
    default: break
    }
  }

  /// The last state stays on the screen.
  func finish() {
    if let record = pendingRecord {
      if style == .bar { replaceLine(by: line(record, now())) }
      if style == .lines { write(line(record, now()) + "\n") }
    }
    if style == .bar && shownLength > 0 { write("\n") }
    pendingRecord = nil
  }

  /// `epoch 3/10: loss 0.1234, accuracy 0.95 · validation loss 0.2, … · 12,345 images/s · 1m05s left`.
  private func line(_ record: EpochRecord, _ time: Double) -> String {
    var text = "epoch \(record.epoch)/\(epochs.upperBound): \(record.training)"
    if let validation = record.validation { text += " · validation \(validation)" }
    let done = record.epoch - epochs.lowerBound
    return text + rate(steps: done * batchesPerEpoch, epochsDone: Double(done), time)
  }

  private func bar(_ progress: TrainingProgress, _ time: Double) -> String {
    let fraction = Double(progress.batch) / Double(batchesPerEpoch)
    let cells = 20
    let filled = Int(fraction * Double(cells))
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: cells - filled)
    let batches = batchesPerEpoch > 1 ? " \(bar) \(progress.batch)/\(batchesPerEpoch)" : ""
    return "epoch \(progress.epoch + 1)/\(epochs.upperBound)\(batches): loss \(shortNumber(recent))"
      + rate(
        steps: progress.step - firstStep, epochsDone: Double(progress.epoch - epochs.lowerBound) + fraction, time)
  }

  private func rate(steps: Int, epochsDone: Double, _ time: Double) -> String {
    let seconds = time - start
    guard seconds > 0, epochsDone > 0 else { return "" }
    let left = seconds / epochsDone * (Double(epochs.count) - epochsDone)
    let perSecond = Double(steps) * countPerStep / seconds
    let rate = perSecond >= 10 ? groupedDigits(Int(perSecond)) : shortNumber(perSecond)
    return " · \(rate) \(unitName)/s" + (left > 0 ? " · \(Self.duration(left)) left" : " · \(Self.duration(seconds))")
  }

  /// Overwrites what stands on the terminal's line, and cuts what would wrap.
  private func replaceLine(by text: String) {
    let text = String(text.prefix(max(width - 1, 20)))
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

/// `1,234,567`, of a number from 0 on.
func groupedDigits(_ number: Int) -> String {
  let digits = Array(String(number))
  return digits.indices.reduce(into: "") { text, position in
    if position > 0, (digits.count - position) % 3 == 0 { text.append(",") }
    text.append(digits[position])
  }
}

/// Four significant digits: `0.1234`, `12.35`, `1.234e-05`.
func shortNumber(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
  var exponent = Int(log10(abs(value)).rounded(.down))
  var mantissa = (value / pow(10, Double(exponent)) * 1000).rounded() / 1000
  if abs(mantissa) >= 10 {
    mantissa /= 10
    exponent += 1
  }
  if exponent < -4 || exponent > 6 {
    return "\(mantissa)e\(exponent < 0 ? "-" : "+")\(abs(exponent) < 10 ? "0" : "")\(abs(exponent))"
  }
  // Decimal digits after the point, built from a whole number so that no digits of the binary fraction show.
  let places = max(0, 3 - exponent)
  let scaled = Int((abs(value) * pow(10, Double(places))).rounded())
  guard places > 0 else { return (value < 0 ? "-" : "") + String(scaled) }
  var digits = String(scaled)
  if digits.count <= places { digits = String(repeating: "0", count: places + 1 - digits.count) + digits }
  return (value < 0 ? "-" : "") + digits.dropLast(places) + "." + digits.suffix(places)
}
