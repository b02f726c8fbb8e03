import Glibc

/// Compiles C with gcc or clang into a shared object and loads it: slower to compile than libtcc by far,
/// but a second opinion on the same source, and good scalar code.
public struct SystemCompiler: Sendable {
  /// A path, or a name that is looked up on PATH.
  public let executable: String
  /// What the compiler is told beside the names of the files.
  public var flags: [String]

  /// Flags under which the same source gives the same bits as the other engines: no contraction, no
  /// assumptions about aliasing that generated C does not keep.
  public static let defaultFlags = [
    "-std=c99", "-O3", "-march=native", "-ffp-contract=off", "-fno-strict-aliasing", "-fno-math-errno",
    "-fPIC",
    "-shared", "-nostdlib",
  ]

  public init(executable: String = "gcc", flags: [String] = Self.defaultFlags) {
    self.executable = executable
    self.flags = flags
  }

  /// The compilers of this machine, of gcc and clang.
  public static var installed: [SystemCompiler] {
    ["gcc", "clang"].filter { find($0) != nil }.map { SystemCompiler(executable: $0) }
  }

  /// Compiles and loads `source`.
  ///
  /// Throws `NativeError` with the compiler's own words where it rejects the source, and
  /// `.compilerNotFound` where there is no such compiler. Nothing is left on disk.
  public func compile(_ source: String) throws -> NativeCode {
    let start = ContinuousClock.now
    guard let path = Self.find(executable) else { throw NativeError.compilerNotFound(executable) }
    let directory = try TemporaryDirectory()
    let (sourcePath, libraryPath) = (directory.path + "/program.c", directory.path + "/program.so")
    let logPath = directory.path + "/messages"
    guard writeFile(sourcePath, source) else {
      throw NativeError.compilerUnusable(
        executable, reason: "cannot write \(sourcePath): \(lastSystemError())")
    }
    let status = try run(path, flags + [sourcePath, "-o", libraryPath], messagesTo: logPath)
    let log = readFile(logPath) ?? ""
    let messages = log.replacing(directory.path + "/", with: "").split(separator: "\n").map(String.init)
    guard status == 0 else {
      guard messages.contains(where: { $0.contains("program.c") && $0.contains("error") }) else {
        let words = messages.isEmpty ? ["it ended with status \(status)"] : messages
        throw NativeError.compilerUnusable(executable, reason: words.joined(separator: "\n  "))
      }
      throw NativeError.sourceRejected(compiler: executable, messages: messages, excerpt: "")
    }
    guard let handle = dlopen(libraryPath, RTLD_NOW | RTLD_LOCAL) else { throw loadError() }
    return NativeCode(
      storage: .library(handle: handle), warnings: messages, compileDuration: ContinuousClock.now - start)
  }
}

extension SystemCompiler {
  private static func find(_ executable: String) -> String? {
    if executable.contains("/") { return access(executable, X_OK) == 0 ? executable : nil }
    let search = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    return search.split(separator: ":").map { "\($0)/\(executable)" }.first { access($0, X_OK) == 0 }
  }

  /// Runs the compiler and waits for it; returns its exit status, or 128 and the signal that ended it.
  private func run(_ path: String, _ arguments: [String], messagesTo logPath: String) throws -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, logPath, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)

    var words = ([path] + arguments).map { strdup($0) }
    defer { for word in words { free(word) } }
    words.append(nil)
    var process = pid_t()
    let failure = posix_spawn(&process, path, &actions, nil, words, environ)
    guard failure == 0 else {
      throw NativeError.compilerUnusable(executable, reason: String(cString: strerror(failure)))
    }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 {
      guard errno == EINTR else { throw NativeError.compilerUnusable(executable, reason: lastSystemError()) }
    }
    let signal = status & 0x7F
    return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
  }

  private func loadError() -> NativeError {
    let reason = dlerror().map { String(cString: $0) } ?? "unknown reason"
    let prefix = "undefined symbol: "
    if let range = reason.firstRange(of: prefix) {
      return .undefinedSymbols([String(reason[range.upperBound...].prefix { $0 != " " && $0 != "," })])
    }
    return .loadFailed(compiler: executable, reason: reason)
  }
}

/// A fresh directory below TMPDIR, removed with the few files in it when it is let go.
private struct TemporaryDirectory: ~Copyable {
  let path: String

  init() throws {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/cinch-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw NativeError.compilerUnusable(
        "cc", reason: "no temporary directory in \(parent): \(lastSystemError()); set TMPDIR")
    }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit {
    for name in ["program.c", "program.so", "messages"] { unlink("\(path)/\(name)") }
    rmdir(path)
  }
}

private func writeFile(_ path: String, _ text: String) -> Bool {
  guard let file = fopen(path, "w") else { return false }
  var text = text
  let isWritten = text.withUTF8 { fwrite($0.baseAddress, 1, $0.count, file) == $0.count }
  return fclose(file) == 0 && isWritten
}

private func readFile(_ path: String) -> String? {
  guard let file = fopen(path, "r") else { return nil }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 4_096)
  while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
  return String(decoding: bytes, as: UTF8.self)
}
