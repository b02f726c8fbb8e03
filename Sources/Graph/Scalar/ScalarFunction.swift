/// A value inside a `ScalarFunction`: its inputs are numbered first, then its instructions.
public struct ScalarValue: Sendable, Hashable {
  public let raw: Int32
  public init(raw: Int32) { self.raw = raw }
  public var index: Int { Int(raw) }
}

/// One step of a `ScalarFunction`.
public enum ScalarInstruction: Sendable, Hashable {
  case constant(ScalarLiteral)
  case apply(ScalarOpcode, [ScalarValue], type: ElementType)

  public var type: ElementType {
    switch self {
    case .constant(let literal): literal.type
    case .apply(_, _, let type): type
    }
  }
}

/// A pure function of a few elements, as straight-line code: what an elementwise op means.
///
/// The same instructions are evaluated by the interpreter, printed as C and turned into vector instructions.
public struct ScalarFunction: Sendable, Hashable {
  public let inputTypes: [ElementType]
  public internal(set) var instructions: [ScalarInstruction]
  public internal(set) var result: ScalarValue

  public var resultType: ElementType { type(of: result) }

  public func type(of value: ScalarValue) -> ElementType {
    value.index < inputTypes.count
      ? inputTypes[value.index] : instructions[value.index - inputTypes.count].type
  }

  /// The function that `build` writes; it is given the inputs and returns the result.
  public init(
    _ inputTypes: [ElementType],
    _ build: (inout ScalarBuilder, [ScalarValue]) -> ScalarValue
  ) {
    var builder = ScalarBuilder(inputTypes: inputTypes)
    let inputs = inputTypes.indices.map { ScalarValue(raw: Int32($0)) }
    let result = build(&builder, inputs)
    self.inputTypes = inputTypes
    self.instructions = builder.instructions
    self.result = result
  }

  /// The function with these instructions, as a parser reads them; `verify()` says whether they make sense.
  public init(inputTypes: [ElementType], instructions: [ScalarInstruction], result: ScalarValue) {
    self.inputTypes = inputTypes
    self.instructions = instructions
    self.result = result
  }

  /// The function of one opcode.
  public init(_ opcode: ScalarOpcode, _ inputTypes: [ElementType], type: ElementType) {
    self.inputTypes = inputTypes
    self.instructions = [
      .apply(opcode, inputTypes.indices.map { ScalarValue(raw: Int32($0)) }, type: type)
    ]
    self.result = ScalarValue(raw: Int32(inputTypes.count))
  }
}

/// Writes the instructions of a `ScalarFunction`; equal instructions are written once.
public struct ScalarBuilder: Sendable {
  let inputTypes: [ElementType]
  var instructions: [ScalarInstruction] = []
  private var known: [ScalarInstruction: ScalarValue] = [:]

  init(inputTypes: [ElementType]) { self.inputTypes = inputTypes }

  public func type(of value: ScalarValue) -> ElementType {
    value.index < inputTypes.count
      ? inputTypes[value.index] : instructions[value.index - inputTypes.count].type
  }

  mutating func append(_ instruction: ScalarInstruction) -> ScalarValue {
    if let value = known[instruction] { return value }
    let value = ScalarValue(raw: Int32(inputTypes.count + instructions.count))
    instructions.append(instruction)
    known[instruction] = value
    return value
  }

  public mutating func constant(_ literal: ScalarLiteral) -> ScalarValue { append(.constant(literal)) }
  public mutating func float(_ value: Float) -> ScalarValue { append(.constant(.float(value))) }
  public mutating func int(_ value: Int32) -> ScalarValue { append(.constant(.int(value))) }
  /// The float with these bits, for constants that are exact by construction.
  public mutating func float(bits: UInt32) -> ScalarValue {
    append(.constant(.float(Float(bitPattern: bits))))
  }

  /// Any opcode; comparisons give Bool, everything else the type of its last operand unless `type` says otherwise.
  public mutating func apply(
    _ opcode: ScalarOpcode, _ operands: ScalarValue..., type: ElementType? = nil
  ) -> ScalarValue {
    append(
      .apply(
        opcode, operands,
        type: type ?? (opcode.isComparison ? .bool : self.type(of: operands[operands.count - 1]))))
  }

  public mutating func add(_ a: ScalarValue, _ b: ScalarValue) -> ScalarValue { apply(.add, a, b) }
  public mutating func subtract(_ a: ScalarValue, _ b: ScalarValue) -> ScalarValue { apply(.subtract, a, b) }
  public mutating func multiply(_ a: ScalarValue, _ b: ScalarValue) -> ScalarValue { apply(.multiply, a, b) }
  public mutating func divide(_ a: ScalarValue, _ b: ScalarValue) -> ScalarValue { apply(.divide, a, b) }
  public mutating func negate(_ a: ScalarValue) -> ScalarValue { apply(.negate, a) }
  public mutating func absolute(_ a: ScalarValue) -> ScalarValue { apply(.absolute, a) }
  /// `a · b + c`, rounded once.
  public mutating func fma(_ a: ScalarValue, _ b: ScalarValue, _ c: ScalarValue) -> ScalarValue {
    apply(.fusedMultiplyAdd, a, b, c)
  }
  public mutating func less(_ a: ScalarValue, _ b: ScalarValue) -> ScalarValue { apply(.less, a, b) }
  public mutating func lessOrEqual(_ a: ScalarValue, _ b: ScalarValue) -> ScalarValue {
    apply(.lessOrEqual, a, b)
  }
  public mutating func equal(_ a: ScalarValue, _ b: ScalarValue) -> ScalarValue { apply(.equal, a, b) }
  public mutating func notEqual(_ a: ScalarValue, _ b: ScalarValue) -> ScalarValue { apply(.notEqual, a, b) }
  public mutating func select(_ condition: ScalarValue, _ a: ScalarValue, _ b: ScalarValue) -> ScalarValue {
    apply(.select, condition, a, b)
  }
  /// `select` for a condition that is rarely true.
  public mutating func selectRarely(_ condition: ScalarValue, _ a: ScalarValue, _ b: ScalarValue) -> ScalarValue {
    apply(.selectRarely, condition, a, b)
  }
  public mutating func convert(_ a: ScalarValue, to type: ElementType) -> ScalarValue {
    apply(.convert, a, type: type)
  }
  public mutating func bitcast(_ a: ScalarValue, to type: ElementType) -> ScalarValue {
    apply(.bitcast, a, type: type)
  }

  /// The result of a function of Float32 written elsewhere, inlined here.
  public mutating func call(_ function: ScalarFunction, _ arguments: ScalarValue...) -> ScalarValue {
    var map = arguments
    for instruction in function.instructions {
      switch instruction {
      case .constant: map.append(append(instruction))
      case .apply(let opcode, let operands, let type):
        map.append(append(.apply(opcode, operands.map { map[$0.index] }, type: type)))
      }
    }
    return map[function.result.index]
  }
}
