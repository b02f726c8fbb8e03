import CTinyCC
import Glibc
import Synchronization

/// Compiles C in this process, with libtcc: about 0.2 ms for a small source, 1.4 µs per further statement.
///
/// The source must be freestanding: no `#include`, no library. Several threads may compile at once; they
/// take turns.
public enum TinyCCompiler {
  /// Held from `tcc_new` to `tcc_delete`: libtcc creates its own lock on first use, and two threads that do
  /// so at the same time crash.
  private static let turn = Mutex(())

  /// A function or variable of this process that compiled C may refer to by name.
  public struct HostSymbol: @unchecked Sendable {
    public let name: String
    public let address: UnsafeRawPointer

    public init(_ name: String, at address: UnsafeRawPointer) {
      self.name = name
      self.address = address
    }
  }

  /// Compiles `source` to machine code in memory of this process.
  ///
  /// Throws `NativeError` with libtcc's messages and the offending lines when libtcc rejects the source,
  /// and with the names when a symbol is neither defined there nor in `symbols`.
  public static func compile(_ source: String, symbols: [HostSymbol] = []) throws -> NativeCode {
    try turn.withLock { _ in try compileInTurn(source, symbols) }
  }

  private static func compileInTurn(_ source: String, _ symbols: [HostSymbol]) throws -> NativeCode {
    let start = ContinuousClock.now
    let messages = MessageCollector()
    guard let state = tcc_new() else {
      throw NativeError.loadFailed(compiler: "libtcc", reason: "libtcc could not be initialised")
    }
    defer { tcc_delete(state) }
    tcc_set_error_func(state, Unmanaged.passUnretained(messages).toOpaque()) { collector, message in
      guard let collector, let message else { return }
      Unmanaged<MessageCollector>.fromOpaque(collector).takeUnretainedValue().append(message)
    }
    tcc_set_options(state, "-nostdlib -nostdinc")
    tcc_set_output_type(state, TCC_OUTPUT_MEMORY)

    return try withExtendedLifetime(messages) {
      guard tcc_compile_string(state, source) == 0 else {
        throw NativeError.sourceRejected(
          compiler: "libtcc", messages: messages.all, excerpt: excerpt(of: source, for: messages.all))
      }
      for symbol in symbols { tcc_add_symbol(state, symbol.name, symbol.address) }
      let (base, byteCount) = try relocate(state, messages)
      return NativeCode(
        storage: .pages(base: base, byteCount: byteCount), addresses: definedSymbols(of: state),
        byteCount: byteCount, warnings: messages.all, compileDuration: ContinuousClock.now - start)
    }
  }
}

extension TinyCCompiler {
  private static func relocate(
    _ state: OpaquePointer, _ messages: MessageCollector
  ) throws -> (base: UnsafeMutableRawPointer, byteCount: Int) {
    let needed = Int(tcc_relocate(state, nil))
    guard needed >= 0 else { throw linkError(messages) }
    let pageSize = MemorySegment.pageByteCount
    let byteCount = max(1, (needed + pageSize - 1) / pageSize) * pageSize
    guard
      let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      base != MAP_FAILED
    else {
      throw NativeError.memoryRefused(
        byteCount: byteCount, purpose: "compiled code", reason: String(cString: strerror(errno)))
    }
    guard tcc_relocate(state, base) == 0 else {
      munmap(base, byteCount)
      throw linkError(messages)
    }
    // Generated C has constant tables but no mutable globals, so nothing here is ever written again.
    guard mprotect(base, byteCount, PROT_READ | PROT_EXEC) == 0 else {
      let reason = "the pages cannot be made executable: \(String(cString: strerror(errno)))"
      munmap(base, byteCount)
      throw NativeError.loadFailed(compiler: "libtcc", reason: reason)
    }
    return (base, byteCount)
  }

  private static func definedSymbols(of state: OpaquePointer) -> [String: UInt] {
    var addresses: [String: UInt] = [:]
    withUnsafeMutablePointer(to: &addresses) { pointer in
      tcc_list_symbols(state, pointer) { context, name, value in
        guard let context, let name, let value else { return }
        context.assumingMemoryBound(to: [String: UInt].self).pointee[String(cString: name)] =
          UInt(bitPattern: value)
      }
    }
    return addresses
  }

  private static func linkError(_ messages: MessageCollector) -> NativeError {
    let prefix = "undefined symbol '"
    let names = messages.all.compactMap { message -> String? in
      guard let range = message.firstRange(of: prefix) else { return nil }
      return String(message[range.upperBound...].prefix { $0 != "'" })
    }
    if !names.isEmpty { return .undefinedSymbols(names) }
    return .sourceRejected(compiler: "libtcc", messages: messages.all, excerpt: "")
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

/// What libtcc said during one compile, in order.
private final class MessageCollector {
  private(set) var all: [String] = []

  func append(_ message: UnsafePointer<CChar>) { all.append(String(cString: message)) }
}
