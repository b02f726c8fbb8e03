import Testing

@testable import CinchGraph

/// Which random tensors of a program draw the same numbers.
@Suite struct RandomStreamTests {
  private func streams(_ graph: Graph) -> [Int32] { graph.nodes.compactMap { ($0.op as? Random)?.stream } }

  @Test func streamsWithoutANameAreTheirOwn() {
    let graph = Graph { g in
      let tensors = [
        g.random(.uniform, [4], stream: 1), g.random(.uniform, [4]), g.random(.uniform, [4]), g.random(.uniform, [4], stream: 0),
        g.random(.uniform, [4], stream: 2), g.random(.uniform, [4]), Dropout(0.5)(g.random(.uniform, [4])),
      ]
      g.output("y", concatenate(tensors, along: 0))
    }
    #expect(graph.diagnostics.isEmpty)
    #expect(Set(streams(graph)).count == streams(graph).count)
    let wrong = Graph { g in g.output("y", g.random(.uniform, [4], stream: -1)) }
    #expect(wrong.diagnostics.map(\.message) == ["a stream of random numbers is from 0 to 2²⁴ − 1, not -1"])
  }

  /// One layer called twice, one layer under two names, and two layers.
  @Test func dropoutDrawsForEachCall() throws {
    struct Twice: Module {
      let drop = Dropout(0.5)
      let other = Dropout(0.5)
      func callAsFunction(_ x: Tensor) -> Tensor { drop(x) + 10 * drop(x) + 100 * other(x) }
    }
    let model = Twice()
    let graph = Graph { g in
      g.isTraining = true
      g.register(model)
      g.output("y", model(g.constant(1, shape: [64])))
    }
    #expect(Set(streams(graph)).count == 3)
    var state = Dictionary(uniqueKeysWithValues: graph.state.map { ($0.name, $0.initialValue(seed: 3)) })
    let interpreter = try Interpreter(graph)
    for _ in 0..<2 {
      let y = try #require(interpreter.run(inputs: [:], state: &state)["y"]?.floats)
      // Each of the eight ways in which three masks can meet.
      #expect(Set(y).count == 8, "\(y)")
    }
  }
}
