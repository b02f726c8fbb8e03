import CinchGraph
import Testing

/// What rewriting leaves alone, and what it may not lose.
struct RewritingTests {
  private let graph = Graph { g in
    let x = g.input("x", [3])
    let y = exp(-x)
    g.output("sum", y + y)
    g.output("y", y)
  }

  @Test func graphsThatNoRuleChangesStayAsTheyAre() {
    var asked = 0
    let result = graph.rewritten { _, _, _ in
      asked += 1
      return nil
    }
    #expect(result.isIdentical(to: graph))
    #expect(asked == graph.nodes.count)
  }

  @Test func replacementsReachTheirUsersAndOutputs() {
    let result = graph.rewritten { _, node, x in node.op is Exp ? x[0] : nil }
    #expect(!result.isIdentical(to: graph))
    #expect(result.nodes.map { type(of: $0.op).mnemonic } == ["input", "negate", "add"])
    #expect(result.nodes[2].operands == [NodeID(1), NodeID(1)])
    #expect(result.outputs.map(\.node) == [NodeID(2), NodeID(1)])
    #expect(result.violations() == [])
  }

  @Test func whatRulesAddCarriesTheLineOfWhatItReplaces() {
    let result = graph.rewritten { _, node, x in node.op is Exp ? (x[0] * x[0]) : nil }
    let added = result.nodes.first { $0.op is Multiply }
    #expect(added?.site == graph.nodes.first { $0.op is Exp }?.site)
  }

  @Test func mistakesOfRulesThatReplaceNothingAreKept() {
    let result = graph.rewritten { builder, node, _ in
      if node.op is Negate { builder.record(Diagnostic("no", at: node.site)) }
      return nil
    }
    #expect(result.diagnostics.map(\.message) == ["negate can't be computed: no"])
    #expect(result.nodes.count == graph.nodes.count)
  }
}
