import CinchGraph

// A curve in a checkpoint: two tensors, whose names no state variable has, and numbers among the metadata.
extension LossCurve {
  static let stepsName = "lossCurve/steps"
  static let epochsName = "lossCurve/epochs"
  static let tensorNames: Set<String> = [stepsName, epochsName]

  var tensors: [(name: String, tensor: HostTensor)] {
    let metricCount = epochs.last?.training.metrics.count ?? 0
    let table = epochs.flatMap { [Double($0.epoch), Double($0.step)] + $0.training.row + ($0.validation?.row ?? Self.none(metricCount)) }
    return [
      (Self.stepsName, HostTensor(points)),
      (Self.epochsName, HostTensor(.float64(table), shape: [epochs.count, 2 + 2 * (2 + metricCount)])),
    ]
  }

  var metadata: [String: String] {
    [
      "curve.firstStep": String(firstStep), "curve.stepsPerPoint": String(stepsPerPoint),
      "curve.restSum": String(rest.sum.bitPattern, radix: 16), "curve.restCount": String(rest.count),
      "curve.epochsPerRecord": String(epochsPerRecord),
      "curve.metrics": (epochs.last?.training.metrics.map(\.name) ?? []).joined(separator: "\n"),
    ]
  }

  /// As much as it takes of rows where there was no validation.
  private static func none(_ metricCount: Int) -> [Double] { [Double](repeating: 0, count: 2 + metricCount) }

  /// The curve in a checkpoint; one that begins at `step` where the file has none, or has one of other metrics.
  ///
  /// - Throws: `DataError` for a curve that makes no sense.
  init(_ file: SafeTensors, metrics: [String], step: Int, _ path: String) throws {
    guard let steps = file[Self.stepsName], let table = file[Self.epochsName] else {
      self.init(firstStep: step)
      return
    }
    let mistake = DataError("the loss curve makes no sense", file: path)
    func number(_ name: String) throws -> Int {
      guard let value = file.metadata["curve.\(name)"].flatMap({ Int($0) }), 0...1 << 53 ~= value else { throw mistake }
      return value
    }
    guard case .float32(let points) = steps.elements, case .float64(let numbers) = table.elements, table.shape.rank == 2,
      let restSum = file.metadata["curve.restSum"].flatMap({ UInt64($0, radix: 16) }),
      points.count < Self.pointLimit, table.shape[0] < Self.recordLimit
    else { throw mistake }
    let (stepsPerPoint, restCount, epochsPerRecord) = (
      try number("stepsPerPoint"), try number("restCount"), try number("epochsPerRecord")
    )
    guard stepsPerPoint > 0, restCount < stepsPerPoint, epochsPerRecord > 0 else { throw mistake }
    let names = (file.metadata["curve.metrics"] ?? "").split(separator: "\n").map(String.init)
    let width = 2 + 2 * (2 + names.count)
    guard table.shape[0] == 0 || names == metrics else {
      self.init(firstStep: step)
      return
    }
    guard table.shape[0] == 0 || table.shape[1] == width else { throw mistake }
    let records = try (0..<table.shape[0]).map { index -> EpochRecord in
      let row = Array(numbers[index * width..<(index + 1) * width])
      guard let epoch = Int(exactly: row[0]), let step = Int(exactly: row[1]), epoch > 0,
        let training = Evaluation(row: row[2..<4 + names.count], names)
      else { throw mistake }
      return EpochRecord(
        epoch: epoch, step: step, training: training, validation: Evaluation(row: row[(4 + names.count)...], names))
    }
    self.init(
      firstStep: try number("firstStep"), stepsPerPoint: stepsPerPoint, points: points,
      rest: (Double(bitPattern: restSum), restCount), epochsPerRecord: epochsPerRecord, records)
  }
}

extension Evaluation {
  fileprivate var row: [Double] { [Double(rowCount), loss] + metrics.map(\.value) }

  /// Nil where there were no rows.
  fileprivate init?(row: ArraySlice<Double>, _ names: [String]) {
    guard let first = row.first, let count = Int(exactly: first), count > 0 else { return nil }
    self.init(
      loss: row[row.startIndex + 1], metrics: zip(names, row.dropFirst(2)).map { ($0, $1) }, rowCount: count)
  }
}
