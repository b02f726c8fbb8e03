import CinchGraph

// C's precedences, as far as they are used. Comparisons, bit operations and conditions always stand in parentheses
// inside one another, so that no reader and no compiler warning has to wonder.
private let conditional = 3
private let logicalOr = 4
private let logicalAnd = 5
private let comparison = 10
private let additive = 12
private let multiplicative = 13
private let unary = 14

extension CKernelWriter {
  /// The value, in parentheses if its operator binds less than `minimum`.
  mutating func write(_ value: LoopValue, minimum: Int) {
    guard isInlined[value.index], case .expression(let expression) = analysis.values[value.index].definition
    else {
      writeName(value)
      return
    }
    write(expression, type: type(of: value), minimum: minimum)
  }

  mutating func write(_ expression: LoopExpression, type: ElementType, minimum: Int) {
    switch expression {
    case .constant(let literal): write(literal, minimum: minimum)
    case .index(let index):
      needs(.intType)
      if index.terms.isEmpty {
        write(.int(Int32(truncatingIfNeeded: index.constant)), minimum: minimum)
      } else {
        parenthesized(minimum > unary) { writer in
          writer.out.write("(i32)")
          let isPlain = index.constant == 0 && index.terms.count == 1 && index.terms[0].coefficient == 1
          writer.parenthesized(!isPlain) { $0.write(index) }
        }
      }
    case .within(let index, let bound): writeWithin(index, bound, minimum)
    case .load(let access, let condition, let otherwise):
      guard let condition else {
        write(access)
        return
      }
      parenthesized(minimum > conditional) { writer in
        writer.write(condition, minimum: comparison - 1)
        writer.out.write(" ? ")
        writer.write(access)
        writer.out.write(" : ")
        writer.write(otherwise ?? ScalarLiteral(type: type, bits: 0), minimum: conditional + 1)
      }
    case .apply(let opcode, let operands): write(opcode, operands, type: type, minimum: minimum)
    }
  }

  mutating func write(_ literal: ScalarLiteral, minimum: Int) {
    parenthesized(isNegative(literal) && minimum > unary) { writer in
      if !writeLiteral(literal, to: &writer.out) { writer.out.write(writer.specialName(literal)) }
    }
  }

  mutating func write(_ access: Access) {
    out.write(bufferNames[access.buffer]!)
    out.write("[")
    var index = access.index
    if let indirection = access.indirection {
      write(indirection.value, minimum: unary)
      if indirection.scale != 1 { out.write(" * (long)\(indirection.scale)") }
      if !index.terms.isEmpty || index.constant > 0 {
        out.write(" + ")
      } else if index.constant < 0 {
        out.write(" - \(-index.constant)")
        index = AffineExpression()
      }
      if !index.terms.isEmpty || index.constant != 0 { write(index) }
    } else {
      write(index)
    }
    out.write("]")
  }

  mutating func write(_ index: AffineExpression) {
    var isFirst = true
    for term in index.terms {
      let magnitude = term.coefficient.magnitude
      if isFirst {
        if term.coefficient < 0 { out.write("-") }
      } else {
        out.write(term.coefficient < 0 ? " - " : " + ")
      }
      out.write(term.variable.cName)
      if magnitude != 1 {
        out.write(" * ")
        out.write(magnitude)
      }
      isFirst = false
    }
    if isFirst {
      out.write(index.constant)
    } else if index.constant != 0 {
      out.write(index.constant < 0 ? " - " : " + ")
      out.write(index.constant.magnitude)
    }
  }

  /// Where the iteration stands, counted through all loops around.
  mutating func writeElement() {
    var index = AffineExpression()
    for variable in enclosing { index = index * extents[variable.index] + AffineExpression(variable) }
    write(index)
  }

