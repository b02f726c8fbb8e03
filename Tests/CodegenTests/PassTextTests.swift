import CinchGraph
import Testing

@testable import CinchCodegen

/// Each pass as texts: what it is given, and what it makes of that.
@Suite struct PassTextTests {
  struct Case: Sendable, CustomStringConvertible {
    let pass: String
    let what: String
    let before: String
    let after: String
    var description: String { "\(pass): \(what)" }
    init(_ pass: String, _ what: String, _ before: String, _ after: String) {
      (self.pass, self.what, self.before, self.after) = (pass, what, before, after)
    }
  }

  @Test(arguments: cases)
  func becomes(_ test: Case) throws {
    let pass = try #require(Pass.pipeline.first { $0.name == test.pass })
    let result = try pass(Graph(parsing: "graph \"g\" {\n\(test.before)\n}"))
    #expect(result.violations() == [])
    // Written by hand, `after` may leave out types; both are printed in one form.
    let expected = try Graph(parsing: "graph \"g\" {\n\(test.after)\n}")
    let difference = result.description == expected.description ? "" : "\n\(result)"
    #expect(difference.isEmpty)
  }

  @Test func everyPassHasACase() {
    let tried = Set(Self.cases.map(\.pass))
    #expect(Pass.pipeline.map(\.name).filter { !tried.contains($0) } == [])
  }

  /// A graph that a pass has dealt with is left alone by it.
  @Test(arguments: cases)
  func isDoneAtOnce(_ test: Case) throws {
    let pass = try #require(Pass.pipeline.first { $0.name == test.pass })
    var graph = try Graph(parsing: "graph \"g\" {\n\(test.before)\n}")
    // What a rewriting has unhooked is dead; the next pass removes it.
    for _ in 0..<3 { graph = try pass(graph).withoutDeadNodes() }
    #expect(try pass(graph).withoutDeadNodes().description == graph.description)
  }

  static let cases: [Case] = PassTexts.all
}
