// Convolution over the last axes, in its three forms. Convolution multiplies inputs by weights; each of the two gradients is such a
// product too, of the result's gradient with the other factor. So each form's gradients are the other two forms, to any order.
//
// Each form is one matrix product whose operand is a view of windows, so that no matrix of windows is stored.

/// What the three forms agree on.
public struct ConvolutionGeometry: Sendable, Hashable {
  /// One entry per spatial axis.
  public var strides: [Int]
  /// Zeros before and after each spatial axis.
  public var low: [Int]
  public var high: [Int]
  /// The distance between neighbouring taps.
  public var dilations: [Int]
  /// Channels are divided into so many groups, each of which is convolved by itself.
  public var groups: Int

  public init(strides: [Int], low: [Int], high: [Int], dilations: [Int], groups: Int = 1) {
    self.strides = strides
    self.low = low
    self.high = high
    self.dilations = dilations
    self.groups = groups
  }

  public var rank: Int { strides.count }

  init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    strides = try attributes.integers("strides")
    low = try attributes.integers("low")
    high = try attributes.integers("high")
    dilations = try attributes.integers("dilations")
    groups = try attributes.integer("groups")
  }

  var attributes: [Attribute] {
    [
      Attribute("strides", .integers(strides)), Attribute("low", .integers(low)), Attribute("high", .integers(high)),
      Attribute("dilations", .integers(dilations)), Attribute("groups", .integer(groups)),
    ]
  }

  /// The type of the result of `(input [n, c, axes…], weight [o, c / groups, window…]) → [n, o, extents…]`.
  func resultType(input: TensorType, weight: TensorType) throws(TypeViolation) -> TensorType {
    try checkNumbers()
    guard input.elementType.isFloatingPoint, weight.elementType == input.elementType else {
      throw TypeViolation(
        "a convolution needs floats of one type, not \(input.elementType.rawValue) and \(weight.elementType.rawValue)")
    }
    guard input.shape.rank == rank + 2, weight.shape.rank == rank + 2 else {
      throw TypeViolation(
        "a convolution over \(rank) axes takes an input [batch, channels, …] and weights [outputs, channels, window…] of rank \(rank + 2): \(input.shape) and \(weight.shape)"
      )
    }
    let (channels, outputs) = (input.shape[1], weight.shape[0])
    var result = TensorType(input.elementType, Shape([input.shape[0], outputs]))
    let problem: String?
    if channels % groups != 0 {
      problem = "\(channels) channels can't be divided into \(groups) groups"
    } else if outputs % groups != 0 {
      problem = "\(outputs) outputs can't be divided into \(groups) groups"
    } else if weight.shape[1] != channels / groups {
      problem =
        "weights \(weight.shape) take \(weight.shape[1]) channels\(groups == 1 ? "" : " in each of \(groups) groups"), and the input \(input.shape) has \(channels / groups)"
    } else {
      problem = nil
    }
    var tooLarge: String?
    for axis in 0..<rank {
      let padded = low[axis] + input.shape[axis + 2] + high[axis]
      guard padded <= WindowGeometry.limit, weight.shape[axis + 2] <= WindowGeometry.limit else {
        throw TypeViolation(
          "a convolution's axes and windows are at most 2²⁸ long, padding included: axis \(axis + 2) has \(padded), "
            + "the window \(weight.shape[axis + 2])")
      }
      let reach = (weight.shape[axis + 2] - 1) * dilations[axis] + 1
      if reach > padded {
        tooLarge =
          "a window of \(reach) along axis \(axis + 2) is larger than the input with its padding, \(padded)\(dilations[axis] == 1 ? "" : " (\(weight.shape[axis + 2]) taps, \(dilations[axis]) apart)")"
      }
      result.shape.extents.append(Swift.max(1, padded >= reach ? (padded - reach) / strides[axis] + 1 : 1))
    }
    if let problem = problem ?? tooLarge { throw TypeViolation(problem, recovered: result) }
    return result
  }

  private func checkNumbers() throws(TypeViolation) {
    guard rank >= 1, [low, high, dilations].allSatisfy({ $0.count == rank }) else {
      throw TypeViolation("a convolution needs a stride, padding and a dilation for each of its axes")
    }
    let limit = WindowGeometry.limit
    guard strides.allSatisfy({ (1...limit).contains($0) }) else {
      throw TypeViolation("a convolution's strides must be from 1 to 2²⁸, not \(strides)")
    }
    guard dilations.allSatisfy({ (1...limit).contains($0) }) else {
      throw TypeViolation("a convolution's dilations must be from 1 to 2²⁸, not \(dilations)")
    }
    guard (low + high).allSatisfy({ (0...limit).contains($0) }) else {
      throw TypeViolation("a convolution's padding must be from 0 to 2²⁸, not \(low) and \(high)")
    }
    guard groups >= 1 else { throw TypeViolation("a convolution has at least one group, not \(groups)") }
  }

  /// The windows over an input that give `extents` results.
  func windows(_ window: [Int], _ extents: [Int]) -> WindowGeometry {
    WindowGeometry(
      window: window, extents: extents, offsets: low.map { -$0 }, strides: strides, dilations: dilations)
  }

  /// Channels `axis` as [groups, channels in each].
  func grouped(_ x: Tensor, axis: Int) -> Tensor {
    var extents = x.shape.extents
    extents.replaceSubrange(axis...axis, with: [groups, extents[axis] / groups])
    return x.reshaped(to: Shape(extents))
  }
}

