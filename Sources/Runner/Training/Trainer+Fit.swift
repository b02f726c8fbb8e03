import CinchGraph

/// When `fit` saves what it has reached.
public struct CheckpointPlan: Sendable {
  let path: String
  let everySteps: Int?
  let everyEpochs: Int?

  /// After each epoch, in place of the file before.
  public static func everyEpoch(to path: String) -> CheckpointPlan { every(epochs: 1, to: path) }

  /// After each epoch whose number, counted from the first `fit`, is a multiple of `epochs`.
  public static func every(epochs: Int, to path: String) -> CheckpointPlan {
    CheckpointPlan(path: path, everySteps: nil, everyEpochs: max(epochs, 1))
  }

  /// After each step whose number, counted from the first `fit`, is a multiple of `steps`.
  public static func every(steps: Int, to path: String) -> CheckpointPlan {
    CheckpointPlan(path: path, everySteps: max(steps, 1), everyEpochs: nil)
  }
}

extension Trainer {
  /// Trains on rows of x with their targets.
  ///
  /// After `load(_:)` of a checkpoint from inside an epoch, the rest of that epoch counts as the first.
  ///
  /// - Parameters:
  ///   - epochs: how many passes over the data.
  ///   - batchSize: rows in one step; all of them unless given. The last batch of a pass may be smaller.
  ///   - shuffling: whether each pass has another order, drawn from the trainer's seed. With one batch a pass, the rows stay
  ///     as they are.
  ///   - validation: evaluated after each pass.
  ///   - report: the progress on the terminal.
  ///   - counting: what the report tells the speed in: `.images`, say.
  ///   - saving: when to write checkpoints.
  ///   - onEpoch: called after each pass; may call `stop()`.
  /// - Throws: `DataError` for data that doesn't fit together, `GraphError` for a model that doesn't fit the data,
  ///   `TrainingError` for labels out of range and a loss that is no finite number any more. Parameters are then those after the
  ///   last step that succeeded; but after `.diverged`, those which the step with that loss made.
  /// - Returns: the last pass's record.
  @discardableResult
  public func fit(
    _ x: HostTensor, _ y: HostTensor, epochs: Int, batchSize: Int? = nil, shuffling: Bool = true,
    validation: Dataset? = nil, report: ProgressReport = .automatic, counting unit: ProgressUnit = .steps,
    saving: CheckpointPlan? = nil, onEpoch: ((EpochRecord) throws -> Void)? = nil
  ) throws -> EpochRecord? {
    try fit(
      Dataset(x, y), epochs: epochs, batchSize: batchSize, shuffling: shuffling, validation: validation, report: report,
      counting: unit, saving: saving, onEpoch: onEpoch)
  }

  /// As `fit` for two tensors, for rows that a `Dataset` gives.
  @discardableResult
  public func fit(
    _ data: Dataset, epochs: Int, batchSize: Int? = nil, shuffling: Bool = true, validation: Dataset? = nil,
    report: ProgressReport = .automatic, counting unit: ProgressUnit = .steps, saving: CheckpointPlan? = nil,
    onEpoch: ((EpochRecord) throws -> Void)? = nil
  ) throws -> EpochRecord? {
    guard epochs >= 1 else { throw TrainingError.badCount("the number of epochs", epochs) }
    try checkOptimizer()
    let plan = try BatchPlan(data, batchSize: batchSize, isShuffling: shuffling, seed: seed)
    if progress.batch > 0, progress.rowCount != data.count || progress.batchSize != plan.batchSize {
      throw TrainingError.otherBatches(
        rowCount: progress.rowCount, batchSize: progress.batchSize, givenRowCount: data.count,
        givenBatchSize: plan.batchSize)
    }
    warnOfTargets(data)
    (progress.rowCount, progress.batchSize) = (data.count, plan.batchSize)
    isStopping = false
    run += 1
    // After an error, the epoch begins anew.
    defer { (progress.batch, progress.sums) = (0, RowSums()) }
    let reporter = ProgressReporter(
      report, epochs: progress.epoch..<progress.epoch + min(epochs, .max - progress.epoch), batchesPerEpoch: plan.count,
      step: progress.step, unit: unit, rowCount: data.count)
    self.reporter = reporter
    defer {
      reporter.finish()
      self.reporter = nil
    }

    var last: EpochRecord?
    for _ in 0..<epochs {
      if isStopping { break }
      let record = try trainOneEpoch(plan, validation, reporter, saving)
      last = record
      reporter.endEpoch(record)
      if let onEpoch {
        // What it prints has the line for itself.
        reporter.clearFrame()
        try onEpoch(record)
      }
      try checkOptimizer()
    }
    return last
  }

