public struct MatMul: AccumulatingOp {
  public static let mnemonic = "matmul"
  public static let summary = "[batch…, m, k] × [batch…, k, n] → [batch…, m, n]: chains of fma over k from +0.0."

  public var order: AccumulationOrder?
  public init(order: AccumulationOrder? = nil) { self.order = order }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    order = try attributes.order()
  }
  public var attributes: [Attribute] { order.map { [Attribute("order", .order($0))] } ?? [] }

  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    guard operands.count == 2 else { throw TypeViolation("matmul takes 2 operands, not \(operands.count)") }
    let (a, b) = (operands[0], operands[1])
    guard a.elementType.isFloatingPoint, a.elementType == b.elementType else {
      throw TypeViolation(
        "matmul needs floats of one type, not \(a.elementType.rawValue) and \(b.elementType.rawValue)")
    }
    guard a.shape.rank >= 2, b.shape.rank == a.shape.rank else {
      throw TypeViolation(
        "matmul needs two operands of one rank, at least 2: \(a.shape) × \(b.shape)")
    }
    let rank = a.shape.rank
    let batch = Array(a.shape.extents[..<(rank - 2)])
    let result = TensorType(a.elementType, Shape(batch + [a.shape[rank - 2], b.shape[rank - 1]]))
    guard a.shape[rank - 1] == b.shape[rank - 2] else {
      throw TypeViolation(
        "matmul needs equal inner dimensions: \(a.shape) × \(b.shape) (\(a.shape[rank - 1]) ≠ \(b.shape[rank - 2]))",
        recovered: result)
    }
    guard batch == Array(b.shape.extents[..<(rank - 2)]) else {
      throw TypeViolation("matmul needs equal batch dimensions: \(a.shape) × \(b.shape)", recovered: result)
    }
    return result
  }

  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning { .contract(order: order) }

  public func gradients(_ c: GradientContext) -> [Tensor?] {
    [
      matmul(c.gradient, c.operands[1].transposedMatrix()),
      matmul(c.operands[0].transposedMatrix(), c.gradient),
    ]
  }

  public static var samples: [OpSample] {
    func sample(_ a: Shape, _ b: Shape) -> OpSample {
      OpSample(
        MatMul(), [(TensorType(.float32, a), .uniform(-1...1)), (TensorType(.float32, b), .uniform(-1...1))])
    }
    return [
      sample([3, 5], [5, 17]), sample([17, 16], [16, 65]), sample([5, 100], [100, 1]), sample([1, 63], [63, 15]),
      sample([15, 1], [1, 16]), sample([2, 3, 15], [2, 15, 17]), sample([1, 65], [65, 1]),
    ]
  }
}
