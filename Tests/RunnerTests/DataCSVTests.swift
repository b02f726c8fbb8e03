import Cinch
import Foundation
import Testing

@Suite struct DataCSVTests {
  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch { return "\(error)" }
  }

  @Test func numbersAndLabelsOfAPlainFile() throws {
    let table = try CSVTable(text: "0,1.5,-2e-3,7\n4, 5 ,+6,9\r\n\n  \n")
    #expect(table.rowCount == 2 && table.columnCount == 4)
    #expect(try table.floats(columns: 0..<3) == HostTensor([0, 1.5, -2e-3, 4, 5, 6], shape: [2, 3]))
    #expect(try table.labels(column: 3, classes: 10) == HostTensor([7, 9] as [Int32]))
    #expect(try table.floats(columns: [3, 0]) == HostTensor([7, 0, 9, 4], shape: [2, 2]))
  }

  @Test func labelsNeedAClass() throws {
    let table = try CSVTable(text: "1,2")
    #expect(message { _ = try table.labels(column: 0, classes: 0) } == "text: error: labels tell at least one class apart, not 0")
    #expect(
      message { _ = try table.labels(column: 0, classes: -3) } == "text: error: labels tell at least one class apart, not -3")
  }

  /// So many that comparing each with all others would take minutes.
  @Test(.timeLimit(.minutes(1))) func namesOfManyColumnsAreCompared() throws {
    let names = (0..<200_000).map { "c\($0)" }
    func table(_ names: [String]) -> String {
      names.joined(separator: ",") + "\n" + names.map { _ in "1" }.joined(separator: ",") + "\n"
    }
    #expect(try CSVTable(text: table(names), hasHeader: true).columnCount == names.count)
    let said = message { _ = try CSVTable(text: table(names + ["c199999"]), hasHeader: true) }
    #expect(said == "text:1: error: two columns are called 'c199999'")
  }

  @Test func headerNamesColumnsAndQuotesHoldAnything() throws {
    let text = "\u{FEFF}name;\"a;b\";n\n\"x \"\"y\"\"\";1;2.0\n\"two\nlines\";3;4\n"
    let table = try CSVTable(text: text, hasHeader: true, separator: ";")
    #expect(table.columnNames == ["name", "a;b", "n"])
    #expect(try table.texts(column: 0) == ["x \"y\"", "two\nlines"])
    #expect(try table.labels(column: table.column("n")) == HostTensor([2, 4] as [Int32]))
    let (labels, names) = try table.namedLabels(column: 0)
    #expect(names == ["two\nlines", "x \"y\""] && labels == HostTensor([1, 0] as [Int32]))
  }

  @Test(arguments: [
    ("1,2\n3\n", "t:2: error: this row has 1 field, those before have 2"),
    ("1,2\n3,4,5\n", "t:2: error: this row has 3 fields, those before have 2"),
    ("1,2\n\n3,4\n", "t:2: error: a blank line between the rows"),
    ("1,2\n3,\"4\n5,6\n", "t:2: error: a quoted field begins here and never ends"),
    ("1,2\n3,\"4\"x\n", "t:2: error: a quoted field is followed by more than a separator"),
    ("", "t: error: the file is empty"), ("\n \n", "t: error: the file is empty"),
    ("1,2\n3,x\n", "t:2: error: column 1 holds 'x', which is no number"),
    ("1,2\n3,\n", "t:2: error: column 1 is empty, which is no number"),
    ("1,2\n3,", "t:2: error: column 1 is empty, which is no number"),
    ("1,2\u{0}7\n", "t:1: error: column 1 holds '2\u{0}7', which is no number"),
    ("1,0x10\n", "t:1: error: column 1 holds '0x10', which is no number"),
    ("1,1e39\n", "t:1: error: column 1 holds '1e39', which is too large for Float32"),
    (
      "1,2\n3,4\n5,nan\n",
      "t:3: error: column 1 holds 'nan', which is not finite; clean the data, or allow it with allowsNonFinite: true"
    ),
  ])
  func mistakesNameFileLineAndColumn(text: String, expected: String) {
    #expect(message { _ = try CSVTable(text: text, name: "t").floats() } == expected)
  }

  /// Repaired, two names would become one.
  @Test func whatIsNoTextIsNotRepaired() throws {
    let path = NSTemporaryDirectory() + "cinch-\(UUID().uuidString).csv"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(Array("1,2\nM".utf8) + [0xFC] + Array("ller,1\n".utf8)).write(to: URL(fileURLWithPath: path))
    #expect(message { _ = try CSVTable(path: path) } == "\(path):2: error: is no text in UTF-8")
  }

  @Test func labelMistakes() throws {
    let table = try CSVTable(text: "a,b\n\"1\n\",0\n2,3\n1.5,-1\n", name: "t", hasHeader: true)
    // The quoted field spans lines 2 and 3.
    #expect(
      message { _ = try table.labels(column: 0) } == "t:2: error: column 0 ('a') holds '1\n', which is no whole number")
    #expect(
      message { _ = try table.labels(column: 1, classes: 3) }
        == "t:4: error: column 1 ('b') holds the label 3; with 3 classes, labels are 0 to 2")
    #expect(
      message { _ = try table.labels(column: 1, classes: 4) }
        == "t:5: error: column 1 ('b') holds the label -1; with 4 classes, labels are 0 to 3")
    #expect(message { _ = try table.floats(columns: [2]) } == "t: error: has no column 2; its columns are 0 to 1")
    #expect(message { _ = try table.column("c") } == "t: error: has no column 'c'; there are 'a', 'b'")
    #expect(message { _ = try CSVTable(text: "a,a\n1,2", name: "t", hasHeader: true) }.contains("two columns"))
    #expect(message { _ = try CSVTable(text: "a,b\n", name: "t", hasHeader: true) }.contains("no rows"))
  }

  @Test func unreadableFilesAreErrors() throws {
    #expect(message { _ = try CSVTable(path: "/nonexistent/x.csv") }.contains("/nonexistent/x.csv: error: can't be opened"))
    #expect(message { _ = try CSVTable(path: "/") }.contains("is a directory"))
    let path = NSTemporaryDirectory() + "cinch-\(UUID().uuidString).csv"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try "1,2\n".write(toFile: path, atomically: true, encoding: .utf8)
    #expect(try CSVTable(path: path).floats() == HostTensor([1, 2], shape: [1, 2]))
  }

  /// Whatever the bytes are, reading ends in a table or an error.
  @Test func randomBytesNeverCrash() {
    var random = SystemRandomNumberGenerator()
    let alphabet = Array("1,\"\n\r \t;x.".utf8) + [0, 0xFF]
    for _ in 0..<3000 {
      let bytes = (0..<Int.random(in: 0..<24, using: &random)).map { _ in alphabet.randomElement(using: &random)! }
      let text = String(decoding: bytes, as: UTF8.self)
      for hasHeader in [false, true] {
        if let table = try? CSVTable(text: text, hasHeader: hasHeader) {
          let cells = (0..<table.columnCount).compactMap { try? table.texts(column: $0).count }
          #expect(cells == [Int](repeating: table.rowCount, count: table.columnCount), "\(bytes)")
          _ = try? table.floats()
        }
      }
    }
  }
}
