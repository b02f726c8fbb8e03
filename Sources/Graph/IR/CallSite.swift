/// Where in the user's program something was made: from `file` and `line`, the last, defaulted parameters of every
/// public builder function.
public struct CallSite: Sendable, Hashable {
  /// `Folder/File.swift`: the same on every machine, so it is what dumps and generated C show.
  public let fileID: String
  /// The path a terminal can open, for messages to people.
  public let filePath: String
  public let line: Int

  public init(fileID: String, filePath: String, line: Int) {
    self.fileID = fileID
    self.filePath = filePath
    self.line = line
  }

  /// From `#filePath` and `#line`; the file's identity is the last two components of its path.
  public init(_ file: StaticString, _ line: Int) {
    let path = file.description
    var slashes = 0
    let start = path.utf8.lastIndex { byte in
      if byte == UInt8(ascii: "/") { slashes += 1 }
      return slashes == 2
    }
    let identity = start.map { path[path.utf8.index(after: $0)...] } ?? path[...]
    self.init(fileID: String(identity), filePath: path, line: line)
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
