import Cinch
import TestSupport
import Testing

/// What a result may differ by from its meaning in real numbers.
@Suite struct RealBoundTests {
  private func tested(_ graph: Graph, x: [Float]) throws -> TestedProgram {
    try TestedProgram("bound", RandomProgram(seed: 0, graph: graph, inputs: ["x": .float32(x)], state: [:]))
  }

  /// 1 + 2⁻³⁰ rounds to 1, so the two are equal; in real numbers they never are.
  @Test func numbersMayBecomeOneByRounding() throws {
    let graph = Graph("tie") { g in
      let x = g.input("x", [3])
      g.output("y", select(x + 0x1p-30 .== x, x, x * 0))
    }
    #expect(try RealBound(tested(graph, x: [1, 2, .infinity])).furthest.ratio <= 1)
  }

  /// Where no rounding makes one number of two, being elsewhere isn't excused.
  @Test func whatIsWrongIsFar() throws {
    let graph = Graph("no tie") { g in
      let x = g.input("x", [3])
      g.output("y", select(x + 0x1p-10 .== x, x, x * 0))
    }
    let tested = try tested(graph, x: [1, 2, 3])
    let nearby = try [tested.independentMeaningOfRounded(), tested.independentMeaning(withNoise: 1)]
    let bound = RealBound(["y": .float32([0, 2, 0])], exact: try tested.independentMeaning(), nearby: nearby)
    #expect(bound.furthest.ratio > 1)
  }
}
