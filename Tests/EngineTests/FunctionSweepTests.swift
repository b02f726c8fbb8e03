import Cinch
import Foundation
import TestSupport
import Testing

/// The transcendental functions over the bit patterns of Float32: every engine gives the interpreter's bits.
///
/// How near those are to the exact values is for `ScalarFunctionTests`. Every 4,099-th pattern is tried, and with
/// `CINCH_EXHAUSTIVE=1` all 2³².
@Suite struct FunctionSweepTests {
  private static let functions: [(name: String, apply: @Sendable (Tensor) -> Tensor)] = [
    ("exp", { exp($0) }), ("log", { log($0) }), ("log1p", { log1p($0) }), ("sqrt", { sqrt($0) }), ("rsqrt", { rsqrt($0) }),
    ("tanh", { tanh($0) }), ("sigmoid", { sigmoid($0) }), ("erf", { erf($0) }), ("sin", { sin($0) }), ("cos", { cos($0) }),
    ("power", { power($0, 1.37) }), ("exponent", { power($0.builder.constant(0.73).broadcast(to: $0.shape), $0) }),
  ]

  private static let isExhaustive = ProcessInfo.processInfo.environment["CINCH_EXHAUSTIVE"] == "1"
  private static let distance: UInt64 = isExhaustive ? 1 : 4099
  /// Patterns of one program.
  private static let blockCount: UInt64 = 1 << 20

  @Test func everyEngineGivesTheSameBits() throws {
    let count = (1 << 32) / Self.distance
    for start in stride(from: 0, to: count, by: Int(Self.blockCount)) {
      let patterns = (start..<min(start + Self.blockCount, count)).map { UInt32($0 * Self.distance) }
      let graph = Graph { g in
        let x = g.input("x", [patterns.count])
        for (name, apply) in Self.functions { g.output(name, apply(x)) }
      }
      let inputs: [String: ElementArray] = ["x": .float32(patterns.map { Float(bitPattern: $0) })]
      let tested = try TestedProgram("patterns", RandomProgram(seed: 0, graph: graph, inputs: inputs, state: [:]))
      for engine in TestedEngine.available {
        #expect(engine.failures(of: [tested]) == [:], "patterns from \(patterns[0]) on")
      }
    }
  }
}
