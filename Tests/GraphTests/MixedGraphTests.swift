import Cinch
import Testing

/// A tensor that is used in another graph than its own.
@Suite struct MixedGraphTests {
  struct Use: Sendable, CustomStringConvertible {
    let description: String
    /// How `message` begins.
    let message: String
    let use: @Sendable (GraphBuilder, _ own: Tensor, _ foreign: Tensor) -> Void
    init(_ description: String, _ message: String, _ use: @escaping @Sendable (GraphBuilder, Tensor, Tensor) -> Void) {
      (self.description, self.message, self.use) = (description, message, use)
    }
  }

  static let uses: [Use] = [
    Use("operator", "add mixes tensors of two graphs") { $0.output("y", $1 + $2) },
    Use("operator, the other way round", "multiply mixes tensors of two graphs") { $0.output("y", $2 * $1) },
    Use("function", "maximum mixes tensors of two graphs") { $0.output("y", maximum($1, $2)) },
    Use("three operands", "select mixes tensors of two graphs") { $0.output("y", select($1 .> 0, $2, $1)) },
    Use("product", "matmul mixes tensors of two graphs") { $0.output("y", matmul($1, $2)) },
    Use("list", "concatenate mixes tensors of two graphs") { $0.output("y", concatenate([$1, $2], along: 0)) },
    Use("output", "output 'y' mixes tensors of two graphs") { g, _, foreign in g.output("y", foreign) },
    Use("update", "an update mixes tensors of two graphs") { g, _, foreign in g.update(g.parameter("w", [3, 3]), to: foreign) },
    Use("update of the other", "an update mixes tensors of two graphs") { $0.update($2, to: $1) },
    Use("loss", "subtract mixes tensors of two graphs") { $0.output("y", meanSquaredError($1, $2)) },
    Use("gradient", "a gradient mixes tensors of two graphs") { $0.output("y", gradient(of: $1.sum(), withRespectTo: $2)) },
    Use("layer", "add mixes tensors of two graphs") { g, own, foreign in
      struct Adds: Module {
        let other: @Sendable () -> Tensor
        func callAsFunction(_ x: Tensor) -> Tensor { x + other() }
      }
      nonisolated(unsafe) let tensor = foreign
      g.output("y", Adds(other: { tensor })(own))
    },
  ]

  @Test(arguments: uses)
  func isAMistakeWithBothPlaces(_ use: Use) throws {
    var foreign: Tensor?
    let line = #line + 1
    let other = Graph("other") { g in foreign = g.input("theirs", [3, 3]) }
    let tensor = try #require(foreign)
    let graph = Graph("mine") { g in
      use.use(g, g.input("mine", [3, 3]), tensor)
      g.output("always", g.constant(1))
    }
    // The mistake may belong to either graph, but one of them refuses to compile with it.
    let found = graph.diagnostics + tensor.builder.graph.diagnostics
    #expect(!found.isEmpty && found[0].message.hasPrefix(use.message), "\(found)")
    #expect(!graph.diagnostics.isEmpty, "the graph that has the mistake says nothing of it")
    #expect(found.contains { $0.notes.contains { $0.site.filePath == #filePath } || $0.site.line == line })
    #expect(throws: GraphError.self) { try graph.optimised() }
    _ = other
  }
}
