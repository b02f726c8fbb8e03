import CinchGraph

/// Where loop IR text is not what it should be.
public struct LoopParseError: Error, Sendable, Hashable, CustomStringConvertible {
  /// From 1.
  public var line: Int
  public var column: Int
  public var message: String

  public var description: String { "line \(line), column \(column): error: \(message)" }
}

/// Splits loop IR text into tokens.
struct LoopLexer {
  enum Token: Hashable {
    /// Letters, digits, `_` and `.`, starting with a letter or `_`.
    case word(String)
    /// Starts with a digit; sign apart.
    case number(String)
    case string(String)
    case symbol(UInt8)
    case end

    var description: String {
      switch self {
      case .word(let text), .number(let text): "`\(text)`"
      case .string(let text): "\"\(text)\""
      case .symbol(let byte): "`\(Character(Unicode.Scalar(byte)))`"
      case .end: "the end"
      }
    }
  }

  private let bytes: [UInt8]
  private var position = 0
  private var line = 1
  private var lineStart = 0
  /// Where the last token starts.
  private(set) var tokenLine = 1
  private(set) var tokenColumn = 1

  init(_ text: String) { bytes = Array(text.utf8) }

  func error(_ message: String) -> LoopParseError {
    LoopParseError(line: tokenLine, column: tokenColumn, message: message)
  }

  mutating func next() throws(LoopParseError) -> Token {
    skipBlanks()
    tokenLine = line
    tokenColumn = position - lineStart + 1
    guard position < bytes.count else { return .end }
    let byte = bytes[position]
    if Self.isLetter(byte) { return .word(run { Self.isLetter($0) || Self.isDigit($0) || $0 == UInt8(ascii: ".") }) }
    if Self.isDigit(byte) { return .number(numberText()) }
    position += 1
    return byte == UInt8(ascii: "\"") ? .string(try stringText()) : .symbol(byte)
  }

  private mutating func skipBlanks() {
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\n"):
        position += 1
        line += 1
        lineStart = position
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): position += 1
      case UInt8(ascii: "/") where position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "/"):
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
      default: return
      }
    }
  }

  private mutating func run(while belongs: (UInt8) -> Bool) -> String {
    let start = position
    while position < bytes.count, belongs(bytes[position]) { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// Digits, letters and dots; a sign after a decimal exponent's `e`.
  private mutating func numberText() -> String {
    let start = position
    while position < bytes.count {
      let byte = bytes[position]
      let isExponentSign =
        (byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")) && bytes[position - 1] == UInt8(ascii: "e")
        && !bytes[start..<position].contains(UInt8(ascii: "x"))
      guard Self.isLetter(byte) || Self.isDigit(byte) || byte == UInt8(ascii: ".") || isExponentSign else { break }
      position += 1
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func stringText() throws(LoopParseError) -> String {
    var content: [UInt8] = []
    while position < bytes.count, bytes[position] != UInt8(ascii: "\n") {
      let byte = bytes[position]
      position += 1
      if byte == UInt8(ascii: "\"") { return String(decoding: content, as: UTF8.self) }
      guard byte == UInt8(ascii: "\\") else {
        content.append(byte)
        continue
      }
      let escape = position < bytes.count ? bytes[position] : 0
      position += 1
      switch escape {
      case UInt8(ascii: "n"): content.append(UInt8(ascii: "\n"))
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): content.append(escape)
      case UInt8(ascii: "u"):
        let code = run { $0 != UInt8(ascii: "}") && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\n") }
        guard let value = UInt8(code.dropFirst(), radix: 16), code.hasPrefix("{"), value < 0x80 else {
          throw error("expected \\u{hexadecimal digits}")
        }
        position += 1
        content.append(value)
      default: throw error("unknown escape in a string")
      }
    }
    throw error("a string without its closing quote")
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")) || byte == UInt8(ascii: "_")
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  static func isWord(_ text: String) -> Bool {
    guard let first = text.utf8.first, isLetter(first) else { return false }
    return text.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: ".") }
  }

  // MARK: Numbers

  /// The text that gives the literal back, given its type; nil for what no number says (NaN's payload).
  static func number(_ literal: ScalarLiteral) -> String? {
    let text =
      switch literal.type {
      case .float32: literal.floatValue.description
      case .float64: literal.doubleBits.description
      case .int32: literal.intValue.description
      case .bool: literal.boolValue ? "true" : "false"
      }
    return Self.literal(text, literal.type) == literal ? text : nil
  }

  /// The literal of this type that the text says.
  static func literal(_ text: String, _ type: ElementType) -> ScalarLiteral? {
    switch type {
    case .float32:
      guard let value = Float(text), !value.isNaN else { return nil }
      return .float(value)
    case .float64:
      guard let value = Double(text), !value.isNaN else { return nil }
      return .double(value)
    case .int32: return Int32(text).map { .int($0) }
    case .bool: return text == "true" ? .bool(true) : text == "false" ? .bool(false) : nil
    }
  }
}
