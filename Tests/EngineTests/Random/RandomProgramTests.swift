import Cinch
import Foundation
import TestSupport
import Testing

/// Random programs with their gradients: all engines give the interpreter's bits, with 1 and with 3 workers, and the interpreter of
/// the optimised graph is where the Float64 meaning of the graph as built is.
///
/// `CINCH_RANDOM_PROGRAMS` and `CINCH_RANDOM_SEED` say how many programs, and from which seed on.
@Suite struct RandomProgramTests {
  @Test func everyEngineGivesTheSameBits() async {
    let options = RandomSuiteOptions.environment
    // Fewer programs than usual are asked for to look at some of them, by every engine.
    let isWhole = options.programCount >= 500
    let batches = options.batches(of: 20).enumerated().map { number, seeds in
      RandomBatch(seeds: seeds, number: number, takesTurns: isWhole)
    }
    var coverage = ProgramCoverage()
    var failures: [RandomFailure] = []
    await withTaskGroup(of: (coverage: ProgramCoverage, failures: [RandomFailure]).self) { group in
      var waiting = batches[...]
      for _ in 0..<ProcessInfo.processInfo.activeProcessorCount {
        if let batch = waiting.popFirst() { group.addTask { batch.run() } }
      }
      while let result = await group.next() {
        coverage.merge(result.coverage)
        failures += result.failures
        if let batch = waiting.popFirst() { group.addTask { batch.run() } }
      }
    }
    print(coverage.report)
    // Shrinking takes its time; what fails behind the first programs often has the same cause.
    var shrunken: Set<UInt64> = []
    for failure in failures.sorted(by: { $0.program.seed < $1.program.seed }) {
      let isShrunk = shrunken.count < 6 && shrunken.insert(failure.program.seed).inserted
      Issue.record("\(isShrunk ? failure.shrunk() : failure.description)")
    }
    if isWhole { #expect(coverage.shortcomings == []) }
  }
}
