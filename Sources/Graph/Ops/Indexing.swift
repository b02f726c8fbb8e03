public struct Gather: Op, AttributeFree {
  public static let mnemonic = "gather"
  public static let summary = "Rows of a table: (table [v, rest…], indices i32 [i…]) → [i…, rest…]; indices are checked."
  public init() {}
  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    guard operands.count == 2 else { throw TypeViolation("gather takes a table and indices") }
    guard operands[0].shape.rank >= 1 else { throw TypeViolation("gather needs a table with rows, not a scalar") }
    let result = TensorType(
      operands[0].elementType, Shape(operands[1].shape.extents + operands[0].shape.extents.dropFirst()))
    guard operands[1].elementType == .int32 else {
      throw TypeViolation("gather needs int32 indices, not \(operands[1].elementType.rawValue)", recovered: result)
    }
    return result
  }
  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning { .gather }
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    [scatterAdd(c.gradient, at: c.operands[1], count: c.operands[0].shape[0]), nil]
  }
  public static var samples: [OpSample] {
    [
      OpSample(
        Gather(), [(TensorType(.float32, [7, 17]), .uniform(-2...2)), (TensorType(.int32, [15]), .index(limit: 7))]),
      OpSample(
        Gather(), [(TensorType(.float32, [16]), .uniform(-2...2)), (TensorType(.int32, [3, 5]), .index(limit: 16))]),
      OpSample(
        Gather(), [(TensorType(.float32, [1, 3, 5]), .uniform(-2...2)), (TensorType(.int32, []), .index(limit: 1))]),
      OpSample(Gather(), [(TensorType(.int32, [65, 3]), .bits), (TensorType(.int32, [17]), .index(limit: 65))]),
    ]
  }
}

public struct ScatterAdd: Op {
  public static let mnemonic = "scatter_add"
  public static let summary =
    "The adjoint of gather: (indices i32 [i…], rows [i…, rest…]) → [count, rest…], added in ascending order."
  public let count: Int
  public init(count: Int) { self.count = count }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    count = try attributes.integer("count")
  }
  public var attributes: [Attribute] { [Attribute("count", .integer(count))] }
  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    guard operands.count == 2 else { throw TypeViolation("scatter_add takes indices and rows") }
    let (indices, rows) = (operands[0], operands[1])
    guard indices.elementType == .int32 else {
      throw TypeViolation("scatter_add needs int32 indices, not \(indices.elementType.rawValue)")
    }
    guard count >= 1, count <= Int(Int32.max) else {
      throw TypeViolation("scatter_add into \(count) rows; there must be from 1 to 2³¹ − 1")
    }
    guard rows.elementType != .bool, rows.shape.rank >= indices.shape.rank,
      Array(rows.shape.extents.prefix(indices.shape.rank)) == indices.shape.extents
    else {
      throw TypeViolation("scatter_add needs one row of numbers for each index: \(indices) and \(rows)")
    }
    return TensorType(rows.elementType, Shape([count] + rows.shape.extents.dropFirst(indices.shape.rank)))
  }
  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning { .scatterAdd(count: count) }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [nil, gather(c.gradient, at: c.operands[0])] }
  public static var samples: [OpSample] {
    [
      OpSample(
        ScatterAdd(count: 7),
        [(TensorType(.int32, [15]), .index(limit: 7)), (TensorType(.float32, [15, 17]), .uniform(-2...2))]),
      OpSample(
        ScatterAdd(count: 3),
        [(TensorType(.int32, [5, 3]), .index(limit: 3)), (TensorType(.float32, [5, 3]), .uniform(-2...2))]),
      OpSample(
        ScatterAdd(count: 65),
        [(TensorType(.int32, []), .index(limit: 65)), (TensorType(.float32, [3, 5]), .uniform(-2...2))]),
      OpSample(
        ScatterAdd(count: 5), [(TensorType(.int32, [65]), .index(limit: 5)), (TensorType(.int32, [65, 1]), .bits)]),
    ]
  }
}

public struct CheckIndex: Op {
  public static let mnemonic = "check_index"
  public static let summary = "Its operand; the step fails before it writes any state unless all are in 0..<limit."
  public let limit: Int
  /// The mnemonic of the op that takes the index, for the message alone: no attribute, so that checks are equal whoever reads.
  let reader: String
  public init(limit: Int) { self.init(limit: limit, reader: "") }
  package init(limit: Int, reader: String) {
    self.limit = limit
    self.reader = reader
  }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    limit = try attributes.integer("limit")
    reader = ""
  }
  public var attributes: [Attribute] { [Attribute("limit", .integer(limit))] }
  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    guard operands.count == 1, operands[0].elementType == .int32 else {
      throw TypeViolation("indices must be int32, not \(operands.first?.elementType.rawValue ?? "nothing")")
    }
    guard limit >= 1, limit <= Int(Int32.max) else { throw TypeViolation("no index is in 0..<\(limit)") }
    return operands[0]
  }
  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning { .checkIndex(limit: limit) }
  public var differentiability: Differentiability { .notDifferentiable(reason: "its result is an index") }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [nil] }
  public static var samples: [OpSample] {
    [
      OpSample(CheckIndex(limit: 10), [(TensorType(.int32, [17]), .index(limit: 10))]),
      OpSample(CheckIndex(limit: 1), [(TensorType(.int32, []), .index(limit: 1))]),
      OpSample(CheckIndex(limit: 65), [(TensorType(.int32, [3, 65]), .index(limit: 65))]),
    ]
  }
}

public struct OneHot: Op {
  public static let mnemonic = "one_hot"
  public static let summary = "(indices i32 [i…]) → f32 [i…, depth]: 1 at the index, 0 elsewhere; indices are checked."
  public let depth: Int
  public init(depth: Int) { self.depth = depth }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    depth = try attributes.integer("depth")
  }
  public var attributes: [Attribute] { [Attribute("depth", .integer(depth))] }
  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    guard operands.count == 1 else { throw TypeViolation("one_hot takes one operand") }
    guard depth >= 1, depth <= Int(Int32.max) else {
      throw TypeViolation("one_hot of depth \(depth); it must be from 1 to 2³¹ − 1")
    }
    let result = TensorType(.float32, Shape(operands[0].shape.extents + [depth]))
    guard operands[0].elementType == .int32 else {
      throw TypeViolation("one_hot needs int32 indices, not \(operands[0].elementType.rawValue)", recovered: result)
    }
    return result
  }
  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning {
    .decomposition { [depth] operands in
      let indices = checkedIndices(operands[0], limit: depth, for: Self.mnemonic)
      let shape = result.shape
      let columns = indices.builder.add(Iota(shape, axis: shape.rank - 1), [], at: indices.site)
      return (columns .== indices.expanded(at: [shape.rank - 1], to: shape)).cast(to: .float32)
    }
  }
  public var differentiability: Differentiability { .notDifferentiable(reason: "its operand is an index") }
  public func gradients(_ c: GradientContext) -> [Tensor?] { [nil] }
  public static var samples: [OpSample] {
    [
      OpSample(OneHot(depth: 5), [(TensorType(.int32, [17]), .index(limit: 5))]),
      OpSample(OneHot(depth: 3), [(TensorType(.int32, [65]), .index(limit: 3))]),
      OpSample(OneHot(depth: 65), [(TensorType(.int32, [3, 1]), .index(limit: 65))]),
      OpSample(OneHot(depth: 1), [(TensorType(.int32, []), .index(limit: 1))]),
    ]
  }
}
