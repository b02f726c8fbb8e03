/// In which order a reduction or contraction adds up: part of a node's meaning, because Float32 addition isn't associative.
///
/// One graph pass sets it from the logical shape; the interpreter reads it and every schedule obeys it (docs/Bits.md).
/// The reduced elements are numbered in row-major order over the reduced axes.
public struct AccumulationOrder: Sendable, Hashable, CustomStringConvertible {
  /// How neighbouring elements become one number.
  public enum Leaf: Sendable, Hashable {
    /// One accumulator from the identity, ascending.
    case chain
    /// So many accumulators (a power of two); element i goes to accumulator i mod count, ascending; then halving:
    /// accumulator i takes accumulator i + count/2, and so on until one is left.
    case lanes(Int)
  }

  public var leaf: Leaf
  /// Lengths of nested runs in elements, ascending. The elements are cut into runs of the last length, which are added up by the
  /// lengths before it, and their results by a chain, ascending. The last run of each may be shorter. Without lengths, all
  /// elements are one leaf.
  public var runs: [Int]

  public init(_ leaf: Leaf, runs: [Int] = []) {
    self.leaf = leaf
    self.runs = runs
  }

  public static let chain = AccumulationOrder(.chain)
  /// A chain over each run of `count` elements, then a chain over the runs' results, ascending.
  public static func chunkedChain(count: Int) -> AccumulationOrder { AccumulationOrder(.chain, runs: [count]) }
  public static func lanes(_ count: Int) -> AccumulationOrder { AccumulationOrder(.lanes(count)) }

  /// Whether accumulators belong to one result each, so that vectors hold neighbouring results.
  public var isByChains: Bool { leaf == .chain }

  /// As it stands in graph text.
  public var description: String {
    let lengths = runs.map(String.init).joined(separator: ", ")
    switch (leaf, runs.isEmpty) {
    case (.chain, true): return "chain"
    case (.chain, false): return "chain(chunk: \(lengths))"
    case (.lanes(let count), true): return "lanes(\(count))"
    case (.lanes(let count), false): return "lanes(\(count), chunk: \(lengths))"
    }
  }
}
