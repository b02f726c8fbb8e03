public import CinchGraph

/// Trains a model: one compiled function for each step, with forward, backward and update.
///
/// ```swift
/// let trainer = try Trainer(model, loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.05))
/// try trainer.fit(x, y, epochs: 2_000)
/// ```
///
/// Programs are compiled on first use for each shape of batch. The one for the last, partial batch and those for
/// evaluation and prediction work on the same state as the training step, without a copy. Not thread-safe.
public final class Trainer {
  public let model: any Module
  public let metrics: [Metric]
  /// The learning rate and the other numbers may change between calls of `fit`, and in its callbacks; nothing is
  /// compiled again.
  public var optimizer: Optimizer

  /// Parameters, optimizer state, random stream and counters.
  public let state: ModelState
  /// The order of the rows and every random number of training follow from it.
  public internal(set) var seed: UInt64
  public internal(set) var progress = TrainingProgress()
  /// The losses of the training so far.
  public internal(set) var lossCurve = LossCurve()

  let definition: TrainingStep
  var isStopping = false
  /// Of the `fit` under way.
  var reporter: ProgressReporter?
  /// Numbers the predictions.
  var drawCount = 0
  /// Numbers the calls of `fit`.
  var run = 0
  private let options: ProgramOptions
  /// As many shapes of batches as stay at hand; others are compiled again when they come back.
  private var programs = RecentlyUsed<ProgramKey, BoundProgram>(capacity: 512, byteLimit: 128 << 20, leastCount: 4)
  /// One program of a trainer runs at a time.
  private let workspace = Workspace()
  private var lastTrainingProgram: Program?

  /// A program with what its inputs were last given.
  final class BoundProgram {
    let program: Program
    /// The run whose data it has, if those are all rows in their own order.
    var run: Int?
    var optimizer: Optimizer?
    init(_ program: Program) { self.program = program }
  }

  enum Purpose: Hashable {
    case training, evaluation, prediction
  }

  private struct ProgramKey: Hashable {
    let purpose: Purpose
    let input: TensorType
    let target: TensorType?
  }

  /// - Parameters:
  ///   - seed: of initial values, of the order of rows and of dropout.
  ///   - engine: what runs the programs; as the environment says (`CINCH_ENGINE`, else libtcc) unless given.
  ///   - workers: how many threads run a step, as the environment says (`CINCH_THREADS`, else 1) unless given; it never changes a
  ///     bit of the results.
  /// - Throws: `GraphError` for parameters or optimizer numbers that can't be; `NativeError` where memory is refused.
  public init(
    _ model: some Module, loss: Loss, optimizer: Optimizer, metrics: [Metric] = [], seed: UInt64 = 0,
    engine: Engine? = nil, workers: Int? = nil, file: StaticString = #filePath, line: Int = #line
  ) throws {
    var options = try ProgramOptions.fromEnvironment()
    if let engine { options.engine = engine }
    if let workers { options.workers = workers }
    guard 1...WorkerPool.workerLimit ~= options.workers else {
      throw NativeError.workerCountInvalid(options.workers, limit: WorkerPool.workerLimit)
    }
    self.options = options
    self.model = model
    self.metrics = metrics
    self.seed = seed
    self.optimizer = optimizer
    definition = TrainingStep(
      model, loss: loss, optimizer: optimizer, metrics: metrics, at: CallSite(file, line))
    state = try ModelState(
      .init(definition.state(), hasCanaries: options.isTesting), seed: seed, isTesting: options.isTesting)
  }

  /// The compiled training step, for its C, its kernels and its times.
  ///
  /// - Throws: `TrainingError.notCompiled` before the first call of `fit`.
  public var step: Program {
    get throws {
      guard let program = lastTrainingProgram else { throw TrainingError.notCompiled }
      return program
    }
  }

  /// A parameter's value: `trainer.value(of: "0.weight")`; or that of any other state variable.
  public func value(of name: String) throws -> HostTensor { try state.value(of: name) }

