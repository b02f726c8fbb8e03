// Views of sliding windows and their adjoint: what convolution and pooling are made of.

/// Where the windows of a tensor's last axes stand: along each of these axes, tap `k` of window `p` shows the coordinate
/// `offset + p · stride + k · dilation`.
public struct WindowGeometry: Sendable, Hashable {
  /// Taps of one window along each windowed axis.
  public var window: [Int]
  /// How many windows there are along each.
  public var extents: [Int]
  /// May be negative: the first window then begins before the tensor.
  public var offsets: [Int]
  /// At least 1.
  public var strides: [Int]
  /// Negative where the taps run backwards.
  public var dilations: [Int]

  public init(window: [Int], extents: [Int], offsets: [Int], strides: [Int], dilations: [Int]) {
    self.window = window
    self.extents = extents
    self.offsets = offsets
    self.strides = strides
    self.dilations = dilations
  }

  /// The longest windowed axis, and the largest of the numbers: products of two of them stay far inside 64 bits.
  static let limit = 1 << 28

  public var rank: Int { window.count }

  init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    window = try attributes.integers("window")
    extents = try attributes.integers("extents")
    offsets = try attributes.integers("offsets")
    strides = try attributes.integers("strides")
    dilations = try attributes.integers("dilations")
  }

  var attributes: [Attribute] {
    [
      Attribute("window", .integers(window)), Attribute("extents", .integers(extents)),
      Attribute("offsets", .integers(offsets)), Attribute("strides", .integers(strides)),
      Attribute("dilations", .integers(dilations)),
    ]
  }

  /// What no tensor could fit, or nil.
  var problem: String? {
    guard [extents, offsets, strides, dilations].allSatisfy({ $0.count == rank }), rank >= 1 else {
      return "windows need an extent, an offset, a stride and a dilation for each windowed axis"
    }
    let limit = Self.limit
    guard (window + extents + strides).allSatisfy({ (1...limit).contains($0) }),
      (offsets + dilations).allSatisfy({ (-limit...limit).contains($0) }), !dilations.contains(0)
    else {
      return "windows of \(window), \(extents) of them from \(offsets) in steps of \(strides) with taps \(dilations) apart"
    }
    return nil
  }

  /// The same windows; where there is one along an axis, no stride goes beyond its end.
  var withoutIdleStrides: WindowGeometry {
    var result = self
    for axis in 0..<rank where extents[axis] == 1 { result.strides[axis] = Swift.min(strides[axis], window[axis]) }
    return result
  }

  /// Whether windows meet without gap or overlap, from the first element on.
  var tiles: Bool {
    strides == window && dilations.allSatisfy { $0 == 1 } && offsets.allSatisfy { $0 == 0 }
  }
}

/// Sliding windows over the last axes, as a view.
public struct Windows: Op {
  public static let mnemonic = "windows"
  public static let summary =
    "[outer…, axes…] → [outer…, window…, extents…]: windows that slide over the last axes; outside is the fill value."
  public let geometry: WindowGeometry
  public let fill: ScalarLiteral

  public init(_ geometry: WindowGeometry, fill: ScalarLiteral) {
    self.geometry = geometry
    self.fill = fill
  }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    geometry = try WindowGeometry(attributes: &attributes)
    fill = try attributes.literal("fill")
  }
  public var attributes: [Attribute] { geometry.attributes + [Attribute("fill", .literal(fill))] }

  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    guard operands.count == 1 else { throw TypeViolation("windows takes one operand") }
    if let problem = geometry.problem { throw TypeViolation(problem) }
    guard operands[0].shape.rank >= geometry.rank else {
      throw TypeViolation("windows over \(geometry.rank) axes of \(operands[0].shape)")
    }
    guard fill.type == operands[0].elementType else {
      throw TypeViolation("windows of \(operands[0].elementType.rawValue) filled with a \(fill.type.rawValue)")
    }
    let outer = operands[0].shape.extents.dropLast(geometry.rank)
    return TensorType(operands[0].elementType, Shape(outer + geometry.window + geometry.extents))
  }

  public func meaning(of operands: [TensorType], result: TensorType) -> Meaning {
    let map = geometry.map(outer: operands[0].shape.rank - geometry.rank)
    return .view(map, fill: map.mayLeaveOperand(operands[0].shape, view: result.shape) ? fill : nil)
  }

  public func gradients(_ c: GradientContext) -> [Tensor?] {
    let extents = Array(c.operands[0].shape.extents.suffix(geometry.rank))
    return [c.gradient.builder.add(OverlapAdd(geometry, to: extents), [c.gradient], at: c.gradient.site)]
  }

  public static var samples: [OpSample] {
    WindowGeometry.samples.map { geometry, extents in
      OpSample(
        Windows(geometry, fill: .float(0.5)), [(TensorType(.float32, Shape([2] + extents)), .uniform(-2...2))])
    }
  }
}

