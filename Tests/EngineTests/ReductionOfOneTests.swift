import Cinch
import TestSupport
import Testing

/// Reductions over axes of one element have no loop of their own; beside others they still share a kernel.
@Suite struct ReductionOfOneTests {
  @Test(arguments: TestedEngine.available) func everyEngineGivesTheSameBits(_ engine: TestedEngine) throws {
    for shape in [[1, 65], [65, 1], [1, 1], [1, 3, 1]] as [Shape] {
      let graph = Graph { g in
        let x = g.input("x", shape)
        for axis in 0..<shape.rank where shape[axis] == 1 {
          g.output("place\(axis)", x.argMax(along: axis))
          g.output("largest\(axis)", x.max(along: axis) + x.sum(along: axis))
          g.output("all\(axis)", exp(x.argMax(along: axis, keepingAxes: true).cast(to: .float32) - x))
        }
      }
      let values: [Float] = (0..<shape.elementCount).map { index in
        if index % 4 == 2 { return -0.0 }
        return index % 7 == 3 ? Float.nan : Float(index) - 3
      }
      let tested = try TestedProgram(
        "one of \(shape)", RandomProgram(seed: 0, graph: graph, inputs: ["x": .float32(values)], state: [:]))
      #expect(engine.failures(of: [tested]) == [:], "\(shape)")
    }
  }
}
