// Ops that compute nothing and say where gradients go.

public struct StopGradient: ElementwiseOp, AttributeFree {
  public static let mnemonic = "stop_gradient"
  public static let summary = "Its operand, as a constant for differentiation."
  public init() {}
  public func resultElementType(_ o: [ElementType]) throws(TypeViolation) -> ElementType {
    guard o.count == 1 else { throw TypeViolation("stop_gradient takes one operand") }
    return o[0]
  }
  public func function(_ o: [ElementType]) -> ScalarFunction { ScalarFunction(o) { _, x in x[0] } }
  public func reference(_ x: [Double]) -> Double { x[0] }
  public var differentiability: Differentiability { .notDifferentiable(reason: "that is its purpose") }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [nil] }
  public static var samples: [OpSample] {
    [OpSample(StopGradient(), [(TensorType(.float32, [17]), .uniform(-2...2))])]
  }
}

public struct IdentityOp: ElementwiseOp, AttributeFree {
  public static let mnemonic = "identity"
  public static let summary = "Its operand: where a module with a hand-written gradient ends."
  public init() {}
  public func resultElementType(_ o: [ElementType]) throws(TypeViolation) -> ElementType {
    guard o.count == 1 else { throw TypeViolation("identity takes one operand") }
    return o[0]
  }
  public func function(_ o: [ElementType]) -> ScalarFunction { ScalarFunction(o) { _, x in x[0] } }
  public func reference(_ x: [Double]) -> Double { x[0] }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [c.gradient] }
  public static var samples: [OpSample] {
    [OpSample(IdentityOp(), [(TensorType(.float32, [17]), .uniform(-2...2))])]
  }
}

public struct Repeat: Op {
  public static let mnemonic = "loop"
  public static let summary = "Its body count times: outputs of one iteration are the carried inputs of the next."
  public let count: Int
  public let carried: Int
  public init(count: Int, carried: Int) {
    self.count = count
    self.carried = carried
  }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    count = try attributes.integer("count")
    carried = try attributes.integer("carried")
  }
  public var attributes: [Attribute] { [Attribute("count", .integer(count)), Attribute("carried", .integer(carried))] }
  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    guard count >= 1 else { throw TypeViolation("a loop runs at least once, not \(count) times") }
    guard carried >= 1, carried <= operands.count else {
      throw TypeViolation("a loop of \(operands.count) operands can't carry \(carried)")
    }
    return operands[0]
  }
  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning {
    .loop(count: count, carried: carried)
  }
  public var differentiability: Differentiability {
    .notDifferentiable(reason: "a loop over steps is made after differentiation")
  }
  public func gradients(_ c: GradientContext) -> [Tensor?] { c.operands.map { _ in nil } }
  /// Loops need a body, so their cases are tests of their own.
  public static var samples: [OpSample] { [] }
}

/// A further result of a loop. Its type is given, because an operand's type is that of its first result;
/// the verifier compares it with the loop's.
public struct Projection: Op {
  public static let mnemonic = "projection"
  public static let summary = "One of a node's further results."
  public let index: Int
  public let type: TensorType
  public init(index: Int, type: TensorType) {
    self.index = index
    self.type = type
  }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    index = try attributes.integer("index")
    type = TensorType(try attributes.elementType("type"), Shape(try attributes.integers("shape")))
  }
  public var attributes: [Attribute] {
    [
      Attribute("index", .integer(index)), Attribute("type", .elementType(type.elementType)),
      Attribute("shape", .integers(type.shape.extents)),
    ]
  }
  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    guard operands.count == 1, index >= 1 else { throw TypeViolation("projection takes one operand and an index from 1") }
    return type
  }
  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning { .projection(index: index) }
  public var differentiability: Differentiability { .notDifferentiable(reason: "it belongs to a loop") }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [nil] }
  public static var samples: [OpSample] { [] }
}
