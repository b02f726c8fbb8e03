public import CinchGraph

/// Numbers with a shape, in the caller's memory: what goes into a program and comes out of it.
public struct HostTensor: Sendable {
  public let shape: Shape
  /// In row-major order.
  public private(set) var elements: ElementArray

  /// - Precondition: `elements` has as many elements as `shape`, whose extents are not negative.
  public init(_ elements: ElementArray, shape: Shape, file: StaticString = #filePath, line: UInt = #line) {
    Self.check(shape, file, line)
    if elements.count != shape.elementCount {
      end("\(elements.count) elements don't fill a tensor of shape \(shape), which has \(shape.elementCount)", file, line)
    }
    self.shape = shape
    self.elements = elements
  }

  /// A vector of Float32, or a tensor of that shape from its elements in row-major order.
  ///
  /// - Precondition: there are as many values as the shape has elements.
  public init(_ values: [Float], shape: Shape? = nil, file: StaticString = #filePath, line: UInt = #line) {
    self.init(.float32(values), shape: shape ?? [values.count], file: file, line: line)
  }

  /// A matrix of Float32: `HostTensor([[1, 2], [3, 4]])`.
  ///
  /// - Precondition: the rows have one length; `init(rows:)` throws instead.
  public init(_ literal: RowsLiteral, file: StaticString = #filePath, line: UInt = #line) {
    self.init(nested: literal.values, shape: nil, type: nil, file, line)
  }

  /// A tensor of three axes from nested literals.
  ///
  /// - Precondition: arrays side by side have one length.
  public init(_ literal: BlocksLiteral, file: StaticString = #filePath, line: UInt = #line) {
    self.init(nested: literal.values, shape: nil, type: nil, file, line)
  }

  /// A tensor of four axes from nested literals.
  ///
  /// - Precondition: arrays side by side have one length.
  public init(_ literal: ImagesLiteral, file: StaticString = #filePath, line: UInt = #line) {
    self.init(nested: literal.values, shape: nil, type: nil, file, line)
  }

  /// Numbers of any type, or arrays of them in any depth. Literals of whole numbers without a type are floats.
  ///
  /// - Parameters:
  ///   - shape: the tensor's; that of the arrays unless given.
  ///   - type: the elements'; Int32 for whole numbers, Float32 for floats and Bool for Booleans unless given.
  /// - Precondition: arrays side by side have one length, there are as many numbers as the shape has elements, and the element
  ///   type holds each of them.
  @_disfavoredOverload
  public init<Values: NestedNumbers>(
    _ values: [Values], shape: Shape? = nil, type: ElementType? = nil, file: StaticString = #filePath, line: UInt = #line
  ) {
    self.init(nested: values, shape: shape, type: type, file, line)
  }

  private init<Values: NestedNumbers>(
    nested values: [Values], shape: Shape?, type: ElementType?, _ file: StaticString, _ line: UInt
  ) {
    guard let extents = values.extents else {
      end("arrays of different lengths stand side by side: they are no tensor", file, line)
    }
    var numbers: [Values.Number] = []
    values.append(to: &numbers)
    let (elements, mistake) = ElementArray.of(numbers, type ?? Values.Number.standardElementType)
    if let mistake { end("a tensor can't be made of \(mistake)", file, line) }
    self.init(elements, shape: shape ?? Shape(extents), file: file, line: line)
  }

  /// A scalar.
  public init(_ value: Float) { self.init(.float32([value]), shape: []) }

  /// A scalar of any type of numbers: Int32 for whole numbers, Float32 for floats. Literals without a type are floats.
  @_disfavoredOverload
  public init<Number: TensorNumber>(_ value: Number, file: StaticString = #filePath, line: UInt = #line) {
    self.init(nested: [value], shape: [], type: nil, file, line)
  }

  /// - Precondition: no extent is negative, and there are at most 2³⁸ elements.
  public static func zeros(
    _ shape: Shape, type: ElementType = .float32, file: StaticString = #filePath, line: UInt = #line
  ) -> HostTensor {
    check(shape, file, line)
    return HostTensor(ElementArray(zeros: shape.elementCount, type: type), shape: shape)
  }

  /// - Precondition: a tensor can have that shape.
  static func check(_ shape: Shape, _ file: StaticString, _ line: UInt) {
    if let mistake = mistake(in: shape) { end(mistake, file, line) }
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
    if count != 1 { end("a tensor of shape \(shape) is no scalar") }
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

extension HostTensor {
  // Types of their own, so that `HostTensor([])` stays a vector and whole numbers in nested literals are floats.

  /// `[[1, 2], [3, 4]]` as numbers of Float32.
  public struct RowsLiteral: ExpressibleByArrayLiteral {
    let values: [[Float]]
    public init(arrayLiteral values: [Float]...) { self.values = values }
  }

  /// `[[[1, 2]], [[3, 4]]]` as numbers of Float32.
  public struct BlocksLiteral: ExpressibleByArrayLiteral {
    let values: [[[Float]]]
    public init(arrayLiteral values: [[Float]]...) { self.values = values }
  }

  /// `[[[[1, 2]]], [[[3, 4]]]]` as numbers of Float32.
  public struct ImagesLiteral: ExpressibleByArrayLiteral {
    let values: [[[[Float]]]]
    public init(arrayLiteral values: [[[Float]]]...) { self.values = values }
  }
}

/// Ends the process for a mistake in a call that can't throw. Unlike a precondition, it says why in optimised programs too.
func end(_ mistake: String, _ file: StaticString = #filePath, _ line: UInt = #line) -> Never {
  fatalError(mistake, file: (file), line: line)
}
