import CinchGraph
import Testing

/// The edges of each opcode, as `ScalarOpcode` documents them.
@Suite struct ScalarOpcodeTests {
  /// Evaluates one opcode on single elements.
  func apply(_ opcode: ScalarOpcode, _ operands: ScalarLiteral..., type: ElementType? = nil) throws -> ScalarLiteral {
    let result = type ?? (opcode.isComparison ? .bool : operands[operands.count - 1].type)
    let function = ScalarFunction(opcode, operands.map(\.type), type: result)
    try function.verify()
    return function.evaluate(operands.map { ElementArray(repeating: $0, count: 1) })[0]
  }

  func isNaN(_ literal: ScalarLiteral) -> Bool { literal.asDouble.isNaN }

  @Test(arguments: [ElementType.float32, .float64]) func floatArithmetic(type: ElementType) throws {
    func value(_ x: Double) -> ScalarLiteral { type == .float32 ? .float(Float(x)) : .double(x) }
    #expect(try apply(.add, value(1.5), value(2.25)) == value(3.75))
    #expect(try apply(.subtract, value(1.5), value(2.25)) == value(-0.75))
    #expect(try apply(.multiply, value(-0.0), value(5)) == value(-0.0))
    #expect(try apply(.divide, value(1), value(-0.0)) == value(-.infinity))
    #expect(try apply(.divide, value(1), value(3)) == (type == .float32 ? .float(1 / 3) : .double(1 / 3)))
    #expect(try apply(.negate, value(0)) == value(-0.0))
    #expect(try apply(.absolute, value(-0.0)) == value(0))
    #expect(try apply(.squareRoot, value(-0.0)) == value(-0.0))
    #expect(try apply(.squareRoot, value(2)) == (type == .float32 ? .float(Float(2).squareRoot()) : .double(2.squareRoot())))
    #expect(isNaN(try apply(.squareRoot, value(-1))))
  }

  @Test(arguments: [ElementType.float32, .float64]) func maximumAndMinimum(type: ElementType) throws {
    func value(_ x: Double) -> ScalarLiteral { type == .float32 ? .float(Float(x)) : .double(x) }
    #expect(try apply(.maximum, value(1), value(2)) == value(2))
    #expect(try apply(.maximum, value(2), value(1)) == value(2))
    #expect(try apply(.minimum, value(1), value(2)) == value(1))
    #expect(try apply(.minimum, value(2), value(1)) == value(1))
    // Equal operands give the second.
    #expect(try apply(.maximum, value(0), value(-0.0)) == value(-0.0))
    #expect(try apply(.maximum, value(-0.0), value(0)) == value(0))
    #expect(try apply(.minimum, value(0), value(-0.0)) == value(-0.0))
    #expect(try apply(.minimum, value(-0.0), value(0)) == value(0))
    for opcode in [ScalarOpcode.maximum, .minimum] {
      #expect(isNaN(try apply(opcode, value(.nan), value(1))))
      #expect(isNaN(try apply(opcode, value(1), value(.nan))))
    }
  }

