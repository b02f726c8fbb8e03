/// A number that may stand beside a tensor or in one: of any of Swift's types of numbers.
///
/// Beside a tensor it becomes an element of the tensor's type; alone it has the type's own element type, int32 for whole
/// numbers and float32 for others. Literals without a type count as floats, so that `1 / 2 * x` is half of x.
public protocol TensorNumber: NestedNumbers {
  /// int32 for whole numbers, float32 for floats, bool for Booleans.
  static var standardElementType: ElementType { get }
  /// The number; exact but for whole numbers beyond 2⁵³.
  var elementValue: Double { get }
}

/// Numbers, or arrays of numbers in any depth: what a tensor can be made of.
public protocol NestedNumbers {
  associatedtype Number: TensorNumber
  /// How many each array has, outermost first; nil where arrays side by side differ in length.
  var extents: [Int]? { get }
  func append(to numbers: inout [Number])
}

extension TensorNumber {
  public var extents: [Int]? { [] }
  public func append(to numbers: inout [Self]) { numbers.append(self) }
}

extension Array: NestedNumbers where Element: NestedNumbers {
  public var extents: [Int]? {
    guard let first else { return [0] }
    // The numbers of one array are not asked each.
    if first is any TensorNumber { return [count] }
    guard let inner = first.extents, dropFirst().allSatisfy({ $0.extents == inner }) else { return nil }
    return [count] + inner
  }

  public func append(to numbers: inout [Element.Number]) {
    if let values = self as? [Element.Number] { return numbers.append(contentsOf: values) }
    for element in self { element.append(to: &numbers) }
  }
}

extension TensorNumber where Self: BinaryInteger {
  public static var standardElementType: ElementType { .int32 }
  public var elementValue: Double { Double(self) }
}

extension TensorNumber where Self: BinaryFloatingPoint {
  public static var standardElementType: ElementType { .float32 }
  public var elementValue: Double { Double(self) }
}

extension Int: TensorNumber {}
extension Int8: TensorNumber {}
extension Int16: TensorNumber {}
extension Int32: TensorNumber {}
extension Int64: TensorNumber {}
extension UInt: TensorNumber {}
extension UInt8: TensorNumber {}
extension UInt16: TensorNumber {}
extension UInt32: TensorNumber {}
extension UInt64: TensorNumber {}
extension Float16: TensorNumber {}
extension Float: TensorNumber {}
extension Double: TensorNumber {}
extension Bool: TensorNumber {
  public static var standardElementType: ElementType { .bool }
  public var elementValue: Double { self ? 1 : 0 }
}

extension ElementArray {
  /// The numbers as elements of that type: floats are rounded, and a number that the type doesn't hold is a mistake.
  package static func of<N: TensorNumber>(_ numbers: [N], _ type: ElementType) -> (elements: ElementArray, mistake: String?) {
    if type == .float32, let floats = numbers as? [Float] { return (.float32(floats), nil) }
    if type == .int32, let integers = numbers as? [Int32] { return (.int32(integers), nil) }
    let values = numbers.map(\.elementValue)
    if let position = values.firstIndex(where: { Tensor.obstacle(to: $0, type) != nil }) {
      let obstacle = Tensor.obstacle(to: values[position], type) ?? ""
      return (ElementArray(zeros: values.count, type: type), "number \(position) of \(values.count): \(obstacle)")
    }
    let elements: ElementArray =
      switch type {
      case .float32: .float32(values.map { Float($0) })
      case .float64: .float64(values)
      case .int32: .int32(values.map { Int32($0) })
      case .bool: .bool(values.map { $0 != 0 })
      }
    return (elements, nil)
  }

  /// As bits, for constants of a graph.
  package var bitPatterns: [UInt64] { (0..<count).map { self[$0].bits } }
}
