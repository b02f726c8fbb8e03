import CTinyCC
import Glibc

/// What libtcc writes an object to, which it only does to paths: a file without a name, in memory, where open files have paths; else
/// one in a temporary directory.
struct ObjectFile: ~Copyable {
  let path: String
  private let descriptor: Int32
  private let isNamed: Bool

  /// - Parameter descriptors: `/proc/self/fd`, which is missing where /proc is not mounted.
  init(descriptors: String) throws(NativeError) {
    let memory = cinch_memory_file("cinch-object")
    if memory >= 0, access("\(descriptors)/\(memory)", W_OK) == 0 {
      (path, descriptor, isNamed) = ("\(descriptors)/\(memory)", memory, false)
      return
    }
    if memory >= 0 { close(memory) }
    (path, descriptor) = try Self.temporary()
    isNamed = true
  }

  deinit {
    close(descriptor)
    if isNamed { unlink(path) }
  }

  private static func temporary() throws(NativeError) -> (String, Int32) {
    let folders = [getenv("TMPDIR").map { String(cString: $0) }, "/dev/shm", "/tmp", "/var/tmp"].compactMap { $0 }
    var reasons: [String] = []
    for folder in folders {
      var template = Array("\(folder)/cinch-object-XXXXXX".utf8CString)
      let descriptor = mkstemp(&template)
      if descriptor >= 0 {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return (String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self), descriptor)
      }
      reasons.append("\(folder): \(lastSystemError())")
    }
    throw .loadFailed(
      compiler: "libtcc",
      reason: "/proc is not there, and no temporary file can be made (\(reasons.joined(separator: "; "))); set TMPDIR")
  }

  /// What libtcc has written: where it removes the file that is there, the path has another one.
  func withBytes<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) throws -> Value {
    let file = isNamed ? open(path, O_RDONLY | O_CLOEXEC) : descriptor
    defer { if isNamed { close(file) } }
    let byteCount = Int(lseek(file, 0, SEEK_END))
    guard
      byteCount > 0, let start = mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, file, 0),
      start != MAP_FAILED
    else {
      throw NativeError.loadFailed(compiler: "libtcc", reason: "no object was written: \(lastSystemError())")
    }
    defer { munmap(start, byteCount) }
    return try body(UnsafeRawBufferPointer(start: start, count: byteCount))
  }
}
