import Foundation

// What the examples share beside Cinch: where they leave their files, and how durations are shown.

/// The path of a directory, which is made if it is missing.
public func madeDirectory(_ path: String) throws -> String {
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  return path
}

extension Duration {
  public var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
  /// With two digits: `0.61`.
  public var milliseconds: String { String(format: "%.2f", seconds * 1000) }
}
