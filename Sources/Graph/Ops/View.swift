/// Any view that an index map describes: what `transpose`, `slice` and the like have no words for.
public struct View: Op {
  public static let mnemonic = "view"
  public static let summary = "Each element shows the operand's element that an index map names, or the fill value outside."
  public let map: IndexMap
  public let shape: Shape
  /// May be missing where no index leaves the operand.
  public let fill: ScalarLiteral?

  public init(_ map: IndexMap, shape: Shape, fill: ScalarLiteral?) {
    self.map = map
    self.shape = shape
    self.fill = fill
  }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    map = try attributes.map("map")
    shape = Shape(try attributes.integers("shape"))
    fill = try attributes.literalIfGiven("fill")
  }
  public var attributes: [Attribute] {
    [Attribute("map", .map(map)), Attribute("shape", .integers(shape.extents))]
      + (fill.map { [Attribute("fill", .literal($0))] } ?? [])
  }

  /// The verifier holds the map against the shapes; here stands what the map's own form needs.
  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    guard operands.count == 1 else { throw TypeViolation("view takes one operand") }
    let result = TensorType(operands[0].elementType, shape)
    guard !map.axes.isEmpty, map.axes.count == operands[0].shape.rank,
      map.axes.allSatisfy({ $0.coefficients.count == shape.rank }),
      !shape.extents.contains(where: { $0 < 1 })
    else { throw TypeViolation("a view of shape \(shape) by \(map), which does not index \(operands[0].shape)") }
    if let fill, fill.type != result.elementType {
      throw TypeViolation("a view of \(result.elementType.rawValue) filled with a \(fill.type.rawValue)", recovered: result)
    }
    return result
  }

  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning {
    .view(map, fill: fill)
  }

  /// Each element is added to the one that it shows; those that show the fill value go to a row past the end.
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    let builder = c.gradient.builder
    let operand = c.operands[0].shape
    let strides = operand.strides
    func number(_ value: Int) -> Tensor {
      builder.constant(.int(Int32(truncatingIfNeeded: value)), shape: shape, at: c.gradient.site)
    }
    guard operand.elementCount < Int(Int32.max) else {
      return [
        builder.fail(
          "the gradient of a view needs an operand of less than 2³¹ elements, not \(operand)", operands: [c.gradient],
          recovered: c.operands[0].type, at: c.gradient.site)
      ]
    }
    var place = number(0)
    var isInside: Tensor?
    for (axis, line) in map.axes.enumerated() {
      var coordinate = number(line.offset)
      for (position, coefficient) in line.coefficients.enumerated() where coefficient != 0 {
        let index = builder.add(Iota(shape, axis: position), [], at: c.gradient.site)
        coordinate = coordinate + index * number(coefficient)
      }
      let range = map.coordinateRange(axis: axis, view: shape)
      if range.lowerBound < 0 || range.upperBound >= operand[axis] {
        let within = (coordinate .>= number(0)) & (coordinate .< number(operand[axis]))
        isInside = isInside.map { $0 & within } ?? within
      }
      place = place + coordinate * number(strides[axis])
    }
    let count = operand.elementCount
    if let isInside { place = select(isInside, place, number(count)) }
    let sum = scatterAdd(c.gradient, at: place, count: count + 1)
    return [sum.sliced(along: 0, 0..<count).reshaped(to: operand)]
  }

  public static var samples: [OpSample] {
    // A diagonal band, and every second element backwards.
    let band = IndexMap(axes: [.init(coefficients: [1, 0]), .init(offset: -1, coefficients: [1, 1])])
    let backwards = IndexMap(axes: [.init(offset: 16, coefficients: [-2])])
    return [
      OpSample(View(band, shape: [17, 1], fill: .float(0)), [(TensorType(.float32, [17, 5]), .uniform(-2...2))]),
      OpSample(View(band, shape: [1, 3], fill: .float(1)), [(TensorType(.float32, [1, 5]), .uniform(-2...2))]),
      OpSample(View(backwards, shape: [1], fill: nil), [(TensorType(.int32, [17]), .bits)]),
      OpSample(View(band, shape: [5, 3], fill: .float(0)), [(TensorType(.float32, [5, 5]), .uniform(-2...2))]),
      OpSample(View(backwards, shape: [9], fill: nil), [(TensorType(.float32, [17]), .uniform(-2...2))]),
    ]
  }
}