/// What the three forms share as ops.
public protocol ConvolutionOp: DecomposedOp {
  var geometry: ConvolutionGeometry { get }
}

/// A cross-correlation, as all networks have it: the window is not turned round.
public struct Convolution: ConvolutionOp {
  public static let mnemonic = "convolution"
  public static let summary =
    "(input [n, c, axes…], weight [o, c / groups, window…]) → [n, o, extents…]: Σ over channels and taps."
  public let geometry: ConvolutionGeometry
  public init(_ geometry: ConvolutionGeometry) { self.geometry = geometry }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    geometry = try ConvolutionGeometry(attributes: &attributes)
  }
  public var attributes: [Attribute] { geometry.attributes }

  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    guard operands.count == 2 else { throw TypeViolation("convolution takes an input and weights") }
    return try geometry.resultType(input: operands[0], weight: operands[1])
  }

  /// For each image (and group) [o, c · taps] × [c · taps, positions].
  public func decompose(_ x: [Tensor]) -> Tensor {
    let (input, weight) = (x[0], x[1])
    guard let type = try? resultType(of: [input.type, weight.type]) else { return input }
    let groups = geometry.groups
    let extents = Array(type.shape.extents[2...])
    let depth = weight.shape.elementCount / weight.shape[0]
    let positions = Shape(extents).elementCount
    let windows = geometry.windowView(of: input, window: Array(weight.shape.extents[2...]), extents: extents)
    let batch = groups == 1 ? [input.shape[0]] : [input.shape[0], groups]
    let rows = weight.reshaped(to: Shape((groups == 1 ? [] : [groups]) + [weight.shape[0] / groups, depth]))
      .broadcast(to: Shape(batch + [weight.shape[0] / groups, depth]))
    return matmul(rows, windows.reshaped(to: Shape(batch + [depth, positions]))).reshaped(to: type.shape)
  }

  public func gradients(_ c: GradientContext) -> [Tensor?] {
    let (input, weight) = (c.operands[0], c.operands[1])
    return [
      c.gradient.builder.add(
        ConvolutionInputGradient(geometry, axes: Array(input.shape.extents[2...])), [c.gradient, weight],
        at: c.gradient.site),
      c.gradient.builder.add(
        ConvolutionWeightGradient(geometry, window: Array(weight.shape.extents[2...])), [input, c.gradient],
        at: c.gradient.site),
    ]
  }

  public static var samples: [OpSample] {
    ConvolutionGeometry.samples.map { geometry, input, weight in
      OpSample(
        Convolution(geometry),
        [(TensorType(.float32, input), .uniform(-1...1)), (TensorType(.float32, weight), .uniform(-1...1))])
    }
  }
}

