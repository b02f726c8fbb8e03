import Foundation
import Testing

/// Programs set a locale for their whole process (graphical ones do), and in many of them a half is "0,5".
@Suite struct LocaleTests {
  @Test func nothingDependsOnTheLocale() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cinch-locale-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let name = "de_DE.UTF-8"
    _ = try output(
      of: URL(fileURLWithPath: "/usr/bin/localedef"),
      ["--no-archive", "-c", "-i", "de_DE", "-f", "UTF-8", folder.appendingPathComponent(name).path])
    // In processes of their own, because a locale belongs to a process.
    let reports = try ["C", name].map { locale in
      try output(of: "CompileEndurance", ["locale", locale, folder.path], environment: ["LOCPATH": folder.path])
        .split(separator: "\n", omittingEmptySubsequences: false)
    }
    #expect(reports[0].first == "a half is 0.5 here: true")
    #expect(reports[1].first == "a half is 0,5 here: true")
    let difference = zip(reports[0], reports[1]).dropFirst().first { $0 != $1 }
    #expect(difference == nil && reports[0].count == reports[1].count)
    #expect(reports[1].contains { $0.contains("y float32([0.5, 0.875, 0.2505])") })
  }
}
