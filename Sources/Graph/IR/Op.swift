/// An operation on tensors, declared once: type rule, meaning, gradient, documentation and samples stand
/// together in the struct that conforms. A new op is one struct and one line in `OpCatalogue`.
public protocol Op: Sendable {
  /// The name in graph text: lower-case words joined by underscores.
  static var mnemonic: String { get }
  /// One sentence for the op table in the documentation.
  static var summary: String { get }

  /// The op that graph text describes.
  init(attributes: inout AttributeReader) throws(AttributeReader.Failure)
  /// What `init(attributes:)` reads back.
  var attributes: [Attribute] { get }

  /// The result's type, or what is wrong with the operands.
  func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType

  /// What the op computes on operands that its type rule accepted.
  func meaning(of operands: [TensorType], result: TensorType) -> Meaning

  var differentiability: Differentiability { get }

  /// The gradient with respect to each operand, given the one with respect to the result; nil where it is zero everywhere.
  /// Called only where `differentiability` is `.differentiable`.
  func gradients(_ context: GradientContext) -> [Tensor?]

  /// The op itself if its result depends on the order of accumulation. Asked by passes instead of casts, because the first cast
  /// of each type to a protocol searches all that the process has loaded.
  var accumulating: (any AccumulatingOp)? { get }

  /// Small cases that every contract test runs, odd sizes included.
  static var samples: [OpSample] { get }
}

extension Op {
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) where Self: AttributeFree {
    self.init()
  }
  public var differentiability: Differentiability { .differentiable }
  public var accumulating: (any AccumulatingOp)? { nil }
}

/// An op without attributes.
public protocol AttributeFree: Op {
  init()
}

extension AttributeFree {
  public var attributes: [Attribute] { [] }
}

public enum Differentiability: Sendable, Hashable {
  case differentiable
  /// No gradient flows, for the stated reason (a comparison's is zero almost everywhere).
  case notDifferentiable(reason: String)
}

/// Why an op rejects its operands, and what its result would have had for type, so that building can go on and find
/// further mistakes.
public struct TypeViolation: Error, Sendable {
  public var message: String
  /// What is computed from it is checked against this type; nil where nobody can know, and what follows is silent.
  public var recovered: TensorType?
  /// Whether it is nothing but the result's size.
  var isAboutSize = false

  public init(_ message: String, recovered: TensorType? = nil) {
    self.message = message
    self.recovered = recovered
  }

  static func tooLarge(_ type: TensorType, _ message: String) -> TypeViolation {
    var violation = TypeViolation(message, recovered: type)
    violation.isAboutSize = true
    return violation
  }
}

/// What a gradient rule is given.
public struct GradientContext {
  public let operands: [Tensor]
  public let result: Tensor
  /// With respect to the result, and of its type.
  public let gradient: Tensor
}

/// One case for the contract tests: an op with the types of its operands and where to draw their values from.
public struct OpSample: Sendable {
  public enum Values: Sendable, Hashable {
    case uniform(ClosedRange<Float>)
    /// Float32 of every kind: signed zeros, NaN, infinities, subnormal and huge numbers, for ops whose conventions say
    /// something about them. Gradients are not compared there.
    case special
    /// Int32 in `0..<limit`.
    case index(limit: Int)
    /// Bool, or Int32 over the whole range.
    case bits
  }

  public var op: any Op
  public var operands: [(type: TensorType, values: Values)]

  public init(_ op: any Op, _ operands: [(type: TensorType, values: Values)]) {
    self.op = op
    self.operands = operands
  }
}

/// An op whose result depends on the order of accumulation.
public protocol AccumulatingOp: Op {
  var order: AccumulationOrder? { get set }
  /// The op itself if it reduces axes; asked instead of casts, like `accumulating`.
  var reducing: (any ReductionOp)? { get }
}

extension AccumulatingOp {
  public var accumulating: (any AccumulatingOp)? { self }
  public var reducing: (any ReductionOp)? { nil }
}

/// An op on single elements: all operands and the result have one shape.
public protocol ElementwiseOp: Op {
  /// The Float32 (or Int32, Bool) meaning.
  func function(_ operands: [ElementType]) -> ScalarFunction
  /// The independent meaning in real numbers, by libm; Int32 and Bool operands come as exact numbers.
  func reference(_ operands: [Double]) -> Double
  func resultElementType(_ operands: [ElementType]) throws(TypeViolation) -> ElementType
}

extension ElementwiseOp {
  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    let elementType = try resultElementType(operands.map(\.elementType))
    guard let first = operands.first else { throw TypeViolation("\(Self.mnemonic) needs operands") }
    for operand in operands where operand.shape != first.shape {
      throw TypeViolation("\(Self.mnemonic) needs equal shapes: \(first.shape) and \(operand.shape)")
    }
    return TensorType(elementType, first.shape)
  }

  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning {
    .elementwise(function(operands.map(\.elementType)))
  }
}
