import Foundation

/// The GNU assembler, as an independent meaning of assembly text.
struct GNUAssembler {
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  /// Every line is assembled into a slot of so many bytes of its own, for no instruction is longer than 15.
  static let slotBytes = 16
  /// Fills what a line leaves of its slot.
  static let filler: UInt8 = 0xCC

  /// Assembles each line by itself.
  static func slots(for lines: [String]) throws -> [ArraySlice<UInt8>] {
    var source = ".intel_syntax noprefix\n.text\n"
    source.reserveCapacity(lines.count * 80)
    for line in lines {
      source += line
      source += "\n.balign 16, 0xCC\n"
    }
    let bytes = try assemble(source)
    guard bytes.count == lines.count * slotBytes else {
      throw Failure(
        description: "as made \(bytes.count) bytes of \(lines.count) lines, each of which should take "
          + "\(slotBytes)")
    }
    return (0..<lines.count).map { bytes[$0 * slotBytes..<($0 + 1) * slotBytes] }
  }

  /// The bytes of the text section of an assembly source.
  static func assemble(_ source: String) throws -> [UInt8] {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
      "cinch-as-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let text = directory.appendingPathComponent("code.s")
    let object = directory.appendingPathComponent("code.o")
    let binary = directory.appendingPathComponent("code.bin")
    try Data(source.utf8).write(to: text)
    try run("as", ["--64", "-o", object.path, text.path], source: source)
    try run("objcopy", ["-O", "binary", "-j", ".text", object.path, binary.path], source: source)
    return [UInt8](try Data(contentsOf: binary))
  }

  private static func run(_ tool: String, _ arguments: [String], source: String) throws {
    let path = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
    guard let directory = path.first(where: { FileManager.default.isExecutableFile(atPath: "\($0)/\(tool)") })
    else {
      throw Failure(
        description: "This test compares with the GNU assembler, but there is no '\(tool)' in PATH: "
          + "install binutils (on Debian: apt-get install binutils).")
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "\(directory)/\(tool)")
    process.arguments = arguments
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let output = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      // Messages look like `file.s:12: Error: …`: the line itself says more than its number.
      let sourceLines = source.split(separator: "\n", omittingEmptySubsequences: false)
      func quoting(_ message: Substring) -> String {
        let parts = message.split(separator: ":", maxSplits: 2)
        guard parts.count == 3, let number = Int(parts[1]), sourceLines.indices.contains(number - 1) else {
          return String(message)
        }
        return "\(sourceLines[number - 1])\n \(parts[2])"
      }
      let lines = String(decoding: output, as: UTF8.self).split(separator: "\n").prefix(20)
      throw Failure(description: "\(tool) failed:\n" + lines.map(quoting).joined(separator: "\n"))
    }
  }
}
