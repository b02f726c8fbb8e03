/// The operations on single elements from which every elementwise meaning is made.
///
/// Each is exactly defined, so that the interpreter, generated C and vector instructions agree to the bit:
/// Float32 and Float64 operations are IEEE 754 with rounding to nearest; Int32 wraps. Any NaN equals any NaN.
public enum ScalarOpcode: String, Sendable, Hashable, BitwiseCopyable, CaseIterable {
  // Float32, Float64 and (but for divide, squareRoot and fusedMultiplyAdd) Int32.
  case add, subtract, multiply, divide, negate, absolute
  /// `(a > b || a != a) ? a : b`, so a NaN in either operand gives NaN, and equal operands give `b`.
  case maximum
  /// `(a < b || a != a) ? a : b`.
  case minimum
  case squareRoot = "square_root"
  /// `a · b + c`, rounded once.
  case fusedMultiplyAdd = "fma"

  // Comparisons of two operands of one type, to Bool. With a NaN all are false but `notEqual`.
  case equal
  case notEqual = "not_equal"
  case less
  case lessOrEqual = "less_or_equal"

  // Bool: logical. Int32: bitwise.
  case and, or
  case exclusiveOr = "xor"
  case not

  /// `(condition, a, b)`: `a` where the Bool is true.
  case select
  /// The same, where the Bool is rarely true: vector code skips what only `a` needs if no lane needs it.
  case selectRarely = "select_rarely"

  /// Int32; the count is an Int32 of which the low five bits are used.
  case shiftLeft = "shift_left"
  case shiftRightLogical = "shift_right_logical"
  case shiftRightArithmetic = "shift_right_arithmetic"

  /// To the instruction's type. Float to Int32 truncates, saturates, and takes NaN to 0; Int32 to Float32 rounds to
  /// nearest even; Bool gives 0 or 1; to Bool is `!= 0`.
  case convert
  /// The same 32 (or 64) bits as another type.
  case bitcast

  public var operandCount: Int {
    switch self {
    case .negate, .absolute, .squareRoot, .not, .convert, .bitcast: 1
    case .fusedMultiplyAdd, .select, .selectRarely: 3
    default: 2
    }
  }

  /// Whether the opcode chooses one of two values by a Bool.
  public var isSelection: Bool { self == .select || self == .selectRarely }

  public var isComparison: Bool {
    switch self {
    case .equal, .notEqual, .less, .lessOrEqual: true
    default: false
    }
  }
}

/// One element's value with its type, kept as bits so that equality is equality of bits.
public struct ScalarLiteral: Sendable, Hashable, BitwiseCopyable {
  public let type: ElementType
  /// The bit pattern, zero-extended. A Bool is 0 or 1.
  public let bits: UInt64

  public init(type: ElementType, bits: UInt64) {
    self.type = type
    self.bits = bits
  }

  public static func float(_ value: Float) -> ScalarLiteral {
    ScalarLiteral(type: .float32, bits: UInt64(value.bitPattern))
  }
  public static func double(_ value: Double) -> ScalarLiteral {
    ScalarLiteral(type: .float64, bits: value.bitPattern)
  }
  public static func int(_ value: Int32) -> ScalarLiteral {
    ScalarLiteral(type: .int32, bits: UInt64(UInt32(bitPattern: value)))
  }
  public static func bool(_ value: Bool) -> ScalarLiteral { ScalarLiteral(type: .bool, bits: value ? 1 : 0) }

  public var floatValue: Float { Float(bitPattern: UInt32(truncatingIfNeeded: bits)) }
  public var doubleBits: Double { Double(bitPattern: bits) }
  public var intValue: Int32 { Int32(truncatingIfNeeded: Int64(bitPattern: bits)) }
  public var boolValue: Bool { bits != 0 }

  /// The value as a real number, whatever the type.
  public var asDouble: Double {
    switch type {
    case .float32: Double(floatValue)
    case .float64: doubleBits
    case .int32: Double(intValue)
    case .bool: boolValue ? 1 : 0
    }
  }
}