  /// A loss on targets for which it means nothing trains something else without a word.
  private func warnOfTargets(_ data: Dataset) {
    guard let range = definition.loss.targetRange, case .float32(let targets) = data.y.elements,
      let index = targets.firstIndex(where: { !range.contains($0) })
    else { return }
    var warning = Diagnostic(
      "y\(data.y.coordinates(of: index)) is \(targets[index]), but \(definition.loss.name) takes targets from \(range.lowerBound) to \(range.upperBound)",
      at: definition.site)
    warning.severity = .warning
    warning.topic = "targets"
    Warnings.show([warning])
  }

  private func checkOptimizer() throws {
    guard optimizer.hasSameStep(as: definition.optimizer) else {
      throw TrainingError.otherOptimizer(given: "\(optimizer)", compiled: "\(definition.optimizer)")
    }
    let mistakes = optimizer.mistakes
    if !mistakes.isEmpty { throw TrainingError.badOptimizer(mistakes) }
  }

  /// The rest of the epoch under way.
  private func trainOneEpoch(
    _ plan: BatchPlan, _ validation: Dataset?, _ reporter: ProgressReporter, _ saving: CheckpointPlan?
  ) throws -> EpochRecord {
    let order = plan.order(epoch: progress.epoch)
    while progress.batch < plan.count {
      let rows = plan.rows(progress.batch, in: order)
      try trainOneBatch(plan, rows)
      reporter.endBatch(progress) { progress.sums.evaluation(metrics) }
      if let steps = saving?.everySteps, progress.step % steps == 0, progress.batch < plan.count, let path = saving?.path {
        try save(to: path)
      }
    }
    let training = progress.sums.evaluation(metrics)
    progress.epoch += 1
    (progress.batch, progress.sums) = (0, RowSums())
    let evaluation = try validation.map { try evaluate($0, batchSize: plan.batchSize) }
    let record = EpochRecord(epoch: progress.epoch, step: progress.step, training: training, validation: evaluation)
    lossCurve.add(record)
    if let saving, saving.isDue(progress) { try save(to: saving.path) }
    return record
  }

  private func trainOneBatch(_ plan: BatchPlan, _ rows: [Int]?) throws {
    let program = try bound(.training, plan.data, rows)
    let (loss, values) = try losses(of: program, plan.data, rows)
    progress.step += 1
    progress.batch += 1
    guard loss.isFinite else {
      throw TrainingError.diverged(loss: loss.isNaN ? "NaN" : "\(loss)", step: progress.step, epoch: progress.epoch + 1)
    }
    progress.sums.add(loss: loss, metrics: values, rowCount: rows?.count ?? plan.data.count)
    lossCurve.addStep(loss)
  }
}

extension CheckpointPlan {
  func isDue(_ progress: TrainingProgress) -> Bool {
    if let everyEpochs { return progress.epoch % everyEpochs == 0 }
    return everySteps.map { progress.step % $0 == 0 } ?? false
  }
}

/// Which rows each batch of an epoch has.
struct BatchPlan {
  let data: Dataset
  let batchSize: Int
  private let isShuffling: Bool
  private let random: RandomOrder

  init(_ data: Dataset, batchSize: Int?, isShuffling: Bool, seed: UInt64) throws {
    let size = batchSize ?? data.count
    guard size >= 1 else { throw TrainingError.badCount("the batch size", size) }
    self.data = data
    self.batchSize = min(size, data.count)
    self.isShuffling = isShuffling && self.batchSize < data.count
    random = RandomOrder(seed: seed, purpose: "epoch")
  }

  var count: Int { (data.count + batchSize - 1) / batchSize }

  /// The order of the rows; nil for the data's own.
  func order(epoch: Int) -> [Int]? { isShuffling ? random.permutation(data.count, round: epoch) : nil }

  /// The rows of a batch; nil for all in their own order.
  func rows(_ batch: Int, in order: [Int]?) -> [Int]? {
    if count == 1 { return nil }
    let range = batch * batchSize..<min((batch + 1) * batchSize, data.count)
    return order.map { Array($0[range]) } ?? Array(range)
  }
}
