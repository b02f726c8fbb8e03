import CinchGraph

extension Trainer {
  private static let format = "cinch checkpoint 1"

  /// Writes all state (parameters, optimizer state, random stream, counters) and how far training has come. The file is whole at
  /// every moment; training that goes on from it gives the same bits as training that was never interrupted.
  public func save(to path: String) throws {
    var metadata = ["format": Self.format, "seed": String(seed)]
    for (name, value) in progress.numbers { metadata[name] = String(value) }
    for (name, value) in progress.sums.numbers { metadata[name] = String(value.bitPattern, radix: 16) }
    try SafeTensors(state.names.map { ($0, try state.value(of: $0)) }, metadata: metadata).write(to: path)
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
    let loaded = try TrainingProgress(file.metadata, metricCount: metrics.count, path)
    try set(state.names, from: file, path)
    self.seed = seed
    progress = loaded
    lossCurve = LossCurve()
  }

  /// Writes the parameters alone, for use elsewhere.
  public func saveParameters(to path: String) throws {
    try SafeTensors(parameterNames.map { ($0, try state.value(of: $0)) }).write(to: path)
  }

  /// Gives every parameter its value from a file of any origin. What the optimizer remembers stays.
  ///
  /// - Throws: `DataError` where names or shapes don't match; the trainer is then as it was.
  public func loadParameters(_ path: String) throws {
    try set(parameterNames, from: SafeTensors(path: path), path)
  }

  /// In PyTorch's order.
  public var parameterNames: [String] {
    state.layout.entries.filter { $0.variable.role == .parameter }.map(\.variable.name)
  }

  /// All of them or none.
  private func set(_ names: [String], from file: SafeTensors, _ path: String) throws {
    let given = Dictionary(file.tensors.map { ($0.name, $0.tensor) }) { first, _ in first }
    let missing = names.filter { given[$0] == nil }
    let known = Set(names)
    let unexpected = file.tensors.map(\.name).filter { !known.contains($0) }
    var mistakes: [String] = []
    if !missing.isEmpty { mistakes.append("the file lacks \(Self.list(missing))") }
    if !unexpected.isEmpty { mistakes.append("the model has no \(Self.list(unexpected))") }
    guard mistakes.isEmpty else {
      throw DataError("the names don't match: \(mistakes.joined(separator: "; "))", file: path)
    }
    let types = Dictionary(uniqueKeysWithValues: state.layout.entries.map { ($0.variable.name, $0.variable.type) })
    let differing = names.compactMap { name -> String? in
      guard let tensor = given[name], let type = types[name], tensor.type != type else { return nil }
      let isTransposed = tensor.shape.extents == type.shape.extents.reversed()
      return "'\(name)' is \(tensor.type) in the file and \(type) in the model"
        + (isTransposed ? " (transposed: Cinch keeps weights as [inputs, outputs])" : "")
    }
    guard differing.isEmpty else {
      throw DataError("the shapes don't match: \(differing.joined(separator: "; "))", file: path)
    }
    for name in names {
      if let tensor = given[name] { try state.setValue(of: name, to: tensor) }
    }
  }

  private static func list(_ names: [String]) -> String {
    let shown = names.prefix(8).map { "'\($0)'" }.joined(separator: ", ")
    return names.count > 8 ? shown + " and \(names.count - 8) more" : shown
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
