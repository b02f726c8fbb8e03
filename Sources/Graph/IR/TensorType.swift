/// What the verifier knows of a tensor: its shape and the type of its elements.
public struct TensorType: Sendable, Hashable, CustomStringConvertible {
  public var elementType: ElementType
  public var shape: Shape

  public init(_ elementType: ElementType, _ shape: Shape) {
    self.elementType = elementType
    self.shape = shape
  }

  public var byteCount: Int {
    let (bytes, overflow) = shape.elementCount.multipliedReportingOverflow(by: elementType.byteCount)
    return overflow ? Int.max : bytes
  }

  /// As it stands in graph text: `f32[200, 1]`.
  public var description: String { elementType.rawValue + shape.description }
}
