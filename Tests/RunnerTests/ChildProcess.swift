import Foundation
import Testing

/// What an executable of this package prints, run in a process of its own.
func output(of executable: String, _ arguments: [String], environment: [String: String] = [:]) throws -> String {
  let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
  let folder = URL(fileURLWithPath: tests).deletingLastPathComponent()
  return try output(of: folder.appendingPathComponent(executable), arguments, environment: environment)
}

/// What a program prints; it must end well.
func output(of program: URL, _ arguments: [String], environment: [String: String] = [:]) throws -> String {
  let process = Process()
  process.executableURL = program
  process.arguments = arguments
  process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
  let output = Pipe()
  process.standardOutput = output
  try process.run()
  let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  #expect(process.terminationStatus == 0)
  return text
}
