// Pooling over the last axes: windows, reduced to one number each.

/// Where the windows of pooling stand.
public struct PoolingGeometry: Sendable, Hashable {
  /// One entry per pooled axis, here and below.
  public var window: [Int]
  public var strides: [Int]
  /// Elements before and after each axis that count as smaller than any number, or as zeros.
  public var low: [Int]
  public var high: [Int]
  public var dilations: [Int]

  public init(window: [Int], strides: [Int], low: [Int], high: [Int], dilations: [Int]) {
    self.window = window
    self.strides = strides
    self.low = low
    self.high = high
    self.dilations = dilations
  }

  public var rank: Int { window.count }

  init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    window = try attributes.integers("window")
    strides = try attributes.integers("strides")
    low = try attributes.integers("low")
    high = try attributes.integers("high")
    dilations = try attributes.integers("dilations")
  }

  var attributes: [Attribute] {
    [
      Attribute("window", .integers(window)), Attribute("strides", .integers(strides)),
      Attribute("low", .integers(low)), Attribute("high", .integers(high)),
      Attribute("dilations", .integers(dilations)),
    ]
  }

  func resultType(_ operands: [TensorType], _ mnemonic: String) throws(TypeViolation) -> TensorType {
    guard operands.count == 1, operands[0].elementType.isFloatingPoint else {
      throw TypeViolation("\(mnemonic) takes one operand of floats")
    }
    guard rank >= 1, [strides, low, high, dilations].allSatisfy({ $0.count == rank }) else {
      throw TypeViolation("\(mnemonic) needs a window, a stride, padding and a dilation for each pooled axis")
    }
    guard (window + strides + dilations).allSatisfy({ (1...WindowGeometry.limit).contains($0) }) else {
      throw TypeViolation(
        "\(mnemonic) needs windows, strides and dilations from 1 to 2²⁸, not \(window), \(strides) and \(dilations)")
    }
    let shape = operands[0].shape
    guard shape.rank >= rank else { throw TypeViolation("\(mnemonic) over \(rank) axes of \(shape)") }
    var result = TensorType(operands[0].elementType, Shape(Array(shape.extents.dropLast(rank))))
    var problem: String?
    for axis in 0..<rank {
      // As in PyTorch; so no window lies in the padding alone.
      guard low[axis] >= 0, high[axis] >= 0, Swift.max(low[axis], high[axis]) <= window[axis] / 2 else {
        throw TypeViolation(
          "\(mnemonic) may be padded by at most half of the window: \(low[axis]) and \(high[axis]) around windows of \(window[axis])"
        )
      }
      let padded = low[axis] + shape[shape.rank - rank + axis] + high[axis]
      guard padded <= WindowGeometry.limit else {
        throw TypeViolation("\(mnemonic) goes along axes of at most 2²⁸ elements with their padding, not \(padded)")
      }
      let reach = (window[axis] - 1) * dilations[axis] + 1
      if reach > padded {
        problem = "a window of \(reach) is larger than axis \(shape.rank - rank + axis) of \(shape) with its padding, \(padded)"
      }
      result.shape.extents.append(padded >= reach ? (padded - reach) / strides[axis] + 1 : 1)
    }
    if let problem { throw TypeViolation("\(mnemonic): \(problem)", recovered: result) }
    return result
  }

  /// The windows that give `extents` results.
  func windows(_ extents: [Int]) -> WindowGeometry {
    WindowGeometry(
      window: window, extents: extents, offsets: low.map { -$0 }, strides: strides, dilations: dilations)
  }

  /// [outer…, axes…] → [outer…, window…, extents…].
  func windowView(of x: Tensor, result: Shape, fill: Float) -> Tensor {
    let geometry = windows(Array(result.extents.suffix(rank)))
    return x.builder.add(Windows(geometry, fill: Tensor.literal(Double(fill), x.elementType)), [x], at: x.site)
  }

  /// Where the axes of the window stand in the view of windows.
  func windowAxes(_ result: Shape) -> [Int] { Array((result.rank - rank)..<result.rank) }

  /// Tiles that leave a rest, overlaps with padding, gaps, dilation; one and two axes.
  fileprivate static var samples: [(PoolingGeometry, Shape)] {
    func geometry(
      _ window: [Int], _ strides: [Int], _ padding: [Int], _ dilations: [Int]
    ) -> PoolingGeometry {
      PoolingGeometry(window: window, strides: strides, low: padding, high: padding, dilations: dilations)
    }
    return [
      (geometry([2, 2], [2, 2], [0, 0], [1, 1]), [2, 3, 5, 6]),
      (geometry([3, 3], [2, 2], [1, 1], [1, 1]), [1, 2, 7, 5]),
      (geometry([2, 3], [1, 1], [0, 1], [2, 1]), [3, 5, 5]),
      (geometry([3], [1], [1], [1]), [3, 17]),
      (geometry([2], [3], [0], [1]), [65]),
    ]
  }
}

