import Glibc

/// A range of numbers along an axis, with the round numbers that are marked.
struct ChartAxis {
  let range: ClosedRange<Double>
  let isLogarithmic: Bool
  let ticks: [Double]

  /// - Parameter data: finite, and above 0 for a logarithmic axis.
  init(_ data: ClosedRange<Double>, isLogarithmic: Bool = false, tickCount: Int = 6) {
    self.isLogarithmic = isLogarithmic
    var (low, high) = (data.lowerBound, data.upperBound)
    if isLogarithmic {
      // The largest powers of ten that are numbers.
      (low, high) = (min(max(low, 1e-300), 1e300), min(max(high, 1e-300), 1e300))
      (range, ticks) = Self.logarithmic(low, high)
      return
    }
    // Powers of ten and halves of numbers smaller than this are 0.
    let smallest = 1e-290
    if max(abs(low), abs(high)) < smallest { (low, high) = (-smallest, smallest) }
    if low == high {
      let room = low == 0 ? 1 : abs(low) * 0.5
      (low, high) = (max(low - room, -.greatestFiniteMagnitude), min(high + room, .greatestFiniteMagnitude))
    }
    // Halves, for the difference of two huge numbers is infinite.
    let step = Self.roundStep((high / 2 - low / 2) / Double(tickCount) * 2)
    let (first, last) = ((low / step).rounded(.down), (high / step).rounded(.up))
    guard step > 0, (first * step).isFinite, (last * step).isFinite, abs(first) < 0x1p52, abs(last) < 0x1p52, last - first < 100
    else {
      range = low...high
      ticks = [low, high]
      return
    }
    range = first * step...last * step
    ticks = (0...Int(last - first)).map { (first + Double($0)) * step }
  }

  /// 1, 2 or 5 times a power of ten, at least as large.
  private static func roundStep(_ step: Double) -> Double {
    let power = pow(10, log10(step).rounded(.down))
    for factor in [1.0, 2, 5] where factor * power >= step { return factor * power }
    return 10 * power
  }

  private static func logarithmic(_ low: Double, _ high: Double) -> (ClosedRange<Double>, [Double]) {
    let first = log10(low).rounded(.down)
    let last = max(log10(high).rounded(.up), first + 1)
    let decades = Int(last - first)
    let stride = max(1, (decades + 7) / 8)
    var ticks: [Double] = []
    for decade in Swift.stride(from: 0, through: decades, by: stride) {
      let power = pow(10, first + Double(decade))
      ticks.append(power)
      // Between the powers of ten where there are few of them.
      if decades <= 2 && decade < decades { ticks += [2 * power, 5 * power] }
    }
    return (pow(10, first)...pow(10, last), ticks)
  }

  /// Where a number stands, from 0 to 1.
  func position(of value: Double) -> Double {
    if isLogarithmic {
      let (low, high) = (log10(range.lowerBound), log10(range.upperBound))
      return (log10(value) - low) / (high - low)
    }
    return (value / 2 - range.lowerBound / 2) / (range.upperBound / 2 - range.lowerBound / 2)
  }

  /// `0.25`, `1,000`, `1e-05`: without digits that the axis does not need.
  static func label(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
    let size = abs(value)
    guard size >= 1e-4, size < 1e7 else {
      let exponent = Int(log10(size).rounded(.down))
      let mantissa = (value / pow(10, Double(exponent)) * 100).rounded() / 100
      guard mantissa.isFinite else { return "\(value)" }
      return (mantissa == mantissa.rounded() ? "\(Int(mantissa))" : "\(mantissa)") + "e\(exponent)"
    }
    let rounded = (value * 1e6).rounded() / 1e6
    if rounded == rounded.rounded() { return (rounded < 0 ? "-" : "") + groupedDigits(Int(abs(rounded))) }
    return "\(rounded)"
  }
}
