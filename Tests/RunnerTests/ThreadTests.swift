import Cinch
import Testing

@testable import CinchRunner

/// How many threads run a step, and what each of them runs.
@Suite struct ThreadTests {
  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch { return "\(error)" }
  }

  private let graph = Graph { g in g.output("y", tanh(g.input("x", [4, 4]))) }

  @Test(arguments: ["0", "-1", "10000", "1025", "two", "1.5", " ", "99999999999999999999"])
  func aVariableThatIsNoCountIsAnErrorThatNamesIt(text: String) {
    #expect(
      message { _ = try ProgramOptions.parse { $0 == "CINCH_THREADS" ? text : nil } }
        == "error: the environment variable CINCH_THREADS is '\(text)'; it must be a number from 1 to 1024")
  }

  /// As shells write `CINCH_THREADS= program`.
  @Test func emptyVariablesAreNone() throws {
    #expect(try ProgramOptions.parse { _ in "" } == ProgramOptions.parse { _ in nil })
  }

  @Test func variablesThatMeanNothingArePointedOut() {
    #expect(
      EnvironmentNames.warnings(["CINCH_TREADS", "CINCH_THREADS", "PATH", "CINCH_BLESS", "CINCH_DUMPS"]) == [
        "warning: the environment variable CINCH_DUMPS means nothing to Cinch; did you mean CINCH_DUMP?",
        "warning: the environment variable CINCH_TREADS means nothing to Cinch; did you mean CINCH_THREADS?",
      ])
    let far = EnvironmentNames.warnings(["CINCH_WHATEVER_ELSE"])
    #expect(far.count == 1 && far[0].contains("; there are CINCH_ENGINE, CINCH_THREADS, "), "\(far)")
    #expect(EnvironmentNames.distance("", "abc") == 3 && EnvironmentNames.distance("kitten", "sitting") == 3)
  }

  @Test func theVariableAndTheOptionSetTheCount() throws {
    #expect(try ProgramOptions.parse { $0 == "CINCH_THREADS" ? "3" : nil }.workers == 3)
    #expect(try ProgramOptions.parse { _ in nil }.workers == 1)
    #expect(try graph.compile(workers: 3).options.workers == 3)
  }

  @Test func switchesAndPassesThatAreNoneAreErrorsThatNameThem() {
    func parse(_ name: String, _ text: String) -> String {
      message { _ = try ProgramOptions.parse { $0 == name ? text : nil } }
    }
    #expect(parse("CINCH_TEST", "yes") == "error: the environment variable CINCH_TEST is 'yes'; it must be 1 or 0")
    #expect(parse("CINCH_PROFILE", "true") == "error: the environment variable CINCH_PROFILE is 'true'; it must be 1 or 0")
    #expect(
      parse("CINCH_SKIP", "fma,magic").hasPrefix("error: the environment variable CINCH_SKIP is 'magic'; it must be some of "))
    for (name, text) in [("CINCH_TEST", "0"), ("CINCH_TEST", "1"), ("CINCH_SKIP", "fma,sweep"), ("CINCH_SKIP", "")] {
      #expect(parse(name, text) == "no error")
    }
  }

  /// Whoever reads while steps run sees the values before a step or after it.
  @Test func readersSeeWholeSteps() async throws {
    let graph = Graph { g in
      let x = g.parameter("x", [1 << 15], .zeros)
      g.update(x, to: x + 1)
    }
    let program = try graph.compile()
    let state = try ModelState(program.step.stateLayout)
    let steps = Task {
      for _ in 0..<400 { try program.step(state) }
    }
    var isWhole = true
    for _ in 0..<100 {
      let values = try state.value(of: "x").floats
      isWhole = isWhole && values.allSatisfy { $0 == values[0] }
    }
    try await steps.value
    #expect(isWhole)
    #expect(try state.value(of: "x").floats[0] == 400)
  }

  @Test(arguments: [0, -1, 10_000]) func anOptionThatIsNoCountIsAnErrorThatNamesIt(count: Int) {
    let expected =
      "error: 'workers' is \(count): a program cannot run on \(count) workers, the count must be between 1 and 1024"
    #expect(message { _ = try graph.compile(workers: count) } == expected)
    #expect(message { _ = try graph.compile(ProgramOptions(engine: .interpreter, workers: count)) } == expected)
    #expect(
      message { _ = try Trainer(Linear(2, 1), loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.1), workers: count) }
        == expected)
  }

  private func loops(_ graph: Graph) throws -> LoopProgram {
    try graph.compile(ProgramOptions(workers: 3)).step.loops
  }

  @Test func smallKernelsStayOnOneWorker() throws {
    let small = try loops(Graph { g in g.output("y", softmax(tanh(g.input("x", [8, 8])))) })
    #expect(!small.kernels.isEmpty && small.kernels.allSatisfy { !$0.isParallel })
    // Nobody waits for anybody, but at the end of the step.
    #expect(!small.schedule.contains(.barrier))
    let large = try loops(Graph { g in g.output("y", softmax(tanh(g.input("x", [512, 512])))) })
    #expect(large.kernels.contains { $0.isParallel })
  }

  /// What would pay for itself alone, but is the only such kernel of a short step.
  @Test func shortStepsStayOnOneWorker() throws {
    func tanhs(_ rows: Int) throws -> Program {
      try Graph { g in g.output("y", tanh(g.input("x", [rows, 128]))) }.compile(ProgramOptions(workers: 3))
    }
    let (short, long) = try (tanhs(256), tanhs(2560))
    #expect(short.step.loops.kernels.allSatisfy { !$0.isParallel } && short.step.workerCount(of: 3) == 1)
    #expect(long.step.loops.kernels.allSatisfy { $0.isParallel } && long.step.workerCount(of: 3) == 3)
    // A loop that repeats short iterations is long.
    let repeated = try Graph { g in
      let (last, all) = scan(over: g.input("x", [100, 256, 128]), initial: g.input("h", [256, 128])) { slice, h in
        let next = tanh(slice + h)
        return (carried: next, output: next)
      }
      g.output("last", last)
      g.output("all", all)
    }.compile(ProgramOptions(workers: 3))
    #expect(repeated.step.workerCount(of: 3) == 3)
  }

  @Test func workersWaitOnlyBetweenKernelsThatDependOnEachOther() throws {
    // Different shapes, so that fusion leaves them apart.
    let independent = try loops(
      Graph { g in
        g.output("y", tanh(g.input("x", [512, 512])))
        g.output("v", exp(g.input("u", [300, 700])))
      })
    #expect(independent.kernels.count == 2 && independent.kernels.allSatisfy { $0.isParallel })
    #expect(independent.schedule == [.run(0), .run(1)])

    let dependent = try loops(
      Graph { g in
        let x = tanh(g.input("x", [256, 256]))
        g.output("x2", x)
        g.output("y", matmul(x, x))
      })
    #expect(dependent.kernels.filter(\.isParallel).count == 2)
    #expect(dependent.schedule == [.run(0), .barrier, .run(1)])
  }

  /// Two programs on as many threads share them; those of other programs sleep meanwhile.
  @Test func programsOfOneCountShareTheirThreads() throws {
    #expect(try WorkerPools.pool(2) === WorkerPools.pool(2))
    #expect(try WorkerPools.pool(2) !== WorkerPools.pool(3))
  }
}
