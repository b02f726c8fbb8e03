import Foundation

// What the examples share beside Cinch: their one option, and how durations are shown.

/// The value that follows `name` on the command line.
public func argument(_ name: String) -> String? {
  let arguments = CommandLine.arguments
  guard let index = arguments.firstIndex(of: name), index + 1 < arguments.count else { return nil }
  return arguments[index + 1]
}

/// Where the example leaves its files: the value of `--output`; made if missing.
public func outputDirectory(default path: String) throws -> String {
  let path = argument("--output") ?? path
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  return path
}

extension Duration {
  public var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
  /// With two digits: `0.61`.
  public var milliseconds: String { String(format: "%.2f", seconds * 1000) }
}
