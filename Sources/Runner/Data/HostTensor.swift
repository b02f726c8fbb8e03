public import CinchGraph

/// Numbers with a shape, in the caller's memory: what goes into a program and comes out of it.
public struct HostTensor: Sendable {
  public let shape: Shape
  /// In row-major order.
  public private(set) var elements: ElementArray

  /// - Precondition: `elements` has as many elements as `shape`, whose extents are not negative.
  public init(_ elements: ElementArray, shape: Shape) {
    Self.check(shape)
    precondition(
      elements.count == shape.elementCount,
      "\(elements.count) elements don't fill a tensor of shape \(shape)")
    self.shape = shape
    self.elements = elements
  }

  public init(_ values: [Float], shape: Shape? = nil) {
    self.init(.float32(values), shape: shape ?? [values.count])
  }

  /// Literals of whole numbers without a type are floats.
  @_disfavoredOverload
  public init(_ values: [Int32], shape: Shape? = nil) {
    self.init(.int32(values), shape: shape ?? [values.count])
  }

  public init(_ value: Float) { self.init(.float32([value]), shape: []) }

  public static func zeros(_ shape: Shape, type: ElementType = .float32) -> HostTensor {
    check(shape)
    return HostTensor(ElementArray(zeros: shape.elementCount, type: type), shape: shape)
  }

  /// - Precondition: a tensor can have that shape.
  static func check(_ shape: Shape) {
    if let mistake = mistake(in: shape) { preconditionFailure(mistake) }
  }

  /// Why no tensor can have that shape, or nil. An axis may be empty here, unlike in graphs.
  static func mistake(in shape: Shape) -> String? {
    if shape.extents.contains(where: { $0 < 0 }) { return "a tensor can't have the shape \(shape): no extent is negative" }
    return shape.elementCount <= Shape.maximumElementCount
      ? nil : "a tensor of shape \(shape) has more than 2³⁸ elements; no memory holds it"
  }

  public var type: TensorType { TensorType(elements.elementType, shape) }
  public var elementType: ElementType { elements.elementType }
  public var count: Int { elements.count }

  /// The elements as floats, whatever their type.
  public var floats: [Float] {
    if case .float32(let values) = elements { return values }
    return (0..<count).map { Float(elements[$0].asDouble) }
  }

  /// The one element of a scalar.
  ///
  /// - Precondition: there is exactly one.
  public var scalar: Float {
    precondition(count == 1, "a tensor of shape \(shape) is no scalar")
    return Float(elements[0].asDouble)
  }

  /// Each float replaced by what `transform` makes of it.
  public func map(_ transform: (Float) -> Float) -> HostTensor {
    HostTensor(.float32(floats.map(transform)), shape: shape)
  }
}

extension HostTensor: Equatable {
  /// Equal shapes and equal bits, where any NaN equals any NaN.
  public static func == (a: HostTensor, b: HostTensor) -> Bool {
    a.shape == b.shape && a.elementType == b.elementType && a.elements.bitsEqual(to: b.elements)
  }
}
