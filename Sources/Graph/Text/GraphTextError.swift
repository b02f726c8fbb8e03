/// What is wrong with a graph text, and where.
public struct GraphTextError: Error, Sendable, Hashable, CustomStringConvertible {
  public let message: String
  /// From 1.
  public let line: Int
  /// From 1, in characters as an editor counts them (Unicode scalars).
  public let column: Int
  /// The line of text that the mistake is in, cut where it is very long, and a caret below the place.
  public let excerpt: String

  public var description: String { "\(line):\(column): error: \(message)\n\(excerpt)" }

  /// `offset` is in bytes of `source`, at most its count.
  init(_ message: String, at offset: Int, in source: [UInt8]) {
    let newLine = UInt8(ascii: "\n")
    var line = 1
    var lineStart = 0
    for position in 0..<offset where source[position] == newLine {
      line += 1
      lineStart = position + 1
    }
    let lineEnd = source[offset...].firstIndex(of: newLine) ?? source.count
    let before = Array(String(decoding: source[lineStart..<offset], as: UTF8.self).unicodeScalars)
    let after = String(decoding: source[offset..<lineEnd], as: UTF8.self).unicodeScalars
    self.message = message
    self.line = line
    self.column = before.count + 1

    let width = 80
    var shown = ""
    var caret = ""
    if before.count > width {
      shown = "…"
      caret = " "
    }
    for scalar in before.suffix(width) {
      shown.unicodeScalars.append(scalar)
      caret += scalar == "\t" ? "\t" : " "
    }
    for scalar in after.prefix(width) { shown.unicodeScalars.append(scalar) }
    if after.count > width { shown += "…" }
    self.excerpt = shown + "\n" + caret + "^"
  }
}

/// What graph text may hold at most: text may come from anywhere, and absurd sizes are refused before memory is asked for.
enum GraphTextLimits {
  static let bytes = 1 << 30
  static let nesting = 32
  static let nodes = 1 << 20
  static let operands = 1 << 16
  static let rank = 64
  static let listElements = 1 << 28
  /// Bounds extents, axes and coefficients, so that sums and differences of a few of them can't overflow.
  static let magnitude = 1 << 40
}
