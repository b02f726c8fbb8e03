/// Where a field's text stands, without the spaces around it and the quotes.
struct CSVField {
  var range: Range<Int>
  /// Whether two quotes stand for one.
  var hasEscapes = false

  func text(in bytes: [UInt8]) -> String {
    let text = String(decoding: bytes[range], as: UTF8.self)
    guard hasEscapes else { return text }
    var result = ""
    var skipsQuote = false
    for character in text.unicodeScalars {
      if character == "\"" && skipsQuote {
        skipsQuote = false
        continue
      }
      skipsQuote = character == "\""
      result.unicodeScalars.append(character)
    }
    return result
  }
}

/// Reads fields one after the other.
struct CSVScanner {
  private let bytes: [UInt8]
  private let separator: UInt8
  private(set) var position: Int
  private(set) var line: Int
  /// Whether the row just read was a line with nothing but spaces.
  private(set) var wasBlank = false
  private var isFirstField = true
  private var rowHasEnded = false
  private var endsWithSeparator = false

  private static let quote = UInt8(ascii: "\"")
  private static let newline = UInt8(ascii: "\n")
  private static let carriageReturn = UInt8(ascii: "\r")

  init(_ bytes: [UInt8], separator: UInt8, at position: Int? = nil, line: Int = 1) {
    self.bytes = bytes
    self.separator = separator
    self.line = line
    // A byte order mark is no part of the first field.
    self.position = position ?? (bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0)
  }

  /// A separator at the very end has an empty field after it.
  var isAtEnd: Bool { position >= bytes.count && !endsWithSeparator }

  /// Without the blank lines at the end, which are no rows.
  static func trimmed(_ bytes: [UInt8], separator: UInt8) -> [UInt8] {
    var end = bytes.count
    var kept = end
    while end > 0 {
      let byte = bytes[end - 1]
      guard byte == newline || byte == carriageReturn || (isSpace(byte) && byte != separator) else { break }
      end -= 1
      if byte == newline { kept = end }
    }
    // What stands alone in the file is blank too.
    return Array(bytes[..<(end == 0 ? 0 : kept)])
  }

  /// The row's next field; nil once at the end of each row.
  mutating func nextField(_ name: String) throws -> CSVField? {
    if rowHasEnded {
      rowHasEnded = false
      return nil
    }
    skipSpaces()
    var field = CSVField(range: position..<position)
    let isQuoted = position < bytes.count && bytes[position] == Self.quote
    if isQuoted {
      field = try quotedField(name)
    } else {
      while position < bytes.count, bytes[position] != separator, !isLineEnd { position += 1 }
      var end = position
      while end > field.range.lowerBound, Self.isSpace(bytes[end - 1]) { end -= 1 }
      field.range = field.range.lowerBound..<end
    }
    if position < bytes.count, bytes[position] == separator {
      position += 1
      isFirstField = false
      endsWithSeparator = position == bytes.count
    } else {
      wasBlank = isFirstField && !isQuoted && field.range.isEmpty
      endRow()
    }
    return field
  }

  private var isLineEnd: Bool {
    bytes[position] == Self.newline
      || (bytes[position] == Self.carriageReturn
        && (position + 1 == bytes.count || bytes[position + 1] == Self.newline))
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

  private mutating func skipSpaces() {
    while position < bytes.count, Self.isSpace(bytes[position]), bytes[position] != separator { position += 1 }
  }

  private mutating func endRow() {
    if position < bytes.count, bytes[position] == Self.carriageReturn { position += 1 }
    if position < bytes.count, bytes[position] == Self.newline { position += 1 }
    line += 1
    isFirstField = true
    endsWithSeparator = false
    rowHasEnded = true
  }

  private mutating func quotedField(_ name: String) throws -> CSVField {
    let firstLine = line
    position += 1
    let start = position
    var hasEscapes = false
    while position < bytes.count {
      if bytes[position] == Self.newline { line += 1 }
      if bytes[position] == Self.quote {
        guard position + 1 < bytes.count, bytes[position + 1] == Self.quote else { break }
        hasEscapes = true
        position += 1
      }
      position += 1
    }
    guard position < bytes.count else {
      throw DataError("a quoted field begins here and never ends", file: name, line: firstLine)
    }
    let range = start..<position
    position += 1
    skipSpaces()
    guard position == bytes.count || bytes[position] == separator || isLineEnd else {
      throw DataError("a quoted field is followed by more than a separator", file: name, line: line)
    }
    return CSVField(range: range, hasEscapes: hasEscapes)
  }
}