  /// Only the sides that some iteration can violate.
  private mutating func writeWithin(_ index: AffineExpression, _ bound: Int, _ minimum: Int) {
    var least = index.constant
    var greatest = index.constant
    for term in index.terms {
      let end = term.coefficient * (extents[term.variable.index] - 1)
      if end < 0 { least += end } else { greatest += end }
    }
    let needsLower = least < 0
    let needsUpper = greatest >= bound
    if greatest < 0 || least >= bound {
      out.write("0")
      return
    }
    guard needsLower || needsUpper else {
      out.write("1")
      return
    }
    let precedence = needsLower && needsUpper ? logicalAnd : comparison
    parenthesized(minimum > precedence) { writer in
      if needsLower {
        writer.write(index)
        writer.out.write(" >= 0")
      }
      if needsLower, needsUpper { writer.out.write(" && ") }
      if needsUpper {
        writer.write(index)
        writer.out.write(" < ")
        writer.out.write(bound)
      }
    }
  }

  // MARK: Opcodes

  private mutating func write(_ opcode: ScalarOpcode, _ operands: [LoopValue], type: ElementType, minimum: Int) {
    let operandType = self.type(of: operands[operands.count - 1])
    if type == .int32, Self.isUnsigned(opcode, operandType) {
      needs(.intType)
      parenthesized(minimum > unary) { writer in
        writer.out.write("(i32)")
        writer.parenthesized(opcode != .bitcast) {
          $0.writeUnsigned(opcode, operands, minimum: opcode == .bitcast ? unary : 0)
        }
      }
      return
    }
    switch opcode {
    case .add: binary(" + ", operands, additive, minimum)
    case .subtract: binary(" - ", operands, additive, minimum)
    case .multiply: binary(" * ", operands, multiplicative, minimum)
    case .divide: binary(" / ", operands, multiplicative, minimum)
    case .negate:
      parenthesized(minimum > unary) { writer in
        writer.out.write("-")
        writer.write(operands[0], minimum: unary + 1)
      }
    case .absolute:
      call(
        type == .float32 ? .absFloat : type == .float64 ? .absDouble : .absInt, "abs_\(type.rawValue)", operands)
    case .maximum:
      call(
        type == .float32 ? .maxFloat : type == .float64 ? .maxDouble : .maxInt, "max_\(type.rawValue)", operands)
    case .minimum:
      call(
        type == .float32 ? .minFloat : type == .float64 ? .minDouble : .minInt, "min_\(type.rawValue)", operands)
    case .squareRoot:
      call(type == .float32 ? .sqrtFloat : .sqrtDouble, "sqrt_\(type.rawValue)", operands)
    case .fusedMultiplyAdd:
      call(type == .float32 ? .fmaFloat : .fmaDouble, "fma_\(type.rawValue)", operands)
    case .equal: compare(" == ", operands, minimum)
    case .notEqual: compare(" != ", operands, minimum)
    case .less: compare(" < ", operands, minimum)
    case .lessOrEqual: compare(" <= ", operands, minimum)
    case .and: logical(" && ", operands, logicalAnd, minimum)
    case .or: logical(" || ", operands, logicalOr, minimum)
    case .exclusiveOr: compare(" != ", operands, minimum)
    case .not:
      // `!a != b` gets a warning.
      parenthesized(minimum > comparison) { writer in
        writer.out.write("!")
        writer.write(operands[0], minimum: unary)
      }
    case .select, .selectRarely:
      parenthesized(minimum > conditional) { writer in
        writer.write(operands[0], minimum: comparison - 1)
        writer.out.write(" ? ")
        writer.write(operands[1], minimum: conditional + 1)
        writer.out.write(" : ")
        writer.write(operands[2], minimum: conditional + 1)
      }
    case .shiftRightArithmetic:
      needs(.shiftRight)
      out.write("shift_right(")
      write(operands[0], minimum: conditional)
      out.write(", ")
      writeShiftCount(operands[1], minimum: 0)
      out.write(")")
    case .shiftLeft, .shiftRightLogical:
      preconditionFailure("bug in Cinch: a shift of \(type.rawValue)")
    case .convert: convert(operands[0], to: type, minimum)
    case .bitcast:
      if type == .float32, operandType == .int32 {
        needs(.floatOfBits)
        out.write("float_of_bits(")
        writeUnsigned(operands[0], minimum: 0)
        out.write(")")
      } else {
        write(operands[0], minimum: minimum)
      }
    }
  }

