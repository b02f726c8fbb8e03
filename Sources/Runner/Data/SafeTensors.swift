import CinchGraph

/// Named tensors in a file of the safetensors format, which other frameworks read and write: a JSON header with names, types, shapes and
/// offsets, then the numbers, little-endian in row-major order.
///
/// Files that Cinch writes carry a checksum of header and numbers; a file with a checksum that is not right is refused. What is read
/// from others is converted to the types that Cinch has: half precision to Float32, integers of other sizes to Int32.
public struct SafeTensors: Sendable {
  public var metadata: [String: String]
  /// In the file's order.
  public var tensors: [(name: String, tensor: HostTensor)]
  /// Tensors of a file that are not among `tensors`, with the reason: a type, or an integer, that Cinch doesn't have.
  public private(set) var unreadable: [String: String] = [:]

  public init(_ tensors: [(name: String, tensor: HostTensor)], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  public subscript(name: String) -> HostTensor? { tensors.first { $0.name == name }?.tensor }

  /// - Throws: `DataError` naming the file and the field that is wrong.
  public init(path: String) throws { try self.init(bytes: FileAccess.read(path), name: path) }

  /// Replaces the file: it is whole at every moment, and on disk when this returns.
  public func write(to path: String) throws { try FileAccess.writeAtomically(try encoded(), to: path) }

  /// Of Cinch alone: others may have a checksum of another kind.
  static let checksumKey = "cinch.checksum"
  private static let checksumPlaceholder = "0000000000000000"
  /// As the format's own reader has it.
  private static let maximumHeaderBytes = 100_000_000
}

// MARK: - Writing

extension SafeTensors {
  /// Header and numbers, as parts of one file.
  func encoded() throws -> [[UInt8]] {
    var names: Set<String> = []
    var entries: [(key: String, value: JSONValue)] = []
    var parts: [[UInt8]] = []
    var end = 0
    for (name, tensor) in tensors {
      guard names.insert(name).inserted, name != "__metadata__" else {
        throw DataError("two tensors are called '\(name)', or it is the format's own name")
      }
      parts.append(Self.bytes(of: tensor.elements))
      let start = end
      end += parts[parts.count - 1].count
      entries.append(
        (
          name,
          .object([
            ("dtype", .string(StoredType(tensor.elementType).name)),
            ("shape", .array(tensor.shape.extents.map { .integer($0) })),
            ("data_offsets", .array([.integer(start), .integer(end)])),
          ])
        ))
    }
    var texts = metadata.filter { $0.key != Self.checksumKey }.sorted { $0.key < $1.key }.map {
      (key: $0.key, value: JSONValue.string($0.value))
    }
    texts.insert((Self.checksumKey, .string(Self.checksumPlaceholder)), at: 0)
    entries.insert(("__metadata__", .object(texts)), at: 0)

    var text = ""
    JSONValue.object(entries).write(into: &text)
    // The numbers begin at a multiple of 8.
    while text.utf8.count % 8 != 0 { text += " " }
    var header = Array(text.utf8)
    guard let field = Self.checksumField(in: header) else {
      throw DataError("a header without the checksum that was just written: a bug in Cinch")
    }
    let checksum = Self.checksum(header: header, data: parts)
    header.replaceSubrange(field, with: checksum.utf8)
    return [Self.littleEndian(UInt64(header.count)), header] + parts
  }

  private static func littleEndian(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private static func bytes(of elements: ElementArray) -> [UInt8] {
    // Cinch runs on x86-64 alone, which is little-endian.
    switch elements {
    case .float32(let values): values.withUnsafeBytes { Array($0) }
    case .float64(let values): values.withUnsafeBytes { Array($0) }
    case .int32(let values): values.withUnsafeBytes { Array($0) }
    case .bool(let values): values.map { $0 ? 1 : 0 }
    }
  }
}

// MARK: - Checksum

extension SafeTensors {
  /// Where the checksum's digits stand: it is the first text of the header.
  private static func checksumField(in header: [UInt8]) -> Range<Int>? {
    let prefix = Array("{\"__metadata__\":{\"\(checksumKey)\":\"".utf8)
    guard header.count >= prefix.count + checksumPlaceholder.utf8.count, header.starts(with: prefix) else { return nil }
    return prefix.count..<prefix.count + checksumPlaceholder.utf8.count
  }

