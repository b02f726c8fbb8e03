import CinchCodegen
import Testing

@testable import CinchGraph

/// Sizes that no network has: an error at the user's line, never a trap.
@Suite struct AbsurdSizeTests {
  /// An op's result fits, and what it is computed by does not.
  @Test func tooLargeOnTheWay() throws {
    let line = #line + 3
    let plain = Graph { g in
      let x = g.input("x", [1 << 17, 1 << 17])
      g.output("y", averagePool2d(x, 7, stride: 1))
    }
    let inLoop = Graph { g in
      let x = g.input("x", [1, 1 << 17, 1 << 17])
      let (_, all) = scan(over: x, initial: g.constant(0)) { (carried: $1, output: averagePool2d($0, 7, stride: 1).mean()) }
      g.output("y", all)
    }
    for (graph, line) in [(plain, line), (inLoop, line + 4)] {
      let expected =
        "\(#filePath):\(line): error: average_pool can't be computed: the result f32[7, 7, 131066, 131066] of windows has more than 2³⁸ elements; no memory holds it"
      let optimising = #expect(throws: GraphError.self) { try graph.optimised() }
      #expect(optimising?.description == expected)
      let interpreting = #expect(throws: GraphError.self) { try Interpreter(graph) }
      #expect(interpreting?.description == expected)
    }
  }

  /// Only a coordinate along the axis must fit Int32.
  @Test func oneHotMayHaveMoreElementsThanInt32Numbers() throws {
    let graph = Graph { g in g.output("y", oneHot(g.input("i", [3], type: .int32), depth: 1_000_000_007)) }
    #expect(try graph.optimised().outputs.count == 1)
  }
}
