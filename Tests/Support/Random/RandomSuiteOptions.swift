import Foundation

/// How many random programs the tests run, and which.
public struct RandomSuiteOptions: Sendable {
  public var programCount: Int
  public var firstSeed: UInt64

  /// `CINCH_RANDOM_PROGRAMS` and `CINCH_RANDOM_SEED`, or what continuous integration runs.
  public static let environment = RandomSuiteOptions("CINCH_RANDOM_PROGRAMS", orElse: 500)

  /// The same for small graphs: `CINCH_RANDOM_GRAPHS`.
  public static let graphs = RandomSuiteOptions("CINCH_RANDOM_GRAPHS", orElse: 80)

  private init(_ countVariable: String, orElse count: Int) {
    let variables = ProcessInfo.processInfo.environment
    programCount = variables[countVariable].flatMap(Int.init) ?? count
    firstSeed = variables["CINCH_RANDOM_SEED"].flatMap(UInt64.init) ?? 0
  }

  /// Seeds in a row, so many to a batch.
  public func batches(of count: Int) -> [Range<UInt64>] {
    stride(from: 0, to: programCount, by: count).map { start in
      firstSeed + UInt64(start)..<firstSeed + UInt64(min(start + count, programCount))
    }
  }
}