public struct MaxPool: DecomposedOp {
  public static let mnemonic = "max_pool"
  public static let summary = "[outer…, axes…] → [outer…, extents…]: the largest element of each window; a NaN wins."
  public let geometry: PoolingGeometry
  public init(_ geometry: PoolingGeometry) { self.geometry = geometry }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    geometry = try PoolingGeometry(attributes: &attributes)
  }
  public var attributes: [Attribute] { geometry.attributes }

  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    try geometry.resultType(operands, Self.mnemonic)
  }

  public func decompose(_ x: [Tensor]) -> Tensor {
    guard let type = try? resultType(of: [x[0].type]) else { return x[0] }
    let windows = geometry.windowView(of: x[0], result: type.shape, fill: -.infinity)
    return x[0].builder.add(Max(axes: geometry.windowAxes(type.shape)), [windows], at: x[0].site)
  }

  /// The first of equal largest elements gets the whole gradient, as in PyTorch.
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    let builder = c.gradient.builder
    let result = c.result.shape
    let windows = geometry.windowView(of: c.operands[0], result: result, fill: -.infinity)
    // The window's axes as one, which numbers the taps.
    let outer = Array(result.extents.dropLast(geometry.rank))
    let extents = Array(result.extents.suffix(geometry.rank))
    let taps = Shape(geometry.window).elementCount
    let flat = windows.reshaped(to: Shape(outer + [taps] + extents))
    let winner = inside(flat.argMax(along: outer.count), c.result)
    let number = builder.add(Iota(flat.shape, axis: outer.count), [], at: c.gradient.site)
    let spread = select(
      number .== winner.expanded(at: [outer.count], to: flat.shape),
      c.gradient.expanded(at: [outer.count], to: flat.shape), Tensor.zeros(like: flat))
    let axes = Array(c.operands[0].shape.extents.suffix(geometry.rank))
    return [
      builder.add(
        OverlapAdd(geometry.windows(extents), to: axes), [spread.reshaped(to: windows.shape)], at: c.gradient.site)
    ]
  }

  /// In a window of −∞ alone, the padding's −∞ may stand first; there, the first tap that shows an element wins.
  private func inside(_ winner: Tensor, _ largest: Tensor) -> Tensor {
    guard geometry.low.contains(where: { $0 > 0 }) else { return winner }
    let builder = winner.builder
    let lead = winner.shape.rank - geometry.rank
    var first: Tensor?
    for axis in 0..<geometry.rank where geometry.low[axis] > 0 {
      // Of all windows, only those that begin before the first element skip taps.
      let (dilation, stride) = (geometry.dilations[axis], geometry.strides[axis])
      let tapsAfter = geometry.window[(axis + 1)...].reduce(1, *)
      let skipped = (0..<winner.shape[lead + axis]).map { window in
        (Swift.max(0, geometry.low[axis] - window * stride) + dilation - 1) / dilation * tapsAfter
      }
      var shape = [Int](repeating: 1, count: geometry.rank)
      shape[axis] = skipped.count
      let data = ConstantData.dense(.int32, skipped.map { UInt64(UInt32(truncatingIfNeeded: $0)) })
      let taps = builder.add(Constant(data, shape: Shape(shape)), [], at: winner.site)
      first = first.map { $0 + taps } ?? taps
    }
    guard let first else { return winner }
    let lowest = builder.constant(Tensor.literal(-.infinity, largest.elementType), shape: largest.shape, at: winner.site)
    return select(largest .== lowest, first.broadcast(to: winner.shape), winner)
  }

  public static var samples: [OpSample] {
    PoolingGeometry.samples.map { OpSample(MaxPool($0), [(TensorType(.float32, $1), .uniform(-2...2))]) }
  }
}

public struct AveragePool: DecomposedOp {
  public static let mnemonic = "average_pool"
  public static let summary =
    "[outer…, axes…] → [outer…, extents…]: the mean of each window, padding included as zeros or left out."
  public let geometry: PoolingGeometry
  /// Whether the zeros of the padding count as elements.
  public let countsPadding: Bool
  public init(_ geometry: PoolingGeometry, countsPadding: Bool) {
    self.geometry = geometry
    self.countsPadding = countsPadding
  }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    geometry = try PoolingGeometry(attributes: &attributes)
    countsPadding = try attributes.flag("counts_padding")
  }
  public var attributes: [Attribute] { geometry.attributes + [Attribute("counts_padding", .flag(countsPadding))] }

  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    try geometry.resultType(operands, Self.mnemonic)
  }

  public func decompose(_ x: [Tensor]) -> Tensor {
    guard let type = try? resultType(of: [x[0].type]) else { return x[0] }
    let sums = summed(x[0], type.shape)
    guard !countsPadding, (geometry.low + geometry.high).contains(where: { $0 > 0 }) else {
      return sums / Float(Shape(geometry.window).elementCount)
    }
    let axes = Shape(Array(x[0].shape.extents.suffix(geometry.rank)))
    let one = x[0].builder.constant(Tensor.literal(1, x[0].elementType), shape: axes, at: x[0].site)
    return sums / summed(one, Shape(Array(type.shape.extents.suffix(geometry.rank)))).broadcast(to: type.shape)
  }

  private func summed(_ x: Tensor, _ result: Shape) -> Tensor {
    let windows = geometry.windowView(of: x, result: result, fill: 0)
    return x.builder.add(Sum(axes: geometry.windowAxes(result)), [windows], at: x.site)
  }

  public static var samples: [OpSample] {
    PoolingGeometry.samples.flatMap { geometry, shape in
      [true, false].map {
        OpSample(AveragePool(geometry, countsPadding: $0), [(TensorType(.float32, shape), .uniform(-2...2))])
      }
    }
  }
}
