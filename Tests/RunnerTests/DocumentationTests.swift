import Foundation
import Testing

/// The Swift code that README and docs show compiles as it stands there.
@Suite struct DocumentationTests {
  @Test func everyCodeBlockCompiles() throws {
    let blocks = try Documents.codeBlocks()
    #expect(blocks.count >= 4)
    let programs = blocks.filter { !$0.isManifest }
    #expect(try Documents.complaints(about: programs) == "")
    for manifest in blocks where manifest.isManifest {
      #expect(try Documents.complaints(about: manifest) == "")
    }
  }

  @Test func aMistakeIsNamedByItsLine() throws {
    let block = CodeBlock(file: "README.md", line: 7, text: "let x: Int = HostTensor.zeros([2])")
    let complaints = try Documents.complaints(about: [block])
    #expect(complaints.contains("README.md:7:"), "\(complaints)")
  }
}

/// A block of Swift code in a text.
private struct CodeBlock {
  let file: String
  /// The line of the text on which the code begins.
  let line: Int
  let text: String

  var isManifest: Bool { text.contains("import PackageDescription") }
}

private enum Documents {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func codeBlocks() throws -> [CodeBlock] {
    let docs = try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent("docs").path)
    return try (["README.md"] + docs.sorted().map { "docs/" + $0 }).filter { $0.hasSuffix(".md") }.flatMap { file in
      blocks(of: try String(contentsOf: root.appendingPathComponent(file), encoding: .utf8), file)
    }
  }

  private static func blocks(of text: String, _ file: String) -> [CodeBlock] {
    var result: [CodeBlock] = []
    var open: (line: Int, lines: [Substring])?
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if line.hasPrefix("```") {
        if let (start, lines) = open { result.append(CodeBlock(file: file, line: start, text: lines.joined(separator: "\n"))) }
        open = open == nil && line == "```swift" ? (number + 2, []) : nil
      } else {
        open?.lines.append(line)
      }
    }
    return result
  }

  /// What the compiler says of programs that use Cinch, each the body of a function.
  static func complaints(about programs: [CodeBlock]) throws -> String {
    var source = "import Cinch\n"
    for (number, block) in programs.enumerated() {
      let code = block.text.replacing("import Cinch", with: "")
      source += "func block\(number)() throws {\n#sourceLocation(file: \"\(block.file)\", line: \(block.line))\n"
      source += "\(code)\n#sourceLocation()\n}\n"
    }
    let products = Bundle.main.bundleURL.path
    return try check(source, ["-I", "\(products)/Modules", "-I", root.appendingPathComponent("Sources/CTinyCC").path])
  }

  /// What the compiler says of a package's manifest.
  static func complaints(about manifest: CodeBlock) throws -> String {
    let compiler = try run(["-print-target-info"]).text
    let resources = compiler.firstMatch(of: #/"runtimeResourcePath"\s*:\s*"([^"]+)"/#)?.output.1 ?? ""
    let api = "\(resources)/pm/ManifestAPI"
    return try check(manifest.text, ["-I", api, "-package-description-version", "6.1"])
  }

  private static func check(_ source: String, _ options: [String]) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cinch-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("Blocks.swift")
    try source.write(to: file, atomically: true, encoding: .utf8)
    let (status, text) = try run(["-typecheck", "-suppress-warnings", "-swift-version", "6", file.path] + options)
    return status == 0 ? "" : text
  }

  private static func run(_ arguments: [String]) throws -> (status: Int32, text: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["swiftc"] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }
}