  /// Gives a parameter its value.
  public func setValue(of name: String, to value: HostTensor) throws { try state.setValue(of: name, to: value) }

  /// Ends `fit` after the current epoch; for use in its callback.
  public func stop() { isStopping = true }

  func program(_ purpose: Purpose, _ input: TensorType, _ target: TensorType?) throws -> BoundProgram {
    let key = ProgramKey(purpose: purpose, input: input, target: target)
    if let program = programs[key] { return program }
    func compile() throws -> Program {
      let graph =
        switch (purpose, target) {
        case (.training, let target?): definition.training(input, target: target)
        case (.evaluation, let target?): definition.evaluation(input, target: target)
        default: definition.prediction(input)
        }
      return try compiled(graph, rowCount: input.shape[0])
    }
    // The compiler may warn, and takes its time once.
    reporter?.clearFrame()
    let program = BoundProgram(try reporter?.excluding(compile) ?? compile())
    programs.insert(program, for: key, byteCount: program.program.heldByteCount)
    if purpose == .training { lastTrainingProgram = program.program }
    return program
  }

  /// Where memory is refused for many rows at once, the error says what makes them fewer.
  private func compiled(_ graph: Graph, rowCount: Int) throws -> Program {
    do {
      return try graph.compile(options, in: workspace)
    } catch let error as NativeError {
      guard case .memoryRefused = error, rowCount > 1 else { throw error }
      throw TrainingError.batchTooLarge(rowCount: rowCount, reason: error.description)
    }
  }
}

/// How far training has come.
public struct TrainingProgress: Sendable, Hashable {
  /// Steps taken in all.
  public var step = 0
  /// Whole passes over the data.
  public var epoch = 0
  /// Batches of the pass that is under way.
  public var batch = 0
  /// Sums over the rows of those batches.
  var sums = RowSums()
  /// What the pass under way goes over; zeros between passes.
  var rowCount = 0
  var batchSize = 0
}

/// The loss and the means of the metrics, summed over rows.
struct RowSums: Sendable, Hashable {
  var rowCount = 0
  var loss = 0.0
  var metrics: [Double] = []

  mutating func add(loss: Float, metrics: [Float], rowCount: Int) {
    self.rowCount += rowCount
    self.loss += Double(loss) * Double(rowCount)
    if self.metrics.isEmpty { self.metrics = metrics.map { _ in 0 } }
    for index in metrics.indices { self.metrics[index] += Double(metrics[index]) * Double(rowCount) }
  }

  func evaluation(_ metrics: [Metric]) -> Evaluation {
    let count = Double(max(rowCount, 1))
    var means = self.metrics[...]
    let values = metrics.map { metric in
      defer { means = means.dropFirst(metric.meanCount) }
      return (metric.name, means.count < metric.meanCount ? .nan : metric.finish(means.prefix(metric.meanCount).map { $0 / count }))
    }
    return Evaluation(loss: loss / count, metrics: values, rowCount: rowCount)
  }
}

/// The mean loss and metrics over some rows.
public struct Evaluation: Sendable, CustomStringConvertible {
  public let loss: Double
  public let metrics: [(name: String, value: Double)]
  public let rowCount: Int

  public subscript(metric: String) -> Double? { metrics.first { $0.name == metric }?.value }

  /// `loss 0.1234, accuracy 0.9832`.
  public var description: String {
    ([("loss", loss)] + metrics.map { ($0.name, $0.value) }).map { "\($0.0) \(shortNumber($0.1))" }
      .joined(separator: ", ")
  }
}

/// One pass over the data.
public struct EpochRecord: Sendable {
  /// Counted from 1.
  public let epoch: Int
  /// Steps taken in all by its end.
  public let step: Int
  /// Means over the training rows, each as it was before its batch's update.
  public let training: Evaluation
  /// After the epoch, on the validation data.
  public let validation: Evaluation?
}
