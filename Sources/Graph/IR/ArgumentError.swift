/// What a caller gives a program doesn't fit it: an input is missing or of another size or type.
public struct ArgumentError: Error, Sendable, Hashable, CustomStringConvertible {
  public let message: String
  public init(_ message: String) { self.message = message }
  public var description: String { "error: \(message)" }
}
