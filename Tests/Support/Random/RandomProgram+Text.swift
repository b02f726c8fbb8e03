public import Cinch

extension RandomProgram {
  /// Numbers that need no list: −2 to 1.75 in steps of a quarter, out of order.
  static func plainNumbers(_ count: Int) -> [Float] { (0..<count).map { Float($0 * 7 % 16 - 8) * 0.25 } }

  /// Numbers for an input of which nothing is known: plain ones, 0 and 1 by turns, or true and false.
  public static func plainValues(of type: TensorType) -> ElementArray {
    let count = type.shape.elementCount
    return switch type.elementType {
    case .float32: .float32(plainNumbers(count))
    case .float64: .float64(plainNumbers(count).map(Double.init))
    case .int32: .int32((0..<count).map { Int32($0 % 2) })
    case .bool: .bool((0..<count).map { $0 % 2 == 1 })
    }
  }

  /// The step as graph text that parses back, and the numbers that it reads.
  public var listing: String {
    var text = step.description
    if repeats > 1 { text += "run \(repeats) times in a loop\n" }
    for (name, values) in inputs.sorted(by: { $0.key < $1.key }) { text += "\(name) = \(Self.list(values))\n" }
    for (name, values) in state.sorted(by: { $0.key < $1.key }) { text += "\(name) = \(Self.list(values))\n" }
    return text
  }

  private static func list(_ values: ElementArray) -> String {
    if values.floats == plainNumbers(values.count), values.count > 4 { return "(7·i mod 16 − 8) / 4 for element i" }
    let shown = (0..<min(values.count, 64)).map { "\(values[$0])" }.joined(separator: ", ")
    return "[\(shown)\(values.count > 64 ? ", … of \(values.count)" : "")]"
  }
}
