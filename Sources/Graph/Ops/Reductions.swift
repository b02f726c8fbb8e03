/// What the four reductions share: axes that disappear, and an order in which elements are combined.
public protocol ReductionOp: AccumulatingOp {
  static var combiner: Reduction.Combiner { get }
  var axes: [Int] { get }
  init(axes: [Int], order: AccumulationOrder?)
}

extension ReductionOp {
  public init(axes: [Int]) { self.init(axes: axes.sorted(), order: nil) }

  public var reducing: (any ReductionOp)? { self }

  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    self.init(axes: try attributes.integers("axes"), order: try attributes.order())
  }

  public var attributes: [Attribute] {
    [Attribute("axes", .integers(axes))] + (order.map { [Attribute("order", .order($0))] } ?? [])
  }

  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    guard operands.count == 1 else { throw TypeViolation("\(Self.mnemonic) takes one operand") }
    guard operands[0].elementType != .bool else {
      throw TypeViolation("\(Self.mnemonic) needs numbers, not bool; cast first", recovered: nil)
    }
    return TensorType(operands[0].elementType, try removing(axes, from: operands[0].shape, Self.mnemonic))
  }

  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning {
    .reduce(Reduction(combiner: Self.combiner, axes: axes, order: order))
  }

  public static var samples: [OpSample] {
    [
      OpSample(Self(axes: [1]), [(TensorType(.float32, [3, 17]), .uniform(-2...2))]),
      OpSample(Self(axes: [0]), [(TensorType(.float32, [65, 5]), .uniform(-2...2))]),
      OpSample(Self(axes: [0, 2]), [(TensorType(.float32, [3, 5, 16]), .uniform(-2...2))]),
      OpSample(Self(axes: [0, 1]), [(TensorType(.float32, [15, 17]), .uniform(-2...2))]),
      OpSample(Self(axes: [0]), [(TensorType(.int32, [100]), .index(limit: 1000))]),
      OpSample(Self(axes: [0]), [(TensorType(.int32, [65]), .bits)]),
      OpSample(Self(axes: [0]), [(TensorType(.float32, [1]), .uniform(-2...2))]),
      OpSample(Self(axes: [1]), [(TensorType(.float32, [3, 1, 5]), .uniform(-2...2))]),
      OpSample(Self(axes: [0, 1, 2]), [(TensorType(.float32, [3, 65, 1]), .uniform(-2...2))]),
    ]
      // The sum of huge numbers depends on the order, the largest of them does not.
      + (combiner == .sum
        ? []
        : [
          OpSample(Self(axes: [1]), [(TensorType(.float32, [17, 16]), .special)]),
          OpSample(Self(axes: [0]), [(TensorType(.float32, [5, 15]), .special)]),
        ])
  }
}

/// `shape` without `axes`, which must be ascending, distinct and exist.
func removing(_ axes: [Int], from shape: Shape, _ mnemonic: String) throws(TypeViolation) -> Shape {
  var kept = shape.extents
  var previous = shape.rank
  for axis in axes.reversed() {
    guard axis >= 0, axis < shape.rank else {
      throw TypeViolation("\(mnemonic) along axis \(axis), which a tensor of shape \(shape) doesn't have")
    }
    guard axis < previous else { throw TypeViolation("\(mnemonic) names axis \(axis) twice or out of order") }
    kept.remove(at: axis)
    previous = axis
  }
  return Shape(kept)
}

public struct Sum: ReductionOp {
  public static let mnemonic = "sum"
  public static let summary = "The sum over some axes, in the printed order of accumulation."
  public static var combiner: Reduction.Combiner { .sum }
  public let axes: [Int]
  public var order: AccumulationOrder?
  public init(axes: [Int], order: AccumulationOrder?) {
    self.axes = axes
    self.order = order
  }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    [c.gradient.expanded(at: axes, to: c.operands[0].shape)]
  }
}

/// Equal largest elements share the gradient evenly, as in PyTorch's `amax`.
public struct Max: ReductionOp {
  public static let mnemonic = "max"
  public static let summary = "The largest element along some axes; a NaN wins."
  public static var combiner: Reduction.Combiner { .maximum }
  public let axes: [Int]
  public var order: AccumulationOrder?
  public init(axes: [Int], order: AccumulationOrder?) {
    self.axes = axes
    self.order = order
  }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [sharedAmongEqual(c, axes)] }
}

public struct Min: ReductionOp {
  public static let mnemonic = "min"
  public static let summary = "The smallest element along some axes; a NaN wins."
  public static var combiner: Reduction.Combiner { .minimum }
  public let axes: [Int]
  public var order: AccumulationOrder?
  public init(axes: [Int], order: AccumulationOrder?) {
    self.axes = axes
    self.order = order
  }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [sharedAmongEqual(c, axes)] }
}

private func sharedAmongEqual(_ c: GradientContext, _ axes: [Int]) -> Tensor {
  let operand = c.operands[0]
  let winners = (operand .== c.result.expanded(at: axes, to: operand.shape)).cast(to: operand.elementType)
  let count = winners.builder.add(Sum(axes: axes), [winners], at: winners.site)
  return (c.gradient / count).expanded(at: axes, to: operand.shape) * winners
}

public struct ArgMax: Op {
  public static let mnemonic = "arg_max"
  public static let summary = "Int32: where along an axis the largest element stands; the first of equal ones, a NaN wins."
  public let axis: Int
  public init(axis: Int) { self.axis = axis }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    axis = try attributes.integer("axis")
  }
  public var attributes: [Attribute] { [Attribute("axis", .integer(axis))] }
  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    guard operands.count == 1, operands[0].elementType != .bool else {
      throw TypeViolation("arg_max takes one operand of numbers")
    }
    return TensorType(.int32, try removing([axis], from: operands[0].shape, "arg_max"))
  }
  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning { .argMax(axis: axis) }
  public var differentiability: Differentiability { .notDifferentiable(reason: "its result is an index") }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [nil] }
  public static var samples: [OpSample] {
    [
      OpSample(ArgMax(axis: 1), [(TensorType(.float32, [5, 17]), .uniform(-2...2))]),
      OpSample(ArgMax(axis: 0), [(TensorType(.float32, [15, 3]), .uniform(-2...2))]),
      OpSample(ArgMax(axis: 0), [(TensorType(.int32, [65]), .index(limit: 4))]),
      OpSample(ArgMax(axis: 1), [(TensorType(.float32, [3, 1, 2]), .uniform(-2...2))]),
      OpSample(ArgMax(axis: 1), [(TensorType(.float32, [17, 5]), .special)]),
      OpSample(ArgMax(axis: 0), [(TensorType(.float32, [15, 17]), .special)]),
    ]
  }
}
