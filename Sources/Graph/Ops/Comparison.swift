/// Few different numbers, so that some pairs are equal.
private let fewIntegers: [(type: TensorType, values: OpSample.Values)] = [
  (TensorType(.int32, [3, 5]), .index(limit: 3)), (TensorType(.int32, [3, 5]), .index(limit: 3)),
]

/// The comparisons, as one op with a predicate: equal, notEqual, less, lessOrEqual.
public struct Compare: ElementwiseOp {
  public static let mnemonic = "compare"
  public static let summary = "a = b, a ≠ b, a < b or a ≤ b as Bool; with a NaN only ≠ holds."

  public enum Predicate: String, Sendable, Hashable, CaseIterable {
    case equal
    case notEqual = "not_equal"
    case less
    case lessOrEqual = "less_or_equal"
    var opcode: ScalarOpcode {
      switch self {
      case .equal: .equal
      case .notEqual: .notEqual
      case .less: .less
      case .lessOrEqual: .lessOrEqual
      }
    }
  }

  public let predicate: Predicate
  public init(_ predicate: Predicate) { self.predicate = predicate }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    let text = try attributes.text("predicate")
    guard let predicate = Predicate(rawValue: text) else {
      throw AttributeReader.Failure(message: "no comparison is named '\(text)'")
    }
    self.predicate = predicate
  }
  public var attributes: [Attribute] { [Attribute("predicate", .text(predicate.rawValue))] }

  public func resultElementType(_ o: [ElementType]) throws(TypeViolation) -> ElementType {
    guard o.count == 2 else { throw TypeViolation("compare takes 2 operands, not \(o.count)") }
    guard o[0] == o[1] else {
      throw TypeViolation("a comparison needs operands of one element type: \(o[0].rawValue) and \(o[1].rawValue)")
    }
    guard o[0] != .bool || predicate == .equal || predicate == .notEqual else {
      throw TypeViolation("bools have no order; only equal and not_equal compare them")
    }
    return .bool
  }
  public func function(_ o: [ElementType]) -> ScalarFunction { .init(predicate.opcode, o, type: .bool) }
  public func reference(_ x: [Double]) -> Double {
    switch predicate {
    case .equal: x[0] == x[1] ? 1 : 0
    case .notEqual: x[0] != x[1] ? 1 : 0
    case .less: x[0] < x[1] ? 1 : 0
    case .lessOrEqual: x[0] <= x[1] ? 1 : 0
    }
  }
  public var differentiability: Differentiability { .notDifferentiable(reason: "its result is not a number") }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [nil, nil] }
  public static var samples: [OpSample] {
    Predicate.allCases.flatMap {
      floatSamples(Compare($0), -2...2, -2...2) + integerSamples(Compare($0), count: 2) + [OpSample(Compare($0), fewIntegers)]
    } + boolSamples(Compare(.equal), count: 2) + boolSamples(Compare(.notEqual), count: 2)
  }
}

/// Logical on Bool, bitwise on Int32.
public struct Logical: ElementwiseOp {
  public static let mnemonic = "logical"
  public static let summary = "and, or, xor of two Bools, or of two Int32 bit by bit."

  public enum Operation: String, Sendable, Hashable, CaseIterable {
    case and, or
    case exclusiveOr = "xor"
    var opcode: ScalarOpcode {
      switch self {
      case .and: .and
      case .or: .or
      case .exclusiveOr: .exclusiveOr
      }
    }
  }

  public let operation: Operation
  public init(_ operation: Operation) { self.operation = operation }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    let text = try attributes.text("operation")
    guard let operation = Operation(rawValue: text) else {
      throw AttributeReader.Failure(message: "no logical operation is named '\(text)'")
    }
    self.operation = operation
  }
  public var attributes: [Attribute] { [Attribute("operation", .text(operation.rawValue))] }

  public func resultElementType(_ o: [ElementType]) throws(TypeViolation) -> ElementType {
    guard o.count == 2, o[0] == o[1], !o[0].isFloatingPoint else {
      throw TypeViolation(
        "\(operation.rawValue) needs two bools or two int32, not \(o.map(\.rawValue).joined(separator: " and "))",
        recovered: nil)
    }
    return o[0]
  }
  public func function(_ o: [ElementType]) -> ScalarFunction { .init(operation.opcode, o, type: o[0]) }
  public func reference(_ x: [Double]) -> Double {
    let (a, b) = (Int32(x[0]), Int32(x[1]))
    return switch operation {
    case .and: Double(a & b)
    case .or: Double(a | b)
    case .exclusiveOr: Double(a ^ b)
    }
  }
  public var differentiability: Differentiability { .notDifferentiable(reason: "its result is not a float") }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [nil, nil] }
  public static var samples: [OpSample] {
    Operation.allCases.flatMap { boolSamples(Logical($0), count: 2) + integerSamples(Logical($0), count: 2) }
  }
}

