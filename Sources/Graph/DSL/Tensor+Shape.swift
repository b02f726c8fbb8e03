extension Tensor {
  /// The same elements in row-major order under another shape; one extent may be −1, which means what is left.
  public func reshaped(to shape: Shape, file: StaticString = #filePath, line: Int = #line) -> Tensor {
    var shape = shape
    let unknown = shape.extents.indices.filter { shape[$0] == -1 }
    if unknown.count == 1 {
      let known = Shape(shape.extents.filter { $0 != -1 }).elementCount
      if known > 0, known <= self.shape.elementCount, self.shape.elementCount % known == 0 {
        shape.extents[unknown[0]] = self.shape.elementCount / known
      }
    }
    return shape == self.shape ? self : builder.add(Reshape(to: shape), [self], at: CallSite(file, line))
  }

  /// Axis `i` of the result is axis `permutation[i]` of this tensor.
  public func transposed(to permutation: [Int], file: StaticString = #filePath, line: Int = #line) -> Tensor {
    permutation == Array(0..<shape.rank)
      ? self : builder.add(Transpose(permutation), [self], at: CallSite(file, line))
  }

  /// The last two axes exchanged.
  public func transposedMatrix(file: StaticString = #filePath, line: Int = #line) -> Tensor {
    guard shape.rank >= 2 else {
      return builder.fail(
        "a matrix has at least 2 axes, not \(shape)", operands: [self], recovered: type, at: CallSite(file, line))
    }
    var permutation = Array(0..<shape.rank)
    permutation.swapAt(shape.rank - 1, shape.rank - 2)
    return transposed(to: permutation, file: file, line: line)
  }

  /// Axes of extent 1, and leading ones that are missing, repeated as NumPy does.
  public func broadcast(to shape: Shape, file: StaticString = #filePath, line: Int = #line) -> Tensor {
    broadcast(to: shape, at: CallSite(file, line))
  }

  func broadcast(to shape: Shape, at site: CallSite) -> Tensor {
    shape == self.shape ? self : builder.add(Broadcast(to: shape), [self], at: site)
  }

  /// `extents[i]` elements along axis i, from `starts[i]` in steps of `steps[i]` (1 unless given).
  public func sliced(
    starts: [Int], extents: [Int], steps: [Int]? = nil, file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    let steps = steps ?? starts.map { _ in 1 }
    if starts.allSatisfy({ $0 == 0 }), steps.allSatisfy({ $0 == 1 }), extents == shape.extents { return self }
    return builder.add(Slice(starts: starts, extents: extents, steps: steps), [self], at: CallSite(file, line))
  }

  /// The elements `range` along one axis.
  public func sliced(
    along axis: Int, _ range: Range<Int>, file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    guard let axis = shape.axis(axis) else { return missing(axis, "sliced", CallSite(file, line)) }
    var starts = [Int](repeating: 0, count: shape.rank)
    var extents = shape.extents
    starts[axis] = range.lowerBound
    // Ends so far apart that their distance overflows lie outside of any axis.
    let (count, overflow) = range.upperBound.subtractingReportingOverflow(range.lowerBound)
    extents[axis] = overflow ? Int.max : count
    return sliced(starts: starts, extents: extents, file: file, line: line)
  }

  /// `low[i]` elements of `value` before axis i and `high[i]` after it.
  public func padded(
    low: [Int], high: [Int], with value: Double = 0, file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    if low.allSatisfy({ $0 == 0 }), high == low, low.count == shape.rank { return self }
    let site = CallSite(file, line)
    if let obstacle = Tensor.obstacle(to: value, elementType) {
      return builder.fail("pad of \(type) with \(value): \(obstacle)", operands: [self], recovered: type, at: site)
    }
    return builder.add(Pad(low: low, high: high, fill: Tensor.literal(value, elementType)), [self], at: site)
  }

  /// `low[i]` elements of `value` before axis i and `high[i]` after it.
  @_disfavoredOverload
  public func padded(
    low: [Int], high: [Int], with value: some TensorNumber, file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    padded(low: low, high: high, with: value.elementValue, file: file, line: line)
  }

  /// With a new axis of extent 1 at `axis`.
  public func expandedAxis(_ axis: Int, file: StaticString = #filePath, line: Int = #line) -> Tensor {
    let position = axis < 0 ? axis + shape.rank + 1 : axis
    guard (0...shape.rank).contains(position) else { return missing(axis, "expanded", CallSite(file, line)) }
    var extents = shape.extents
    extents.insert(1, at: position)
    return reshaped(to: Shape(extents), file: file, line: line)
  }

  /// Without an axis of extent 1.
  public func squeezed(_ axis: Int, file: StaticString = #filePath, line: Int = #line) -> Tensor {
    guard let position = shape.axis(axis) else { return missing(axis, "squeezed", CallSite(file, line)) }
    guard shape[position] == 1 else {
      return builder.fail(
        "squeezed along axis \(axis) of \(shape), which has extent \(shape[position]), not 1", operands: [self],
        recovered: type, at: CallSite(file, line))
    }
    var extents = shape.extents
    extents.remove(at: position)
    return reshaped(to: Shape(extents), file: file, line: line)
  }

  /// Another element type; floats truncate and saturate to integers.
  public func cast(to type: ElementType, file: StaticString = #filePath, line: Int = #line) -> Tensor {
    type == elementType ? self : builder.add(Cast(to: type), [self], at: CallSite(file, line))
  }

  /// The adjoint of a reduction: each axis of `axes` put back with extent 1, then repeated to `shape`.
  func expanded(at axes: [Int], to shape: Shape) -> Tensor {
    var extents = shape.extents
    for axis in axes where extents.indices.contains(axis) { extents[axis] = 1 }
    return reshaped(to: Shape(extents)).broadcast(to: shape)
  }

  /// The adjoint of broadcasting: summed over what was repeated.
  func summed(to shape: Shape) -> Tensor {
    let added = self.shape.rank - shape.rank
    let axes = self.shape.extents.indices.filter {
      $0 < added || (shape[$0 - added] == 1 && self.shape[$0] != 1)
    }
    guard !axes.isEmpty else { return reshaped(to: shape) }
    return builder.add(Sum(axes: axes), [self], at: site).reshaped(to: shape)
  }

  func missing(_ axis: Int, _ what: String, _ site: CallSite) -> Tensor {
    builder.fail(
      "\(what) along axis \(axis), which a tensor of shape \(shape) doesn't have", operands: [self],
      recovered: type, at: site)
  }
}

/// The tensors one after the other along an axis; they must agree in all others.
public func concatenate(
  _ tensors: [Tensor], along axis: Int, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  guard let first = tensors.first else {
    return GraphBuilder.mistake("concatenate needs at least one tensor", at: CallSite(file, line))
  }
  guard let position = first.shape.axis(axis) else { return first.missing(axis, "concatenate", CallSite(file, line)) }
  return tensors.count == 1 ? first : first.builder.add(Concatenate(axis: position), tensors, at: CallSite(file, line))
}