  private mutating func binary(_ symbol: String, _ operands: [LoopValue], _ precedence: Int, _ minimum: Int) {
    parenthesized(minimum > precedence) { writer in
      writer.write(operands[0], minimum: precedence)
      writer.out.write(symbol)
      writer.write(operands[1], minimum: precedence + 1)
    }
  }

  private mutating func compare(_ symbol: String, _ operands: [LoopValue], _ minimum: Int) {
    parenthesized(minimum > comparison - 1) { writer in
      writer.write(operands[0], minimum: additive)
      writer.out.write(symbol)
      writer.write(operands[1], minimum: additive)
    }
  }

  /// Operands have no effects, so that not evaluating the second one changes nothing.
  private mutating func logical(_ symbol: String, _ operands: [LoopValue], _ precedence: Int, _ minimum: Int) {
    parenthesized(minimum > precedence) { writer in
      writer.write(operands[0], minimum: comparison - 1)
      writer.out.write(symbol)
      writer.write(operands[1], minimum: comparison - 1)
    }
  }

  private mutating func call(_ helper: CHelper, _ name: String, _ operands: [LoopValue]) {
    needs(helper)
    out.write(name)
    out.write("(")
    for (index, operand) in operands.enumerated() {
      if index > 0 { out.write(", ") }
      write(operand, minimum: conditional)
    }
    out.write(")")
  }

  private mutating func convert(_ operand: LoopValue, to type: ElementType, _ minimum: Int) {
    let from = self.type(of: operand)
    switch (from, type) {
    case (_, _) where from == type, (.bool, .int32): write(operand, minimum: minimum)
    case (_, .bool):
      parenthesized(minimum > comparison - 1) { writer in
        writer.write(operand, minimum: additive)
        writer.out.write(from == .float32 ? " != 0.0f" : from == .float64 ? " != 0.0" : " != 0")
      }
    case (.float32, .int32), (.float64, .int32):
      needs(from == .float32 ? .intOfFloat : .intOfDouble)
      out.write(from == .float32 ? "int_of_float(" : "int_of_double(")
      write(operand, minimum: 0)
      out.write(")")
    default:
      parenthesized(minimum > unary) { writer in
        writer.out.write(type == .float32 ? "(float)" : "(double)")
        writer.write(operand, minimum: unary)
      }
    }
  }

  // MARK: Int32 through unsigned

  private static func isUnsigned(_ opcode: ScalarOpcode, _ operandType: ElementType) -> Bool {
    switch opcode {
    case .add, .subtract, .multiply, .negate, .and, .or, .exclusiveOr, .not, .shiftLeft, .shiftRightLogical:
      true
    case .bitcast: operandType == .float32
    default: false
    }
  }

  /// The value as `u32`, without casting back and forth.
  private mutating func writeUnsigned(_ value: LoopValue, minimum: Int) {
    needs(.unsignedType)
    if isInlined[value.index], case .expression(let expression) = analysis.values[value.index].definition {
      switch expression {
      case .constant(let literal):
        let bits = UInt32(truncatingIfNeeded: literal.bits)
        if bits < 65_536 { out.write(bits) } else { out.write(hexadecimal: UInt64(bits)) }
        out.write("u")
        return
      case .apply(let opcode, let operands)
      where Self.isUnsigned(opcode, type(of: operands[operands.count - 1])):
        writeUnsigned(opcode, operands, minimum: minimum)
        return
      default: break
      }
    }
    parenthesized(minimum > unary) { writer in
      writer.out.write("(u32)")
      writer.write(value, minimum: unary)
    }
  }

