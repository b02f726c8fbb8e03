import CTinyCC
import Glibc

/// How much memory this process may take: what the machine has, or less where a control group (of a container, say) or a limit of
/// the process says so.
struct ProcessMemory: Sendable, Hashable {
  let byteCount: Int
  /// What sets the limit: `the machine has`.
  let source: String

  /// `the machine has 34.1 GB (34100000000 bytes)`.
  var description: String { "\(source) \(NativeError.readable(byteCount))" }

  /// In all, in use or not.
  static var limit: ProcessMemory { smallest(limits()) { $0.byteCount } }

  /// What it may still take.
  static var available: ProcessMemory { smallest(limits()) { max($0.byteCount - $0.usedByteCount, 0) } }

  /// What limits of the process leave it, beyond which it is refused memory instead of being stopped; nil where it has none.
  static var availableByLimits: ProcessMemory? {
    let limits = processLimits
    return limits.isEmpty ? nil : smallest(limits) { max($0.byteCount - $0.usedByteCount, 0) }
  }

  /// One of the things that limit memory.
  struct Limit: Hashable {
    let source: String
    let byteCount: Int
    let usedByteCount: Int
  }

  private static func smallest(_ limits: [Limit], _ size: (Limit) -> Int) -> ProcessMemory {
    let least = limits.min { size($0) < size($1) }
    // Far enough below `Int.max` that rounding up does not overflow.
    return ProcessMemory(byteCount: min(least.map(size) ?? .max, 1 << 60), source: least?.source ?? "the machine has")
  }

  private static func limits() -> [Limit] {
    [machine] + controlGroups(
      of: SystemText.read("/proc/self/cgroup") ?? "", at: "/sys/fs/cgroup") + processLimits
  }
}

// MARK: - The machine

extension ProcessMemory {
  private static var machine: Limit {
    let installed = Int(cinch_installed_bytes())
    // What caches hold is given back when somebody wants it.
    let table = SystemText.fields(SystemText.read("/proc/meminfo") ?? "")
    let free = table["MemAvailable:"].map { ($0 + (table["SwapFree:"] ?? 0)) * 1024 }
    return Limit(source: "the machine has", byteCount: installed, usedByteCount: free.map { max(installed - $0, 0) } ?? 0)
  }
}

// MARK: - Control groups

extension ProcessMemory {
  /// The limits of a process's groups and of those around them, of both versions of control groups.
  ///
  /// - Parameters:
  ///   - membership: as in /proc/self/cgroup.
  ///   - root: where the groups are mounted.
  static func controlGroups(of membership: String, at root: String) -> [Limit] {
    var result: [Limit] = []
    for line in membership.split(separator: "\n") {
      // `0::/user.slice`, or `4:memory:/docker/1a2b` in the first version.
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let isFirstVersion = parts[1].split(separator: ",").contains("memory")
      guard isFirstVersion || parts[1].isEmpty else { continue }
      // In a container, the path may be one that only the host has: the walk ends at the root, which is there.
      var names = parts[2].split(separator: "/").filter { $0 != ".." }
      while true {
        let folder = ([root] + (isFirstVersion ? ["memory"] : []) + names.map(String.init)).joined(separator: "/")
        if let limit = group(folder, isFirstVersion) { result.append(limit) }
        if names.popLast() == nil { break }
      }
    }
    return result
  }

  private static func group(_ folder: String, _ isFirstVersion: Bool) -> Limit? {
    func number(_ name: String) -> Int? {
      SystemText.read("\(folder)/\(name)").flatMap { Int($0.filter { !$0.isWhitespace }) }
    }
    // No number where it says `max`; the first version has a number that no machine reaches.
    guard let limit = number(isFirstVersion ? "memory.limit_in_bytes" : "memory.max"), limit >= 0, limit < 1 << 60 else {
      return nil
    }
    let used = number(isFirstVersion ? "memory.usage_in_bytes" : "memory.current") ?? 0
    let table = SystemText.fields(SystemText.read("\(folder)/memory.stat") ?? "")
    let cached = table[isFirstVersion ? "total_inactive_file" : "inactive_file"] ?? 0
    return Limit(
      source: "the control group of this process may have", byteCount: limit, usedByteCount: max(used - cached, 0))
  }
}

// MARK: - Limits of the process

extension ProcessMemory {
  /// As `ulimit -v` and `ulimit -d` set them.
  private static var processLimits: [Limit] {
    func limit(_ resource: Int, _ source: String, _ column: Int) -> Limit? {
      var values = rlimit()
      guard getrlimit(.init(resource), &values) == 0, values.rlim_cur < 1 << 60 else { return nil }
      let pages = (SystemText.read("/proc/self/statm") ?? "").split(separator: " ").map { Int($0) ?? 0 }
      let used = pages.indices.contains(column) ? pages[column] * MemorySegment.pageByteCount : 0
      return Limit(source: source, byteCount: Int(values.rlim_cur), usedByteCount: used)
    }
    return [
      limit(Int(RLIMIT_AS.rawValue), "the limit of addresses (ulimit -v) leaves this process", 0),
      limit(Int(RLIMIT_DATA.rawValue), "the limit of data (ulimit -d) leaves this process", 5),
    ].compactMap { $0 }
  }
}

/// Small files in which the system tells about itself.
enum SystemText {
  /// Nil where there is no such file.
  static func read(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var text: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 13)
    while text.count < 1 << 20 {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      text += chunk[..<count]
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Lines of a name and a number.
  static func fields(_ text: String) -> [String: Int] {
    var result: [String: Int] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ", omittingEmptySubsequences: true)
      if words.count >= 2, let number = Int(words[1]) { result[String(words[0])] = number }
    }
    return result
  }
}