  /// Of the header with zeros for the checksum's own digits, and of the numbers: 64 bits as hexadecimal digits. A step takes eight
  /// bytes and is reversible, so that a single wrong byte always shows.
  private static func checksum(header: [UInt8], data: [[UInt8]]) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func add(_ bytes: UnsafeRawBufferPointer) {
      func mix(_ word: UInt64) {
        hash = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
        hash ^= hash >> 29
      }
      let whole = bytes.count / 8 * 8
      for offset in stride(from: 0, to: whole, by: 8) {
        mix(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      }
      for offset in whole..<bytes.count { mix(UInt64(bytes[offset]) + 1) }
      mix(UInt64(bytes.count))
    }
    header.withUnsafeBytes { add($0) }
    for part in data { part.withUnsafeBytes { add($0) } }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private static func verifyChecksum(_ header: [UInt8], _ data: [[UInt8]], _ name: String) throws {
    guard let field = checksumField(in: header) else {
      throw DataError("the checksum is not where the file should have it; the file is damaged", file: name)
    }
    var blank = header
    blank.replaceSubrange(field, with: checksumPlaceholder.utf8)
    guard checksum(header: blank, data: data).utf8.elementsEqual(header[field]) else {
      throw DataError("the checksum is not that of the contents; the file is damaged", file: name)
    }
  }
}

// MARK: - Reading

extension SafeTensors {
  init(bytes: [UInt8], name: String) throws {
    func failure(_ message: String) -> DataError { DataError(message, file: name) }
    guard bytes.count >= 8 else {
      throw failure("a safetensors file begins with 8 bytes of length; this one has \(bytes.count) bytes")
    }
    let length = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << (8 * UInt64($1)) }
    guard length <= UInt64(Self.maximumHeaderBytes), Int(length) <= bytes.count - 8 else {
      throw failure("the header's length is \(length) bytes, and \(bytes.count - 8) follow: no safetensors file, or cut off")
    }
    let dataStart = 8 + Int(length)
    let header: JSONValue
    do { header = try JSONValue(bytes[8..<dataStart]) } catch {
      throw failure("the header is no JSON at byte \(8 + error.offset): \(error.message)")
    }
    guard case .object(let entries) = header else { throw failure("the header is no JSON object") }

    var metadata: [String: String] = [:]
    var layouts: [Layout] = []
    for (key, value) in entries {
      if key == "__metadata__" {
        guard case .object(let texts) = value else { throw failure("'__metadata__' is no object") }
        for (key, value) in texts {
          guard case .string(let text) = value else { throw failure("the metadata '\(key)' is no text") }
          metadata[key] = text
        }
      } else {
        layouts.append(try Layout(key, value, name))
      }
    }
    try Self.checkCoverage(layouts, byteCount: bytes.count - dataStart, name)
    let parts = layouts.map { Array(bytes[dataStart + $0.range.lowerBound..<dataStart + $0.range.upperBound]) }
    if metadata[Self.checksumKey] != nil {
      let order = layouts.indices.sorted { layouts[$0].range.lowerBound < layouts[$1].range.lowerBound }
      guard order.elementsEqual(layouts.indices) else {
        throw failure("the tensors are not in the order of their numbers; the file is damaged")
      }
      try Self.verifyChecksum(Array(bytes[8..<dataStart]), parts, name)
    }
    self.metadata = metadata
    tensors = []
    for (layout, part) in zip(layouts, parts) {
      do throws(StoredType.Unreadable) {
        let elements = try layout.type.elements(part)
        tensors.append((layout.name, HostTensor(elements, shape: layout.shape)))
      } catch { unreadable[layout.name] = error.reason }
    }
  }

  /// One entry of the header.
  private struct Layout {
    let name: String
    let type: StoredType
    let shape: Shape
    let range: Range<Int>

    init(_ name: String, _ value: JSONValue, _ file: String) throws {
      func failure(_ message: String) -> DataError { DataError("tensor '\(name)': \(message)", file: file) }
      func integers(_ value: JSONValue) -> [Int]? {
        guard case .array(let values) = value else { return nil }
        let integers = values.compactMap { if case .integer(let number) = $0, number >= 0 { number } else { nil } }
        return integers.count == values.count ? integers : nil
      }
      guard case .object(let fields) = value else { throw failure("its entry is no object") }
      var type: StoredType?
      var shape: Shape?
      var offsets: [Int]?
      for (key, value) in fields {
        switch key {
        case "dtype":
          guard case .string(let text) = value else { throw failure("'dtype' is no text") }
          type = StoredType(text)
        case "shape":
          guard let extents = integers(value) else { throw failure("'shape' is no list of numbers from 0 on") }
          shape = Shape(extents)
        case "data_offsets":
          guard let pair = integers(value), pair.count == 2, pair[0] <= pair[1] else {
            throw failure("'data_offsets' are no two ascending numbers")
          }
          offsets = pair
        default: throw failure("an unknown field '\(key)'")
        }
      }
      guard let type, let shape, let offsets else { throw failure("'dtype', 'shape' or 'data_offsets' is missing") }
      if let size = type.byteCount {
        let (bytes, overflows) = shape.elementCount.multipliedReportingOverflow(by: size)
        guard !overflows, bytes == offsets[1] - offsets[0] else {
          throw failure(
            "\(offsets[1] - offsets[0]) bytes at \(offsets[0]) can't hold the shape \(shape) of \(size)-byte elements")
        }
      }
      self.name = name
      self.type = type
      self.shape = shape
      range = offsets[0]..<offsets[1]
    }
  }

  /// The tensors fill the data part without gaps and overlaps.
  private static func checkCoverage(_ layouts: [Layout], byteCount: Int, _ name: String) throws {
    var end = 0
    for layout in layouts.sorted(by: { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) })
    {
      guard layout.range.lowerBound == end else {
        throw DataError(
          "tensor '\(layout.name)' begins at byte \(layout.range.lowerBound), where byte \(end) is due: tensors overlap or leave a gap",
          file: name)
      }
      end = layout.range.upperBound
    }
    guard end == byteCount else {
      throw DataError(
        "the tensors end at byte \(end) of the numbers, the file has \(byteCount): it is cut off or has more than it says",
        file: name)
    }
  }
}
