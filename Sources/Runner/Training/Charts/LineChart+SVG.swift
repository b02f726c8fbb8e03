extension LineChart {
  /// Writes the chart as an SVG file.
  public func writeSVG(to path: String) throws { try FileAccess.writeAtomically([Array(svg.utf8)], to: path) }

  private static let (width, height) = (720, 440)

  /// Charts one below the other, as one SVG document.
  static func svg(of charts: [LineChart]) -> String {
    if charts.count == 1 { return charts[0].svg }
    var text = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(width) \(height * charts.count)\" "
    text += "width=\"\(width)\" height=\"\(height * charts.count)\">\n"
    for (number, chart) in charts.enumerated() {
      text += "<svg y=\"\(number * height)\" " + chart.svg.dropFirst("<svg ".count)
    }
    return text + "</svg>\n"
  }

  /// The chart as an SVG document.
  public var svg: String {
    var canvas = SVGCanvas(width: Self.width, height: Self.height, title: title)
    let plot = (left: 76.0, right: 696.0, top: 48.0, bottom: 384.0)
    guard let (x, y) = axes() else {
      canvas.text("no data", x: 360, y: 220, anchor: .middle)
      return canvas.document
    }
    func across(_ value: Double) -> Double { plot.left + (plot.right - plot.left) * x.position(of: value) }
    func up(_ value: Double) -> Double { plot.bottom - (plot.bottom - plot.top) * y.position(of: value) }

    for tick in x.ticks {
      canvas.line(from: (across(tick), plot.top), to: (across(tick), plot.bottom), style: .grid)
      canvas.text(ChartAxis.label(tick), x: across(tick), y: plot.bottom + 18, anchor: .middle)
    }
    for tick in y.ticks {
      canvas.line(from: (plot.left, up(tick)), to: (plot.right, up(tick)), style: .grid)
      canvas.text(ChartAxis.label(tick), x: plot.left - 8, y: up(tick) + 4, anchor: .end)
    }
    canvas.line(from: (plot.left, plot.bottom), to: (plot.right, plot.bottom), style: .axis)
    canvas.line(from: (plot.left, plot.top), to: (plot.left, plot.bottom), style: .axis)
    canvas.text(xLabel, x: (plot.left + plot.right) / 2, y: plot.bottom + 40, anchor: .middle)
    canvas.text(yLabel, x: 20, y: (plot.top + plot.bottom) / 2, anchor: .middle, isVertical: true)

    let lines = drawable.enumerated().map { number, series in
      let points = series.thinned(to: 2000).map { (across($0.x), up($0.y)) }
      let isLine = series.style == .line && points.count != 1
      if isLine {
        canvas.polyline(points, colour: SVGCanvas.colour(number))
      } else {
        for point in points { canvas.circle(at: point, colour: SVGCanvas.colour(number)) }
      }
      return isLine
    }
    if series.count > 1 {
      // Over what is drawn, for names must be readable wherever lines go.
      let height = 18 * Double(series.count)
      canvas.rectangle(x: plot.right - 126, y: plot.top + 1, width: 126, height: height, fill: "#ffffff")
      for (number, series) in series.enumerated() {
        let middle = plot.top + 10 + 18 * Double(number)
        if lines[number] {
          canvas.line(
            from: (plot.right - 120, middle), to: (plot.right - 100, middle), style: .series(SVGCanvas.colour(number)))
        } else {
          canvas.circle(at: (plot.right - 110, middle), colour: SVGCanvas.colour(number))
        }
        canvas.text(series.name, x: plot.right - 94, y: middle + 4, anchor: .start)
      }
    }
    return canvas.document
  }
}

/// Writes the few elements of SVG that charts need.
struct SVGCanvas {
  enum Anchor: String {
    case start, middle, end
  }

  enum Style {
    case grid, axis
    case series(String)
  }

  static let colours = ["#2563eb", "#e8590c", "#2b8a3e", "#9c36b5", "#c92a2a", "#0b7285"]

  static func colour(_ number: Int) -> String { colours[number % colours.count] }

  private var body: String
  private let width: Int
  private let height: Int

  init(width: Int, height: Int, title: String) {
    self.width = width
    self.height = height
    body = ""
    text(title, x: Double(width) / 2, y: 28, anchor: .middle, size: 16)
  }

  var document: String {
    """
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" width="\(width)" height="\(height)" \
    font-family="system-ui, sans-serif" font-size="12" fill="#343a40">
    <rect width="100%" height="100%" fill="#ffffff"/>
    \(body)</svg>

    """
  }

  mutating func text(
    _ text: String, x: Double, y: Double, anchor: Anchor, size: Int? = nil, isVertical: Bool = false,
    fill: String? = nil
  ) {
    let (x, y) = (Self.number(x), Self.number(y))
    body += "<text x=\"\(x)\" y=\"\(y)\" text-anchor=\"\(anchor.rawValue)\""
    if let size { body += " font-size=\"\(size)\"" }
    if let fill { body += " fill=\"\(fill)\"" }
    if isVertical { body += " transform=\"rotate(-90 \(x) \(y))\"" }
    body += ">\(Self.escaped(text))</text>\n"
  }

  mutating func line(from start: (Double, Double), to end: (Double, Double), style: Style) {
    let stroke =
      switch style {
      case .grid: "stroke=\"#e9ecef\""
      case .axis: "stroke=\"#868e96\""
      case .series(let colour): "stroke=\"\(colour)\" stroke-width=\"2\""
      }
    body +=
      "<line x1=\"\(Self.number(start.0))\" y1=\"\(Self.number(start.1))\" x2=\"\(Self.number(end.0))\" y2=\"\(Self.number(end.1))\" \(stroke)/>\n"
  }

  mutating func polyline(_ points: [(Double, Double)], colour: String) {
    body += "<polyline fill=\"none\" stroke=\"\(colour)\" stroke-width=\"2\" stroke-linejoin=\"round\" points=\""
    body += points.map { "\(Self.number($0.0)),\(Self.number($0.1))" }.joined(separator: " ")
    body += "\"/>\n"
  }

  mutating func circle(at point: (Double, Double), colour: String) {
    body +=
      "<circle cx=\"\(Self.number(point.0))\" cy=\"\(Self.number(point.1))\" r=\"2.5\" fill=\"\(colour)\" fill-opacity=\"0.6\"/>\n"
  }

  mutating func rectangle(x: Double, y: Double, width: Double, height: Double, fill: String) {
    body +=
      "<rect x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" width=\"\(Self.number(width))\" height=\"\(Self.number(height))\" fill=\"\(fill)\"/>\n"
  }

  /// Tenths of a pixel are enough.
  static func number(_ value: Double) -> String {
    let tenths = (value * 10).rounded() / 10
    return tenths == tenths.rounded() ? "\(Int(tenths))" : "\(tenths)"
  }

  static func escaped(_ text: String) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case _ where character.value < 0x20: result += " "
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }
}
