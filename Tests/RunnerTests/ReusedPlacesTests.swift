import Cinch
import Testing

/// A result may lie where something lay that its own kernel is done with at that point.
@Suite struct ReusedPlacesTests {
  private let x = HostTensor.randomNormal([37, 130], seed: 3)

  /// The places in scratch as large as x, once all engines have given the interpreter's bits.
  private func places(_ build: @escaping @Sendable (GraphBuilder, Tensor) -> Void) throws -> Int {
    let graph = Graph { g in build(g, g.input("x", [37, 130])) }
    let expected = try graph.compile(ProgramOptions(engine: .interpreter)).run(["x": x])
    let engines = ["tinycc-avx512", "tinycc-avx2", "tinycc-scalar", "gcc"].compactMap(Engine.init(name:))
    for engine in engines {
      if case .tinycc(let set) = engine, !Target.current(set).isSupported { continue }
      for workers in [1, 3] {
        let program = try graph.compile(ProgramOptions(engine: engine, workers: workers, isTesting: true))
        #expect(try program.run(["x": x]) == expected, "\(engine) with \(workers) workers")
      }
    }
    return try graph.compile(workers: 1).step.memory.places.count { $0.byteCount == 37 * 130 * 4 }
  }

  /// The exponentials lie where the quotients will.
  @Test func ofAnEarlierStage() throws {
    #expect(try places { g, x in g.output("y", softmax(x)) } == 1)
  }

  @Test func butNotOfAnOutput() throws {
    let count = try places { g, x in
      let exponentials = exp(x - x.max(along: 1, keepingAxes: true))
      g.output("exponentials", exponentials)
      g.output("y", exponentials / exponentials.sum(along: 1, keepingAxes: true))
    }
    #expect(count == 2)
  }

  @Test func butNotOfWhatAnotherKernelReads() throws {
    let count = try places { g, x in
      let exponentials = exp(x - x.max(along: 1, keepingAxes: true))
      g.output("y", exponentials / exponentials.sum(along: 1, keepingAxes: true))
      g.output("columns", exponentials.sum(along: 0))
    }
    #expect(count == 2)
  }
}
