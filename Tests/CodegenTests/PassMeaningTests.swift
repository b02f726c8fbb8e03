import Cinch
import TestSupport
import Testing

@testable import CinchCodegen

/// Passes may change a last bit, never the meaning: in real numbers, the graph after each pass computes what was built.
@Suite struct PassMeaningTests {
  /// The outputs and the updated state in the independent meaning.
  private func meaning(_ graph: Graph, _ program: RandomProgram) throws -> [String: [Double]] {
    var state = program.state
    for variable in graph.state where state[variable.name] == nil { state[variable.name] = variable.initialValue(seed: 1) }
    let outputs = try Interpreter(graph, mode: .float64).run(inputs: program.inputs, state: &state)
    return outputs.merging(state) { output, _ in output }.mapValues(\.doubles)
  }

  /// Folded constants are Float32: within 10⁻⁵ of the largest element.
  private func firstDifference(_ found: [String: [Double]], _ expected: [String: [Double]]) -> String? {
    if found.keys.sorted() != expected.keys.sorted() { return "names \(found.keys.sorted())" }
    for (name, values) in expected {
      let other = found[name] ?? []
      let scale = values.filter(\.isFinite).map(\.magnitude).max() ?? 0
      if other.count != values.count { return "\(name) has \(other.count) elements" }
      for (index, (a, b)) in zip(other, values).enumerated() {
        let isEqual = a == b || a.isNaN && b.isNaN || (a - b).magnitude <= 1e-5 * max(scale, 1)
        if !isEqual { return "element \(index) of \(name) is \(a), was \(b)" }
      }
    }
    return nil
  }

  @Test func everyPassKeepsTheMeaning() throws {
    var changes: [String: Int] = [:]
    for seed in 2044..<2084 as Range<UInt64> {
      let program = RandomProgram(seed: seed)
      let expected = try meaning(program.graph, program)
      var graph = program.graph
      for pass in Pass.pipeline {
        let next = try pass(graph)
        guard next.description != graph.description else { continue }
        changes[pass.name, default: 0] += 1
        graph = next
        let difference = firstDifference(try meaning(graph, program), expected)
        #expect(difference == nil, "seed \(seed), pass \(pass.name)")
        if difference != nil { break }
      }
    }
    // A pass that found nothing to do has not been tried. Those that run again seldom find something.
    let seldom: Set = ["stabilise", "fold-again", "merge-again"]
    for pass in Pass.pipeline where !seldom.contains(pass.name) { #expect(changes[pass.name, default: 0] > 0, "\(pass.name)") }
  }

  /// Each pass that may be left out may be left out: the others don't rely on it for the meaning.
  @Test func passesCanBeLeftOut() throws {
    for seed in 3000..<3006 as Range<UInt64> {
      let program = RandomProgram(seed: seed)
      let expected = try meaning(program.graph, program)
      for pass in Pass.pipeline where !pass.isRequired {
        let graph = try program.graph.optimised(PipelineOptions(skippedPasses: [pass.name]))
        #expect(firstDifference(try meaning(graph, program), expected) == nil, "seed \(seed) without \(pass.name)")
      }
      let all = Set(Pass.pipeline.map(\.name))
      let graph = try program.graph.optimised(PipelineOptions(skippedPasses: all))
      #expect(firstDifference(try meaning(graph, program), expected) == nil, "seed \(seed) with required passes alone")
    }
  }
}
