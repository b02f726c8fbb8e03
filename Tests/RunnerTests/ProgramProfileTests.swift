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

  /// What is slow for want of vector code is not left to be guessed.
  @Test func plainCHasItsReason() throws {
    let graph = Graph { g in
      let labels = g.input("labels", [8], type: .int32)
      g.output("y", oneHot(labels, depth: 5).sum(along: 0))
    }
    for (name, isTold) in [("tinycc-avx2", true), ("gcc", false)] {
      let engine = try #require(Engine(name: name))
      if case .tinycc(let set) = engine, !Target.current(set).isSupported { continue }
      let program = try graph.compile(ProgramOptions(engine: engine, isProfiling: true))
      _ = try program(labels: HostTensor([0, 1, 2, 3, 4, 0, 1, 2] as [Int32]))
      let profile = try #require(program.profile)
      #expect(profile.kernels.contains { $0.limitation != nil } == isTold)
      #expect(profile.kernels.contains { $0.limitation == nil })
      #expect(profile.description.contains("plain C: run-time checks stay plain C") == isTold)
    }
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
