/// Lines and points over two axes, as SVG for a file or as text for a terminal.
public struct LineChart: Sendable {
  /// Points with a name, which the legend shows, and how they are drawn.
  public struct Series: Sendable {
    /// Joined by lines in their order, or each by itself.
    public enum Style: Sendable, Hashable {
      case line, points
    }
    public var name: String
    public var points: [(x: Double, y: Double)]
    public var style: Style

    public init(_ name: String, _ points: [(x: Double, y: Double)], style: Style = .line) {
      self.name = name
      self.points = points
      self.style = style
    }
  }

  public var title: String
  public var xLabel: String
  public var yLabel: String
  /// Whether y stands on a logarithmic axis; what is not above 0 is then left out.
  public var isLogarithmic: Bool
  public var series: [Series]

  public init(title: String, xLabel: String, yLabel: String, isLogarithmic: Bool = false, series: [Series]) {
    self.title = title
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.isLogarithmic = isLogarithmic
    self.series = series
  }

  /// Data with the curve that was fitted to them: tensors of equally many numbers each.
  ///
  /// - Throws: `DataError` where x and y differ in number.
  public static func fit(
    title: String, x: HostTensor, y: HostTensor, curveX: HostTensor, curveY: HostTensor
  ) throws -> LineChart {
    func points(_ x: HostTensor, _ y: HostTensor) throws -> [(x: Double, y: Double)] {
      guard x.count == y.count else { throw DataError("a chart needs a y for each x: \(x.shape) and \(y.shape)") }
      return zip(x.floats, y.floats).map { (Double($0), Double($1)) }
    }
    return LineChart(
      title: title, xLabel: "x", yLabel: "y",
      series: [
        Series("data", try points(x, y), style: .points),
        Series("model", try points(curveX, curveY).sorted { $0.x < $1.x }),
      ])
  }

  /// What can be drawn: finite, and above 0 on a logarithmic axis.
  var drawable: [Series] {
    series.map { series in
      var series = series
      series.points = series.points.filter { $0.x.isFinite && $0.y.isFinite && (!isLogarithmic || $0.y > 0) }
      return series
    }
  }

  /// The axes that hold all that can be drawn; nil if nothing can.
  func axes() -> (x: ChartAxis, y: ChartAxis)? {
    let points = drawable.flatMap(\.points)
    guard let first = points.first else { return nil }
    var (xs, ys) = (first.x...first.x, first.y...first.y)
    for point in points {
      xs = min(xs.lowerBound, point.x)...max(xs.upperBound, point.x)
      ys = min(ys.lowerBound, point.y)...max(ys.upperBound, point.y)
    }
    return (ChartAxis(xs), ChartAxis(ys, isLogarithmic: isLogarithmic))
  }
}

extension LineChart.Series {
  /// At most about `limit` points of a line: of each stretch the lowest and the highest, so that no peak is lost.
  func thinned(to limit: Int) -> [(x: Double, y: Double)] {
    guard style == .line, points.count > limit, limit >= 2 else { return points }
    let stretches = limit / 2
    return (0..<stretches).flatMap { stretch -> [(x: Double, y: Double)] in
      let part = points[points.count * stretch / stretches..<points.count * (stretch + 1) / stretches]
      guard let low = part.indices.min(by: { part[$0].y < part[$1].y }),
        let high = part.indices.max(by: { part[$0].y < part[$1].y })
      else { return [] }
      return low == high ? [part[low]] : [part[min(low, high)], part[max(low, high)]]
    }
  }
}
