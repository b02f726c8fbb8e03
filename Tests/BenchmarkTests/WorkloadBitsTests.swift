import BenchmarkWorkloads
import Cinch
import CinchRunner
import Foundation
import Testing

/// The benchmark's training steps give the same bits by every engine and any number of workers.
@Suite struct WorkloadBitsTests {
  /// Everything that some steps leave behind: each loss, then each variable.
  private func results(
    _ workload: Workload, steps: Int, _ engine: Engine, workers: Int, isTesting: Bool
  ) throws -> [ElementArray] {
    let options = ProgramOptions(engine: engine, workers: workers, isTesting: isTesting, usesCache: false)
    let program = try workload.graph().compile(options)
    let state = try ModelState(program.step.stateLayout, isTesting: isTesting)
    let data = workload.data()
    for (name, value) in data.parameters { try state.setValue(of: name, to: value) }
    for (name, value) in data.inputs { try program.setInput(name, to: value) }
    let losses = try (0..<steps).map { _ in try program.step(state, output: "loss").elements }
    return losses + (try state.names.map { try state.value(of: $0).elements })
  }

  private static let (avx512, avx2, scalar) = (Target.VectorSet.avx512, Target.VectorSet.avx2, Target.VectorSet.scalar)

  /// What this machine can run, with the numbers of workers to try.
  private static func engines(_ sets: [Target.VectorSet], _ workers: [Int], compilers: [Int]) -> [(Engine, Int)] {
    sets.filter { Target.current($0).isSupported }.flatMap { set in workers.map { (.tinycc(set), $0) } }
      + SystemCompiler.installed.flatMap { compiler in compilers.map { (.systemCompiler(compiler.executable), $0) } }
  }

  private func compare(
    _ workload: Workload, steps: Int, _ engines: [(Engine, Int)], with reference: Engine, isTesting: Bool
  ) throws {
    let expected = try results(workload, steps: steps, reference, workers: 1, isTesting: isTesting)
    // Training has changed something, and broken nothing.
    #expect(expected[0].floats?.allSatisfy(\.isFinite) == true && !expected[0].bitsEqual(to: expected[1]))
    for (engine, workers) in engines {
      let found = try results(workload, steps: steps, engine, workers: workers, isTesting: isTesting)
      #expect(found.count == expected.count)
      let equal = zip(found, expected).map { $0.bitsEqual(to: $1) }
      #expect(
        equal.allSatisfy { $0 },
        "\(workload.name) by \(engine) with \(workers) workers: result \(equal.firstIndex(of: false) ?? -1)")
    }
  }

  @Test(arguments: Workload.shrunk.map(\.name)) func smallAndOdd(_ name: String) throws {
    let workload = try #require(Workload.shrunk.first { $0.name == name })
    let engines = Self.engines([Self.avx512, Self.avx2, Self.scalar], [1, 2, 3, 4], compilers: [3])
    try compare(workload, steps: 2, engines, with: .interpreter, isTesting: true)
  }

  @Test(.serialized, arguments: Workload.all.map(\.name)) func wholeSize(_ name: String) throws {
    let workload = try #require(Workload.named(name))
    let engines = Self.engines([Self.avx512, Self.avx2], [1, 2, 3, 4], compilers: [])
    try compare(workload, steps: 2, Array(engines.dropFirst()), with: engines.first?.0 ?? .tinycc(.scalar), isTesting: false)
  }

  /// Takes many minutes: `CINCH_ALL_ENGINES=1 scripts/test --filter wholeSizeByTheSlowEngines`.
  @Test(
    .serialized, .enabled(if: ProcessInfo.processInfo.environment["CINCH_ALL_ENGINES"] == "1"),
    arguments: Workload.all.map(\.name))
  func wholeSizeByTheSlowEngines(_ name: String) throws {
    let workload = try #require(Workload.named(name))
    let engines = Self.engines([Self.scalar], [1], compilers: [1]) + [(.interpreter, 1)]
    try compare(workload, steps: 1, engines, with: .tinycc(nil), isTesting: false)
  }
}
