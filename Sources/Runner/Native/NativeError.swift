/// What can go wrong between generated C and running machine code.
///
/// `isCinchBug` tells our own faults (C that a compiler rejects) from those of the surroundings (no memory,
/// no compiler) and of the caller (an impossible worker count).
public enum NativeError: Error, Equatable, Sendable {
  /// A compiler rejected C that Cinch generated. `excerpt` shows the lines around the first error.
  case sourceRejected(compiler: String, messages: [String], excerpt: String)
  /// Generated C calls or reads symbols that nobody defines.
  case undefinedSymbols([String])
  /// The compiled program has no function of this name.
  case functionMissing(String)
  /// The compiler's output could not be turned into running code.
  case loadFailed(compiler: String, reason: String)
  /// No such system compiler on PATH.
  case compilerNotFound(String)
  /// The system compiler, or the temporary directory it needs, could not be used.
  case compilerUnusable(String, reason: String)
  /// The operating system refused the memory.
  case memoryRefused(byteCount: Int, purpose: String, reason: String)
  /// A count of elements whose size in bytes does not fit in 64 bits, or a negative one.
  case sizeUnrepresentable(elementCounts: [Int], elementByteCount: Int, purpose: String)
  /// A worker count outside of `1...limit`.
  case workerCountInvalid(Int, limit: Int)
  /// The operating system refused to start a worker thread.
  case threadRefused(started: Int, wanted: Int, reason: String)

  /// Whether Cinch itself is at fault, and not its user or the machine.
  public var isCinchBug: Bool {
    switch self {
    case .sourceRejected, .undefinedSymbols, .functionMissing: true
    default: false
    }
  }
}

extension NativeError: CustomStringConvertible {
  public var description: String { "error: " + sentence }

  private var sentence: String {
    switch self {
    case .sourceRejected(let compiler, let messages, let excerpt):
      var text = "\(compiler) rejects the C that Cinch generated. \(Self.bugNote)"
      for message in messages { text += "\n  " + message }
      if !excerpt.isEmpty { text += "\n" + excerpt }
      return text
    case .undefinedSymbols(let names):
      let list = names.map { "'\($0)'" }.joined(separator: ", ")
      return "the C that Cinch generated uses undefined symbols: \(list). \(Self.bugNote)"
    case .functionMissing(let name):
      return "the C that Cinch generated defines no function '\(name)'. \(Self.bugNote)"
    case .loadFailed(let compiler, let reason):
      return "the code compiled by \(compiler) cannot be loaded: \(reason)"
    case .compilerNotFound(let name):
      return "there is no C compiler '\(name)' on PATH. Install it (apt-get install gcc, or clang), "
        + "or use the in-process engine, which needs none."
    case .compilerUnusable(let name, let reason):
      return "the C compiler '\(name)' cannot be run: \(reason)"
    case .memoryRefused(let byteCount, let purpose, let reason):
      return "cannot allocate \(Self.readable(byteCount)) for \(purpose): \(reason)"
    case .sizeUnrepresentable(let counts, let elementByteCount, let purpose):
      let product = counts.map(String.init).joined(separator: " × ")
      return "cannot allocate \(product) elements of \(elementByteCount) bytes for \(purpose): "
        + "the size is negative or does not fit in 64 bits"
    case .workerCountInvalid(let count, let limit):
      return "'workers' is \(count): a program cannot run on \(count) workers, the count must be between 1 and \(limit)"
    case .threadRefused(let started, let wanted, let reason):
      return "only \(started) of \(wanted) worker threads could be started: \(reason)"
    }
  }

  private static let bugNote =
    "This is a bug in Cinch, not in your program; please report it together with the graph."

  /// `4.0 TB (4000000000000 bytes)`, without Foundation's formatters.
  static func readable(_ byteCount: Int) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB", "PB", "EB"]
    var value = Double(byteCount)
    var unit = 0
    while value >= 1000, unit + 1 < units.count {
      value /= 1000
      unit += 1
    }
    if unit == 0 { return "\(byteCount) bytes" }
    return "\((value * 10).rounded() / 10) \(units[unit]) (\(byteCount) bytes)"
  }
}
