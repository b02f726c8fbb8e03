import CinchCodegen
import Glibc

/// How programs are compiled and run. Everything here is a choice of speed or of what can be seen: never of results.
public struct ProgramOptions: Sendable, Hashable {
  public var engine: Engine
  /// How many threads run a step, the caller among them.
  public var workers: Int
  /// Where every stage of each compile is written as text; nothing is written where it is nil.
  public var dumpDirectory: String?
  /// Passes that don't run, to find the one that is at fault.
  public var skippedPasses: Set<String>
  /// Surrounds buffers with canaries and segments with guard pages, and fills dead memory with signalling NaNs before
  /// each step: slow, and any stray access shows.
  public var isTesting: Bool
  /// Measures each kernel of each step: see `Program.profile`.
  public var isProfiling: Bool
  /// Whether a graph compiled before with the same options is taken from the cache; what measures compiles turns it off.
  public var usesCache: Bool

  public init(
    engine: Engine = .tinycc(nil), workers: Int = 1, dumpDirectory: String? = nil, skippedPasses: Set<String> = [],
    isTesting: Bool = false, isProfiling: Bool = false, usesCache: Bool = true
  ) {
    self.engine = engine
    self.workers = workers
    self.dumpDirectory = dumpDirectory
    self.skippedPasses = skippedPasses
    self.isTesting = isTesting
    self.isProfiling = isProfiling
    self.usesCache = usesCache
  }

  /// The switches of the environment, with one line of explanation each: the table in docs/Seeing.md.
  public static let variables: [(name: String, summary: String)] = [
    ("CINCH_ENGINE", "which engine runs programs: \(Engine.names.joined(separator: ", "))"),
    ("CINCH_THREADS", "how many threads run a step"),
    ("CINCH_DUMP", "a directory that gets every stage of each compile as numbered text files"),
    ("CINCH_SKIP", "names of passes that don't run, separated by commas"),
    ("CINCH_TEST", "1 puts canaries and guard pages around all memory"),
    ("CINCH_PROFILE", "1 measures each kernel and prints a table per program when the process ends"),
  ]

  /// As the environment of the process says; read once.
  ///
  /// - Throws: `ProgramError.badVariable`, when it is first used, for a value that can't be meant.
  public static func fromEnvironment() throws -> ProgramOptions { try environment.get() }

  private static let environment = Result {
    EnvironmentNames.warn()
    return try parse { name in getenv(name).map { String(cString: $0) } }
  }

  /// Whether profiles are printed when the process ends.
  static var printsProfiles: Bool { (try? environment.get())?.isProfiling ?? false }

  /// An empty value is none.
  static func parse(_ text: (String) -> String?) throws -> ProgramOptions {
    func value(_ name: String) -> String? { text(name).flatMap { $0.isEmpty ? nil : $0 } }
    var options = ProgramOptions()
    if let name = value("CINCH_ENGINE") {
      guard let engine = Engine(name: name) else {
        throw ProgramError.badVariable("CINCH_ENGINE", name, expected: "one of \(Engine.names.joined(separator: ", "))")
      }
      options.engine = engine
    }
    if let text = value("CINCH_THREADS") {
      guard let count = Int(text), 1...WorkerPool.workerLimit ~= count else {
        throw ProgramError.badVariable("CINCH_THREADS", text, expected: "a number from 1 to \(WorkerPool.workerLimit)")
      }
      options.workers = count
    }
    options.dumpDirectory = value("CINCH_DUMP")
    for name in (value("CINCH_SKIP") ?? "").split(separator: ",").map(String.init) {
      let known = Pass.pipeline.filter { !$0.isRequired }.map(\.name)
      guard known.contains(name) else {
        throw ProgramError.badVariable("CINCH_SKIP", name, expected: "some of \(known.joined(separator: ","))")
      }
      options.skippedPasses.insert(name)
    }
    func isOn(_ variable: String) throws -> Bool {
      switch value(variable) {
      case "1": return true
      case nil, "0": return false
      case let text?: throw ProgramError.badVariable(variable, text, expected: "1 or 0")
      }
    }
    options.isTesting = try isOn("CINCH_TEST")
    options.isProfiling = try isOn("CINCH_PROFILE")
    return options
  }
}
