import CinchGraph

extension Trainer {
  private static let format = "cinch checkpoint 1"
  private static let parametersKey = "parameters"

  /// Writes all state (parameters, optimizer state, random stream, counters), how far training has come, and its loss curve. The file is whole at
  /// every moment; training that goes on from it gives the same bits as training that was never interrupted.
  ///
  /// - Throws: `TrainingError.notFinite` for parameters with which training can't go on, before the file is touched; `DataError` for a
  ///   file that can't be written.
  public func save(to path: String) throws {
    var metadata = [
      "format": Self.format, "seed": String(seed), Self.parametersKey: parameterNames.joined(separator: "\n"),
    ]
    for (name, value) in progress.numbers { metadata[name] = String(value) }
    for (name, value) in progress.sums.numbers { metadata[name] = String(value.bitPattern, radix: 16) }
    metadata.merge(lossCurve.metadata) { _, curve in curve }
    try SafeTensors(finiteValues(of: state.names) + lossCurve.tensors, metadata: metadata).write(to: path)
  }

  /// Goes back, or on, to where a checkpoint was written.
  ///
  /// - Throws: `DataError` naming what is damaged, which names are missing or unknown, and where a shape differs; the trainer is then as it
  ///   was.
  public func load(_ path: String) throws {
    let file = try SafeTensors(path: path)
    guard file.metadata["format"] == Self.format else {
      throw DataError(
        "is no checkpoint of a trainer ('format' is \(file.metadata["format"].map { "'\($0)'" } ?? "missing")); loadParameters(_:) takes any safetensors file",
        file: path)
    }
    guard file.metadata[SafeTensors.checksumKey] != nil else {
      throw DataError("the checksum is missing; the file is damaged", file: path)
    }
    guard let seed = file.metadata["seed"].flatMap(UInt64.init) else {
      throw DataError("the metadata 'seed' is missing or no number", file: path)
    }
    let loaded = try TrainingProgress(file.metadata, metricCount: metrics.reduce(0) { $0 + $1.meanCount }, path)
    let curve = try LossCurve(file, metrics: metrics.map(\.name), step: loaded.step, path)
    let tensors = file.tensors.filter { !LossCurve.tensorNames.contains($0.name) }
    try set(state.names, from: ParameterFile(path: path, tensors: tensors, unreadable: file.unreadable))
    self.seed = seed
    progress = loaded
    lossCurve = curve
  }

  /// Writes the parameters alone, for use elsewhere.
  ///
  /// - Throws: as `save(to:)`.
  public func saveParameters(to path: String) throws {
    try SafeTensors(finiteValues(of: parameterNames)).write(to: path)
  }

  /// A step's update may have no numbers though its loss was one. Infinite moments of an optimizer are no reason to lose the rest.
  private func finiteValues(of names: [String]) throws -> [(name: String, tensor: HostTensor)] {
    let parameters = Set(parameterNames)
    return try names.map { name in
      let tensor = try state.value(of: name)
      if let bad = tensor.firstNonFinite(allowingInfinity: !parameters.contains(name)) {
        throw TrainingError.notFinite(
          variable: name, position: tensor.coordinates(of: bad.index), value: bad.value.isNaN ? "NaN" : "\(bad.value)",
          step: progress.step)
      }
      return (name, tensor)
    }
  }

  /// Gives every parameter its value from a file of any origin, a trainer's checkpoint among them. What the optimizer remembers stays.
  ///
  /// - Parameters:
  ///   - prefix: what the file's names begin with and the model's don't, such as `model.`; other tensors of the file are passed over.
  /// - Throws: `DataError` where names or shapes don't match; the trainer is then as it was.
  public func loadParameters(_ path: String, prefix: String = "") throws {
    let file = try SafeTensors(path: path)
    var tensors = file.tensors
    // A checkpoint says which of its tensors are parameters.
    if file.metadata["format"] == Self.format, let list = file.metadata[Self.parametersKey] {
      let names = Set(list.split(separator: "\n").map(String.init))
      tensors = tensors.filter { names.contains($0.name) }
    }
    try set(
      parameterNames,
      from: ParameterFile(path: path, tensors: tensors, unreadable: file.unreadable, isForeign: true).without(prefix))
  }

  /// In PyTorch's order.
  public var parameterNames: [String] {
    state.layout.entries.filter { $0.variable.role == .parameter }.map(\.variable.name)
  }

  /// All of them or none.
  private func set(_ names: [String], from file: ParameterFile) throws {
    let types = Dictionary(uniqueKeysWithValues: state.layout.entries.map { ($0.variable.name, $0.variable.type) })
    let values = try file.values(of: names.compactMap { name in types[name].map { (name, $0) } })
    for (name, value) in values { try state.setValue(of: name, to: value) }
  }
}

extension TrainingProgress {
  fileprivate var numbers: [(name: String, value: Int)] {
    [
      ("step", step), ("epoch", epoch), ("batch", batch), ("rowCount", rowCount), ("batchSize", batchSize),
      ("summedRows", sums.rowCount),
    ]
  }

  fileprivate init(_ metadata: [String: String], metricCount: Int, _ path: String) throws {
    func number(_ name: String) throws -> Int {
      // What is counted on from here has room.
      guard let value = metadata[name].flatMap({ Int($0) }), 0...1 << 53 ~= value else {
        throw DataError("the metadata '\(name)' is missing or no number from 0 to \(1 << 53)", file: path)
      }
      return value
    }
    func bits(_ name: String) throws -> Double {
      guard let value = metadata[name].flatMap({ UInt64($0, radix: 16) }) else {
        throw DataError("the metadata '\(name)' is missing or no number", file: path)
      }
      return Double(bitPattern: value)
    }
    step = try number("step")
    epoch = try number("epoch")
    batch = try number("batch")
    rowCount = try number("rowCount")
    batchSize = try number("batchSize")
    sums = RowSums()
    guard batch > 0 else { return }
    guard rowCount > 0, batchSize > 0, batch <= (rowCount - 1) / batchSize else {
      throw DataError("the metadata 'batch', 'rowCount' and 'batchSize' contradict each other", file: path)
    }
    // All batches but the last of an epoch are full.
    guard try number("summedRows") == batch * batchSize else {
      throw DataError("the metadata 'summedRows' is not 'batch' times 'batchSize'", file: path)
    }
    sums.rowCount = batch * batchSize
    sums.loss = try bits("lossSum")
    guard sums.loss.isFinite else { throw DataError("the metadata 'lossSum' is \(sums.loss)", file: path) }
    sums.metrics = try (0..<metricCount).map { try bits("metricSum\($0)") }
  }
}

extension RowSums {
  fileprivate var numbers: [(name: String, value: Double)] {
    guard rowCount > 0 else { return [] }
    return [("lossSum", loss)] + metrics.enumerated().map { ("metricSum\($0)", $1) }
  }
}
