/// Text that grows by many small pieces: bytes until it is done, because each appending to a `String` costs more than
/// what is appended.
struct ASCIIText: TextOutputStream {
  private var bytes: [UInt8] = []

  mutating func reserveCapacity(_ count: Int) { bytes.reserveCapacity(count) }

  mutating func write(_ text: String) { bytes.append(contentsOf: text.utf8) }

  mutating func write(_ parts: String...) {
    for part in parts { write(part) }
  }

  /// `0x` and two digits.
  mutating func writeHexadecimal(_ byte: UInt8) {
    bytes.append(UInt8(ascii: "0"))
    bytes.append(UInt8(ascii: "x"))
    bytes.append(Self.digit(byte >> 4))
    bytes.append(Self.digit(byte & 15))
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }

  var string: String { String(decoding: bytes, as: UTF8.self) }
}
