/// The losses of a training: of each step, and of each epoch.
public struct LossCurve: Sendable {
  public private(set) var steps: [Float] = []
  public private(set) var epochs: [EpochRecord] = []

  mutating func addStep(_ loss: Float) { steps.append(loss) }
  mutating func add(_ record: EpochRecord) { epochs.append(record) }

  /// Below this many epochs, the chart shows steps.
  private static let fewEpochs = 10

  /// The losses as a chart: over the epochs, or over the steps while there are few epochs.
  ///
  /// - Parameter logarithmic: whether the loss axis is; unless given, where the loss falls by more than a factor of 20.
  public func chart(title: String = "Loss", logarithmic: Bool? = nil) -> LineChart {
    let showsSteps = epochs.count < Self.fewEpochs
    var series: [LineChart.Series] = []
    if showsSteps {
      series.append(.init("training", steps.enumerated().map { (Double($0 + 1), Double($1)) }))
    } else {
      series.append(.init("training", epochs.map { (Double($0.epoch), $0.training.loss) }))
      let validation = epochs.compactMap { record in record.validation.map { (Double(record.epoch), $0.loss) } }
      if !validation.isEmpty { series.append(.init("validation", validation)) }
    }
    let losses = series.flatMap { $0.points.map(\.y) }
    let smallest = losses.min() ?? 1
    let falls = smallest > 0 && (losses.max() ?? 1) / smallest > 20
    return LineChart(
      title: title, xLabel: showsSteps ? "step" : "epoch", yLabel: "loss", isLogarithmic: logarithmic ?? falls,
      series: series)
  }

  /// Writes the chart as an SVG file.
  public func writeSVG(to path: String, title: String = "Loss", logarithmic: Bool? = nil) throws {
    try chart(title: title, logarithmic: logarithmic).writeSVG(to: path)
  }
}
