/// The caller's tensor.
public struct Input: Op {
  public static let mnemonic = "input"
  public static let summary = "A tensor that the caller gives with each step."

  public let name: String
  public let type: TensorType

  public init(_ name: String, _ type: TensorType) {
    self.name = name
    self.type = type
  }

  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    name = try attributes.text("name")
    type = TensorType(try attributes.elementType("type"), Shape(try attributes.integers("shape")))
  }

  public var attributes: [Attribute] {
    [
      Attribute("name", .text(name)), Attribute("type", .elementType(type.elementType)),
      Attribute("shape", .integers(type.shape.extents)),
    ]
  }

  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    try leafType(type, operands, "input '\(name)'")
  }
  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning { .input(name: name) }
  public func gradients(_ context: GradientContext) -> [Tensor?] { [] }
  public static var samples: [OpSample] { [OpSample(Input("x", TensorType(.float32, [3])), [])] }
}

/// A state variable's value from before the step.
public struct ReadState: Op {
  public static let mnemonic = "state"
  public static let summary = "The value that a state variable had before the step."

  public let id: StateID
  public let type: TensorType

  public init(_ id: StateID, _ type: TensorType) {
    self.id = id
    self.type = type
  }

  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    id = StateID(try attributes.integer("index"))
    type = TensorType(try attributes.elementType("type"), Shape(try attributes.integers("shape")))
  }

  public var attributes: [Attribute] {
    [
      Attribute("index", .integer(id.index)), Attribute("type", .elementType(type.elementType)),
      Attribute("shape", .integers(type.shape.extents)),
    ]
  }

  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    try leafType(type, operands, "state")
  }
  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning { .state(id) }
  public func gradients(_ context: GradientContext) -> [Tensor?] { [] }
  public static var samples: [OpSample] { [] }
}

/// Numbers that are part of the program.
public struct Constant: Op {
  public static let mnemonic = "constant"
  public static let summary = "Numbers that are part of the program."

  public let data: ConstantData
  public let shape: Shape

  public init(_ data: ConstantData, shape: Shape) {
    self.data = data
    self.shape = shape
  }

  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    data = try attributes.dense("value")
    shape = Shape(try attributes.integers("shape"))
  }

  public var attributes: [Attribute] {
    [Attribute("value", .dense(data)), Attribute("shape", .integers(shape.extents))]
  }

  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    if case .dense(_, let elements) = data, elements.count != shape.elementCount {
      throw TypeViolation("a constant of shape \(shape) needs \(shape.elementCount) elements, not \(elements.count)")
    }
    return try leafType(TensorType(data.elementType, shape), operands, "constant")
  }
  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning { .constant(data) }
  public func gradients(_ context: GradientContext) -> [Tensor?] { [] }
  public static var samples: [OpSample] {
    [
      OpSample(Constant(.splat(.float(1.5)), shape: [2, 3]), []),
      OpSample(Constant(.dense(.int32, [1, 0xFFFF_FFFF, 7]), shape: [3]), []),
    ]
  }
}

/// The coordinates of a tensor's elements.
public struct Iota: Op {
  public static let mnemonic = "iota"
  public static let summary = "Int32 coordinates along one axis, or row-major numbers without one."

  public let shape: Shape
  public let axis: Int?

  public init(_ shape: Shape, axis: Int? = nil) {
    self.shape = shape
    self.axis = axis
  }

  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    shape = Shape(try attributes.integers("shape"))
    let number = try attributes.integer("axis")
    axis = number < 0 ? nil : number
  }

  public var attributes: [Attribute] {
    [Attribute("shape", .integers(shape.extents)), Attribute("axis", .integer(axis ?? -1))]
  }

  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    if let axis, !shape.extents.indices.contains(axis) { throw TypeViolation("iota of shape \(shape) has no axis \(axis)") }
    // Numbers along an axis are smaller than its extent.
    if (axis.map { shape[$0] } ?? shape.elementCount) > Int(Int32.max) {
      throw TypeViolation(
        "iota of shape \(shape)\(axis.map { " along axis \($0)" } ?? "") has more elements than Int32 can number")
    }
    return try leafType(TensorType(.int32, shape), operands, "iota")
  }
  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning { .iota(axis: axis) }
  public var differentiability: Differentiability { .notDifferentiable(reason: "it has no operands") }
  public func gradients(_ context: GradientContext) -> [Tensor?] { [] }
  public static var samples: [OpSample] {
    [OpSample(Iota([3, 5]), []), OpSample(Iota([3, 5], axis: 1), []), OpSample(Iota([17, 3], axis: 0), [])]
  }
}

private func leafType(
  _ type: TensorType, _ operands: [TensorType], _ what: String
) throws(TypeViolation) -> TensorType {
  guard operands.isEmpty else { throw TypeViolation("\(what) takes no operands") }
  if let extent = type.shape.extents.first(where: { $0 < 1 }) {
    throw TypeViolation(
      "\(what) has the shape \(type.shape): every extent must be at least 1, not \(extent)")
  }
  return type
}
