/// Why training can't start or go on.
public enum TrainingError: Error, Sendable, Hashable, CustomStringConvertible {
  case notCompiled
  case badCount(String, Int)
  case otherOptimizer(given: String, compiled: String)
  case badOptimizer([String])
  case diverged(loss: String, step: Int, epoch: Int)
  /// What must not take the place of a checkpoint that training can go on from.
  case notFinite(variable: String, position: [Int], value: String, step: Int)
  /// What refused the memory that the rows of one batch need.
  case batchTooLarge(rowCount: Int, reason: String)
  /// The label's coordinates in all of y, the row first.
  case labelOutOfRange(position: [Int], label: Int, limit: Int)
  /// A checkpoint from inside an epoch goes on with the data and batches that it had.
  case otherBatches(rowCount: Int, batchSize: Int, givenRowCount: Int, givenBatchSize: Int)

  public var description: String {
    switch self {
    case .notCompiled:
      "error: the training step is compiled for the shapes of the data: call fit first"
    case .badCount(let what, let count):
      "error: \(what) must be at least 1, not \(count)"
    case .otherOptimizer(let given, let compiled):
      "error: the trainer's state is that of \(compiled); only an optimizer's numbers can change, not to \(given). Make another Trainer, or begin with a small number instead of 0"
    case .badOptimizer(let mistakes):
      mistakes.map { "error: " + $0 }.joined(separator: "\n")
    case .diverged(let loss, let step, let epoch):
      "error: the loss became \(loss) in step \(step) (epoch \(epoch)); a smaller learning rate, or smaller numbers in the data, may help. Checkpoints are as they were"
    case .notFinite(let variable, let position, let value, let step):
      "error: '\(variable)' is \(value) at \(position) after step \(step), so that nothing is saved; a smaller learning rate, or smaller numbers in the data, may help. Checkpoints are as they were"
    case .batchTooLarge(let rowCount, let reason):
      "\(reason). One batch has \(rowCount) rows; a smaller batchSize needs less"
    case .labelOutOfRange(let position, let label, let limit):
      "error: y\(position) is the label \(label), but the model tells \(limit) classes apart: labels are 0 to \(limit - 1)"
    case .otherBatches(let rowCount, let batchSize, let givenRowCount, let givenBatchSize):
      "error: the checkpoint stands inside an epoch over \(rowCount) rows in batches of \(batchSize), and can't go on with \(givenRowCount) rows in batches of \(givenBatchSize)"
    }
  }
}