/// Also known as transposed convolution.
public struct ConvolutionInputGradient: ConvolutionOp {
  public static let mnemonic = "convolution_input_gradient"
  public static let summary =
    "(gradient [n, o, extents…], weight [o, c / groups, window…]) → [n, c, axes…]: that of a convolution's input."
  public let geometry: ConvolutionGeometry
  /// The input's spatial extents, which a stride leaves open.
  public let axes: [Int]
  public init(_ geometry: ConvolutionGeometry, axes: [Int]) {
    self.geometry = geometry
    self.axes = axes
  }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    geometry = try ConvolutionGeometry(attributes: &attributes)
    axes = try attributes.integers("axes")
  }
  public var attributes: [Attribute] { geometry.attributes + [Attribute("axes", .integers(axes))] }

  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    guard operands.count == 2, operands[0].shape.rank == geometry.rank + 2, operands[1].shape.rank == geometry.rank + 2,
      axes.count == geometry.rank, axes.allSatisfy({ (1...WindowGeometry.limit).contains($0) }), geometry.groups >= 1,
      geometry.groups <= WindowGeometry.limit
    else { throw TypeViolation("convolution_input_gradient takes a gradient and weights of a convolution") }
    let (gradient, weight) = (operands[0], operands[1])
    let channels = weight.shape[1].multipliedReportingOverflow(by: geometry.groups)
    guard !channels.overflow else { throw TypeViolation("convolution_input_gradient to too many channels") }
    let input = TensorType(gradient.elementType, Shape([gradient.shape[0], channels.partialValue] + axes))
    let result = try geometry.resultType(input: input, weight: weight)
    guard result == gradient else {
      throw TypeViolation("the convolution of \(input) with \(weight) gives \(result), not \(gradient)", recovered: input)
    }
    return input
  }

  public func decompose(_ x: [Tensor]) -> Tensor {
    let (gradient, weight) = (x[0], x[1])
    guard let type = try? resultType(of: [gradient.type, weight.type]) else { return gradient }
    return geometry.strides.allSatisfy({ $0 == 1 })
      ? byWindows(gradient, weight, type) : byOverlaps(gradient, weight, type)
  }

  /// With stride 1, a convolution again: element h is reached by tap k of the window at h + low − k · dilation. For each image
  /// (and group) [c, o · taps] × [o · taps, positions].
  private func byWindows(_ gradient: Tensor, _ weight: Tensor, _ type: TensorType) -> Tensor {
    let groups = geometry.groups
    let window = Array(weight.shape.extents[2...])
    let taps = Shape(window).elementCount
    let (outputs, channels) = (weight.shape[0] / groups, weight.shape[1])
    // [groups, o, c, taps] → [groups, c, o, taps]
    let columns = weight.reshaped(to: [groups, outputs, channels, taps]).transposed(to: [0, 2, 1, 3])
    let backwards = WindowGeometry(
      window: window, extents: axes, offsets: geometry.low, strides: geometry.strides,
      dilations: geometry.dilations.map { -$0 })
    let windows = backwards.windows(ofPadded: gradient)
    let batch = groups == 1 ? [type.shape[0]] : [type.shape[0], groups]
    let rows = columns.reshaped(to: Shape((groups == 1 ? [] : [groups]) + [channels, outputs * taps]))
      .broadcast(to: Shape(batch + [channels, outputs * taps]))
    let positions = Shape(axes).elementCount
    return matmul(rows, windows.reshaped(to: Shape(batch + [outputs * taps, positions]))).reshaped(to: type.shape)
  }

  /// With larger strides, [c · taps, o] × [o, windows], and each product is added where its tap stood.
  private func byOverlaps(_ gradient: Tensor, _ weight: Tensor, _ type: TensorType) -> Tensor {
    let groups = geometry.groups
    let extents = Array(gradient.shape.extents[2...])
    let window = Array(weight.shape.extents[2...])
    let (outputs, depth) = (weight.shape[0] / groups, weight.shape.elementCount / weight.shape[0])
    let batch = groups == 1 ? [type.shape[0]] : [type.shape[0], groups]
    let rows = weight.reshaped(to: Shape((groups == 1 ? [] : [groups]) + [outputs, depth])).transposedMatrix()
      .broadcast(to: Shape(batch + [depth, outputs]))
    let products = matmul(rows, gradient.reshaped(to: Shape(batch + [outputs, Shape(extents).elementCount])))
    let taps = products.reshaped(to: Shape([type.shape[0], type.shape[1]] + window + extents))
    return taps.builder.add(OverlapAdd(geometry.windows(window, extents), to: axes), [taps], at: taps.site)
  }

  public func gradients(_ c: GradientContext) -> [Tensor?] {
    let (gradient, weight) = (c.operands[0], c.operands[1])
    return [
      c.gradient.builder.add(Convolution(geometry), [c.gradient, weight], at: c.gradient.site),
      c.gradient.builder.add(
        ConvolutionWeightGradient(geometry, window: Array(weight.shape.extents[2...])), [c.gradient, gradient],
        at: c.gradient.site),
    ]
  }

  public static var samples: [OpSample] {
    ConvolutionGeometry.samples.compactMap { geometry, input, weight in
      let types = (TensorType(.float32, input), TensorType(.float32, weight))
      guard let result = try? geometry.resultType(input: types.0, weight: types.1) else { return nil }
      return OpSample(
        ConvolutionInputGradient(geometry, axes: Array(input.extents[2...])),
        [(result, .uniform(-1...1)), (types.1, .uniform(-1...1))])
    }
  }
}