public struct Not: ElementwiseOp, AttributeFree {
  public static let mnemonic = "not"
  public static let summary = "The opposite Bool."
  public init() {}
  public func resultElementType(_ o: [ElementType]) throws(TypeViolation) -> ElementType {
    guard o == [.bool] else { throw TypeViolation("not needs one bool") }
    return .bool
  }
  public func function(_ o: [ElementType]) -> ScalarFunction { .init(.not, o, type: .bool) }
  public func reference(_ x: [Double]) -> Double { x[0] == 0 ? 1 : 0 }
  public var differentiability: Differentiability { .notDifferentiable(reason: "its result is not a number") }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [nil] }
  public static var samples: [OpSample] { boolSamples(Not(), count: 1) }
}

public struct Select: ElementwiseOp, AttributeFree {
  public static let mnemonic = "select"
  public static let summary = "a where the condition holds, else b; the other's NaN never shows."
  public init() {}
  public func resultElementType(_ o: [ElementType]) throws(TypeViolation) -> ElementType {
    guard o.count == 3 else { throw TypeViolation("select takes a condition and two values") }
    guard o[0] == .bool else { throw TypeViolation("select's condition must be bool, not \(o[0].rawValue)") }
    guard o[1] == o[2] else {
      throw TypeViolation("select needs values of one element type: \(o[1].rawValue) and \(o[2].rawValue)")
    }
    return o[1]
  }
  public func function(_ o: [ElementType]) -> ScalarFunction { .init(.select, o, type: o[1]) }
  public func reference(_ x: [Double]) -> Double { x[0] != 0 ? x[1] : x[2] }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    guard c.result.elementType.isFloatingPoint else { return [nil, nil, nil] }
    let zero = Tensor.zeros(like: c.gradient)
    return [nil, select(c.operands[0], c.gradient, zero), select(c.operands[0], zero, c.gradient)]
  }
  public static var samples: [OpSample] {
    func sample(_ shape: Shape, _ type: ElementType, _ values: OpSample.Values) -> OpSample {
      let value = (type: TensorType(type, shape), values: values)
      return OpSample(Select(), [(TensorType(.bool, shape), .bits), value, value])
    }
    return [
      sample([], .float32, .uniform(-2...2)), sample([1], .float32, .uniform(-2...2)),
      sample([3, 5], .float32, .uniform(-2...2)), sample([65], .float32, .uniform(-2...2)),
      sample([16, 17], .float32, .special), sample([15], .int32, .bits), sample([17], .bool, .bits),
    ]
  }
}

/// Between element types; the rules are those of `ScalarOpcode.convert`.
public struct Cast: ElementwiseOp {
  public static let mnemonic = "cast"
  public static let summary = "To another element type: floats truncate and saturate, NaN gives 0, to Bool is ≠ 0."
  public let target: ElementType
  public init(to target: ElementType) { self.target = target }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    target = try attributes.elementType("to")
  }
  public var attributes: [Attribute] { [Attribute("to", .elementType(target))] }
  public func resultElementType(_ o: [ElementType]) throws(TypeViolation) -> ElementType {
    guard o.count == 1 else { throw TypeViolation("cast takes one operand") }
    return target
  }
  public func function(_ o: [ElementType]) -> ScalarFunction { .init(.convert, o, type: target) }
  public func reference(_ x: [Double]) -> Double {
    switch target {
    case .float32, .float64: x[0]
    case .bool: x[0] != 0 ? 1 : 0
    case .int32:
      x[0].isNaN ? 0 : x[0] >= 2_147_483_647 ? 2_147_483_647 : x[0] <= -2_147_483_648 ? -2_147_483_648 : x[0].rounded(.towardZero)
    }
  }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    guard c.operands[0].elementType.isFloatingPoint, target.isFloatingPoint else { return [nil] }
    return [c.gradient.cast(to: c.operands[0].elementType)]
  }
  public static var samples: [OpSample] {
    [
      OpSample(Cast(to: .int32), [(TensorType(.float32, [65]), .uniform(-9...9))]),
      OpSample(Cast(to: .int32), [(TensorType(.float32, [17]), .special)]),
      OpSample(Cast(to: .bool), [(TensorType(.float32, [17]), .special)]),
      OpSample(Cast(to: .float32), [(TensorType(.float32, [17]), .uniform(-9...9))]),
      OpSample(Cast(to: .float32), [(TensorType(.int32, [1]), .bits)]),
      OpSample(Cast(to: .float32), [(TensorType(.int32, [17]), .bits)]),
      OpSample(Cast(to: .float32), [(TensorType(.bool, [17]), .bits)]),
      OpSample(Cast(to: .bool), [(TensorType(.int32, [17]), .index(limit: 2))]),
      OpSample(Cast(to: .bool), [(TensorType(.float32, [17]), .uniform(-1...1))]),
      OpSample(Cast(to: .int32), [(TensorType(.bool, [17]), .bits)]),
    ]
  }
}
