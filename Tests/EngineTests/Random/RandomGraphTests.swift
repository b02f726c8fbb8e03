import Cinch
import TestSupport
import Testing

/// Small random graphs of pieces, reductions and views compile, whatever they are, and give the interpreter's bits.
///
/// `CINCH_RANDOM_GRAPHS` and `CINCH_RANDOM_SEED` say how many graphs, and from which seed on.
@Suite struct RandomGraphTests {
  @Test func graphsOfPiecesCompile() {
    let options = RandomSuiteOptions.graphs
    let engines = TestedEngine.available.filter { $0.rawValue.hasPrefix("tinycc") }
    var shrunken = 0
    for seed in options.firstSeed..<options.firstSeed + UInt64(options.programCount) {
      let program = RandomProgram(piecesOf: seed)
      let engine = engines[Int(seed % UInt64(engines.count))]
      for finder in [RandomFailure.Finder.graph, .engine(engine, optimised: false)] {
        guard let words = RandomFailure.words(of: finder, on: program) else { continue }
        let failure = RandomFailure(program, finder, words)
        shrunken += 1
        Issue.record("\(shrunken <= 3 ? failure.shrunk(attempts: 500) : failure.description)")
        break
      }
    }
  }
}
