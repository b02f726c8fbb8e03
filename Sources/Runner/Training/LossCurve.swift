/// The losses of a training: of its steps, and of its epochs. A long training keeps fewer points, so that the curve never takes more
/// than about a megabyte.
public struct LossCurve: Sendable {
  /// Steps before the first of the curve: those of a training that it was not kept from.
  public let firstStep: Int
  /// How many steps a point stands for: 1, and twice as many each time that the points become too many.
  public private(set) var stepsPerPoint = 1
  /// Records of epochs: all of them, or every second, fourth, and so on, with the first and the last.
  public private(set) var epochs: [EpochRecord] = []

  var points: [Float] = []
  /// Of the steps behind the last whole point.
  var rest = (sum: 0.0, count: 0)
  var epochsPerRecord = 1

  static let pointLimit = 1 << 15
  static let recordLimit = 1 << 12

  init(firstStep: Int = 0) { self.firstStep = firstStep }

  /// Losses in the order of the steps: of each, or means over `stepsPerPoint` of them (the last may have fewer).
  public var steps: [Float] { rest.count > 0 ? points + [Float(rest.sum / Double(rest.count))] : points }

  mutating func addStep(_ loss: Float) {
    if stepsPerPoint == 1 {
      points.append(loss)
    } else {
      rest = (rest.sum + Double(loss), rest.count + 1)
      guard rest.count == stepsPerPoint else { return }
      points.append(Float(rest.sum / Double(rest.count)))
      rest = (0, 0)
    }
    guard points.count == Self.pointLimit else { return }
    points = stride(from: 0, to: points.count, by: 2).map { Float((Double(points[$0]) + Double(points[$0 + 1])) / 2) }
    stepsPerPoint *= 2
  }

  mutating func add(_ record: EpochRecord) {
    if epochs.count > 1, let last = epochs.last, last.epoch % epochsPerRecord != 0 { epochs.removeLast() }
    epochs.append(record)
    guard epochs.count == Self.recordLimit else { return }
    epochsPerRecord *= 2
    let last = epochs.count - 1
    epochs = epochs.indices.filter { $0 == 0 || $0 == last || epochs[$0].epoch % epochsPerRecord == 0 }.map { epochs[$0] }
  }

  /// For what is read from a file.
  init(firstStep: Int, stepsPerPoint: Int, points: [Float], rest: (sum: Double, count: Int), epochsPerRecord: Int, _ epochs: [EpochRecord]) {
    self.firstStep = firstStep
    self.stepsPerPoint = stepsPerPoint
    self.points = points
    self.rest = rest
    self.epochsPerRecord = epochsPerRecord
    self.epochs = epochs
  }
}

// MARK: - Charts

extension LossCurve {
  /// Below this many epochs, the chart shows steps.
  private static let fewEpochs = 10

  /// The losses as a chart, with those of validation: over the epochs, or over the steps while there are few epochs.
  ///
  /// - Parameter logarithmic: whether the loss axis is; unless given, where the loss falls by more than a factor of 20.
  public func chart(title: String = "Loss", logarithmic: Bool? = nil) -> LineChart {
    let showsSteps = epochs.count < Self.fewEpochs
    var series: [LineChart.Series] = []
    if showsSteps {
      let losses = steps.enumerated().map { number, loss in
        // In the middle of the steps that it stands for.
        (Double(firstStep + number * stepsPerPoint) + Double(stepsPerPoint + 1) / 2, Double(loss))
      }
      series.append(.init("training", losses))
    } else {
      series.append(.init("training", epochs.map { (Double($0.epoch), $0.training.loss) }))
    }
    let validation = epochs.compactMap { record in
      record.validation.map { (Double(showsSteps ? record.step : record.epoch), $0.loss) }
    }
    if !validation.isEmpty { series.append(.init("validation", validation)) }
    let losses = series.flatMap { $0.points.map(\.y) }
    let smallest = losses.min() ?? 1
    let falls = smallest > 0 && (losses.max() ?? 1) / smallest > 20
    return LineChart(
      title: title, xLabel: showsSteps ? "step" : "epoch", yLabel: "loss", isLogarithmic: logarithmic ?? falls,
      series: series)
  }

  /// A chart for each metric, over the epochs.
  public var metricCharts: [LineChart] {
    (epochs.last?.training.metrics.map(\.name) ?? []).map { name in
      func points(_ evaluation: (EpochRecord) -> Evaluation?) -> [(x: Double, y: Double)] {
        epochs.compactMap { record in evaluation(record)?[name].map { (Double(record.epoch), $0) } }
      }
      let validation = points(\.validation)
      return LineChart(
        title: name, xLabel: "epoch", yLabel: name,
        series: [.init("training", points(\.training))] + (validation.isEmpty ? [] : [.init("validation", validation)]))
    }
  }

  /// Writes the chart, and below it those of the metrics, as an SVG file.
  public func writeSVG(to path: String, title: String = "Loss", logarithmic: Bool? = nil) throws {
    let charts = [chart(title: title, logarithmic: logarithmic)] + metricCharts
    try FileAccess.writeAtomically([Array(LineChart.svg(of: charts).utf8)], to: path)
  }
}
