public struct Transpose: Op {
  public static let mnemonic = "transpose"
  public static let summary = "Axis i of the result is axis permutation[i] of the operand."
  public let permutation: [Int]
  public init(_ permutation: [Int]) { self.permutation = permutation }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    permutation = try attributes.integers("permutation")
  }
  public var attributes: [Attribute] { [Attribute("permutation", .integers(permutation))] }
  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    let operand = try single(operands, "transpose")
    guard permutation.sorted() == Array(0..<operand.shape.rank) else {
      throw TypeViolation("transpose of \(operand.shape) by \(permutation), which is no permutation of its axes")
    }
    return TensorType(operand.elementType, Shape(permutation.map { operand.shape[$0] }))
  }
  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning {
    var axes = [IndexMap.Axis](
      repeating: .init(coefficients: [Int](repeating: 0, count: result.shape.rank)), count: result.shape.rank)
    for (axis, source) in permutation.enumerated() { axes[source].coefficients[axis] = 1 }
    return .view(IndexMap(axes: axes), fill: nil)
  }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    var inverse = permutation
    for (axis, source) in permutation.enumerated() { inverse[source] = axis }
    return [c.gradient.transposed(to: inverse)]
  }
  public static var samples: [OpSample] {
    [
      OpSample(Transpose([1, 0]), [(TensorType(.float32, [5, 17]), .uniform(-2...2))]),
      OpSample(Transpose([2, 0, 1]), [(TensorType(.float32, [3, 5, 16]), .uniform(-2...2))]),
      OpSample(Transpose([0, 2, 1]), [(TensorType(.float32, [1, 65, 3]), .uniform(-2...2))]),
      OpSample(Transpose([]), [(TensorType(.float32, []), .uniform(-2...2))]),
      OpSample(Transpose([1, 0]), [(TensorType(.int32, [15, 3]), .bits)]),
      OpSample(Transpose([1, 0]), [(TensorType(.bool, [3, 17]), .bits)]),
    ]
  }
}

public struct Broadcast: Op {
  public static let mnemonic = "broadcast"
  public static let summary = "Repeats axes of extent 1 and missing leading axes, as NumPy does."
  public let shape: Shape
  public init(to shape: Shape) { self.shape = shape }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    shape = Shape(try attributes.integers("shape"))
  }
  public var attributes: [Attribute] { [Attribute("shape", .integers(shape.extents))] }
  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    let operand = try single(operands, "broadcast")
    let result = TensorType(operand.elementType, shape)
    guard !shape.extents.contains(where: { $0 < 1 }) else {
      throw TypeViolation("\(operand.shape) can't be broadcast to \(shape): every extent must be at least 1")
    }
    guard operand.shape.broadcast(with: shape) == shape else {
      throw TypeViolation("\(operand.shape) can't be broadcast to \(shape)", recovered: result)
    }
    return result
  }
  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning {
    let added = shape.rank - operands[0].shape.rank
    return .view(
      IndexMap(
        axes: operands[0].shape.extents.enumerated().map { axis, extent in
          var coefficients = [Int](repeating: 0, count: shape.rank)
          if extent != 1 { coefficients[axis + added] = 1 }
          return .init(coefficients: coefficients)
        }), fill: nil)
  }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    [c.gradient.summed(to: c.operands[0].shape)]
  }
  public static var samples: [OpSample] {
    [
      OpSample(Broadcast(to: [3, 17]), [(TensorType(.float32, [17]), .uniform(-2...2))]),
      OpSample(Broadcast(to: [2, 5, 15]), [(TensorType(.float32, [5, 1]), .uniform(-2...2))]),
      OpSample(Broadcast(to: [65]), [(TensorType(.float32, []), .uniform(-2...2))]),
      OpSample(Broadcast(to: [3, 65]), [(TensorType(.float32, [65]), .uniform(-2...2))]),
      OpSample(Broadcast(to: [1, 1]), [(TensorType(.float32, [1]), .uniform(-2...2))]),
      OpSample(Broadcast(to: [5, 3]), [(TensorType(.int32, [5, 1]), .bits)]),
      OpSample(Broadcast(to: [3, 15]), [(TensorType(.bool, [15]), .bits)]),
    ]
  }
}