  private mutating func writeUnsigned(_ opcode: ScalarOpcode, _ operands: [LoopValue], minimum: Int) {
    needs(.unsignedType)
    func infix(_ symbol: String, _ precedence: Int, left: Int, right: Int, _ writer: inout CKernelWriter) {
      writer.parenthesized(minimum > precedence) {
        $0.writeUnsigned(operands[0], minimum: left)
        $0.out.write(symbol)
        $0.writeUnsigned(operands[1], minimum: right)
      }
    }
    switch opcode {
    case .add: infix(" + ", additive, left: additive, right: multiplicative, &self)
    case .subtract: infix(" - ", additive, left: additive, right: multiplicative, &self)
    case .multiply: infix(" * ", multiplicative, left: multiplicative, right: unary, &self)
    case .and: infix(" & ", conditional, left: unary, right: unary, &self)
    case .or: infix(" | ", conditional, left: unary, right: unary, &self)
    case .exclusiveOr: infix(" ^ ", conditional, left: unary, right: unary, &self)
    case .negate:
      parenthesized(minimum > additive) { writer in
        writer.out.write("0u - ")
        writer.writeUnsigned(operands[0], minimum: multiplicative)
      }
    case .not:
      parenthesized(minimum > unary) { writer in
        writer.out.write("~")
        writer.writeUnsigned(operands[0], minimum: unary)
      }
    case .shiftLeft, .shiftRightLogical:
      parenthesized(minimum > conditional) { writer in
        writer.writeUnsigned(operands[0], minimum: unary)
        writer.out.write(opcode == .shiftLeft ? " << " : " >> ")
        writer.writeShiftCount(operands[1], minimum: unary)
      }
    case .bitcast:
      needs(.bitsOfFloat)
      out.write("bits_of_float(")
      write(operands[0], minimum: 0)
      out.write(")")
    default: preconditionFailure("bug in Cinch: \(opcode.rawValue) is not an operation of bits")
    }
  }

  /// The low five bits.
  private mutating func writeShiftCount(_ value: LoopValue, minimum: Int) {
    if isInlined[value.index], case .expression(.constant(let literal)) = analysis.values[value.index].definition {
      out.write(literal.bits & 31)
      return
    }
    parenthesized(minimum > conditional) { writer in
      writer.writeUnsigned(value, minimum: unary)
      writer.out.write(" & 31u")
    }
  }

  // MARK: Parts

  mutating func parenthesized(_ isNeeded: Bool, _ body: (inout CKernelWriter) -> Void) {
    if isNeeded { out.write("(") }
    body(&self)
    if isNeeded { out.write(")") }
  }

  /// `combiner(a, b)` of two lanes of a fold.
  mutating func combine(_ combiner: ScalarOpcode, _ type: ElementType, _ a: String, _ b: String) -> String {
    switch (combiner, type) {
    case (.add, .int32), (.multiply, .int32):
      needs(.unsignedType)
      return "(i32)((u32)\(a) \(combiner == .add ? "+" : "*") (u32)\(b))"
    case (.add, _): return "\(a) + \(b)"
    case (.multiply, _): return "\(a) * \(b)"
    case (.and, .int32), (.or, .int32):
      needs(.unsignedType)
      return "(i32)((u32)\(a) \(combiner == .and ? "&" : "|") (u32)\(b))"
    case (.and, _): return "\(a) && \(b)"
    case (.or, _): return "\(a) || \(b)"
    case (.maximum, _), (.minimum, _):
      let isMaximum = combiner == .maximum
      switch type {
      case .float32: needs(isMaximum ? .maxFloat : .minFloat)
      case .float64: needs(isMaximum ? .maxDouble : .minDouble)
      default: needs(isMaximum ? .maxInt : .minInt)
      }
      return "\(isMaximum ? "max" : "min")_\(type.rawValue)(\(a), \(b))"
    default: preconditionFailure("bug in Cinch: a fold cannot combine by \(combiner.rawValue)")
    }
  }
}
