// Loops and their further results.

public struct Repeat: Op {
  public static let mnemonic = "loop"
  public static let summary =
    "Its body count times: carried values go from one iteration to the next, slices differ, stacked outputs are collected."
  public let iteration: Iteration

  public init(_ iteration: Iteration) { self.iteration = iteration }
  public init(count: Int, carried: Int) { iteration = Iteration(count: count, carried: carried) }

  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    iteration = Iteration(
      count: try attributes.integer("count"), carried: try attributes.integer("carried"),
      sliced: try attributes.integer("sliced", orElse: 0), stacked: try attributes.integer("stacked", orElse: 0),
      isReversed: try attributes.flag("reversed", orElse: false))
  }

  /// What a plain loop doesn't use is left out.
  public var attributes: [Attribute] {
    var attributes = [
      Attribute("count", .integer(iteration.count)), Attribute("carried", .integer(iteration.carried)),
    ]
    if iteration.sliced != 0 { attributes.append(Attribute("sliced", .integer(iteration.sliced))) }
    if iteration.stacked != 0 { attributes.append(Attribute("stacked", .integer(iteration.stacked))) }
    if iteration.isReversed { attributes.append(Attribute("reversed", .flag(true))) }
    return attributes
  }

  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    _ = try iteration.inputTypes(operands)
    return operands[0]
  }
  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning { .loop(iteration) }
  /// Its gradient is another loop, which takes the gradients of all results at once: see `GraphBuilder.loopContributions`.
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
  /// It hands its gradient to its loop as that of one result.
  public func gradients(_ c: GradientContext) -> [Tensor?] { [nil] }
  public static var samples: [OpSample] { [] }
}
