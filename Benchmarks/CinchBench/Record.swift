/// A line of results: names with values, in the order in which they were given.
struct Record {
  private var entries: [(name: String, text: String)] = []

  subscript(name: String) -> String {
    get { entries.first { $0.name == name }?.text ?? "" }
    set { set(name, "\"\(newValue)\"") }
  }

  subscript(name: String) -> Int {
    get { 0 }
    set { set(name, String(newValue)) }
  }

  subscript(name: String) -> Double {
    get { 0 }
    set { set(name, Self.text(newValue)) }
  }

  subscript(name: String) -> [Double] {
    get { [] }
    set { set(name, "[\(newValue.map(Self.text).joined(separator: ", "))]") }
  }

  var json: String { "{" + entries.map { "\"\($0.name)\": \($0.text)" }.joined(separator: ", ") + "}" }

  private mutating func set(_ name: String, _ text: String) {
    entries.removeAll { $0.name == name }
    entries.append((name, text))
  }

  /// JSON has no infinity and no NaN.
  private static func text(_ value: Double) -> String { value.isFinite ? "\(value)" : "null" }
}
