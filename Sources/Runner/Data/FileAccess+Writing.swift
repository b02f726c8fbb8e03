import Glibc

extension FileAccess {
  /// Replaces the file, or what a link leads to, by `parts`, one after the other: whoever reads it, or finds it after a crash, sees
  /// the whole old file or the whole new one. It keeps its mode. What is no regular file (a pipe, a device) gets the bytes itself.
  static func writeAtomically(_ parts: [[UInt8]], to path: String) throws {
    try check(path)
    try surviving {
      var former = stat()
      let exists = stat(path, &former) == 0
      guard let target = try destination(of: path), !exists || former.st_mode & S_IFMT == S_IFREG else {
        return try writeInPlace(parts, path)
      }
      try replace(target, by: parts, former: exists ? former : nil, path)
    }
  }

  /// A pipe without a reader, and a file larger than the process may write, are errors and not the end of the process.
  private static func surviving(_ body: () throws -> Void) rethrows {
    var signals = sigset_t()
    var formerMask = sigset_t()
    sigemptyset(&signals)
    for signal in [SIGPIPE, SIGXFSZ] { sigaddset(&signals, signal) }
    pthread_sigmask(SIG_BLOCK, &signals, &formerMask)
    defer {
      var noTime = timespec()
      while sigtimedwait(&signals, nil, &noTime) > 0 {}
      pthread_sigmask(SIG_SETMASK, &formerMask, nil)
    }
    try body()
  }

  private static func failure(_ path: String) -> DataError { DataError("can't be written: \(lastSystemError())", file: path) }

  /// The path without links, of which the last may lead to what is yet to be made; nil for a file that has no path any more.
  private static func destination(of path: String) throws -> String? {
    var path = path
    // As many links as the system follows.
    for _ in 0..<40 {
      if let end = realpath(path, nil) {
        defer { free(end) }
        return String(cString: end)
      }
      var target = [CChar](repeating: 0, count: Int(PATH_MAX))
      let length = readlink(path, &target, target.count - 1)
      guard length > 0 else { return path }
      let text = String(decoding: target[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
      var status = stat()
      if stat(path, &status) == 0 { return nil }
      path = text.hasPrefix("/") ? text : folder(of: path) + text
    }
    errno = ELOOP
    throw failure(path)
  }

  /// `a/` of `a/b`; empty for the current directory.
  private static func folder(of path: String) -> String { path.lastIndex(of: "/").map { String(path[...$0]) } ?? "" }

  private static func writeInPlace(_ parts: [[UInt8]], _ path: String) throws {
    let descriptor = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path) }
    defer { close(descriptor) }
    for part in parts { try write(part, to: descriptor, path) }
  }

  private static func replace(_ target: String, by parts: [[UInt8]], former: stat?, _ path: String) throws {
    let temporary: TemporaryFile
    // Beside the file, because a rename does not cross file systems.
    do { temporary = try TemporaryFile(in: folder(of: target)) } catch { throw failure(path) }
    if let former {
      // The owner first, for a change of owner clears bits of the mode; refused to all but the superuser.
      _ = fchown(temporary.descriptor, former.st_uid, former.st_gid)
      fchmod(temporary.descriptor, former.st_mode & 0o7777)
    }
    for part in parts { try write(part, to: temporary.descriptor, path) }
    guard fsync(temporary.descriptor) == 0 else { throw failure(path) }
    guard temporary.rename(to: target) else { throw failure(path) }
    syncDirectory(of: target)
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws {
    try bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let count = Glibc.write(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { throw failure(path) }
        done += count
      }
    }
  }

  /// The rename itself reaches the disk; best effort, for some file systems refuse.
  private static func syncDirectory(of path: String) {
    let folder = folder(of: path)
    let descriptor = open(folder.isEmpty ? "." : folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}
