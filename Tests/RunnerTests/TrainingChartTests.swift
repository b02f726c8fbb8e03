import Foundation
import FoundationXML
import Testing

@testable import CinchGraph
@testable import CinchRunner

@Suite struct TrainingChartTests {
  /// Well-formed, and what it draws.
  private func parsed(_ svg: String) throws -> [XMLElementRecord] {
    let parser = XMLParser(data: Data(svg.utf8))
    let recorder = Recorder()
    parser.delegate = recorder
    #expect(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "")")
    return recorder.elements
  }

  @Test func linesStandWhereTheirNumbersAre() throws {
    let chart = LineChart(
      title: "a < b & c", xLabel: "x", yLabel: "y", series: [.init("s", [(0, 0), (5, 10), (10, 0)])])
    let elements = try parsed(chart.svg)
    let line = try #require(elements.first { $0.name == "polyline" })
    // The axes are 0…10 over the plot's 76…696 and 384…48.
    #expect(line.attributes["points"] == "76,384 386,48 696,384")
    #expect(elements.contains { $0.text == "a < b & c" })
    #expect(["0", "2", "4", "6", "8", "10"].allSatisfy { tick in elements.contains { $0.text == tick } })
  }

  @Test func logarithmicAxesMarkPowersOfTen() {
    let axis = ChartAxis(0.003...450, isLogarithmic: true)
    #expect(axis.range == 0.001...1000)
    #expect(axis.ticks.map(ChartAxis.label) == ["0.001", "0.01", "0.1", "1", "10", "100", "1,000"])
    #expect(abs(axis.position(of: 1) - 0.5) < 1e-12)
    #expect(ChartAxis(3...4, isLogarithmic: true).ticks.map(ChartAxis.label).contains("5"))
  }

  @Test(arguments: [
    (0.0...0.0), (1e-30...1e-30), (-1e308...1e308), (-Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude),
    (1.0...1.0.nextUp), (0...Double.leastNonzeroMagnitude), (1e15...1e15 + 1), (-3...7.5),
  ])
  func axesHoldAnyNumbers(data: ClosedRange<Double>) throws {
    let axis = ChartAxis(data)
    #expect(axis.range.lowerBound <= data.lowerBound && axis.range.upperBound >= data.upperBound)
    #expect(axis.ticks.count >= 2 && axis.ticks.count < 100)
    let chart = LineChart(
      title: "t", xLabel: "x", yLabel: "y", series: [.init("s", [(data.lowerBound, data.upperBound)])])
    _ = try parsed(chart.svg)
    _ = chart.text()
    let logarithmic = LineChart(
      title: "t", xLabel: "x", yLabel: "y", isLogarithmic: true, series: [.init("s", [(0, data.upperBound)])])
    _ = try parsed(logarithmic.svg)
    _ = logarithmic.text()
  }

  @Test(arguments: [(Int.max, Int.max), (.min, .min), (-1, 0), (.max, 3)])
  func textHasASizeThatATerminalMayHave(width: Int, height: Int) {
    let largest = Double.greatestFiniteMagnitude
    let chart = LineChart(
      title: "t", xLabel: "x", yLabel: "y",
      series: [.init("s", [(-largest, largest), (largest, -largest), (0, .nan), (.infinity, 0), (0, -.infinity)])])
    let lines = chart.text(width: width, height: height).split(separator: "\n")
    #expect((2 + 3...1000 + 3).contains(lines.count))
    #expect(lines.allSatisfy { $0.count < 1100 })
    let logarithmic = LineChart(
      title: "t", xLabel: "x", yLabel: "y", isLogarithmic: true,
      series: [.init("s", [(0, .leastNonzeroMagnitude), (1, largest), (2, -largest)])])
    _ = logarithmic.text(width: width, height: height)
  }

  @Test func whatCannotBeDrawnIsLeftOut() throws {
    let chart = LineChart(
      title: "t", xLabel: "x", yLabel: "y", isLogarithmic: true,
      series: [.init("s", [(0, 0), (1, .nan), (.infinity, 1), (2, -1), (3, 10), (4, 1)]), .init("none", [])])
    let line = try #require(try parsed(chart.svg).first { $0.name == "polyline" })
    #expect(line.attributes["points"]?.split(separator: " ").count == 2)
    let empty = LineChart(title: "t", xLabel: "x", yLabel: "y", series: [])
    #expect(try parsed(empty.svg).contains { $0.text == "no data" })
    #expect(empty.text() == "t: no data\n")
  }

  @Test func longLinesKeepTheirPeaks() {
    var points = (0..<100_000).map { (x: Double($0), y: 1.0) }
    points[54_321].y = 99
    let thinned = LineChart.Series("s", points).thinned(to: 2000)
    #expect(thinned.count <= 2000 && thinned.contains { $0.y == 99 })
    #expect(zip(thinned, thinned.dropFirst()).allSatisfy { $0.x <= $1.x })
  }