public struct Slice: Op {
  public static let mnemonic = "slice"
  public static let summary = "From start, every step-th element, extent of them, along each axis."
  public let starts: [Int]
  public let extents: [Int]
  public let steps: [Int]
  public init(starts: [Int], extents: [Int], steps: [Int]) {
    self.starts = starts
    self.extents = extents
    self.steps = steps
  }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    starts = try attributes.integers("starts")
    extents = try attributes.integers("extents")
    steps = try attributes.integers("steps")
  }
  public var attributes: [Attribute] {
    [
      Attribute("starts", .integers(starts)), Attribute("extents", .integers(extents)),
      Attribute("steps", .integers(steps)),
    ]
  }
  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    let operand = try single(operands, "slice")
    let rank = operand.shape.rank
    guard starts.count == rank, extents.count == rank, steps.count == rank else {
      throw TypeViolation("slice of \(operand.shape) needs a start, an extent and a step for each of its \(rank) axes")
    }
    for axis in 0..<rank {
      let extent = operand.shape[axis]
      guard extents[axis] >= 1, steps[axis] >= 1 else {
        throw TypeViolation(
          "slice of axis \(axis) takes \(extents[axis]) elements in steps of \(steps[axis]); both must be at least 1")
      }
      // Compared without arithmetic that could overflow on numbers from a file.
      guard starts[axis] >= 0, starts[axis] < extent,
        extents[axis] - 1 <= (extent - 1 - starts[axis]) / steps[axis]
      else {
        throw TypeViolation(
          "slice of axis \(axis) from \(starts[axis]), \(extents[axis]) elements in steps of \(steps[axis]), leaves the axis of extent \(extent)"
        )
      }
    }
    return TensorType(operand.elementType, Shape(extents))
  }
  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning {
    .view(
      IndexMap(
        axes: starts.indices.map { axis in
          var coefficients = [Int](repeating: 0, count: starts.count)
          coefficients[axis] = effectiveSteps[axis]
          return .init(offset: starts[axis], coefficients: coefficients)
        }), fill: nil)
  }
  /// However far it is to a second element that isn't taken, it makes no difference.
  private var effectiveSteps: [Int] { zip(steps, extents).map { $1 == 1 ? 1 : $0 } }
  /// Zeros everywhere else. A stepped axis becomes [extent, step] with the gradient in the first column.
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    var gradient = c.gradient
    let shape = c.operands[0].shape
    let steps = effectiveSteps
    if steps.contains(where: { $0 > 1 }) {
      let split = Shape(extents.flatMap { [$0, 1] })
      gradient = gradient.reshaped(to: split).padded(
        low: [Int](repeating: 0, count: split.rank), high: steps.flatMap { [0, $0 - 1] })
      gradient = gradient.reshaped(to: Shape(zip(extents, steps).map { $0 * $1 }))
      // The last step may reach past the operand.
      let kept = starts.indices.map { min(gradient.shape[$0], shape[$0] - starts[$0]) }
      gradient = gradient.sliced(starts: starts.map { _ in 0 }, extents: kept)
    }
    let high = starts.indices.map { shape[$0] - starts[$0] - gradient.shape[$0] }
    return [gradient.padded(low: starts, high: high)]
  }
  public static var samples: [OpSample] {
    [
      OpSample(
        Slice(starts: [1, 2], extents: [3, 11], steps: [1, 1]),
        [(TensorType(.float32, [5, 17]), .uniform(-2...2))]),
      OpSample(
        Slice(starts: [1, 0], extents: [2, 6], steps: [2, 3]),
        [(TensorType(.float32, [5, 17]), .uniform(-2...2))]),
      OpSample(
        Slice(starts: [64], extents: [1], steps: [7]), [(TensorType(.float32, [65]), .uniform(-2...2))]),
      OpSample(
        Slice(starts: [0, 4], extents: [1, 3], steps: [1, 1]), [(TensorType(.float32, [1, 15]), .uniform(-2...2))]),
      OpSample(
        Slice(starts: [0, 2], extents: [15, 1], steps: [1, 1]), [(TensorType(.int32, [15, 3]), .bits)]),
    ]
  }
}

public struct Pad: Op {
  public static let mnemonic = "pad"
  public static let summary = "Adds elements of one value before and after each axis."
  public let low: [Int]
  public let high: [Int]
  public let fill: ScalarLiteral
  public init(low: [Int], high: [Int], fill: ScalarLiteral) {
    self.low = low
    self.high = high
    self.fill = fill
  }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    low = try attributes.integers("low")
    high = try attributes.integers("high")
    fill = try attributes.literal("fill")
  }
  public var attributes: [Attribute] {
    [Attribute("low", .integers(low)), Attribute("high", .integers(high)), Attribute("fill", .literal(fill))]
  }
  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    let operand = try single(operands, "pad")
    guard low.count == operand.shape.rank, high.count == operand.shape.rank else {
      throw TypeViolation("pad of \(operand.shape) needs a low and a high count for each axis")
    }
    guard fill.type == operand.elementType else {
      throw TypeViolation("pad of \(operand.elementType.rawValue) with a \(fill.type.rawValue)")
    }
    var extents: [Int] = []
    for axis in low.indices {
      guard low[axis] >= 0, high[axis] >= 0, low[axis] <= Shape.maximumElementCount,
        high[axis] <= Shape.maximumElementCount
      else { throw TypeViolation("pad of axis \(axis) by \(low[axis]) and \(high[axis]): counts must be 0…2³⁸") }
      extents.append(low[axis] + operand.shape[axis] + high[axis])
    }
    return TensorType(operand.elementType, Shape(extents))
  }
  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning {
    .view(
      IndexMap(
        axes: low.indices.map { axis in
          var coefficients = [Int](repeating: 0, count: low.count)
          coefficients[axis] = 1
          return .init(offset: -low[axis], coefficients: coefficients)
        }), fill: fill)
  }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    [c.gradient.sliced(starts: low, extents: c.operands[0].shape.extents)]
  }
  public static var samples: [OpSample] {
    [
      OpSample(
        Pad(low: [1, 0], high: [2, 3], fill: .float(0)), [(TensorType(.float32, [3, 15]), .uniform(-2...2))]),
      OpSample(Pad(low: [2], high: [1], fill: .float(7)), [(TensorType(.float32, [17]), .uniform(-2...2))]),
      OpSample(Pad(low: [0], high: [64], fill: .float(-.infinity)), [(TensorType(.float32, [1]), .special)]),
      OpSample(Pad(low: [1], high: [1], fill: .int(-1)), [(TensorType(.int32, [65]), .bits)]),
      OpSample(Pad(low: [1, 0], high: [0, 2], fill: .bool(true)), [(TensorType(.bool, [3, 5]), .bits)]),
    ]
  }
}

