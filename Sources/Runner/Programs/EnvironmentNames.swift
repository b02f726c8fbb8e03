import Glibc

/// Variables of the environment that look like Cinch's and are none.
enum EnvironmentNames {
  static let prefix = "CINCH_"

  /// What the tests read.
  static let ofTests: Set = [
    "CINCH_ALL_ENGINES", "CINCH_BLESS", "CINCH_EXHAUSTIVE", "CINCH_RANDOM_PROGRAMS", "CINCH_RANDOM_SEED",
  ]

  /// A sentence for each name that means nothing, with the known one that is most like it.
  static func warnings(_ names: [String]) -> [String] {
    let known = ProgramOptions.variables.map(\.name)
    return names.filter { $0.hasPrefix(prefix) && !known.contains($0) && !ofTests.contains($0) }.sorted().map { name in
      let nearest = known.map { (name: $0, distance: distance(name, $0)) }.min { $0.distance < $1.distance }
      let suggestion =
        nearest.flatMap { $0.distance <= 3 ? "did you mean \($0.name)?" : nil } ?? "there are \(known.joined(separator: ", "))"
      return "warning: the environment variable \(name) means nothing to Cinch; \(suggestion)"
    }
  }

  /// To standard error, for what the process was started with.
  static func warn() {
    let text = warnings(current()).map { $0 + "\n" }.joined()
    if !text.isEmpty { _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) } }
  }

  private static func current() -> [String] {
    var names: [String] = []
    var entry = environ
    while let text = entry.pointee {
      names.append(String(String(cString: text).prefix { $0 != "=" }))
      entry += 1
    }
    return names
  }

  /// How many letters have to be put in, left out or changed to make one name of the other (Levenshtein 1966).
  static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a.utf8), Array(b.utf8))
    var row = Array(0...b.count)
    for i in a.indices {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let changed = diagonal + (a[i] == b[j] ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(changed, row[j] + 1, diagonal + 1)
      }
    }
    return row[b.count]
  }
}
