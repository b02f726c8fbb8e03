import Glibc

/// Whole files in and out, with errors that say what the system said.
enum FileAccess {
  static func read(_ path: String) throws -> [UInt8] {
    try check(path)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw DataError("can't be opened: \(systemMessage())", file: path) }
    defer { close(descriptor) }
    var information = stat()
    guard fstat(descriptor, &information) == 0 else {
      throw DataError("can't be read: \(systemMessage())", file: path)
    }
    guard information.st_mode & S_IFMT != S_IFDIR else { throw DataError("is a directory, not a file", file: path) }
    var bytes: [UInt8] = []
    let largest = MemorySegment.installedByteCount / 4
    func checkSize(_ size: Int) throws {
      if size > largest {
        throw DataError("is larger than \(NativeError.readable(largest)), a quarter of the machine's memory", file: path)
      }
    }
    try checkSize(Int(information.st_size))
    bytes.reserveCapacity(Int(information.st_size) + 1)
    // Until the end, because pipes and files that grow have no size to trust.
    let capacity = 1 << 20
    var chunk = [UInt8](repeating: 0, count: capacity)
    while true {
      let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, capacity) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw DataError("can't be read: \(systemMessage())", file: path) }
      if count == 0 { return bytes }
      try checkSize(bytes.count + count)
      bytes.append(contentsOf: chunk[..<count])
    }
  }

  /// Where links lead to, if there is something.
  private static func resolved(_ path: String) -> String {
    guard let end = realpath(path, nil) else { return path }
    defer { free(end) }
    return String(cString: end)
  }

  /// The system would take a path as ending at a NUL.
  private static func check(_ path: String) throws {
    if path.utf8.contains(0) { throw DataError("is no path: it has a NUL in it", file: path) }
  }

  /// What a file holds, decompressed where gzip has made it.
  static func readDecompressed(_ path: String) throws -> [UInt8] {
    let bytes = try read(path)
    return GzipFile.isGzip(bytes) ? try GzipFile.decompress(bytes, name: path) : bytes
  }

  /// Replaces the file, or what a link leads to, by `parts`, one after the other: whoever reads it, or finds it after a crash, sees
  /// the whole old file or the whole new one. It keeps its mode.
  static func writeAtomically(_ parts: [[UInt8]], to path: String) throws {
    try check(path)
    let target = resolved(path)
    // Beside the file, because a rename does not cross file systems.
    let temporary = "\(target).\(getpid()).temporary"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw DataError("can't be written: \(systemMessage())", file: path) }
    var former = stat()
    if stat(target, &former) == 0 { fchmod(descriptor, former.st_mode & 0o7777) }
    do {
      for part in parts { try write(part, to: descriptor, path) }
      guard fsync(descriptor) == 0 else { throw DataError("can't be written: \(systemMessage())", file: path) }
    } catch {
      close(descriptor)
      unlink(temporary)
      throw error
    }
    guard close(descriptor) == 0, rename(temporary, target) == 0 else {
      let message = systemMessage()
      unlink(temporary)
      throw DataError("can't be written: \(message)", file: path)
    }
    syncDirectory(of: target)
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws {
    try bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let count = Glibc.write(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { throw DataError("can't be written: \(systemMessage())", file: path) }
        done += count
      }
    }
  }

  /// The rename itself reaches the disk; best effort, for some file systems refuse.
  private static func syncDirectory(of path: String) {
    let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let descriptor = open(directory, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  private static func systemMessage() -> String { String(cString: strerror(errno)) }
}