public struct Reshape: Op {
  public static let mnemonic = "reshape"
  public static let summary = "The same elements in row-major order under another shape."
  public let shape: Shape
  public init(to shape: Shape) { self.shape = shape }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    shape = Shape(try attributes.integers("shape"))
  }
  public var attributes: [Attribute] { [Attribute("shape", .integers(shape.extents))] }
  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    let operand = try single(operands, "reshape")
    guard !shape.extents.contains(where: { $0 < 1 }), shape.elementCount == operand.shape.elementCount else {
      throw TypeViolation(
        "\(operand.shape) with \(operand.shape.elementCount) elements can't be reshaped to \(shape)")
    }
    return TensorType(operand.elementType, shape)
  }
  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning { .reshape }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [c.gradient.reshaped(to: c.operands[0].shape)] }
  public static var samples: [OpSample] {
    [
      OpSample(Reshape(to: [17, 5]), [(TensorType(.float32, [5, 17]), .uniform(-2...2))]),
      OpSample(Reshape(to: [2, 3, 5]), [(TensorType(.float32, [6, 5]), .uniform(-2...2))]),
      OpSample(Reshape(to: []), [(TensorType(.float32, [1, 1]), .uniform(-2...2))]),
      OpSample(Reshape(to: [65, 1]), [(TensorType(.int32, [5, 13]), .bits)]),
    ]
  }
}

public struct Concatenate: Op {
  public static let mnemonic = "concatenate"
  public static let summary = "The operands one after the other along an axis."
  public let axis: Int
  public init(axis: Int) { self.axis = axis }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    axis = try attributes.integer("axis")
  }
  public var attributes: [Attribute] { [Attribute("axis", .integer(axis))] }
  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    guard let first = operands.first else { throw TypeViolation("concatenate needs operands") }
    guard axis >= 0, axis < first.shape.rank else {
      throw TypeViolation("concatenate along axis \(axis), which a tensor of shape \(first.shape) doesn't have")
    }
    var result = first
    for operand in operands.dropFirst() {
      var expected = first.shape
      if operand.shape.rank == first.shape.rank { expected.extents[axis] = operand.shape[axis] }
      guard operand.elementType == first.elementType, operand.shape == expected else {
        throw TypeViolation("concatenate along axis \(axis) needs operands alike in all other axes: \(first) and \(operand)")
      }
      result.shape.extents[axis] += operand.shape[axis]
    }
    return result
  }
  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning { .concatenate(axis: axis) }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    var start = 0
    return c.operands.map { operand in
      var starts = [Int](repeating: 0, count: operand.shape.rank)
      starts[axis] = start
      start += operand.shape[axis]
      return c.gradient.sliced(starts: starts, extents: operand.shape.extents)
    }
  }
  public static var samples: [OpSample] {
    [
      OpSample(
        Concatenate(axis: 1),
        [
          (TensorType(.float32, [3, 5]), .uniform(-2...2)), (TensorType(.float32, [3, 17]), .uniform(-2...2)),
        ]),
      OpSample(
        Concatenate(axis: 0),
        [
          (TensorType(.float32, [2, 15]), .uniform(-2...2)), (TensorType(.float32, [1, 15]), .uniform(-2...2)),
          (TensorType(.float32, [3, 15]), .uniform(-2...2)),
        ]),
      OpSample(Concatenate(axis: 0), [(TensorType(.float32, [65]), .uniform(-2...2))]),
      OpSample(
        Concatenate(axis: 2), [(TensorType(.int32, [3, 5, 1]), .bits), (TensorType(.int32, [3, 5, 16]), .bits)]),
    ]
  }
}

private func single(_ operands: [TensorType], _ mnemonic: String) throws(TypeViolation) -> TensorType {
  guard operands.count == 1 else { throw TypeViolation("\(mnemonic) takes one operand, not \(operands.count)") }
  return operands[0]
}
