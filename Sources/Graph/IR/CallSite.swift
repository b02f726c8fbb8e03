/// Where in the user's program something was made: the last, defaulted parameter of every public builder function.
public struct CallSite: Sendable, Hashable {
  /// `Module/File.swift`: the same on every machine, so it is what dumps and generated C show.
  public let fileID: String
  /// The path a terminal can open, for messages to people.
  public let filePath: String
  public let line: Int

  public init(fileID: String, filePath: String, line: Int) {
    self.fileID = fileID
    self.filePath = filePath
    self.line = line
  }

  public static func here(
    _ fileID: String = #fileID, _ filePath: String = #filePath, _ line: Int = #line
  ) -> CallSite {
    CallSite(fileID: fileID, filePath: filePath, line: line)
  }

  /// Of nodes that no user wrote.
  public static let unknown = CallSite(fileID: "", filePath: "", line: 0)

  /// The last component of the file with the line, as generated C names it: `main.swift:12`.
  public var short: String {
    guard line > 0 else { return "" }
    let name = fileID.utf8.lastIndex(of: UInt8(ascii: "/")).map { fileID[fileID.utf8.index(after: $0)...] }
    return "\(name ?? fileID[...]):\(line)"
  }
}
