import CinchGraph

extension CSVTable {
  /// The numbers of some columns (all unless given) as a matrix, a row for each row.
  ///
  /// - Parameter allowsNonFinite: whether `nan` and `inf` are numbers here.
  /// - Throws: `DataError` naming file, line and column of the first field that is no number or too large for Float32.
  public func floats(columns: [Int]? = nil, allowsNonFinite: Bool = false) throws -> HostTensor {
    let columns = columns ?? Array(0..<columnCount)
    var values: [Float] = []
    values.reserveCapacity(rowCount * columns.count)
    try forEachRow(columns) { fields, line in
      for (column, field) in zip(columns, fields) {
        values.append(try float(field, column, line, allowsNonFinite))
      }
    }
    return HostTensor(.float32(values), shape: [rowCount, columns.count])
  }

  public func floats(columns: Range<Int>, allowsNonFinite: Bool = false) throws -> HostTensor {
    try floats(columns: Array(columns), allowsNonFinite: allowsNonFinite)
  }

  /// A column of whole numbers, as labels.
  ///
  /// - Parameter classes: the labels lie in `0..<classes`; unless given, anything that fits Int32.
  /// - Throws: `DataError` naming file, line and column of the first field that is no such number.
  public func labels(column: Int, classes: Int? = nil) throws -> HostTensor {
    if let classes, classes < 1 { throw DataError("labels tell at least one class apart, not \(classes)", file: name) }
    var values: [Int32] = []
    values.reserveCapacity(rowCount)
    try forEachRow([column]) { fields, line in
      let text = text(of: fields[0])
      guard let label = Self.wholeNumber(text) else {
        throw DataError(
          "\(label(ofColumn: column)) \(Self.description(of: text)), which is no whole number", file: name, line: line)
      }
      if let classes, label < 0 || label >= classes {
        throw DataError(
          "\(self.label(ofColumn: column)) holds the label \(label); with \(classes) classes, labels are 0 to \(classes - 1)",
          file: name, line: line)
      }
      values.append(label)
    }
    return HostTensor(.int32(values), shape: [rowCount])
  }

  /// A column as text.
  public func texts(column: Int) throws -> [String] {
    var values: [String] = []
    try forEachRow([column]) { fields, _ in values.append(text(of: fields[0])) }
    return values
  }

  /// A column of names as labels: each name's number in the sorted list of all.
  public func namedLabels(column: Int) throws -> (labels: HostTensor, names: [String]) {
    let texts = try texts(column: column)
    let names = Array(Set(texts)).sorted()
    let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, Int32($0)) })
    return (HostTensor(.int32(texts.map { numbers[$0] ?? 0 }), shape: [texts.count]), names)
  }

  private func float(_ field: CSVField, _ column: Int, _ line: Int, _ allowsNonFinite: Bool) throws -> Float {
    let text = text(of: field)
    func failure(_ reason: String) -> DataError {
      DataError("\(label(ofColumn: column)) \(Self.description(of: text)), \(reason)", file: name, line: line)
    }
    guard let value = Self.number(text) else { throw failure("which is no number") }
    guard value.isFinite || allowsNonFinite else {
      throw failure(
        text.utf8.contains { $0 >= 0x30 && $0 <= 0x39 }
          ? "which is too large for Float32" : "which is not finite; clean the data, or allow it with allowsNonFinite: true")
    }
    return value
  }

  /// Decimal notation, `nan` and `inf`.
  private static func number(_ text: String) -> Float? { isDecimal(text) ? Float(text) : nil }

  /// Swift would take hexadecimal numbers too, and what stands before a NUL.
  private static func isDecimal(_ text: String) -> Bool {
    !text.utf8.contains { $0 == UInt8(ascii: "x") || $0 == UInt8(ascii: "X") || $0 == 0 }
  }

  /// `7`, and `7.0` as spreadsheets and NumPy write it.
  private static func wholeNumber(_ text: String) -> Int32? {
    if let value = Int32(text) { return value }
    guard let value = isDecimal(text) ? Double(text) : nil, value.isFinite else { return nil }
    return Int32(exactly: value)
  }

  private static func description(of text: String) -> String {
    if text.isEmpty { return "is empty" }
    return text.count <= 40 ? "holds '\(text)'" : "holds '\(text.prefix(40))…'"
  }
}
