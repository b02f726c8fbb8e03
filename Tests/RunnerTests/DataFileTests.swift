import Foundation
import Glibc
import Testing

@testable import CinchRunner

/// Files in all places that a path can lead to, however many write there.
@Suite struct DataFileTests {
  /// A directory for one test.
  private final class Folder: Sendable {
    let path: String = NSTemporaryDirectory() + "cinch-\(UUID().uuidString)"
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
    var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() } }
    func text(_ name: String) throws -> String { try String(contentsOfFile: path + "/" + name, encoding: .utf8) }
  }

  private func save(_ text: String, _ path: String) throws { try FileAccess.writeAtomically([Array(text.utf8)], to: path) }

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch { return "\(error)" }
  }

  /// Names as long as the file system takes them leave no room for an ending.
  @Test(arguments: [1, 239, 240, 254, 255]) func namesMayBeLong(length: Int) throws {
    let folder = try Folder()
    let name = String(repeating: "n", count: length)
    try save("one", folder.path + "/" + name)
    try save("two", folder.path + "/" + name)
    #expect(try folder.names == [name])
    #expect(try folder.text(name) == "two")
    #expect(message { try save("", folder.path + "/" + String(repeating: "n", count: 256)) }.contains("File name too long"))
  }

  /// Each sees a whole file, and the last one stays.
  @Test func manyMayWriteOnePath() throws {
    let folder = try Folder()
    let path = folder.path + "/c"
    let texts = (0..<4).map { String(repeating: "\($0)", count: 100_000) }
    try save(texts[0], path)
    DispatchQueue.concurrentPerform(iterations: 4) { writer in
      for _ in 0..<8 {
        #expect((try? save(texts[writer], path)) != nil)
        #expect((try? folder.text("c")).map(texts.contains) == true)
      }
    }
    #expect(try folder.names == ["c"])
  }

  /// What a killed writer leaves has nobody's lock; that of a living one stays.
  @Test func whatKilledWritersLeftIsRemoved() throws {
    let folder = try Folder()
    let dead = "\(folder.path)/.cinch-1234.temporary"
    for number in 0..<3 { try Data("x".utf8).write(to: URL(fileURLWithPath: dead + "\(number)")) }
    try Data("x".utf8).write(to: URL(fileURLWithPath: dead))
    try Data("x".utf8).write(to: URL(fileURLWithPath: "\(folder.path)/mine.temporary"))
    let living = try TemporaryFile(in: folder.path + "/")
    try save("one", folder.path + "/c")
    let left = try folder.names
    #expect(left.count == 6 && left.contains("c") && left.contains("mine.temporary") && !left.contains(".cinch-1234.temporary"))
    #expect(living.rename(to: folder.path + "/d"))
    #expect(try folder.names.contains("d"))
  }

  /// What waits behind a pipe or a device gets the bytes; neither is replaced.
  @Test func pipesAndDevicesGetTheBytes() throws {
    let folder = try Folder()
    try save("one", "/dev/null")
    var status = stat()
    #expect(stat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)

    let pipe = folder.path + "/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    let reader = open(pipe, O_RDONLY | O_NONBLOCK)
    defer { close(reader) }
    try save("through", pipe)
    var bytes = [UInt8](repeating: 0, count: 100)
    #expect(read(reader, &bytes, 100) == 7 && String(decoding: bytes[..<7], as: UTF8.self) == "through")
    #expect(lstat(pipe, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)

    // By its number, as /dev/stdout has it.
    var ends: [Int32] = [0, 0]
    #expect(Glibc.pipe(&ends) == 0)
    try save("by number", "/proc/self/fd/\(ends[1])")
    #expect(read(ends[0], &bytes, 100) == 9)
    close(ends[0])
    #expect(message { try save("nobody", "/proc/self/fd/\(ends[1])") }.contains("can't be written"))
    close(ends[1])
    #expect(try folder.names == ["pipe"])
  }

  /// Chains of links, relative ones, and those whose end is yet to be made.
  @Test func linksStayLinks() throws {
    let folder = try Folder()
    let files = FileManager.default
    try files.createDirectory(atPath: folder.path + "/deep", withIntermediateDirectories: false)
    try files.createSymbolicLink(atPath: folder.path + "/a", withDestinationPath: "deep/b")
    try files.createSymbolicLink(atPath: folder.path + "/deep/b", withDestinationPath: "../target")
    for text in ["one", "two"] {
      try save(text, folder.path + "/a")
      #expect(try folder.names == ["a", "deep", "target"])
      #expect(try folder.text("target") == text)
      #expect(try files.destinationOfSymbolicLink(atPath: folder.path + "/a") == "deep/b")
    }
    try files.createSymbolicLink(atPath: folder.path + "/round", withDestinationPath: "round")
    #expect(message { try save("", folder.path + "/round") }.contains("can't be written: Too many levels"))
  }

  @Test func devicesWithoutAnEndAreNoFiles() {
    #expect(message { _ = try FileAccess.read("/dev/zero") }.contains("is a device that gives more than 67.1 MB"))
    #expect((try? FileAccess.read("/dev/null"))?.isEmpty == true)
  }

  /// Version 2, version 1, and a container that sees its own group as the root.
  @Test func controlGroupsLimitMemory() throws {
    let folder = try Folder()
    func write(_ text: String, _ name: String) throws {
      let path = folder.path + "/" + name
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }
    try write("max\n", "a/b/memory.max")
    try write("1000000\n", "a/memory.max")
    try write("900000\n", "a/memory.current")
    try write("anon 1\ninactive_file 300000\n", "a/memory.stat")
    try write("2000000\n", "memory.max")
    func limits(_ membership: String) -> [[Int]] {
      ProcessMemory.controlGroups(of: membership, at: folder.path).map { [$0.byteCount, $0.usedByteCount] }
    }
    #expect(limits("0::/a/b\n") == [[1_000_000, 600_000], [2_000_000, 0]])
    #expect(limits("0::/not/here\n") == [[2_000_000, 0]])
    #expect(limits("0::/../..\n") == [[2_000_000, 0]])
    try write("5000\n", "memory/docker/memory.limit_in_bytes")
    try write("4000\n", "memory/docker/memory.usage_in_bytes")
    try write("9223372036854771712\n", "memory/memory.limit_in_bytes")
    #expect(limits("5:cpu:/x\n4:hugetlb,memory:/docker\n") == [[5000, 4000]])
    #expect(limits("").isEmpty && limits("nonsense").isEmpty)
    #expect(ProcessMemory.available.byteCount <= ProcessMemory.limit.byteCount && ProcessMemory.available.byteCount > 0)
  }

  /// A process that may have little memory says so, and does not end.
  @Test func limitsOfTheProcessCount() throws {
    var former = rlimit()
    #expect(getrlimit(.init(RLIMIT_DATA.rawValue), &former) == 0)
    var lower = former
    lower.rlim_cur = 1 << 45
    #expect(setrlimit(.init(RLIMIT_DATA.rawValue), &lower) == 0)
    defer { setrlimit(.init(RLIMIT_DATA.rawValue), &former) }
    #expect(ProcessMemory.limit.byteCount <= 1 << 45)
  }
}
