import CinchGraph

extension HostTensor: CustomStringConvertible {
  /// `f32[2, 3] [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]`; of many numbers the first and the last along each axis.
  public var description: String { "\(type) \(text(axis: 0, offset: 0))" }

  private func text(axis: Int, offset: Int) -> String {
    guard axis < shape.rank else { return Self.text(elements[offset]) }
    let extent = shape[axis]
    let step = shape.strides[axis]
    let isShort = count <= Self.mostElements || extent <= 2 * Self.edge + 1
    let shown = isShort ? Array(0..<extent) : Array(0..<Self.edge) + Array(extent - Self.edge..<extent)
    var parts = shown.map { text(axis: axis + 1, offset: offset + $0 * step) }
    if !isShort { parts.insert("…", at: Self.edge) }
    return "[" + parts.joined(separator: ", ") + "]"
  }

  private static func text(_ element: ScalarLiteral) -> String {
    switch element.type {
    case .float32: "\(element.floatValue)"
    case .float64: "\(element.doubleBits)"
    case .int32: "\(element.intValue)"
    case .bool: "\(element.boolValue)"
    }
  }

  /// Tensors of so many elements are printed whole.
  private static let mostElements = 24
  private static let edge = 3
}
