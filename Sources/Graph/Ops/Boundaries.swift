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
    floatSamples(StopGradient(), -2...2) + integerSamples(StopGradient(), count: 1) + boolSamples(StopGradient(), count: 1)
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
    floatSamples(IdentityOp(), -2...2) + integerSamples(IdentityOp(), count: 1) + boolSamples(IdentityOp(), count: 1)
  }
}
