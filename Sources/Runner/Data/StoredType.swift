import CinchGraph

/// How a safetensors file keeps elements, little-endian, and what Cinch makes of them.
enum StoredType: Hashable {
  case own(ElementType)
  case half, brainFloat
  case integer(byteCount: Int, isSigned: Bool)
  /// Of a name that is not known, and so of unknown size.
  case other(String)

  struct Unreadable: Error {
    let reason: String
  }

  private static let named: [(name: String, type: StoredType)] = [
    ("F32", .own(.float32)), ("F64", .own(.float64)), ("I32", .own(.int32)), ("BOOL", .own(.bool)), ("F16", .half),
    ("BF16", .brainFloat), ("I64", .integer(byteCount: 8, isSigned: true)), ("U64", .integer(byteCount: 8, isSigned: false)),
    ("U32", .integer(byteCount: 4, isSigned: false)), ("I16", .integer(byteCount: 2, isSigned: true)),
    ("U16", .integer(byteCount: 2, isSigned: false)), ("I8", .integer(byteCount: 1, isSigned: true)),
    ("U8", .integer(byteCount: 1, isSigned: false)),
  ]

  init(_ name: String) { self = Self.named.first { $0.name == name }?.type ?? .other(name) }
  init(_ type: ElementType) { self = .own(type) }

  var name: String {
    if case .other(let name) = self { return name }
    return Self.named.first { $0.type == self }?.name ?? "?"
  }

  /// Of an element; nil where that isn't known.
  var byteCount: Int? {
    switch self {
    case .own(let type): type.byteCount
    case .half, .brainFloat: 2
    case .integer(let byteCount, _): byteCount
    case .other: nil
    }
  }

  /// - Throws: for elements that no type of Cinch can stand for.
  func elements(_ bytes: [UInt8]) throws(Unreadable) -> ElementArray {
    func load<Element: BitwiseCopyable>(_ zero: Element) -> [Element] {
      var values = [Element](repeating: zero, count: bytes.count / MemoryLayout<Element>.stride)
      values.withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
      return values
    }
    func integers<Element: FixedWidthInteger & BitwiseCopyable>(_ values: [Element]) throws(Unreadable) -> ElementArray {
      if let large = values.first(where: { Int32(exactly: $0) == nil }) {
        throw Unreadable(reason: "its \(large) is an integer of \(name) that Int32 doesn't hold")
      }
      return .int32(values.map { Int32(truncatingIfNeeded: $0) })
    }
    switch self {
    case .own(.float32): return .float32(load(0))
    case .own(.float64): return .float64(load(0))
    case .own(.int32): return .int32(load(0))
    case .own(.bool): return .bool(bytes.map { $0 != 0 })
    case .half: return .float32(load(0 as UInt16).map(Self.float(half:)))
    case .brainFloat: return .float32(load(0 as UInt16).map { Float(bitPattern: UInt32($0) << 16) })
    case .integer(8, true): return try integers(load(0 as Int64))
    case .integer(8, false): return try integers(load(0 as UInt64))
    case .integer(4, false): return try integers(load(0 as UInt32))
    case .integer(2, true): return try integers(load(0 as Int16))
    case .integer(2, false): return try integers(load(0 as UInt16))
    case .integer(1, true): return try integers(load(0 as Int8))
    case .integer(1, false): return try integers(bytes)
    case .integer, .other: throw Unreadable(reason: "elements of type '\(name)', which Cinch doesn't have")
    }
  }

  /// Half precision (IEEE 754 binary16), exactly.
  static func float(half bits: UInt16) -> Float {
    let sign: Float = bits & 0x8000 == 0 ? 1 : -1
    let (exponent, fraction) = (Int(bits >> 10 & 31), UInt32(bits & 1023))
    switch exponent {
    case 0: return sign * Float(fraction) * 0x1p-24
    case 31: return Float(bitPattern: UInt32(bits & 0x8000) << 16 | 0x7F80_0000 | fraction << 13)
    default: return Float(bitPattern: UInt32(bits & 0x8000) << 16 | UInt32(exponent + 112) << 23 | fraction << 13)
    }
  }
}
