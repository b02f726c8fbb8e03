/// Text under construction: bytes appended to one array, since printing is on the path to the first step.
struct TextBuffer {
  var bytes: [UInt8] = []
  private(set) var indentation = 0

  var text: String { String(decoding: bytes, as: UTF8.self) }

  mutating func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes.append(contentsOf: $0) }
  }

  mutating func write(_ byte: Unicode.Scalar) { bytes.append(UInt8(ascii: byte)) }

  mutating func write(_ number: some BinaryInteger) {
    if number < 0 { bytes.append(UInt8(ascii: "-")) }
    write(digits: UInt64(number.magnitude))
  }

  private mutating func write(digits number: UInt64) {
    if number < 10 { return bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number)) }
    // As many as 64 bits can have.
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var first = digits.count
    var rest = number
    while rest != 0 {
      let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 10)
      first -= 1
      digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: remainder)
      rest = quotient
    }
    bytes.append(addingCapacity: digits.count - first) { text in
      for position in first..<digits.count { text.append(digits[position]) }
    }
  }

  /// `0x` and the digits of `bits`, at least `minimumDigits`.
  mutating func write(hexadecimal bits: UInt64, minimumDigits: Int = 1) {
    write("0x")
    var digits = max(1, (64 - bits.leadingZeroBitCount + 3) / 4)
    digits = max(digits, minimumDigits)
    for position in (0..<digits).reversed() { write(hexadecimalDigit: bits >> UInt64(4 * position)) }
  }

  mutating func write(hexadecimalDigit bits: UInt64) { bytes.append(Self.hexadecimalDigit(UInt8(truncatingIfNeeded: bits & 15))) }

  private static func hexadecimalDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }

  /// `0x` and two digits for each of some bytes, with commas between.
  mutating func write(hexadecimalBytes code: ArraySlice<UInt8>) {
    bytes.append(addingCapacity: 5 * code.count) { text in
      for (index, byte) in code.enumerated() {
        if index > 0 { text.append(UInt8(ascii: ",")) }
        text.append(UInt8(ascii: "0"))
        text.append(UInt8(ascii: "x"))
        text.append(Self.hexadecimalDigit(byte >> 4))
        text.append(Self.hexadecimalDigit(byte & 15))
      }
    }
  }

  /// Starts a line: the newline ends the line before, if there is one.
  mutating func startLine() {
    if let last = bytes.last, last != UInt8(ascii: "\n") { write("\n") }
    for _ in 0..<indentation { write("  ") }
  }

  mutating func writeLine(_ line: String) {
    startLine()
    write(line)
    write("\n")
  }

  /// Comma-separated; lines break before 100 columns.
  mutating func write(list items: [String]) {
    var column = bytes.count - 1 - (bytes.lastIndex(of: UInt8(ascii: "\n")) ?? -1)
    for (index, item) in items.enumerated() {
      let width = item.utf8.count + 2
      if index > 0, column + width > 100 {
        write(",\n")
        for _ in 0..<indentation + 2 { write("  ") }
        column = 2 * indentation + 4
      } else if index > 0 {
        write(", ")
        column += 2
      }
      write(item)
      column += item.utf8.count
    }
  }

  mutating func indent() { indentation += 1 }
  mutating func outdent() { indentation -= 1 }
}
