extension LineChart {
  /// The chart for a terminal, drawn in Braille dots; where there are several series, the last line names them with where they end.
  ///
  /// - Parameters:
  ///   - width: columns of the drawing, without the labels; at least 8 and at most 1000 are drawn.
  ///   - height: its lines; at least 2 and at most 1000.
  public func text(width: Int = 64, height: Int = 12) -> String {
    let (width, height) = (min(max(width, 8), 1000), min(max(height, 2), 1000))
    guard let (x, y) = axes() else { return "\(title): no data\n" }
    var dots = BrailleCanvas(width: width, height: height)
    let (right, bottom) = (Double(width * 2 - 1), Double(height * 4 - 1))
    for series in drawable {
      let points = series.thinned(to: width * 8).map {
        (x: Int((x.position(of: $0.x) * right).rounded()), y: Int(((1 - y.position(of: $0.y)) * bottom).rounded()))
      }
      for (index, point) in points.enumerated() {
        if index > 0 && series.style == .line { dots.line(from: points[index - 1], to: point) }
        dots.set(point.x, point.y)
      }
    }
    let labels = [ChartAxis.label(y.range.upperBound), ChartAxis.label(y.range.lowerBound)]
    let margin = labels.map(\.count).max() ?? 0
    func padded(_ text: String) -> String { String(repeating: " ", count: margin - text.count) + text }
    var lines = [padded("") + "  " + title]
    for (number, row) in dots.rows.enumerated() {
      let label = number == 0 ? labels[0] : number == height - 1 ? labels[1] : ""
      lines.append(padded(label) + " ┤" + row)
    }
    let (first, last) = (ChartAxis.label(x.range.lowerBound), ChartAxis.label(x.range.upperBound))
    let gap = max(1, width - first.count - last.count - xLabel.count)
    let before = String(repeating: " ", count: gap / 2)
    let after = String(repeating: " ", count: gap - gap / 2)
    lines.append(padded("") + " └" + String(repeating: "─", count: width))
    lines.append(padded("") + "  " + first + before + xLabel + after + last)
    if series.count > 1 {
      let ends = drawable.map { series in
        series.name + (series.style == .line ? series.points.last.map { " → \(shortNumber($0.y))" } ?? "" : " (points)")
      }
      lines.append(padded("") + "  " + ends.joined(separator: ", "))
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

/// A drawing of dots, two by four of them in a character.
private struct BrailleCanvas {
  private let width: Int
  private let height: Int
  private var cells: [UInt8]

  init(width: Int, height: Int) {
    self.width = width
    self.height = height
    cells = [UInt8](repeating: 0, count: width * height)
  }

  mutating func set(_ x: Int, _ y: Int) {
    guard x >= 0, y >= 0, x < width * 2, y < height * 4 else { return }
    // The bits of Unicode's Braille patterns: three dots of the left column, three of the right, then the lowest two.
    let bits: [[UInt8]] = [[0, 3], [1, 4], [2, 5], [6, 7]]
    cells[y / 4 * width + x / 2] |= 1 << bits[y % 4][x % 2]
  }

  mutating func line(from start: (x: Int, y: Int), to end: (x: Int, y: Int)) {
    let steps = max(abs(end.x - start.x), abs(end.y - start.y))
    guard steps > 0 else { return }
    for step in 0...steps {
      set(start.x + (end.x - start.x) * step / steps, start.y + (end.y - start.y) * step / steps)
    }
  }

  var rows: [String] {
    (0..<height).map { row in
      var text = ""
      for cell in cells[row * width..<(row + 1) * width] {
        if let scalar = Unicode.Scalar(0x2800 + UInt32(cell)) { text.unicodeScalars.append(scalar) }
      }
      return text
    }
  }
}
