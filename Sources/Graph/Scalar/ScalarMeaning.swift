/// What each opcode does to one element, by type of operand; `nil` where the type has no such opcode.
///
/// Float and Double are spelled out twice: unspecialised generics would make debug builds ten times slower.
extension ScalarOpcode {
  var float32Unary: ((Float) -> Float)? {
    switch self {
    case .negate: { -$0 }
    case .absolute: { $0.magnitude }
    case .squareRoot: { $0.squareRoot() }
    default: nil
    }
  }

  var float32Binary: ((Float, Float) -> Float)? {
    switch self {
    case .add: { $0 + $1 }
    case .subtract: { $0 - $1 }
    case .multiply: { $0 * $1 }
    case .divide: { $0 / $1 }
    case .maximum: { $0 > $1 || $0 != $0 ? $0 : $1 }
    case .minimum: { $0 < $1 || $0 != $0 ? $0 : $1 }
    default: nil
    }
  }

  var float32Comparison: ((Float, Float) -> Bool)? {
    switch self {
    case .equal: { $0 == $1 }
    case .notEqual: { $0 != $1 }
    case .less: { $0 < $1 }
    case .lessOrEqual: { $0 <= $1 }
    default: nil
    }
  }

  var float64Unary: ((Double) -> Double)? {
    switch self {
    case .negate: { -$0 }
    case .absolute: { $0.magnitude }
    case .squareRoot: { $0.squareRoot() }
    default: nil
    }
  }

  var float64Binary: ((Double, Double) -> Double)? {
    switch self {
    case .add: { $0 + $1 }
    case .subtract: { $0 - $1 }
    case .multiply: { $0 * $1 }
    case .divide: { $0 / $1 }
    case .maximum: { $0 > $1 || $0 != $0 ? $0 : $1 }
    case .minimum: { $0 < $1 || $0 != $0 ? $0 : $1 }
    default: nil
    }
  }

  var float64Comparison: ((Double, Double) -> Bool)? {
    switch self {
    case .equal: { $0 == $1 }
    case .notEqual: { $0 != $1 }
    case .less: { $0 < $1 }
    case .lessOrEqual: { $0 <= $1 }
    default: nil
    }
  }

  var int32Unary: ((Int32) -> Int32)? {
    switch self {
    case .negate: { 0 &- $0 }
    case .absolute: { $0 < 0 ? 0 &- $0 : $0 }
    case .not: { ~$0 }
    default: nil
    }
  }

  var int32Binary: ((Int32, Int32) -> Int32)? {
    switch self {
    case .add: { $0 &+ $1 }
    case .subtract: { $0 &- $1 }
    case .multiply: { $0 &* $1 }
    case .maximum: { $0 > $1 ? $0 : $1 }
    case .minimum: { $0 < $1 ? $0 : $1 }
    case .and: { $0 & $1 }
    case .or: { $0 | $1 }
    case .exclusiveOr: { $0 ^ $1 }
    // Masking shifts use the low five bits of the count.
    case .shiftLeft: { $0 &<< $1 }
    case .shiftRightLogical: { Int32(bitPattern: UInt32(bitPattern: $0) &>> UInt32(bitPattern: $1)) }
    case .shiftRightArithmetic: { $0 &>> $1 }
    default: nil
    }
  }

  var int32Comparison: ((Int32, Int32) -> Bool)? {
    switch self {
    case .equal: { $0 == $1 }
    case .notEqual: { $0 != $1 }
    case .less: { $0 < $1 }
    case .lessOrEqual: { $0 <= $1 }
    default: nil
    }
  }

  var boolBinary: ((Bool, Bool) -> Bool)? {
    switch self {
    case .and: { $0 && $1 }
    case .or: { $0 || $1 }
    case .exclusiveOr, .notEqual: { $0 != $1 }
    case .equal: { $0 == $1 }
    default: nil
    }
  }
}

extension Int32 {
  /// Truncates towards zero; values out of range give the nearest end of the range, NaN gives 0.
  init(truncatingAndSaturating value: Double) {
    if value.isNaN {
      self = 0
    } else if value >= 0x1p31 {
      self = .max
    } else if value <= -0x1p31 {
      self = .min
    } else {
      self = Int32(value)
    }
  }
}
