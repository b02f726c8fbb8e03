import Glibc

/// A file that is written beside the one whose place it will take. Its name is nobody else's, whatever process or machine writes into
/// the same directory; its lock tells that its writer lives, so that what a killed one has left is found and removed.
final class TemporaryFile {
  struct Refused: Error {}

  let descriptor: Int32
  private let path: String
  private var isRenamed = false

  private static let prefix = ".cinch-"
  private static let suffix = ".temporary"

  /// - Parameter folder: with its slash; empty for the current directory.
  /// - Throws: `Refused`, with the system's error in `errno`.
  init(in folder: String) throws(Refused) {
    Self.removeAbandoned(in: folder)
    // A name may be taken, and whoever cleans up may have found the file before it was locked.
    for _ in 0..<100 {
      let path = "\(folder)\(Self.prefix)\(String(UInt64.random(in: 0 ... .max), radix: 16))\(Self.suffix)"
      let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor < 0 && errno == EEXIST { continue }
      guard descriptor >= 0 else { throw Refused() }
      var status = stat()
      // Some file systems have no locks: nobody cleans up there.
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK,
        fstat(descriptor, &status) == 0, status.st_nlink > 0
      {
        self.descriptor = descriptor
        self.path = path
        return
      }
      close(descriptor)
    }
    errno = EEXIST
    throw Refused()
  }

  /// Removes the file unless it has its name.
  deinit {
    let error = errno
    if !isRenamed { unlink(path) }
    close(descriptor)
    errno = error
  }

  /// In place of what has that name; the system's error is in `errno` where it refuses.
  func rename(to target: String) -> Bool {
    isRenamed = Glibc.rename(path, target) == 0
    return isRenamed
  }

  /// Removes temporary files whose writers have died.
  private static func removeAbandoned(in folder: String) {
    guard let directory = opendir(folder.isEmpty ? "." : folder) else { return }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
      }
      guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { continue }
      let descriptor = open(folder + name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
      guard descriptor >= 0 else { continue }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(folder + name) }
      close(descriptor)
    }
  }
}
