/// The type of one tensor element.
///
/// Bool takes one byte in memory; comparisons produce it and `select` consumes it.
public enum ElementType: String, Sendable, Hashable, BitwiseCopyable, CaseIterable {
  case float32 = "f32"
  case float64 = "f64"
  case int32 = "i32"
  case bool = "bool"

  /// Bytes that one element takes in memory.
  public var byteCount: Int {
    switch self {
    case .float32, .int32: 4
    case .float64: 8
    case .bool: 1
    }
  }

  public var isFloatingPoint: Bool { self == .float32 || self == .float64 }
}
