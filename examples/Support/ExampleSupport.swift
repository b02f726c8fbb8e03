import Foundation

// What the examples share beside Cinch: where they leave their files, and how durations are shown.

/// What an example can't go on without.
public struct ExampleError: Error, CustomStringConvertible {
  public let description: String
}

/// The path of a directory, which is made if it is missing.
public func madeDirectory(_ path: String) throws -> String {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    let system = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error
    let reason = system.map { String(cString: strerror(Int32(($0 as NSError).code))) } ?? error.localizedDescription
    throw ExampleError(description: "error: the directory '\(path)' can't be made: \(reason)")
  }
  return path
}

extension Duration {
  public var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
  /// With two digits: `0.61`.
  public var milliseconds: String { String(format: "%.2f", seconds * 1000) }
}