public struct ConvolutionWeightGradient: ConvolutionOp {
  public static let mnemonic = "convolution_weight_gradient"
  public static let summary =
    "(input [n, c, axes…], gradient [n, o, extents…]) → [o, c / groups, window…]: that of a convolution's weights."
  public let geometry: ConvolutionGeometry
  public let window: [Int]
  public init(_ geometry: ConvolutionGeometry, window: [Int]) {
    self.geometry = geometry
    self.window = window
  }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    geometry = try ConvolutionGeometry(attributes: &attributes)
    window = try attributes.integers("window")
  }
  public var attributes: [Attribute] { geometry.attributes + [Attribute("window", .integers(window))] }

  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    guard operands.count == 2, operands[0].shape.rank == geometry.rank + 2, operands[1].shape.rank == geometry.rank + 2,
      window.count == geometry.rank, window.allSatisfy({ (1...WindowGeometry.limit).contains($0) }), geometry.groups >= 1
    else { throw TypeViolation("convolution_weight_gradient takes an input and a gradient of a convolution") }
    let (input, gradient) = (operands[0], operands[1])
    guard input.shape[1] >= geometry.groups else {
      throw TypeViolation("\(input.shape[1]) channels can't be divided into \(geometry.groups) groups")
    }
    let weight = TensorType(
      input.elementType, Shape([gradient.shape[1], input.shape[1] / geometry.groups] + window))
    let result = try geometry.resultType(input: input, weight: weight)
    guard result == gradient else {
      throw TypeViolation("the convolution of \(input) with \(weight) gives \(result), not \(gradient)", recovered: weight)
    }
    return weight
  }

  /// [c · taps, n · positions] × [n · positions, o]: one long product for all images, for each group. With one output for a group
  /// that is no product of matrices, but a sum of products.
  public func decompose(_ x: [Tensor]) -> Tensor {
    let (input, gradient) = (x[0], x[1])
    guard let type = try? resultType(of: [input.type, gradient.type]) else { return input }
    let groups = geometry.groups
    let rank = geometry.rank
    let extents = Array(gradient.shape.extents[2...])
    let images = input.shape[0]
    let (outputs, channels) = (type.shape[0] / groups, type.shape[1])
    let windows = geometry.windowView(of: input, window: window, extents: extents)
    // [n, groups · c, window…, extents…] → [groups · c, window…, n, extents…]
    let rows = windows.transposed(
      to: Array(1...(rank + 1)) + [0] + Array((rank + 2)..<(2 * rank + 2)))
    if outputs == 1 { return summed(rows, gradient, type) }
    // [n, groups · o, extents…] → [groups, n, extents…, o]
    let columns = geometry.grouped(gradient, axis: 1).transposed(to: [1, 0] + Array(3..<(rank + 3)) + [2])
    let depth = images * Shape(extents).elementCount
    let taps = channels * Shape(window).elementCount
    let lead = groups == 1 ? [] : [groups]
    let product = matmul(
      rows.reshaped(to: Shape(lead + [taps, depth])), columns.reshaped(to: Shape(lead + [depth, outputs])))
    return product.transposedMatrix().reshaped(to: type.shape)
  }

  /// The sum of [groups · c, window…, n, extents…] times the gradient [n, groups, extents…]: of the places of a line first, for
  /// neighbours are read together, and then along the line.
  private func summed(_ windows: Tensor, _ gradient: Tensor, _ type: TensorType) -> Tensor {
    let rank = geometry.rank
    let positions = [gradient.shape[0]] + gradient.shape.extents[2...]
    let factors = gradient.transposed(to: [1, 0] + Array(2..<(rank + 2)))
      .reshaped(to: Shape([geometry.groups] + [Int](repeating: 1, count: rank + 1) + positions))
      .broadcast(to: Shape([geometry.groups, type.shape[1]] + window + positions))
      .reshaped(to: windows.shape)
    let products = windows * factors
    let lines = products.builder.add(Sum(axes: Array((rank + 1)..<(2 * rank + 1))), [products], at: products.site)
    return lines.builder.add(Sum(axes: [rank + 1]), [lines], at: lines.site).reshaped(to: type.shape)
  }

  public func gradients(_ c: GradientContext) -> [Tensor?] {
    let (input, gradient) = (c.operands[0], c.operands[1])
    return [
      c.gradient.builder.add(
        ConvolutionInputGradient(geometry, axes: Array(input.shape.extents[2...])), [gradient, c.gradient],
        at: c.gradient.site),
      c.gradient.builder.add(Convolution(geometry), [input, c.gradient], at: c.gradient.site),
    ]
  }

  public static var samples: [OpSample] {
    ConvolutionGeometry.samples.compactMap { geometry, input, weight in
      let types = (TensorType(.float32, input), TensorType(.float32, weight))
      guard let result = try? geometry.resultType(input: types.0, weight: types.1) else { return nil }
      return OpSample(
        ConvolutionWeightGradient(geometry, window: Array(weight.extents[2...])),
        [(types.0, .uniform(-1...1)), (result, .uniform(-1...1))])
    }
  }
}

