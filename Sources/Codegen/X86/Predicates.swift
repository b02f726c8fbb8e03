/// What `vcmpps` compares: ordered predicates are false when an operand is
/// NaN, unordered ones true. All are quiet: none raises a flag for a quiet NaN.
package enum FloatPredicate: UInt8, Hashable, Sendable, CaseIterable {
  case equal = 0x00
  case unordered = 0x03
  case notEqualOrUnordered = 0x04
  case ordered = 0x07
  case equalOrUnordered = 0x08
  case notEqual = 0x0C
  case less = 0x11
  case lessOrEqual = 0x12
  case notLess = 0x15
  case notLessOrEqual = 0x16
  case notGreaterOrEqual = 0x19
  case notGreater = 0x1A
  case greaterOrEqual = 0x1D
  case greater = 0x1E

  package var operand: X86Operand { .immediate(Int64(rawValue)) }
}

/// What `vpcmpd` and `vpcmpud` compare.
package enum IntegerPredicate: UInt8, Hashable, Sendable, CaseIterable {
  case equal = 0
  case less = 1
  case lessOrEqual = 2
  case notEqual = 4
  case greaterOrEqual = 5
  case greater = 6

  package var operand: X86Operand { .immediate(Int64(rawValue)) }
}
