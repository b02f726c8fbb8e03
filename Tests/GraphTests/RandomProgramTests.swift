import Cinch
import Testing
import TestSupport

@Test func randomProgramsAreRightAndCoverEveryOp() throws {
  var generator = ProgramGenerator()
  for seed in 0..<500 as Range<UInt64> {
    let program = generator.next(seed: seed)
    #expect(program.graph.diagnostics.isEmpty, "seed \(seed): \(program.graph.diagnostics)")
    let optimised = try program.graph.optimised()
    #expect(!optimised.nodes.isEmpty)
  }
  print(generator.report)
}
