import Cinch
import TestSupport

@testable import CinchCodegen

/// Programs of some seeds in a row, through everything.
struct RandomBatch: Sendable {
  let seeds: Range<UInt64>
  /// Whether gcc and clang optimise. It changes no bit of what they make, but takes several times as long.
  let isOptimised: Bool
  let engines: [TestedEngine]

  /// - Parameter number: Its place among the batches. Starting gcc and clang takes most of a batch's time, and both compile
  ///   the same C: where there are many batches, each compiler gets every other one.
  init(seeds: Range<UInt64>, number: Int, takesTurns: Bool) {
    self.seeds = seeds
    isOptimised = number % 25 < 2
    let compilers = TestedEngine.available.filter(\.isSystemCompiler)
    let resting = takesTurns && compilers.count == 2 ? compilers[number % 2] : nil
    engines = TestedEngine.available.filter { $0 != resting }
  }

  /// What the programs contain, and what is wrong with them.
  func run() -> (coverage: ProgramCoverage, failures: [RandomFailure]) {
    var coverage = ProgramCoverage()
    var failures: [RandomFailure] = []
    var tested: [TestedProgram] = []
    for seed in seeds {
      let program = RandomProgram(seed: seed)
      coverage.record(program)
      do {
        let runnable = try TestedProgram("seed \(seed)", program)
        tested.append(runnable)
        // A plan that can't be made is for the engines to tell.
        let copies = (try? StepPlan(runnable.optimised))?.copies.count ?? 0
        coverage.record(
          outputs: program.step.outputs.compactMap { runnable.expected[$0.name] },
          inPlaceUpdates: program.step.updates.count - copies, copiedUpdates: copies)
        if let words = RandomFailure.meaning(of: runnable) {
          failures.append(RandomFailure(program, .meaning, words))
        }
      } catch {
        failures.append(RandomFailure(program, .graph, "\(error)"))
      }
    }
    for engine in engines {
      for (position, words) in engine.failures(of: tested, optimised: isOptimised).sorted(by: { $0.key < $1.key }) {
        failures.append(RandomFailure(tested[position].program, .engine(engine, optimised: isOptimised), words))
      }
    }
    return (coverage, failures)
  }
}
