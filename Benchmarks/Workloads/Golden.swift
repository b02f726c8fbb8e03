public import Cinch
import FoundationEssentials

/// What an independent Float64 program found for a workload.
public struct Golden: Sendable, Decodable {
  /// A tensor after ten steps.
  public struct Summary: Sendable, Decodable {
    public let l2: Double
    public let first4: [Double]
    public let last: Double
  }

  /// Before each update.
  public let losses: [Double]
  let params_after_10: [String: Summary]

  public enum Failure: Error, CustomStringConvertible {
    case missing(String)
    public var description: String {
      switch self {
      case .missing(let path): "error: the golden file \(path) can't be read; it belongs to Cinch's source tree"
      }
    }
  }

  /// From the source tree that this was compiled in.
  public init(_ workload: Workload) throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden")
    let file = folder.appendingPathComponent("\(workload.name).json")
    guard let data = try? Data(contentsOf: file) else { throw Failure.missing(file.path) }
    self = try JSONDecoder().decode(Golden.self, from: data)
  }

  /// What differs in the parameters after ten steps by more than Float32 explains, a sentence each.
  public func mistakes(in state: ModelState, of workload: Workload, tolerance: Double = 1e-4) throws -> [String] {
    var mistakes: [String] = []
    for (source, name) in zip(workload.parameters, workload.stateNames) {
      guard let expected = params_after_10[source.name] else {
        mistakes.append("\(source.name) has no golden value")
        continue
      }
      let values = try state.value(of: name).floats.map { Double($0) }
      let l2 = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      // Elements near zero are sums that cancel: they are held to the size of a typical element.
      let typical = expected.l2 / Double(max(values.count, 1)).squareRoot()
      func check(_ what: String, _ found: Double, _ expected: Double, _ scale: Double) {
        if !(abs(found - expected) <= tolerance * max(abs(expected), scale)) {
          mistakes.append("\(source.name): \(what) is \(found), not \(expected)")
        }
      }
      check("the norm", l2, expected.l2, 0)
      for (index, value) in expected.first4.enumerated() where index < values.count {
        check("element \(index)", values[index], value, typical)
      }
      if let last = values.last { check("the last element", last, expected.last, typical) }
    }
    return mistakes
  }
}