extension ConvolutionGeometry {
  /// The input's windows with zeros outside, [n, c, window…, extents…].
  fileprivate func windowView(of input: Tensor, window: [Int], extents: [Int]) -> Tensor {
    windows(window, extents).windows(ofPadded: input)
  }

  /// Valid and padded, strides that leave a rest, dilation, groups, one and two axes.
  fileprivate static var samples: [(ConvolutionGeometry, input: Shape, weight: Shape)] {
    func geometry(
      _ strides: [Int], _ low: [Int], _ high: [Int], _ dilations: [Int], _ groups: Int = 1
    ) -> ConvolutionGeometry {
      ConvolutionGeometry(strides: strides, low: low, high: high, dilations: dilations, groups: groups)
    }
    return [
      (geometry([1, 1], [0, 0], [0, 0], [1, 1]), [2, 3, 5, 7], [4, 3, 3, 3]),
      (geometry([1, 1], [1, 1], [1, 1], [1, 1]), [1, 2, 3, 5], [3, 2, 3, 3]),
      (geometry([2, 3], [1, 0], [0, 2], [1, 1]), [2, 2, 6, 7], [3, 2, 3, 2]),
      (geometry([1, 2], [2, 0], [2, 1], [2, 3]), [1, 2, 5, 8], [2, 2, 3, 2]),
      (geometry([1, 1], [0, 1], [0, 1], [1, 1], 2), [2, 4, 3, 5], [6, 2, 2, 3]),
      (geometry([2], [1], [1], [1], 3), [1, 3, 17], [3, 1, 3]),
      (geometry([1, 2], [1, 0], [1, 1], [1, 1], 2), [2, 6, 4, 5], [2, 3, 3, 2]),
    ]
  }
}
