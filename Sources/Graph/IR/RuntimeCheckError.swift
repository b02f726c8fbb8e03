/// An index that data gave lies outside its table. The step has failed before it wrote any state.
///
/// It is the same from every engine: of several failed checks, the one of the node that comes first in the graph, at the
/// first such element in row-major order.
public struct RuntimeCheckError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The mnemonic of the op that takes the index, with its layer's name in parentheses if it has one: `gather (0)`.
  public let operation: String
  /// Where the index stands in the tensor of indices; empty for a scalar.
  public let position: [Int]
  /// The index that was given.
  public let value: Int
  /// Indices must lie in `0..<limit`.
  public let limit: Int
  /// The user's line that made the op.
  public let site: CallSite

  public init(operation: String, position: [Int], value: Int, limit: Int, site: CallSite) {
    self.operation = operation
    self.position = position
    self.value = value
    self.limit = limit
    self.site = site
  }

  public var description: String {
    let place = position.isEmpty ? "" : " at \(position)"
    let message = "error: \(operation): the index \(value)\(place) is not in 0..<\(limit)"
    return site.line > 0 ? "\(site.filePath):\(site.line): \(message)" : message
  }
}
