/// For each element of a view, the one element of the operand that it shows.
///
/// The coordinate along operand axis `a` is `axes[a].offset + Σ axes[a].coefficients[i] · index[i]` over the axes `i` of
/// the view. Transpose, broadcast, slice, pad, flip and convolution windows are all such maps; a map
/// whose coordinates can leave the operand (`mayLeaveOperand`) shows the view's fill value there.
public struct IndexMap: Sendable, Hashable {
  public struct Axis: Sendable, Hashable {
    public var offset: Int
    /// One coefficient per axis of the view.
    public var coefficients: [Int]

    public init(offset: Int = 0, coefficients: [Int]) {
      self.offset = offset
      self.coefficients = coefficients
    }
  }

  /// One entry per axis of the operand.
  public var axes: [Axis]

  public init(axes: [Axis]) { self.axes = axes }

  /// The smallest and largest coordinate along each operand axis over all elements of a view of shape `view`
  /// (which has at least one element).
  public func coordinateRange(axis: Int, view: Shape) -> ClosedRange<Int> {
    var low = axes[axis].offset
    var high = low
    for (coefficient, extent) in zip(axes[axis].coefficients, view.extents) {
      let reach = coefficient * (extent - 1)
      if reach < 0 { low += reach } else { high += reach }
    }
    return low...Swift.max(low, high)
  }

  /// Whether some element of a view of shape `view` lies outside `operand` and so shows the fill value.
  public func mayLeaveOperand(_ operand: Shape, view: Shape) -> Bool {
    guard view.elementCount > 0 else { return false }
    return axes.indices.contains { axis in
      let range = coordinateRange(axis: axis, view: view)
      return range.lowerBound < 0 || range.upperBound >= operand[axis]
    }
  }
}
