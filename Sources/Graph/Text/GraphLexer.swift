/// A piece of graph text: what it is and which bytes it takes.
struct GraphToken: Equatable {
  enum Kind: Equatable {
    case identifier
    /// Digits, or `0x` and hexadecimal digits.
    case integer
    /// With a point or an exponent.
    case real
    /// The text between the quotes, escapes resolved.
    case string(String)
    /// `%` and a name or number.
    case node
    case punctuation(UInt8)
    case arrow
    case end
  }

  let kind: Kind
  let range: Range<Int>
}

/// Cuts graph text into tokens. White space and comments (`//` to the end of the line) separate them.
struct GraphLexer {
  let source: [UInt8]
  private var position = 0

  init(_ source: [UInt8]) { self.source = source }

  func error(_ message: String, at offset: Int) -> GraphTextError {
    GraphTextError(message, at: offset, in: source)
  }

  func text(of token: GraphToken) -> String { String(decoding: source[token.range], as: UTF8.self) }

  /// The byte at some distance from the current one; 0 past the end, which no rule accepts.
  private func byte(_ distance: Int = 0) -> UInt8 {
    position + distance < source.count ? source[position + distance] : 0
  }

  mutating func next() throws(GraphTextError) -> GraphToken {
    skipSpace()
    let start = position
    guard position < source.count else { return GraphToken(kind: .end, range: start..<start) }
    let kind: GraphToken.Kind
    switch byte() {
    case UInt8(ascii: "\""): kind = .string(try string())
    case UInt8(ascii: "0")...UInt8(ascii: "9"): kind = try number()
    case let first where first.isLetter:
      skip { $0.isWord }
      kind = .identifier
    case UInt8(ascii: "%"):
      position += 1
      guard byte().isWord else { throw error("'%' must be followed by a node's number or name", at: start) }
      skip { $0.isWord }
      kind = .node
    case UInt8(ascii: "-") where byte(1) == UInt8(ascii: ">"):
      position += 2
      kind = .arrow
    case let mark where "{}()[]:,=;@+-*".utf8.contains(mark):
      position += 1
      kind = .punctuation(mark)
    default: throw error("unexpected character", at: start)
    }
    return GraphToken(kind: kind, range: start..<position)
  }

  private mutating func skip(while condition: (UInt8) -> Bool) {
    while position < source.count, condition(source[position]) { position += 1 }
  }

  private mutating func skipSpace() {
    while position < source.count {
      switch source[position] {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): position += 1
      case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "/"): skip { $0 != UInt8(ascii: "\n") }
      default: return
      }
    }
  }

  private mutating func number() throws(GraphTextError) -> GraphToken.Kind {
    let start = position
    var isReal = false
    let isHexadecimal = byte() == UInt8(ascii: "0") && byte(1) == UInt8(ascii: "x")
    if isHexadecimal { position += 2 }
    let digits = position
    skip { isHexadecimal ? $0.isHexadecimalDigit : $0.isDigit }
    var isWellFormed = position > digits
    if byte() == UInt8(ascii: ".") {
      isReal = true
      position += 1
      isWellFormed = isWellFormed && (isHexadecimal ? byte().isHexadecimalDigit : byte().isDigit)
      skip { isHexadecimal ? $0.isHexadecimalDigit : $0.isDigit }
    }
    if byte() == UInt8(ascii: isHexadecimal ? "p" : "e") {
      isReal = true
      position += 1
      if byte() == UInt8(ascii: "+") || byte() == UInt8(ascii: "-") { position += 1 }
      isWellFormed = isWellFormed && byte().isDigit
      skip { $0.isDigit }
    }
    guard isWellFormed, !byte().isWord else { throw error("malformed number", at: start) }
    return isReal ? .real : .integer
  }

  private mutating func string() throws(GraphTextError) -> String {
    let start = position
    position += 1
    var bytes: [UInt8] = []
    while true {
      guard position < source.count, source[position] != UInt8(ascii: "\n") else {
        throw error("the quoted text has no end on its line", at: start)
      }
      let byte = source[position]
      position += 1
      if byte == UInt8(ascii: "\"") { return String(decoding: bytes, as: UTF8.self) }
      if byte == UInt8(ascii: "\\") { try escape(&bytes) } else { bytes.append(byte) }
    }
  }

  private mutating func escape(_ bytes: inout [UInt8]) throws(GraphTextError) {
    let start = position - 1
    let mark = byte()
    position += 1
    switch mark {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(mark)
    case UInt8(ascii: "n"): bytes.append(UInt8(ascii: "\n"))
    case UInt8(ascii: "t"): bytes.append(UInt8(ascii: "\t"))
    case UInt8(ascii: "r"): bytes.append(UInt8(ascii: "\r"))
    case UInt8(ascii: "u") where byte() == UInt8(ascii: "{"):
      position += 1
      let digits = position
      skip { $0.isHexadecimalDigit }
      let text = String(decoding: source[digits..<position], as: UTF8.self)
      guard byte() == UInt8(ascii: "}"), let value = UInt32(text, radix: 16), let scalar = Unicode.Scalar(value)
      else { throw error("\\u{…} must hold the hexadecimal number of a Unicode scalar", at: start) }
      position += 1
      bytes += Array(String(Character(scalar)).utf8)
    default: throw error(#"unknown escape; there are \" \\ \n \t \r and \u{…}"#, at: start)
    }
  }
}

extension UInt8 {
  fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
  fileprivate var isLetter: Bool {
    let lower = self | 0x20
    return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lower) || self == UInt8(ascii: "_")
  }
  fileprivate var isWord: Bool { isLetter || isDigit }
  fileprivate var isHexadecimalDigit: Bool {
    isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self | 0x20)
  }
}