/// The adjoint of windows: each element goes back to where its tap stood, and elements that meet are added.
public struct OverlapAdd: DecomposedOp {
  public static let mnemonic = "overlap_add"
  public static let summary =
    "[outer…, window…, extents…] → [outer…, axes…]: the adjoint of windows; what falls on one element is added."
  public let geometry: WindowGeometry
  /// The extents of the windowed axes.
  public let axes: [Int]

  public init(_ geometry: WindowGeometry, to axes: [Int]) {
    self.geometry = geometry
    self.axes = axes
  }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    geometry = try WindowGeometry(attributes: &attributes)
    axes = try attributes.integers("axes")
  }
  public var attributes: [Attribute] { geometry.attributes + [Attribute("axes", .integers(axes))] }

  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    guard operands.count == 1, operands[0].elementType.isFloatingPoint else {
      throw TypeViolation("overlap_add takes one operand of floats")
    }
    if let problem = geometry.problem { throw TypeViolation(problem) }
    guard axes.count == geometry.rank, axes.allSatisfy({ (1...WindowGeometry.limit).contains($0) }) else {
      throw TypeViolation("overlap_add of windows over \(geometry.rank) axes to \(axes)")
    }
    let outer = operands[0].shape.extents.dropLast(2 * geometry.rank)
    guard operands[0].shape.extents == Array(outer) + geometry.window + geometry.extents else {
      throw TypeViolation(
        "overlap_add of \(geometry.window) taps and \(geometry.extents) windows, which \(operands[0].shape) doesn't end with")
    }
    return TensorType(operands[0].elementType, Shape(outer + axes))
  }

  public func decompose(_ x: [Tensor]) -> Tensor {
    let near = OverlapAdd(geometry.withoutIdleStrides, to: axes)
    if near.geometry != geometry { return near.decompose(x) }
    if geometry.tiles { return untiled(x[0]) }
    let isPlain = geometry.dilations.allSatisfy { $0 == 1 }
    if isPlain, geometry.strides.contains(where: { $0 > 1 }) { return byPhases(x[0]) }
    return summed(x[0])
  }

  public func gradients(_ c: GradientContext) -> [Tensor?] {
    let fill = Tensor.literal(0, c.gradient.elementType)
    return [c.gradient.builder.add(Windows(geometry, fill: fill), [c.gradient], at: c.gradient.site)]
  }

  private func outer(_ x: Tensor) -> [Int] { Array(x.shape.extents.dropLast(2 * geometry.rank)) }

  /// Windows that tile the axes: every element has one place, and no sum is needed.
  private func untiled(_ x: Tensor) -> Tensor {
    let outer = outer(x)
    let rank = geometry.rank
    // [outer…, window…, extents…] → [outer…, extent₀, window₀, extent₁, window₁, …].
    let permutation =
      Array(0..<outer.count) + (0..<rank).flatMap { [outer.count + rank + $0, outer.count + $0] }
    let covered = zip(geometry.window, geometry.extents).map { $0 * $1 }
    return fitted(x.transposed(to: permutation).reshaped(to: Shape(outer + covered)), first: covered.map { _ in 0 })
  }

  /// For each element a sum over the taps that can show it. Strides become 1 by zeros between the windows.
  private func summed(_ x: Tensor) -> Tensor {
    let outer = outer(x)
    let rank = geometry.rank
    var windows = x
    var extents = geometry.extents
    if geometry.strides.contains(where: { $0 > 1 }) {
      let lead = outer + geometry.window
      let split = Shape(lead + extents.flatMap { [$0, 1] })
      windows = windows.reshaped(to: split).padded(
        low: [Int](repeating: 0, count: split.rank),
        high: lead.map { _ in 0 } + geometry.strides.flatMap { [0, $0 - 1] })
      extents = zip(extents, geometry.strides).map { $0 * $1 }
      windows = windows.reshaped(to: Shape(lead + extents))
    }
    // Element h is shown by tap k of the window at h − offset − k · dilation.
    let axisCount = outer.count + 2 * rank
    func unit(_ axis: Int) -> [Int] { (0..<axisCount).map { $0 == axis ? 1 : 0 } }
    var lines = (0..<(outer.count + rank)).map { IndexMap.Axis(coefficients: unit($0)) }
    for axis in 0..<rank {
      var coefficients = unit(outer.count + rank + axis)
      coefficients[outer.count + axis] = -geometry.dilations[axis]
      lines.append(IndexMap.Axis(offset: -geometry.offsets[axis], coefficients: coefficients))
    }
    let view = View(
      IndexMap(axes: lines), shape: Shape(outer + geometry.window + axes), fill: Tensor.literal(0, x.elementType))
    let taps = x.builder.add(view, [windows], at: x.site)
    return x.builder.add(Sum(axes: Array(outer.count..<(outer.count + rank))), [taps], at: x.site)
  }

  /// With a stride s and taps 1 apart, tap k = j · s + r of window p falls on element (p + j) · s + r: for each r a sum over
  /// j alone, without zeros between.
  private func byPhases(_ x: Tensor) -> Tensor {
    let outer = outer(x)
    let rank = geometry.rank
    let rounds = zip(geometry.window, geometry.strides).map { ($0 + $1 - 1) / $1 }
    let padding = (0..<rank).map { rounds[$0] * geometry.strides[$0] - geometry.window[$0] }
    let none = [Int](repeating: 0, count: x.shape.rank)
    var taps = x.padded(low: none, high: outer.map { _ in 0 } + padding + geometry.extents.map { _ in 0 })
    // [outer…, j₀, r₀, j₁, r₁, …, extents…]
    taps = taps.reshaped(
      to: Shape(outer + (0..<rank).flatMap { [rounds[$0], geometry.strides[$0]] } + geometry.extents))
    // → [outer…, j…, q₀, r₀, q₁, r₁, …] with p = q − j.
    let lengths = (0..<rank).map { geometry.extents[$0] + rounds[$0] - 1 }
    let shape = Shape(outer + rounds + (0..<rank).flatMap { [lengths[$0], geometry.strides[$0]] })
    func unit(_ axis: Int) -> [Int] { (0..<shape.rank).map { $0 == axis ? 1 : 0 } }
    func j(_ axis: Int) -> Int { outer.count + axis }
    func q(_ axis: Int) -> Int { outer.count + rank + 2 * axis }
    var lines = outer.indices.map { IndexMap.Axis(coefficients: unit($0)) }
    for axis in 0..<rank {
      lines.append(IndexMap.Axis(coefficients: unit(j(axis))))
      lines.append(IndexMap.Axis(coefficients: unit(q(axis) + 1)))
    }
    for axis in 0..<rank {
      var coefficients = unit(q(axis))
      coefficients[j(axis)] = -1
      lines.append(IndexMap.Axis(coefficients: coefficients))
    }
    let view = View(IndexMap(axes: lines), shape: shape, fill: Tensor.literal(0, x.elementType))
    let shown = x.builder.add(view, [taps], at: x.site)
    let sum = x.builder.add(Sum(axes: Array(outer.count..<(outer.count + rank))), [shown], at: x.site)
    let covered = (0..<rank).map { lengths[$0] * geometry.strides[$0] }
    return fitted(sum.reshaped(to: Shape(outer + covered)), first: geometry.offsets)
  }

  /// From elements `first…` of the windowed axes to elements `0..<axes`: cut where it sticks out, zeros where it falls short.
  private func fitted(_ x: Tensor, first: [Int]) -> Tensor {
    let lead = x.shape.rank - geometry.rank
    func all(_ values: [Int]) -> [Int] { [Int](repeating: 0, count: lead) + values }
    let lengths = Array(x.shape.extents.suffix(geometry.rank))
    let starts = first.map { Swift.max(0, -$0) }
    let kept = axes.indices.map { Swift.min(lengths[$0], axes[$0] - first[$0]) - starts[$0] }
    // Windows that lie wholly outside show no element at all.
    guard kept.allSatisfy({ $0 > 0 }) else {
      return x.builder.constant(
        Tensor.literal(0, x.elementType), shape: Shape(x.shape.extents.prefix(lead) + axes), at: x.site)
    }
    let low = first.map { Swift.max(0, $0) }
    return x.sliced(starts: all(starts), extents: Array(x.shape.extents.prefix(lead)) + kept)
      .padded(low: all(low), high: all(axes.indices.map { axes[$0] - low[$0] - kept[$0] }))
  }

  public static var samples: [OpSample] {
    WindowGeometry.samples.map { geometry, extents in
      OpSample(
        OverlapAdd(geometry, to: extents),
        [(TensorType(.float32, Shape([2] + geometry.window + geometry.extents)), .uniform(-2...2))])
    }
  }
}

