/// What is wrong with a file or with numbers that a caller gave.
public struct DataError: Error, Sendable, Hashable, CustomStringConvertible {
  public let message: String
  /// The file that holds the mistake, where there is one.
  public let file: String?
  /// Its line, counted from 1.
  public let line: Int?

  public init(_ message: String, file: String? = nil, line: Int? = nil) {
    self.message = message
    self.file = file
    self.line = line
  }

  /// `digits.csv:17: error: column 3 holds 'x', which is no number`.
  public var description: String {
    var place = file ?? ""
    if let line { place += "\(place.isEmpty ? "line " : ":")\(line)" }
    return (place.isEmpty ? "" : place + ": ") + "error: " + message
  }
}
