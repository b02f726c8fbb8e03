import Foundation
import Testing

/// What the program that times workloads says to options that make no sense, before it measures anything.
@Suite struct BenchmarkOptionTests {
  @Test(arguments: [
    ("--min-time", "nan"), ("--max-time", "inf"), ("--quiet", "inf"), ("--quiet", "-1"), ("--min-time", "1e300"),
  ])
  func secondsAreNumbers(_ option: String, _ value: String) throws {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("cinch-bench")
    process.arguments = ["--workload", "W1", "\(option)=\(value)"]
    let output = Pipe()
    process.standardError = output
    try process.run()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus != 0)
    #expect(said.contains("\(option) is") && said.contains("must be a number of seconds from 0 to a day's"), "\(said)")
  }
}