  @Test func terminalChartDrawsTheLine() {
    let chart = LineChart(title: "loss", xLabel: "step", yLabel: "y", series: [.init("s", [(0, 1), (1, 0)])])
    #expect(
      chart.text(width: 8, height: 4).split(separator: "\n") == [
        "   loss", "1 ┤⠑⢄⠀⠀⠀⠀⠀⠀", "  ┤⠀⠀⠑⢄⠀⠀⠀⠀", "  ┤⠀⠀⠀⠀⠑⢄⠀⠀", "0 ┤⠀⠀⠀⠀⠀⠀⠑⢄", "  └────────", "   0 step 1",
      ])
  }

  @Test func confusionMatrixCountsByLabelAndPrediction() throws {
    let logits = HostTensor([1, 0, 0, 0, 2, 1, 0, 5, 1, 9, 0, 0], shape: [4, 3])
    let matrix = try ConfusionMatrix(
      logits: logits, labels: HostTensor([0, 1, 2, 2] as [Int32]), classNames: ["cat", "dog", "<cow>"])
    #expect(matrix.counts == [[1, 0, 0], [0, 1, 0], [1, 1, 0]])
    #expect(matrix.accuracy == 0.5)
    #expect(matrix.description.contains("<cow>     1     1     0"))
    #expect(try parsed(matrix.svg()).filter { $0.text == "1" }.count == 4)
    #expect(throws: DataError.self) { try ConfusionMatrix(logits: logits, labels: HostTensor([0, 1, 2, 3] as [Int32])) }
    #expect(throws: DataError.self) { try ConfusionMatrix(logits: logits, labels: HostTensor([0, 1] as [Int32])) }
  }

  @Test func theFirstNaNIsThePrediction() throws {
    let logits = HostTensor([1, .nan, 0, .nan, 3, .nan] as [Float], shape: [2, 3])
    #expect(
      try ConfusionMatrix(logits: logits, labels: HostTensor([1, 0] as [Int32])).counts == [[1, 0, 0], [0, 1, 0], [0, 0, 0]])
  }

  /// Points as points; what a line of one point is drawn as.
  @Test func theLegendShowsHowSeriesAreDrawn() throws {
    let data = [(x: 0.0, y: 0.0), (x: 1.0, y: 1.0)]
    let chart = LineChart(
      title: "t", xLabel: "x", yLabel: "y", series: [.init("data", data, style: .points), .init("line", data), .init("one", [data[0]])])
    let elements = try parsed(chart.svg)
    // Two points and one, and one more for each in the legend.
    #expect(elements.filter { $0.name == "circle" }.count == 5)
    #expect(elements.filter { $0.name == "line" && $0.attributes["stroke"] == SVGCanvas.colours[1] }.count == 1)
    let text = chart.text(width: 40, height: 4)
    #expect(text.contains("data") && text.contains("line"), "\(text)")
  }

  private func curve(epochs: Int) -> LossCurve {
    var curve = LossCurve()
    for epoch in 1...epochs {
      for step in 0..<3 { curve.addStep(1 / Float(epoch * 3 + step)) }
      func evaluation(_ loss: Double) -> CinchRunner.Evaluation {
        CinchRunner.Evaluation(loss: loss, metrics: [("accuracy", 1 - loss), ("error", loss / 2)], rowCount: 3)
      }
      curve.add(
        EpochRecord(
          epoch: epoch, step: 3 * epoch, training: evaluation(1 / Double(3 * epoch)), validation: evaluation(0.5)))
    }
    return curve
  }

  /// Over the steps, validation stands where its epoch ended.
  @Test(arguments: [1, 3, 10, 40]) func validationAndMetricsAreShown(epochs: Int) throws {
    let curve = curve(epochs: epochs)
    let chart = curve.chart()
    #expect(chart.series.map(\.name) == ["training", "validation"])
    #expect(chart.series[1].points.map(\.x) == (1...epochs).map { Double(epochs < 10 ? 3 * $0 : $0) })
    #expect(curve.metricCharts.map(\.title) == ["accuracy", "error"])
    #expect(curve.metricCharts[0].series.map(\.points.count) == [epochs, epochs])
    let path = NSTemporaryDirectory() + "cinch-\(UUID().uuidString).svg"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try curve.writeSVG(to: path)
    let elements = try parsed(String(contentsOfFile: path, encoding: .utf8))
    #expect(elements.filter { $0.name == "svg" }.map { $0.attributes["y"] ?? "" } == ["", "0", "440", "880"])
    #expect(elements.filter { $0.text == "validation" }.count == 3)
  }

  @Test func theFitsLineCoversTheData() {
    let grid = HostTensor.linearSpace(over: HostTensor([3, .nan, -7, .infinity, 2.5]), count: 3)
    #expect(grid.floats == [-7, -2, 3])
    #expect(HostTensor.linearSpace(over: HostTensor([]), count: 2).floats == [0, 0])
  }

  @Test func filesAreWritten() throws {
    let path = NSTemporaryDirectory() + "cinch-\(UUID().uuidString).svg"
    defer { try? FileManager.default.removeItem(atPath: path) }
    var curve = LossCurve()
    for step in 1...50 { curve.addStep(1 / Float(step)) }
    try curve.writeSVG(to: path)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == curve.chart().svg)
    // The loss fell by a factor of 50, so its axis is logarithmic.
    #expect(curve.chart().isLogarithmic && curve.chart().xLabel == "step")
    #expect(throws: DataError.self) { try curve.writeSVG(to: "/nonexistent/a.svg") }
  }
}

struct XMLElementRecord {
  var name: String
  var attributes: [String: String]
  var text = ""
}

private final class Recorder: NSObject, XMLParserDelegate {
  var elements: [XMLElementRecord] = []

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    elements.append(XMLElementRecord(name: name, attributes: attributes))
  }

  func parser(_ parser: XMLParser, foundCharacters text: String) {
    if !elements.isEmpty { elements[elements.count - 1].text += text.trimmingCharacters(in: .newlines) }
  }
}
