/// Where in the user's program something was made: from `file` and `line`, the last, defaulted parameters of every
/// public builder function.
public struct CallSite: Sendable, Hashable {
  private enum File: Sendable {
    /// A path as the compiler gave it: nothing to keep and nothing to copy.
    case literal(StaticString)
    indirect case text(fileID: String, filePath: String)
  }

  private let file: File
  /// Negative for the place of an operand.
  private var markedLine: Int

  public var line: Int { abs(markedLine) }

  /// Whether it is the place of an operand, because the operator that used it can't tell its own.
  var isOfOperand: Bool { markedLine < 0 }

  public init(fileID: String, filePath: String, line: Int) {
    file = .text(fileID: fileID, filePath: filePath)
    markedLine = max(line, 0)
  }

  /// From `#filePath` and `#line`; the file's identity is the last two components of its path.
  public init(_ file: StaticString, _ line: Int) {
    self.file = .literal(file)
    markedLine = max(line, 0)
  }

  /// From a path that is known at run time only.
  init(filePath: String, line: Int) {
    let components = filePath.split(separator: "/", omittingEmptySubsequences: false)
    self.init(fileID: components.suffix(2).joined(separator: "/"), filePath: filePath, line: line)
  }

  /// The place of an operand, for what an operator makes of it.
  var ofOperand: CallSite {
    var site = self
    site.markedLine = -line
    return site
  }

  /// `Folder/File.swift`: the same on every machine, so it is what dumps and generated C show.
  public var fileID: String {
    switch file {
    case .text(let fileID, _): return fileID
    case .literal(let path):
      let path = path.description
      var slashes = 0
      let start = path.utf8.lastIndex { byte in
        if byte == UInt8(ascii: "/") { slashes += 1 }
        return slashes == 2
      }
      return start.map { String(path[path.utf8.index(after: $0)...]) } ?? path
    }
  }

  /// The path a terminal can open, for messages to people.
  public var filePath: String {
    switch file {
    case .text(_, let filePath): filePath
    case .literal(let path): path.description
    }
  }

  public static func == (a: CallSite, b: CallSite) -> Bool {
    a.line == b.line && a.filePath == b.filePath && a.fileID == b.fileID
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(line)
    hasher.combine(filePath)
  }

  /// Of nodes that no user wrote.
  public static let unknown = CallSite("", 0)

  /// The last component of the file with the line, as generated C names it: `main.swift:12`.
  public var short: String {
    guard line > 0 else { return "" }
    let fileID = fileID
    let name = fileID.utf8.lastIndex(of: UInt8(ascii: "/")).map { fileID[fileID.utf8.index(after: $0)...] }
    return "\(name ?? fileID[...]):\(line)"
  }
}
