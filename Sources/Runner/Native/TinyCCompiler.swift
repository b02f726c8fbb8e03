import CTinyCC
import Glibc
import Synchronization

/// Compiles C in this process, with libtcc: about 0.2 ms for a small source, 1.4 µs per further statement.
///
/// The source must be freestanding: no `#include`, no library, no mutable globals. Several threads may
/// compile at once; they take turns.
public enum TinyCCompiler {
  /// A function or variable of this process that compiled C may refer to by name.
  public struct HostSymbol: @unchecked Sendable {
    public let name: String
    public let address: UnsafeRawPointer

    public init(_ name: String, at address: UnsafeRawPointer) {
      self.name = name
      self.address = address
    }
  }

  /// Held from `tcc_new` to `tcc_delete`: libtcc creates its own lock on first use, and two threads that do
  /// so at the same time crash.
  private static let turn = Mutex(())

  /// Compiles `source` to machine code in memory of this process.
  ///
  /// Throws `NativeError` with libtcc's messages and the offending lines when libtcc rejects the source,
  /// and with the names when a symbol is neither defined there nor in `symbols`.
  public static func compile(_ source: String, symbols: [HostSymbol] = []) throws -> NativeCode {
    try compile(source, symbols: symbols, descriptors: "/proc/self/fd")
  }

  /// - Parameter descriptors: where open files have paths; a file of a temporary directory does where there is no such place.
  static func compile(_ source: String, symbols: [HostSymbol] = [], descriptors: String) throws -> NativeCode {
    let start = ContinuousClock.now
    try checkMemory(for: source)
    let object = try ObjectFile(descriptors: descriptors)
    let session = turn.withLock { _ in Session(source, writingTo: object.path) }
    guard session.succeeded else { throw rejection(of: source, session) }
    return try object.withBytes { bytes in
      let loader = try ObjectLoader(bytes)
      let hostSymbols = symbols.map { ($0.name, UInt(bitPattern: $0.address)) }
      let (pages, addresses) = try loader.load(hostSymbols: Dictionary(hostSymbols) { $1 })
      return NativeCode(
        storage: .pages(pages), addresses: addresses, importedSymbols: loader.undefinedSymbols,
        warnings: session.messages, compileDuration: ContinuousClock.now - start)
    }
  }

  /// libtcc ends the process where it finds no memory outside of the source.
  private static func checkMemory(for source: String) throws(NativeError) {
    // Measured: some ten bytes for each of the source, and its tables.
    let needed = 32 << 20 + 20 * source.utf8.count
    if let available = ProcessMemory.availableByLimits, available.byteCount < needed {
      throw .memoryRefused(byteCount: needed, purpose: "compiling C", reason: available.description)
    }
  }

  /// What to say about a source that libtcc rejects.
  private static func rejection(of source: String, _ session: Session) -> NativeError {
    // Not the source's fault: its own value stack is another matter.
    if let message = session.messages.first(where: { $0.contains("memory full (malloc)") || $0.contains("memory full (realloc)") }) {
      return .compilerUnusable("libtcc", reason: "\(message): \(ProcessMemory.available.description)")
    }
    if let message = session.messages.first(where: { $0.contains("could not write '") }) {
      return .loadFailed(compiler: "libtcc", reason: message)
    }
    // Errors after a `#line` name the user's file; a second look without the directives finds the line of
    // the C.
    let plain = source.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.hasPrefix("#line") ? "" : $0 }.joined(separator: "\n")
    let located = plain == source ? session : turn.withLock { _ in Session(plain, writingTo: nil) }
    return .sourceRejected(
      compiler: "libtcc", messages: session.messages, excerpt: excerpt(of: source, for: located.messages))
  }

  /// The three lines before and after the line of the first error, with a mark at the line itself.
  static func excerpt(of source: String, for messages: [String]) -> String {
    let located = messages.lazy.compactMap { message -> Int? in
      guard message.contains("error:"), message.hasPrefix("<string>:") else { return nil }
      return Int(message.dropFirst("<string>:".count).prefix { $0.isNumber })
    }
    guard let line = located.first else { return "" }
    let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
    let first = max(1, line - 3)
    let last = min(lines.count, line + 3)
    guard first <= last else { return "" }
    let width = String(last).count
    return (first...last).map { number in
      let label = String(repeating: " ", count: width - String(number).count) + String(number)
      return "\(number == line ? ">" : " ") \(label) | \(lines[number - 1])"
    }.joined(separator: "\n")
  }
}

/// One use of libtcc, from its creation to its end: C in, an object file out.
///
/// libtcc deletes what stands at `path` before it writes there; nil writes nothing, for a look at the
/// messages.
private struct Session {
  private(set) var succeeded = false
  private(set) var messages: [String] = []

  init(_ source: String, writingTo path: String?) {
    guard let state = tcc_new() else {
      messages = ["libtcc could not be initialised"]
      return
    }
    withUnsafeMutablePointer(to: &messages) { messages in
      tcc_set_error_func(state, messages) { messages, message in
        guard let messages, let message else { return }
        messages.assumingMemoryBound(to: [String].self).pointee.append(String(cString: message))
      }
      tcc_set_options(state, "-nostdlib -nostdinc")
      tcc_set_output_type(state, TCC_OUTPUT_OBJ)
      succeeded = tcc_compile_string(state, source) == 0
      if succeeded, let path { succeeded = tcc_output_file(state, path) == 0 }
      tcc_delete(state)
    }
  }
}

/// The text of the error that the last failed system call left behind.
func lastSystemError() -> String { String(cString: strerror(errno)) }
