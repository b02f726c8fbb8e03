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
