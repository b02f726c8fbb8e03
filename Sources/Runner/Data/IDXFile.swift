public import CinchGraph

/// A tensor in the IDX format, in which MNIST and data sets like it come; plain or compressed by gzip.
///
/// A file holds two zeros, the element type, the number of axes, the extents, and the elements, all with the highest byte
/// first (<http://yann.lecun.com/exdb/mnist>).
public struct IDXFile: Sendable {
  /// How elements are stored.
  public enum Storage: UInt8, Sendable, CaseIterable {
    case uint8 = 0x08
    case int8 = 0x09
    case int16 = 0x0B
    case int32 = 0x0C
    case float32 = 0x0D
    case float64 = 0x0E

    var byteCount: Int {
      switch self {
      case .uint8, .int8: 1
      case .int16: 2
      case .int32, .float32: 4
      case .float64: 8
      }
    }
  }

  /// The file, as errors name it.
  public let name: String
  public let storage: Storage
  public let shape: Shape
  private let bytes: [UInt8]
  private var start: Int { 4 + 4 * shape.rank }

  /// - Throws: `DataError` naming the file: one that can't be read, is damaged, of another type, cut off or too long.
  public init(path: String) throws {
    try self.init(bytes: FileAccess.readDecompressed(path), name: path)
  }

  init(bytes: [UInt8], name: String) throws {
    guard bytes.count >= 4 else {
      throw DataError("is no IDX file: it has \(bytes.count) bytes, fewer than the header", file: name)
    }
    guard bytes[0] == 0, bytes[1] == 0 else {
      let first = bytes[..<4].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
      throw DataError("is no IDX file: it begins with the bytes \(first), not with two zeros", file: name)
    }
    guard let storage = Storage(rawValue: bytes[2]) else {
      let known = Storage.allCases.map { "\($0.rawValue) (\($0))" }.joined(separator: ", ")
      throw DataError("has the unknown element type \(bytes[2]); IDX has \(known)", file: name)
    }
    let rank = Int(bytes[3])
    guard rank > 0 else { throw DataError("has no axes, so no rows", file: name) }
    let start = 4 + 4 * rank
    guard bytes.count >= start else {
      throw DataError("is truncated: its header for \(rank) axes takes \(start) bytes, the file has \(bytes.count)", file: name)
    }
    let shape = Shape((0..<rank).map { Int(bytes.bigEndian(at: 4 + 4 * $0, byteCount: 4)) })
    guard !shape.extents.contains(0) else { throw DataError("holds nothing: its shape is \(shape)", file: name) }
    // Extents of 32 bits each may have a product beyond 64.
    var byteCount = storage.byteCount
    for extent in shape.extents {
      let (product, overflows) = byteCount.multipliedReportingOverflow(by: extent)
      byteCount = overflows ? .max - start : min(product, .max - start)
    }
    guard bytes.count == start + byteCount else {
      let isShort = bytes.count < start + byteCount
      throw DataError(
        "\(isShort ? "is truncated" : "is too long"): a header for \(shape) elements of type \(storage) "
          + "asks for \(start + byteCount) bytes, the file has \(bytes.count)", file: name)
    }
    // As floats beside the file.
    let available = ProcessMemory.available
    guard shape.elementCount <= available.byteCount / 4 else {
      throw DataError("holds \(shape) numbers, which don't fit in the memory that is free: \(available.description)", file: name)
    }
    self.name = name
    self.storage = storage
    self.shape = shape
    self.bytes = bytes
  }

  /// The elements as floats; NaN and infinities as they stand in the file.
  public func floats() -> HostTensor {
    let count = shape.elementCount
    let values: [Float] =
      switch storage {
      case .uint8: bytes[start...].map { Float($0) }
      case .int8: bytes[start...].map { Float(Int8(bitPattern: $0)) }
      case .int16: (0..<count).map { Float(Int16(truncatingIfNeeded: element($0))) }
      case .int32: (0..<count).map { Float(Int32(truncatingIfNeeded: element($0))) }
      case .float32: (0..<count).map { Float(bitPattern: UInt32(element($0))) }
      case .float64: (0..<count).map { Float(Double(bitPattern: element($0))) }
      }
    return HostTensor(values, shape: shape)
  }

  /// Grey images, one channel each, from 0 (as stored 0) to 1 (as stored 255): [count, 1, height, width].
  ///
  /// - Throws: `DataError` for a file that holds something else.
  public func images() throws -> HostTensor {
    guard storage == .uint8, shape.rank == 3 else {
      throw DataError("holds no images: its elements are \(storage) of the shape \(shape), not uint8 in three axes", file: name)
    }
    return HostTensor(bytes[start...].map { Float($0) / 255 }, shape: [shape[0], 1, shape[1], shape[2]])
  }

  /// One label for each row: [count].
  ///
  /// - Parameter classes: labels are whole numbers from 0 up to this, which is excluded.
  /// - Throws: `DataError` for a file that holds something else, and for the first label out of range.
  public func labels(classes: Int) throws -> HostTensor {
    guard storage == .uint8, shape.rank == 1 else {
      throw DataError("holds no labels: its elements are \(storage) of the shape \(shape), not uint8 in one axis", file: name)
    }
    guard classes >= 1 else { throw DataError("labels tell at least one class apart, not \(classes)", file: name) }
    let labels = bytes[start...].map { Int32($0) }
    if let row = labels.firstIndex(where: { $0 >= classes }) {
      throw DataError(
        "has the label \(labels[row]) at row \(row); with \(classes) classes, labels are 0 to \(classes - 1)", file: name)
    }
    return HostTensor(labels)
  }

  private func element(_ index: Int) -> UInt64 {
    bytes.bigEndian(at: start + index * storage.byteCount, byteCount: storage.byteCount)
  }
}

extension [UInt8] {
  /// A number of so many bytes, the highest first.
  fileprivate func bigEndian(at index: Int, byteCount: Int) -> UInt64 {
    self[index..<index + byteCount].reduce(0) { $0 << 8 | UInt64($1) }
  }
}
