extension Tensor {
  /// The sum over `axes` (all of them unless given), which disappear or stay with extent 1.
  public func sum(
    along axes: Int..., keepingAxes: Bool = false, file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    reduced(axes.isEmpty ? Array(0..<shape.rank) : axes, keepingAxes, "sum", CallSite(file, line)) { Sum(axes: $0) }
  }

  /// The sum over the axes that the array names; none where it is empty.
  public func sum(
    along axes: [Int], keepingAxes: Bool = false, file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    reduced(axes, keepingAxes, "sum", CallSite(file, line)) { Sum(axes: $0) }
  }

  /// The sum over `axes` (all of them unless given), divided by how many elements it has; the axes disappear or stay with extent 1.
  public func mean(
    along axes: Int..., keepingAxes: Bool = false, file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    reduced(axes.isEmpty ? Array(0..<shape.rank) : axes, keepingAxes, "mean", CallSite(file, line)) { Mean(axes: $0) }
  }

  /// The mean over the axes that the array names; none where it is empty.
  public func mean(
    along axes: [Int], keepingAxes: Bool = false, file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    reduced(axes, keepingAxes, "mean", CallSite(file, line)) { Mean(axes: $0) }
  }

  /// The largest element; a NaN wins.
  public func max(
    along axes: Int..., keepingAxes: Bool = false, file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    reduced(axes.isEmpty ? Array(0..<shape.rank) : axes, keepingAxes, "max", CallSite(file, line)) { Max(axes: $0) }
  }

  /// The largest element over the axes that the array names; none where it is empty.
  public func max(
    along axes: [Int], keepingAxes: Bool = false, file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    reduced(axes, keepingAxes, "max", CallSite(file, line)) { Max(axes: $0) }
  }

  /// The smallest element; a NaN wins.
  public func min(
    along axes: Int..., keepingAxes: Bool = false, file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    reduced(axes.isEmpty ? Array(0..<shape.rank) : axes, keepingAxes, "min", CallSite(file, line)) { Min(axes: $0) }
  }

  /// The smallest element over the axes that the array names; none where it is empty.
  public func min(
    along axes: [Int], keepingAxes: Bool = false, file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    reduced(axes, keepingAxes, "min", CallSite(file, line)) { Min(axes: $0) }
  }

  /// Int32: where along `axis` the largest element stands; the first of equal ones, and a NaN wins.
  public func argMax(
    along axis: Int, keepingAxes: Bool = false, file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    reduced([axis], keepingAxes, "argMax", CallSite(file, line)) { ArgMax(axis: $0[0]) }
  }

  /// log Σ eᵃ over `axes` (all of them unless given), which overflows only where the result does; the axes disappear or stay with
  /// extent 1.
  public func logSumExp(
    along axes: Int..., keepingAxes: Bool = false, file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    reduced(axes.isEmpty ? Array(0..<shape.rank) : axes, keepingAxes, "logSumExp", CallSite(file, line)) {
      LogSumExpOp(axes: $0)
    }
  }

  /// log Σ eᵃ over the axes that the array names; none where it is empty.
  public func logSumExp(
    along axes: [Int], keepingAxes: Bool = false, file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    reduced(axes, keepingAxes, "logSumExp", CallSite(file, line)) { LogSumExpOp(axes: $0) }
  }

  func logSumExp(axes: [Int]) -> Tensor { builder.add(LogSumExpOp(axes: axes), [self], at: site) }

  private func reduced(
    _ axes: [Int], _ keepingAxes: Bool, _ what: String, _ site: CallSite, _ op: ([Int]) -> any Op
  ) -> Tensor {
    var positions: [Int] = []
    for axis in axes {
      guard let position = shape.axis(axis) else { return missing(axis, what, site) }
      positions.append(position)
    }
    positions.sort()
    guard !positions.isEmpty else { return self }
    let result = builder.add(op(positions), [self], at: site)
    guard keepingAxes, !builder.poisoned.contains(result.id) else { return result }
    var extents = shape.extents
    for axis in positions { extents[axis] = 1 }
    return builder.add(Reshape(to: Shape(extents)), [result], at: site)
  }
}