extension WindowGeometry {
  /// The windows of a tensor with zeros outside. The zeros stand around the tensor first: if anything is stored, it is then a
  /// padded tensor and not its windows, which have each element many times.
  func windows(ofPadded x: Tensor) -> Tensor {
    let lead = x.shape.rank - rank
    var low = [Int](repeating: 0, count: x.shape.rank)
    var high = low
    var inside = self
    for axis in 0..<rank {
      let taps = (window[axis] - 1) * dilations[axis]
      let first = offsets[axis] + Swift.min(0, taps)
      let last = offsets[axis] + (extents[axis] - 1) * strides[axis] + Swift.max(0, taps)
      low[lead + axis] = Swift.max(0, -first)
      high[lead + axis] = Swift.max(0, last - (x.shape[lead + axis] - 1))
      inside.offsets[axis] += low[lead + axis]
    }
    let zero = Tensor.literal(0, x.elementType)
    var padded = x
    if (low + high).contains(where: { $0 != 0 }) {
      padded = x.builder.add(Pad(low: low, high: high, fill: zero), [x], at: x.site)
    }
    return x.builder.add(Windows(inside, fill: zero), [padded], at: x.site)
  }

  /// The map from windows to the tensor with `outer` axes before the windowed ones.
  func map(outer: Int) -> IndexMap {
    let axisCount = outer + 2 * rank
    func unit(_ axis: Int) -> [Int] { (0..<axisCount).map { $0 == axis ? 1 : 0 } }
    var lines = (0..<outer).map { IndexMap.Axis(coefficients: unit($0)) }
    for axis in 0..<rank {
      var coefficients = [Int](repeating: 0, count: axisCount)
      coefficients[outer + axis] = dilations[axis]
      coefficients[outer + rank + axis] = strides[axis]
      lines.append(IndexMap.Axis(offset: offsets[axis], coefficients: coefficients))
    }
    return IndexMap(axes: lines)
  }

  /// Tiles, overlaps, strides with gaps, dilation, and taps that run backwards, over axes of the given extents.
  fileprivate static var samples: [(WindowGeometry, extents: [Int])] {
    [
      (WindowGeometry(window: [2, 3], extents: [2, 5], offsets: [0, 0], strides: [2, 3], dilations: [1, 1]), [5, 17]),
      (WindowGeometry(window: [3, 3], extents: [3, 15], offsets: [-1, -1], strides: [1, 1], dilations: [1, 1]), [3, 15]),
      (WindowGeometry(window: [3, 2], extents: [3, 8], offsets: [-1, 0], strides: [2, 2], dilations: [1, 1]), [5, 16]),
      (WindowGeometry(window: [3], extents: [4], offsets: [1], strides: [2], dilations: [1]), [10]),
      (WindowGeometry(window: [2, 3], extents: [4, 4], offsets: [0, -2], strides: [1, 3], dilations: [3, 2]), [7, 15]),
      (WindowGeometry(window: [3], extents: [17], offsets: [1], strides: [1], dilations: [-1]), [17]),
      (WindowGeometry(window: [1], extents: [1], offsets: [0], strides: [1], dilations: [1]), [1]),
    ]
  }
}