  @Test func fusedMultiplyAddRoundsOnce() throws {
    // (1 + 2⁻²³)² − (1 + 2⁻²²) is 2⁻⁴⁶; a product rounded first would give 0.
    let x = 1 + Float.ulpOfOne
    #expect(try apply(.fusedMultiplyAdd, .float(x), .float(x), .float(-1 - 2 * Float.ulpOfOne)) == .float(0x1p-46))
    let y = 1 + Double.ulpOfOne
    #expect(
      try apply(.fusedMultiplyAdd, .double(y), .double(y), .double(-1 - 2 * Double.ulpOfOne)) == .double(0x1p-104))
    // 1 + 2⁻²³ + 2⁻²⁴ − 2⁻⁷⁰: rounding to Float64 first would make it a tie.
    let almostTie: (Float, Float) = (0x1p-24 + 0x1p-47, 1 - 0x1p-23)
    #expect(try apply(.fusedMultiplyAdd, .float(almostTie.0), .float(almostTie.1), .float(x)) == .float(x))
  }

  @Test func subnormalsAreKept() throws {
    #expect(try apply(.multiply, .float(0x1p-126), .float(0.5)) == .float(0x1p-127))
    #expect(try apply(.add, .float(.leastNonzeroMagnitude), .float(0)) == .float(.leastNonzeroMagnitude))
  }

  @Test func comparisons() throws {
    let expectations: [(ScalarOpcode, less: Bool, equal: Bool, greater: Bool, unordered: Bool)] = [
      (.equal, false, true, false, false), (.notEqual, true, false, true, true),
      (.less, true, false, false, false), (.lessOrEqual, true, true, false, false),
    ]
    for (opcode, less, equal, greater, unordered) in expectations {
      #expect(try apply(opcode, .float(1), .float(2)) == .bool(less))
      #expect(try apply(opcode, .float(0), .float(-0.0)) == .bool(equal))
      #expect(try apply(opcode, .float(2), .float(1)) == .bool(greater))
      #expect(try apply(opcode, .float(.nan), .float(1)) == .bool(unordered))
      #expect(try apply(opcode, .float(1), .float(.nan)) == .bool(unordered))
      #expect(try apply(opcode, .double(1), .double(2)) == .bool(less))
      #expect(try apply(opcode, .double(.nan), .double(.nan)) == .bool(unordered))
      #expect(try apply(opcode, .int(-1), .int(1)) == .bool(less))
      #expect(try apply(opcode, .int(7), .int(7)) == .bool(equal))
      #expect(try apply(opcode, .int(1), .int(.min)) == .bool(greater))
    }
    #expect(try apply(.equal, .bool(true), .bool(true)) == .bool(true))
    #expect(try apply(.notEqual, .bool(true), .bool(true)) == .bool(false))
  }

  @Test func integersWrap() throws {
    #expect(try apply(.add, .int(.max), .int(1)) == .int(.min))
    #expect(try apply(.subtract, .int(.min), .int(1)) == .int(.max))
    #expect(try apply(.multiply, .int(0x10001), .int(0x10001)) == .int(0x20001))
    #expect(try apply(.negate, .int(.min)) == .int(.min))
    #expect(try apply(.absolute, .int(.min)) == .int(.min))
    #expect(try apply(.absolute, .int(-5)) == .int(5))
    #expect(try apply(.maximum, .int(-5), .int(3)) == .int(3))
    #expect(try apply(.minimum, .int(-5), .int(3)) == .int(-5))
  }

  @Test func shiftsUseFiveBitsOfTheCount() throws {
    #expect(try apply(.shiftLeft, .int(1), .int(31)) == .int(.min))
    #expect(try apply(.shiftLeft, .int(3), .int(33)) == .int(6))
    #expect(try apply(.shiftRightLogical, .int(-1), .int(28)) == .int(15))
    #expect(try apply(.shiftRightLogical, .int(-1), .int(-4)) == .int(15))
    #expect(try apply(.shiftRightArithmetic, .int(-16), .int(2)) == .int(-4))
    #expect(try apply(.shiftRightArithmetic, .int(-16), .int(34)) == .int(-4))
  }

  @Test func logic() throws {
    #expect(try apply(.and, .int(0b1100), .int(0b1010)) == .int(0b1000))
    #expect(try apply(.or, .int(0b1100), .int(0b1010)) == .int(0b1110))
    #expect(try apply(.exclusiveOr, .int(0b1100), .int(0b1010)) == .int(0b0110))
    #expect(try apply(.not, .int(0)) == .int(-1))
    for a in [false, true] {
      #expect(try apply(.not, .bool(a)) == .bool(!a))
      for b in [false, true] {
        #expect(try apply(.and, .bool(a), .bool(b)) == .bool(a && b))
        #expect(try apply(.or, .bool(a), .bool(b)) == .bool(a || b))
        #expect(try apply(.exclusiveOr, .bool(a), .bool(b)) == .bool(a != b))
      }
    }
  }

  @Test func selectKeepsBits() throws {
    let payload = ScalarLiteral(type: .float32, bits: 0x7fc1_2345)
    #expect(try apply(.select, .bool(true), payload, .float(1)) == payload)
    #expect(try apply(.select, .bool(false), payload, .float(-0.0)) == .float(-0.0))
    #expect(try apply(.select, .bool(true), .double(1), .double(2)) == .double(1))
    #expect(try apply(.select, .bool(false), .int(1), .int(2)) == .int(2))
    #expect(try apply(.select, .bool(true), .bool(false), .bool(true)) == .bool(false))
    #expect(try apply(.selectRarely, .bool(true), payload, .float(1)) == payload)
    #expect(try apply(.selectRarely, .bool(false), .int(1), .int(2)) == .int(2))
  }

  @Test func conversionToIntegerTruncatesAndSaturates() throws {
    let cases: [(Double, Int32)] = [
      (1.9, 1), (-1.9, -1), (-0.0, 0), (2_147_483_520, 2_147_483_520), (2_147_483_648, .max), (1e30, .max),
      (.infinity, .max), (-2_147_483_648, .min), (-1e30, .min), (-.infinity, .min), (.nan, 0),
    ]
    for (value, expected) in cases {
      #expect(try apply(.convert, .float(Float(value)), type: .int32) == .int(expected))
      #expect(try apply(.convert, .double(value), type: .int32) == .int(expected))
    }
    #expect(try apply(.convert, .double(2147483647.5), type: .int32) == .int(.max))
    #expect(try apply(.convert, .double(-2147483648.5), type: .int32) == .int(.min))
  }

  @Test func conversionToFloatRoundsToNearestEven() throws {
    #expect(try apply(.convert, .int(16_777_217), type: .float32) == .float(16_777_216))
    #expect(try apply(.convert, .int(16_777_219), type: .float32) == .float(16_777_220))
    #expect(try apply(.convert, .int(.min), type: .float32) == .float(-0x1p31))
    #expect(try apply(.convert, .int(.max), type: .float64) == .double(2_147_483_647))
    #expect(try apply(.convert, .double(1e300), type: .float32) == .float(.infinity))
    #expect(try apply(.convert, .double(0x1p-150), type: .float32) == .float(0))
    #expect(try apply(.convert, .double(-0.0), type: .float32) == .float(-0.0))
    #expect(try apply(.convert, .float(0.1), type: .float64) == .double(Double(Float(0.1))))
  }

  @Test func conversionOfBooleans() throws {
    #expect(try apply(.convert, .bool(true), type: .float32) == .float(1))
    #expect(try apply(.convert, .bool(false), type: .float64) == .double(0))
    #expect(try apply(.convert, .bool(true), type: .int32) == .int(1))
    #expect(try apply(.convert, .float(-0.0), type: .bool) == .bool(false))
    #expect(try apply(.convert, .float(.nan), type: .bool) == .bool(true))
    #expect(try apply(.convert, .double(1e-300), type: .bool) == .bool(true))
    #expect(try apply(.convert, .int(-1), type: .bool) == .bool(true))
    #expect(try apply(.convert, .int(7), type: .int32) == .int(7))
  }

  @Test func bitcastKeepsBits() throws {
    #expect(try apply(.bitcast, .float(-0.0), type: .int32) == .int(.min))
    #expect(try apply(.bitcast, .int(0x3f80_0000), type: .float32) == .float(1))
  }

  /// No pair of opcode and type that the verifier accepts lacks a meaning.
  @Test func everyAcceptedOpcodeHasAMeaning() throws {
    for opcode in ScalarOpcode.allCases {
      for type in ElementType.allCases where opcode.accepts(type) {
        for target in ElementType.allCases {
          var inputs = [ElementType](repeating: type, count: opcode.operandCount)
          if opcode.isSelection { inputs[0] = .bool }
          let function = ScalarFunction(opcode, inputs, type: target)
          guard (try? function.verify()) != nil else { continue }
          let result = function.evaluate(inputs.map { ElementArray(zeros: 3, type: $0) })
          #expect(result.elementType == target && result.count == 3)
        }
      }
    }
  }
}
