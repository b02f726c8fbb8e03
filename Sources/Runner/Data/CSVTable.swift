/// Comma-separated values, read strictly: every row has as many fields as the first, and a field that is
/// asked for as a number is one. Fields may stand in double quotes (RFC 4180); spaces around them don't count.
public struct CSVTable: Sendable {
  /// The file, as errors name it.
  public let name: String
  /// From the header line; empty without one.
  public let columnNames: [String]
  public let columnCount: Int
  public var rowCount: Int { rows.count }

  private let bytes: [UInt8]
  private let separator: UInt8
  /// Where each row of data begins, and its line in the file.
  private let rows: [(start: Int, line: Int)]

  /// - Parameter hasHeader: whether the first line names the columns.
  /// - Throws: `DataError` naming file and line: a file that can't be read, an empty one, a ragged row, an open quote.
  public init(path: String, hasHeader: Bool = false, separator: Character = ",") throws {
    try self.init(bytes: FileAccess.readDecompressed(path), name: path, hasHeader: hasHeader, separator: separator)
  }

  /// - Parameter name: what errors call the text.
  public init(text: String, name: String = "text", hasHeader: Bool = false, separator: Character = ",") throws {
    try self.init(bytes: Array(text.utf8), name: name, hasHeader: hasHeader, separator: separator)
  }

  init(bytes: [UInt8], name: String, hasHeader: Bool, separator: Character) throws {
    guard let separator = separator.asciiValue, !Self.isSpecial(separator) else {
      throw DataError("columns can't be separated by '\(separator)'; take one ASCII character, such as , ; or tab")
    }
    if String(validating: bytes, as: UTF8.self) == nil {
      let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      let line = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
      throw DataError("is no text in UTF-8", file: name, line: line + 1)
    }
    let bytes = CSVScanner.trimmed(bytes, separator: separator)
    self.bytes = bytes
    self.name = name
    self.separator = separator
    var scanner = CSVScanner(bytes, separator: separator)
    var rows: [(start: Int, line: Int)] = []
    var names: [String] = []
    var width: Int?
    while !scanner.isAtEnd {
      let start = (scanner.position, scanner.line)
      var count = 0
      var fields: [String] = []
      while let field = try scanner.nextField(name) {
        count += 1
        if hasHeader && width == nil { fields.append(field.text(in: bytes)) }
      }
      if scanner.wasBlank, width != 1 {
        throw DataError("a blank line between the rows", file: name, line: start.1)
      }
      if let width, count != width {
        throw DataError(
          "this row has \(count) field\(count == 1 ? "" : "s"), those before have \(width)", file: name, line: start.1)
      }
      if hasHeader && width == nil { names = fields } else { rows.append(start) }
      width = count
    }
    guard let width else { throw DataError("the file is empty", file: name) }
    guard !rows.isEmpty else { throw DataError("the file has a header but no rows", file: name) }
    var seen: Set<String> = []
    if let repeated = names.first(where: { !seen.insert($0).inserted }) {
      throw DataError("two columns are called '\(repeated)'", file: name, line: 1)
    }
    self.rows = rows
    columnNames = names
    columnCount = width
  }

  private static func isSpecial(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: " ")
  }

  /// The number of the column with this name in the header.
  public func column(_ name: String) throws -> Int {
    guard let index = columnNames.firstIndex(of: name) else {
      throw DataError(
        columnNames.isEmpty
          ? "has no header, so no column is called '\(name)'"
          : "has no column '\(name)'; there are \(columnNames.map { "'\($0)'" }.joined(separator: ", "))", file: self.name)
    }
    return index
  }

  /// Calls `body` with the fields of each row that `columns` names, in that order.
  func forEachRow(
    _ columns: [Int], _ body: (_ fields: [CSVField], _ line: Int) throws -> Void
  ) throws {
    for column in columns where column < 0 || column >= columnCount {
      throw DataError("has no column \(column); its columns are 0 to \(columnCount - 1)", file: name)
    }
    var all: [CSVField] = []
    var chosen: [CSVField] = []
    for (start, line) in rows {
      var scanner = CSVScanner(bytes, separator: separator, at: start, line: line)
      all.removeAll(keepingCapacity: true)
      while let field = try scanner.nextField(name) { all.append(field) }
      chosen.removeAll(keepingCapacity: true)
      for column in columns { chosen.append(all[column]) }
      try body(chosen, line)
    }
  }

  func text(of field: CSVField) -> String { field.text(in: bytes) }

  /// `column 3`, or `column 3 ('age')`; counted from 0 as everywhere.
  func label(ofColumn column: Int) -> String {
    columnNames.isEmpty ? "column \(column)" : "column \(column) ('\(columnNames[column])')"
  }
}
