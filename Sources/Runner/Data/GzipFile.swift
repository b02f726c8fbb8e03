/// Files compressed by gzip (RFC 1952): one or more members, each a header, a DEFLATE stream, and what to check it by.
enum GzipFile {
  /// The most that is decompressed, so that a small file can't fill the memory: what it grows in takes up to three times as much.
  /// Much that is a hundred times as large as its file is no data, but was made to fill memory.
  static func limit(compressed byteCount: Int) -> Int {
    min(1 << 32, ProcessMemory.available.byteCount / 4, max(1 << 28, 100 * byteCount))
  }
  /// No stream of DEFLATE expands by more.
  private static let greatestRatio = 1032

  static func isGzip(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1F, 0x8B]) }

  /// - Parameter name: what errors call the file.
  /// - Throws: `DataError` for a file that is cut off, damaged or too large.
  static func decompress(_ bytes: [UInt8], name: String, limit: Int? = nil) throws -> [UInt8] {
    let limit = limit ?? self.limit(compressed: bytes.count)
    var output: [UInt8] = []
    var position = 0
    repeat {
      position = try headerEnd(bytes, from: position, name)
      let expected = bytes.count >= position + 4 ? Int(bytes.uint32(at: bytes.count - 4)) : 0
      var inflater = Inflater(
        bytes, at: position, capacity: min(expected, (bytes.count - position) * greatestRatio), limit: limit - output.count)
      do throws(Inflater.Failure) {
        position = try inflater.run()
      } catch {
        switch error {
        case .truncated: throw cutOff(bytes, name)
        case .damaged(let what): throw DataError("its compressed data is damaged: \(what)", file: name)
        case .tooLarge: throw DataError("decompresses to more than \(NativeError.readable(limit))", file: name)
        }
      }
      guard position + 8 <= bytes.count else { throw cutOff(bytes, name) }
      guard bytes.uint32(at: position) == checksum(inflater.output) else {
        throw DataError("its compressed data is damaged: the checksum differs", file: name)
      }
      guard bytes.uint32(at: position + 4) == UInt32(truncatingIfNeeded: inflater.output.count) else {
        throw DataError("its compressed data is damaged: the length differs", file: name)
      }
      position += 8
      if output.isEmpty { output = inflater.output } else { output += inflater.output }
    } while position < bytes.count && bytes[position] == 0x1F
    // Zeros after the last member are what tapes and blocks are filled with.
    guard bytes[position...].allSatisfy({ $0 == 0 }) else {
      throw DataError("has something after its compressed data", file: name)
    }
    return output
  }

  /// Where the member's compressed data begins.
  private static func headerEnd(_ bytes: [UInt8], from start: Int, _ name: String) throws -> Int {
    guard start + 10 <= bytes.count else { throw cutOff(bytes, name) }
    guard bytes[start + 1] == 0x8B, bytes[start + 2] == 8 else {
      throw DataError("is compressed in a way that is not known", file: name)
    }
    let flags = bytes[start + 3]
    var position = start + 10
    if flags & 4 != 0 {
      guard position + 2 <= bytes.count else { throw cutOff(bytes, name) }
      position += 2 + Int(bytes[position]) + Int(bytes[position + 1]) << 8
    }
    // The original name, and a comment: each ends with a zero.
    for flag in [8, 16] as [UInt8] where flags & flag != 0 {
      guard position < bytes.count, let end = bytes[position...].firstIndex(of: 0) else { throw cutOff(bytes, name) }
      position = end + 1
    }
    if flags & 2 != 0 { position += 2 }
    guard position < bytes.count else { throw cutOff(bytes, name) }
    return position
  }

  private static func cutOff(_ bytes: [UInt8], _ name: String) -> DataError {
    DataError("is truncated: its compressed data ends too early, after \(bytes.count) bytes", file: name)
  }

  /// CRC-32 as in ISO 3309.
  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    let table = (0..<256 as Range<UInt32>).map { byte in
      (0..<8).reduce(byte) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }
    var value = ~0 as UInt32
    for byte in bytes { value = value >> 8 ^ table[Int(UInt8(truncatingIfNeeded: value) ^ byte)] }
    return ~value
  }
}

extension [UInt8] {
  /// Four bytes, the lowest first.
  fileprivate func uint32(at index: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(self[index + $1]) << UInt32(8 * $1) }
  }
}
