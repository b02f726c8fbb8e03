import Glibc

/// Whole files in, with errors that say what the system said.
enum FileAccess {
  /// What a device may give that is no terminal: it may have no end.
  private static let deviceLimit = 64 << 20

  static func read(_ path: String) throws -> [UInt8] {
    try check(path)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw DataError("can't be opened: \(lastSystemError())", file: path) }
    defer { close(descriptor) }
    var information = stat()
    guard fstat(descriptor, &information) == 0 else {
      throw DataError("can't be read: \(lastSystemError())", file: path)
    }
    let kind = information.st_mode & S_IFMT
    guard kind != S_IFDIR else { throw DataError("is a directory, not a file", file: path) }
    let isDevice = kind == S_IFCHR && isatty(descriptor) == 0
    var bytes: [UInt8] = []
    let available = ProcessMemory.available
    let largest = available.byteCount / 4
    func checkSize(_ size: Int) throws {
      if isDevice && size > deviceLimit {
        throw DataError("is a device that gives more than \(NativeError.readable(deviceLimit)); it may have no end", file: path)
      }
      if size > largest {
        throw DataError(
          "is larger than \(NativeError.readable(largest)), a quarter of the memory that is free: \(available.description)",
          file: path)
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
      guard count >= 0 else { throw DataError("can't be read: \(lastSystemError())", file: path) }
      if count == 0 { return bytes }
      try checkSize(bytes.count + count)
      bytes.append(contentsOf: chunk[..<count])
    }
  }

  /// The system would take a path as ending at a NUL.
  static func check(_ path: String) throws {
    if path.utf8.contains(0) { throw DataError("is no path: it has a NUL in it", file: path) }
  }

  /// What a file holds, decompressed where gzip has made it.
  static func readDecompressed(_ path: String) throws -> [UInt8] {
    let bytes = try read(path)
    return GzipFile.isGzip(bytes) ? try GzipFile.decompress(bytes, name: path) : bytes
  }
}
