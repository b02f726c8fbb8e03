import Cinch
import TestSupport
import Testing

/// parse(print(g)) == g over random programs, as built and as the passes leave them.
@Suite struct RandomTextTests {
  @Test func textGoesThereAndBack() throws {
    for seed in 1000..<1060 as Range<UInt64> {
      let graph = RandomProgram(seed: seed).graph
      try expectRoundTrip(graph)
      try expectRoundTrip(graph.optimised())
      if seed % 4 == 0 { try expectRoundTrip(graph.repeated(3)) }
    }
  }
}
