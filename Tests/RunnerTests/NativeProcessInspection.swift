import Glibc

/// A whole small file, for the files of /proc, whose size is not known before they are read.
func textOfFile(_ path: String) throws -> String {
  let descriptor = open(path, O_RDONLY)
  guard descriptor >= 0 else { throw FileUnreadable(path: path) }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = read(descriptor, &chunk, chunk.count)
    guard count > 0 else { break }
    bytes += chunk[..<count]
  }
  return String(decoding: bytes, as: UTF8.self)
}

struct FileUnreadable: Error {
  let path: String
}

/// The permissions of the mapping at `address`, such as `r-xp`, from /proc/self/maps; nil where nothing is
/// mapped.
func memoryPermissions(at address: UInt) throws -> String? {
  for line in try textOfFile("/proc/self/maps").split(separator: "\n") {
    let fields = line.split(separator: " ", maxSplits: 2)
    let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
    if bounds.count == 2, bounds[0] <= address, address < bounds[1] { return String(fields[1]) }
  }
  return nil
}

/// Pages of this process that are in memory, and that are mapped, from /proc/self/statm.
func residentAndVirtualPages() throws -> (resident: Int, virtual: Int) {
  let fields = try textOfFile("/proc/self/statm").split(separator: " ").compactMap { Int($0) }
  return (fields[1], fields[0])
}

func entriesOfDirectory(_ path: String) throws -> [String] {
  guard let directory = opendir(path) else { throw FileUnreadable(path: path) }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names
}
