import Cinch
import TestSupport
import Testing

/// Steps may have any number of inputs, outputs and state variables, in one kernel or in many.
@Suite struct ManyTensorsTests {
  private static func program(_ build: (GraphBuilder) -> Void) -> RandomProgram {
    let graph = Graph("many", build)
    var inputs: [String: ElementArray] = [:]
    for input in graph.inputs { inputs[input.name] = RandomProgram.plainValues(of: graph.type(of: input.node)) }
    return RandomProgram(seed: 0, graph: graph, inputs: inputs, state: [:])
  }

  private static let programs: [(name: String, build: @Sendable (GraphBuilder, Int) -> Void)] = [
    (
      "a sum of inputs",
      { g, count in
        let inputs = (0..<count).map { g.input("x\($0)", [3]) }
        g.output("y", inputs.dropFirst().reduce(inputs[0]) { $0 * 0.5 + $1 })
      }
    ),
    (
      "outputs of one input",
      { g, count in
        let x = g.input("x", [3])
        for number in 0..<count { g.output("y\(number)", x + Float(number)) }
      }
    ),
    (
      "parameters, each with its update",
      { g, count in
        let x = g.input("x", [3])
        for number in 0..<count {
          let w = g.parameter("w\(number)", [3], .uniform(bound: 1))
          g.update(w, to: w - x * 0.5)
        }
      }
    ),
    (
      "inputs beside each other, concatenated",
      { g, count in g.output("y", concatenate((0..<count).map { g.input("x\($0)", [2, 1]) }, along: 1)) }
    ),
    (
      "rows chosen by whole numbers, in a loop",
      { g, count in
        let x = g.input("x", [4, 3])
        let inputs = (0..<count / 8).map { g.input("i\($0)", [3], type: .int32) }
        let y = scan(over: [x], initial: [x.sum(along: 0)]) { rows, carried in
          (carried: [inputs.reduce(carried[0] * 0.5 + rows[0]) { $0 + $1.cast(to: .float32) }], outputs: [])
        }
        g.output("y", y.carried[0])
      }
    ),
  ]

  @Test(arguments: programs.indices) func anyNumberRuns(_ index: Int) throws {
    let (name, build) = Self.programs[index]
    for engine in TestedEngine.available {
      // More than a call takes arguments; system compilers are slow.
      let count = engine == .gcc || engine == .clang ? 200 : 2_000
      let tested = try TestedProgram(name, Self.program { build($0, count) })
      #expect(engine.failures(of: [tested], optimised: false) == [:])
    }
  }
}
