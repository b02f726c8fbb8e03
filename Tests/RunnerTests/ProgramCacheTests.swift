import Cinch
import Testing

@testable import CinchRunner

/// Programs that differ in anything are two, and the cache gives back the one that was asked for.
@Suite struct ProgramCacheTests {
  /// Equal as numbers, and not the same: initial values, attributes of ops, constants.
  @Test func zerosOfBothSignsAreTwo() throws {
    func bits(_ build: (GraphBuilder) -> Tensor) throws -> UInt32 {
      let program = try Graph { g in g.output("y", build(g)) }.compile(ProgramOptions(engine: .tinycc(nil)))
      return try #require(try program.run()["y"]).floats[0].bitPattern
    }
    for zero in [0, -0.0, 0] as [Float] {
      #expect(try bits { g in g.parameter("w", [1], .constant(zero)) + g.constant(-0.0) } == zero.bitPattern)
      #expect(try bits { g in g.constant(zero) * g.parameter("w", [1], .constant(1)) } == zero.bitPattern)
    }
    #expect(AttributeValue.real(0) != .real(-0.0) && AttributeValue.real(.nan) == .real(.nan))
    #expect(Set([AttributeValue.real(0), .real(-0.0), .integer(0), .flag(false), .text("0")]).count == 5)
    #expect(Set([Initialiser.constant(0), .constant(-0.0), .zeros, .uniform(bound: 0), .normal(standardDeviation: 0)]).count == 5)
    // No number, but itself: found again.
    let options = ProgramOptions(engine: .interpreter)
    let graph = Graph { g in g.output("y", g.parameter("w", [1], .constant(.nan))) }
    let key = ProgramCache.Key(graph: GraphKey(graph), options: options)
    #expect(key == ProgramCache.Key(graph: GraphKey(graph), options: options))
  }
}
