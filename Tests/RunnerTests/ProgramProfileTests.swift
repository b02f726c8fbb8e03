import Cinch
import Testing

@testable import CinchRunner

@Suite struct ProgramProfileTests {
  private let graph = Graph("profiled") { g in
    let (x, w) = (g.input("x", [192, 192]), g.parameter("w", [192, 192], .xavierNormal))
    g.output("loss", tanh(matmul(x, w)).sum())
  }

  @Test(arguments: ["tinycc", "gcc"], [1, 3]) func eachKernelHasItsTimeAndWork(_ engine: String, _ workers: Int) throws {
    let engine = try #require(Engine(name: engine))
    let program = try graph.compile(ProgramOptions(engine: engine, workers: workers, isProfiling: true))
    let plain = try graph.compile(ProgramOptions(engine: engine, workers: workers))
    let x = HostTensor.randomNormal([192, 192], seed: 1)
    let start = ContinuousClock.now
    for _ in 0..<50 { #expect(try program(x: x) == plain(x: x)) }
    let elapsed = ContinuousClock.now - start

    let profile = try #require(program.profile)
    #expect(profile.stepCount == 50)
    #expect(profile.workers == workers)
    #expect(profile.kernels.map(\.name) == program.step.loops.kernels.map(\.name))
    #expect(profile.kernels.allSatisfy { $0.time > .zero && $0.runsPerStep == 1 })
    #expect(profile.kernels.reduce(0) { $0 + $1.flopCount } >= 2 * 192 * 192 * 192)
    #expect(profile.kernels.reduce(0) { $0 + $1.byteCount } >= 2 * 4 * 192 * 192)
    #expect(profile.total * 50 < elapsed)
    if Target.current().vectorSet != .scalar {
      // How large it is says nothing while other tests run.
      #expect(profile.kernels.allSatisfy { ($0.fractionOfLimit ?? 0) > 0 })
      #expect(profile.description.contains("of limit") && profile.description.contains("%  k0"))
    }
    #expect(profile.description.contains("50 steps") && profile.description.contains("ProgramProfileTests.swift:"))
  }

  /// Nothing is measured, and the C has no clock in it, unless that is asked for.
  @Test func othersHaveNone() throws {
    let program = try graph.compile(ProgramOptions())
    #expect(program.profile == nil)
    #expect(!program.source.contains("rdtsc") && !program.c.contains("rdtsc"))
  }

  @Test func theEnvironmentAsksForIt() throws {
    #expect(try ProgramOptions.parse { $0 == "CINCH_PROFILE" ? "1" : nil }.isProfiling)
    #expect(try !ProgramOptions.parse { _ in nil }.isProfiling)
  }
}
