import CinchGraph
import Testing

@testable import CinchCodegen

@Suite struct PipelineTests {
  @Test func everyPassStandsAfterThoseItNeeds() {
    var seen: Set<String> = []
    for pass in Pass.pipeline {
      for need in pass.after {
        #expect(seen.contains(need.pass), "\(pass.name) must come after \(need.pass): \(need.reason)")
      }
      #expect(seen.insert(pass.name).inserted, "two passes are named \(pass.name)")
      #expect(!pass.summary.isEmpty)
    }
  }

  /// The ops of the optimised graph, without leaves.
  private func ops(_ build: (GraphBuilder) -> Void) throws -> [String] {
    try Graph("pass", build).optimised().nodes.map { type(of: $0.op).mnemonic }.filter { $0 != "input" && $0 != "constant" }
  }

  @Test func stableFormsReplaceUnstableOnes() throws {
    #expect(
      try ops { g in g.output("y", log(sigmoid(g.input("x", [3])))) }
        == ops { g in g.output("y", -softplus(-g.input("x", [3]))) })
    #expect(
      try ops { g in g.output("y", log(softmax(g.input("x", [2, 3])))) }
        == ops { g in g.output("y", logSoftmax(g.input("x", [2, 3]))) })
    #expect(try ops { g in g.output("y", log(1 + g.input("x", [3]))) } == ["log1p"])
  }

  @Test func algebraRemovesWhatComputesNothing() throws {
    #expect(try ops { g in g.output("y", -(-(g.input("x", [3]) * 1 + 0))) } == [])
    #expect(try ops { g in g.output("y", g.input("x", [3, 2]).transposedMatrix().transposedMatrix()) } == [])
    #expect(try ops { g in g.output("y", stopGradient(g.input("x", [3]))) } == [])
    #expect(try ops { g in g.output("y", power(g.input("x", [3]), 2)) } == ["multiply"])
    #expect(try ops { g in g.output("y", g.input("x", [3]) / 4) } == ["multiply"])
    #expect(try ops { g in g.output("y", g.input("x", [3]) / 3) } == ["divide"])
  }

  @Test func anOuterProductIsAMultiplication() throws {
    let names = try ops { g in g.output("y", matmul(g.input("a", [5, 1]), g.input("b", [1, 7]))) }
    #expect(names == ["broadcast", "broadcast", "multiply"])
  }

  @Test func equalNodesMerge() throws {
    let names = try ops { g in
      let x = g.input("x", [3])
      g.output("y", exp(x) * sin(exp(x)))
    }
    #expect(names == ["exp", "sin", "multiply"])
  }

  @Test func aProductWithOneUserIsFused() throws {
    #expect(
      try ops { g in g.output("y", g.input("a", [3]) * g.input("b", [3]) + g.input("c", [3])) } == ["fma"])
    let shared = try ops { g in
      let product = g.input("a", [3]) * g.input("b", [3])
      g.output("y", product + g.input("c", [3]))
      g.output("z", product)
    }
    #expect(shared == ["multiply", "add"])
  }

  @Test func separateAxesAreReducedOneGroupAfterTheOther() throws {
    let graph = try Graph { g in g.output("y", g.input("x", [3, 5, 7]).sum(along: 0, 2)) }.optimised()
    let sums = graph.nodes.compactMap { $0.op as? Sum }
    #expect(sums.map(\.axes) == [[2], [0]])
    #expect(sums.map(\.order) == [.lanes(8), .chain])
  }

  @Test func mistakesAreThrownTogetherWithTheirLines() {
    let graph = Graph { g in
      let x = g.input("x", [32, 784])
      let y = matmul(x, g.input("w", [512, 10]))  // line A
      g.output("a", y + g.input("b", [10]))  // right, for the product would have been [32, 10]
      let z = x.sum(along: 5)  // line B
      g.output("c", z + g.input("d", [7]))  // nobody knows what z would have been: silent
    }
    do {
      _ = try graph.optimised()
      Issue.record("the mistakes went unnoticed")
    } catch let error as GraphError {
      #expect(error.diagnostics.count == 2)
      let text = error.description
      #expect(text.contains("matmul needs equal inner dimensions: [32, 784] × [512, 10] (784 ≠ 512)"))
      #expect(text.contains("axis 5, which a tensor of shape [32, 784] doesn't have"))
      #expect(text.contains("PipelineTests.swift:"))
    } catch {
      Issue.record("another error: \(error)")
    }
  }
}
