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

  /// In real numbers the mean of deviations from a mean is 0, and so is its square's gradient: what is there is rounding.
  @Test(arguments: 1...4) func roundingIsLeftOfDifferences(_ seed: Int) throws {
    let graph = Graph("deviations") { g in
      let x = g.input("x", [300])
      let mean = ((x - x.mean()) / (x * x).mean()).mean()
      let loss = mean * mean
      g.output("loss", loss)
      g.output("gradient", gradients(of: loss, withRespectTo: [x])[0])
    }
    var random = SplitMix(seed: UInt64(seed))
    let x = (0..<300).map { _ in random.float(in: -2...3) }
    #expect(try RealBound(tested(graph, x: x)).furthest.ratio <= 1)
  }

  /// Samples say how much rounding leaves where all of a result cancels; more than a few times that is wrong.
  @Test func whatCancelsIsSmall() {
    func ratio(_ found: Float) -> Double {
      let nearby: [StepResults] = [["y": .float64([1e-20, 0])], ["y": .float64([0, -2e-20])]]
      return RealBound(["y": .float32([found, 0])], exact: ["y": .float64([0, 0])], nearby: nearby).furthest.ratio
    }
    #expect(ratio(1e-19) <= 1)
    #expect(ratio(1e-18) > 1)
  }
}
