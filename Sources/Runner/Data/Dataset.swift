import CinchGraph

/// Inputs with their targets: row i of one belongs to row i of the other.
public struct Dataset: Sendable {
  public let x: HostTensor
  public let y: HostTensor

  /// - Throws: `DataError` where the numbers of rows differ, where there are none, and where a float is NaN or infinite.
  public init(_ x: HostTensor, _ y: HostTensor) throws {
    guard x.shape.rank >= 1, y.shape.rank >= 1 else {
      throw DataError("data needs rows: x has the shape \(x.shape), y \(y.shape)")
    }
    guard x.rowCount == y.rowCount else {
      throw DataError("x has \(x.rowCount) rows (\(x.shape)), y has \(y.rowCount) (\(y.shape)); each input needs its target")
    }
    guard x.count > 0, y.count > 0 else { throw DataError("there is no data: x \(x.shape), y \(y.shape)") }
    for (name, tensor) in [("x", x), ("y", y)] {
      try tensor.checkFinite(name, "training on it would make every parameter NaN")
    }
    self.x = x
    self.y = y
  }

  /// Inputs alone, of which a model makes predictions.
  init(predicting x: HostTensor) throws {
    guard x.shape.rank >= 1, x.count > 0 else { throw DataError("there are no rows to predict from: x has the shape \(x.shape)") }
    try x.checkFinite("x", "no prediction can be made from it")
    self.init(unchecked: x, x)
  }

  private init(unchecked x: HostTensor, _ y: HostTensor) {
    self.x = x
    self.y = y
  }

  public var count: Int { x.rowCount }

  /// Those rows, in that order.
  ///
  /// - Precondition: there are rows of those numbers.
  public func rows(at indices: [Int], file: StaticString = #filePath, line: UInt = #line) -> Dataset {
    Dataset(unchecked: x.rows(at: indices, file: file, line: line), y.rows(at: indices, file: file, line: line))
  }

  /// Two parts of the rows, drawn at random. Each has at least one row.
  ///
  /// - Parameters:
  ///   - testFraction: the second part's share, in `0..<1`.
  ///   - stratified: whether each label has that share of its own rows; for Int32 labels, one for each row.
  /// - Throws: `DataError` for a fraction that leaves a part empty, or for targets that are no labels.
  public func split(
    testFraction: Double, seed: UInt64, stratified: Bool = false
  ) throws -> (train: Dataset, test: Dataset) {
    guard testFraction > 0, testFraction < 1 else {
      throw DataError("the test fraction must lie between 0 and 1, not \(testFraction)")
    }
    var groups = [Array(0..<count)]
    if stratified {
      guard case .int32(let labels) = y.elements, y.shape.rank == 1 else {
        throw DataError("a stratified split needs one Int32 label for each row, not targets of type \(y.type)")
      }
      let byLabel = Dictionary(grouping: 0..<count) { labels[$0] }
      groups = byLabel.keys.sorted().compactMap { byLabel[$0] }
    }
    let order = RandomOrder(seed: seed, purpose: "split")
    var train: [Int] = []
    var test: [Int] = []
    for (number, group) in groups.enumerated() {
      let shuffled = order.shuffled(group, round: number)
      let testCount = Int((Double(group.count) * testFraction).rounded())
      test += shuffled[..<testCount]
      train += shuffled[testCount...]
    }
    guard !train.isEmpty, !test.isEmpty else {
      throw DataError("\(count) rows can't be split with a test fraction of \(testFraction): one part would be empty")
    }
    return (rows(at: train.sorted()), rows(at: test.sorted()))
  }
}

extension HostTensor {
  /// Throws for the first element that is NaN or infinite.
  fileprivate func checkFinite(_ name: String, _ consequence: String) throws {
    guard let bad = firstNonFinite else { return }
    throw DataError("\(name)\(coordinates(of: bad.index)) is \(bad.value.isNaN ? "NaN" : "\(bad.value)"); \(consequence)")
  }
}
