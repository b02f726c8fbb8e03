/// In which order a reduction or contraction adds up: part of a node's meaning, because Float32 addition isn't associative.
///
/// One graph pass sets it from the logical shape; the interpreter reads it and every schedule obeys it (docs/Bits.md).
/// The reduced elements are numbered in row-major order over the reduced axes.
public enum AccumulationOrder: Sendable, Hashable, CustomStringConvertible {
  /// One accumulator from the identity, ascending.
  case chain
  /// A chain over each run of `count` elements, then a chain over the runs' results, ascending.
  case chunkedChain(count: Int)
  /// `count` accumulators (a power of two); element i goes to accumulator i mod count, ascending; then halving:
  /// accumulator i takes accumulator i + count/2, and so on until one is left.
  case lanes(Int)

  /// As it stands in graph text.
  public var description: String {
    switch self {
    case .chain: "chain"
    case .chunkedChain(let count): "chain(chunk: \(count))"
    case .lanes(let count): "lanes(\(count))"
    }
  }
}
