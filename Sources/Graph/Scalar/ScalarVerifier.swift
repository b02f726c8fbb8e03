/// What is wrong with a `ScalarFunction`. It is a bug in Cinch (or in a text that was parsed), never in a user's graph.
public struct ScalarVerificationError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The value whose instruction is wrong.
  public let value: ScalarValue
  public let description: String
}

extension ScalarOpcode {
  /// Whether operands of this type are defined; of `select`, the type of the chosen operands.
  public func accepts(_ type: ElementType) -> Bool {
    switch self {
    case .select, .selectRarely, .convert, .bitcast, .equal, .notEqual: true
    case .add, .subtract, .multiply, .negate, .absolute, .maximum, .minimum, .less, .lessOrEqual: type != .bool
    case .divide, .squareRoot, .fusedMultiplyAdd: type.isFloatingPoint
    case .and, .or, .exclusiveOr, .not: !type.isFloatingPoint
    case .shiftLeft, .shiftRightLogical, .shiftRightArithmetic: type == .int32
    }
  }
}

extension ScalarFunction {
  /// Checks that each instruction uses earlier values only, with the operands and types that its opcode demands.
  public func verify() throws {
    for (position, instruction) in instructions.enumerated() {
      let value = ScalarValue(raw: Int32(inputTypes.count + position))
      if let problem = problem(of: instruction, before: value) {
        throw ScalarVerificationError(value: value, description: "scalar value \(value.raw): \(problem)")
      }
    }
    guard (0..<inputTypes.count + instructions.count).contains(result.index) else {
      throw ScalarVerificationError(value: result, description: "the result \(result.raw) is not a value")
    }
  }

  private func problem(of instruction: ScalarInstruction, before value: ScalarValue) -> String? {
    switch instruction {
    case .constant(let literal):
      let width = literal.type == .bool ? 1 : literal.type.byteCount * 8
      return width == 64 || literal.bits >> UInt64(width) == 0
        ? nil : "a constant of \(literal.type.rawValue) has bits beyond its width"
    case .apply(let opcode, let operands, let type):
      let name = opcode.rawValue
      guard operands.count == opcode.operandCount else {
        return "\(name) takes \(opcode.operandCount) operands, not \(operands.count)"
      }
      if let operand = operands.first(where: { $0.raw < 0 || $0.raw >= value.raw }) {
        return "\(name) uses value \(operand.raw), which does not come before it"
      }
      var alike = operands[...]
      if opcode.isSelection {
        let condition = self.type(of: alike.removeFirst())
        guard condition == .bool else { return "\(name) takes a bool condition, not \(condition.rawValue)" }
      }
      let common = self.type(of: alike[alike.startIndex])
      guard alike.allSatisfy({ self.type(of: $0) == common }) else {
        return "\(name) has operands of different types: "
          + alike.map { self.type(of: $0).rawValue }.joined(separator: ", ")
      }
      guard opcode.accepts(common) else { return "\(name) is not defined for \(common.rawValue)" }
      switch opcode {
      case .convert: return nil
      case .bitcast:
        return common.byteCount == type.byteCount
          ? nil : "bitcast from \(common.rawValue) to \(type.rawValue) changes the width"
      default:
        let expected = opcode.isComparison ? ElementType.bool : common
        return type == expected
          ? nil : "\(name) gives \(expected.rawValue), not \(type.rawValue)"
      }
    }
  }
}
