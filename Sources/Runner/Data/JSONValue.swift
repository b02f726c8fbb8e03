/// As much of JSON as file headers need: objects, arrays, strings and whole numbers.
indirect enum JSONValue: Equatable {
  case object([(key: String, value: JSONValue)])
  case array([JSONValue])
  case string(String)
  case integer(Int)

  static func == (a: JSONValue, b: JSONValue) -> Bool {
    switch (a, b) {
    case (.object(let a), .object(let b)): a.elementsEqual(b) { $0.key == $1.key && $0.value == $1.value }
    case (.array(let a), .array(let b)): a == b
    case (.string(let a), .string(let b)): a == b
    case (.integer(let a), .integer(let b)): a == b
    default: false
    }
  }

  /// Where and why a text is no JSON.
  struct Failure: Error {
    let message: String
    let offset: Int
  }

  init(_ bytes: ArraySlice<UInt8>) throws(Failure) {
    var parser = JSONParser(bytes: bytes)
    self = try parser.value(depth: 0)
    parser.skipSpaces()
    guard parser.position == bytes.endIndex else { throw parser.failure("more follows the end") }
  }

  func write(into text: inout String) {
    switch self {
    case .object(let entries):
      text += "{"
      for (position, entry) in entries.enumerated() {
        if position > 0 { text += "," }
        JSONValue.string(entry.key).write(into: &text)
        text += ":"
        entry.value.write(into: &text)
      }
      text += "}"
    case .array(let values):
      text += "["
      for (position, value) in values.enumerated() {
        if position > 0 { text += "," }
        value.write(into: &text)
      }
      text += "]"
    case .integer(let value): text += String(value)
    case .string(let value):
      text += "\""
      for scalar in value.unicodeScalars {
        switch scalar {
        case "\"": text += "\\\""
        case "\\": text += "\\\\"
        case _ where scalar.value < 0x20:
          let digits = String(scalar.value, radix: 16)
          text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: text.unicodeScalars.append(scalar)
        }
      }
      text += "\""
    }
  }
}

private struct JSONParser {
  let bytes: ArraySlice<UInt8>
  var position: Int

  /// Far deeper than any header; a file of brackets must not exhaust the stack.
  private static let maximumDepth = 16

  init(bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  func failure(_ message: String) -> JSONValue.Failure {
    JSONValue.Failure(message: message, offset: position - bytes.startIndex)
  }

  private var next: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

  mutating func skipSpaces() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpaces()
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  mutating func value(depth: Int) throws(JSONValue.Failure) -> JSONValue {
    guard depth < Self.maximumDepth else { throw failure("values nest too deeply") }
    if take("{") { return try object(depth: depth) }
    if take("[") { return try array(depth: depth) }
    if next == UInt8(ascii: "\"") { return .string(try string()) }
    return .integer(try integer())
  }

  private mutating func object(depth: Int) throws(JSONValue.Failure) -> JSONValue {
    var entries: [(key: String, value: JSONValue)] = []
    var keys: Set<String> = []
    if take("}") { return .object(entries) }
    repeat {
      skipSpaces()
      let key = try string()
      guard keys.insert(key).inserted else { throw failure("the key '\(key)' is given twice") }
      guard take(":") else { throw failure("':' expected") }
      entries.append((key, try value(depth: depth + 1)))
    } while take(",")
    guard take("}") else { throw failure("',' or '}' expected") }
    return .object(entries)
  }

  private mutating func array(depth: Int) throws(JSONValue.Failure) -> JSONValue {
    var values: [JSONValue] = []
    if take("]") { return .array(values) }
    repeat { values.append(try value(depth: depth + 1)) } while take(",")
    guard take("]") else { throw failure("',' or ']' expected") }
    return .array(values)
  }

  private mutating func integer() throws(JSONValue.Failure) -> Int {
    let start = position
    if next == UInt8(ascii: "-") { position += 1 }
    while let byte = next, byte >= 0x30, byte <= 0x39 { position += 1 }
    guard let value = Int(String(decoding: bytes[start..<position], as: UTF8.self)) else {
      throw failure("a text, a whole number, '{' or '[' expected")
    }
    return value
  }

  private mutating func string() throws(JSONValue.Failure) -> String {
    guard take("\"") else { throw failure("a text in quotes expected") }
    var text: [UInt8] = []
    while let byte = next, byte != UInt8(ascii: "\"") {
      guard byte >= 0x20 else { throw failure("a control character in a text") }
      position += 1
      if byte == UInt8(ascii: "\\") { try escape(into: &text) } else { text.append(byte) }
    }
    guard take("\"") else { throw failure("a text that never ends") }
    guard let valid = String(validating: text, as: UTF8.self) else { throw failure("a text that is no UTF-8") }
    return valid
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONValue.Failure) {
    guard let byte = next else { throw failure("a text that never ends") }
    position += 1
    switch Unicode.Scalar(byte) {
    case "\"", "\\", "/": text.append(byte)
    case "b": text.append(0x08)
    case "f": text.append(0x0C)
    case "n": text.append(0x0A)
    case "r": text.append(0x0D)
    case "t": text.append(0x09)
    case "u":
      var value = try hexadecimal()
      if value >= 0xD800, value < 0xDC00, next == UInt8(ascii: "\\"), position + 1 < bytes.endIndex,
        bytes[position + 1] == UInt8(ascii: "u")
      {
        position += 2
        let low = try hexadecimal()
        guard low >= 0xDC00, low < 0xE000 else { throw failure("half of a surrogate pair") }
        value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(value) else { throw failure("half of a surrogate pair") }
      text.append(contentsOf: Array(String(Character(scalar)).utf8))
    default: throw failure("an unknown escape")
    }
  }

  private mutating func hexadecimal() throws(JSONValue.Failure) -> UInt32 {
    guard position + 4 <= bytes.endIndex,
      let value = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
    else { throw failure("four hexadecimal digits expected") }
    position += 4
    return value
  }
}
