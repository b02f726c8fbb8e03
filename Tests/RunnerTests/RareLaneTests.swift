import Cinch
import CinchCodegen
import Testing

/// What only rare lanes need is skipped, and computed where one lane needs it; all engines agree on the bits.
@Suite struct RareLaneTests {
  private static let engines = ["tinycc-avx512", "tinycc-avx2", "tinycc-scalar"].compactMap(Engine.init(name:)).filter {
    if case .tinycc(let set) = $0 { Target.current(set).isSupported } else { false }
  }

  /// No lane is huge, one is in some vectors, all are.
  private static let inputs: [[Float]] = [0, 37, 5, 1].map { distance in
    (0..<203).map { index in
      let moderate = Float(index - 100) * 0.37
      return distance > 0 && index % distance == 0 ? moderate * 0x1p80 + 0x1p20 : moderate
    }
  }

  private func check(_ graph: Graph) throws -> [Program] {
    let expected = try Self.inputs.map { try graph.compile(ProgramOptions(engine: .interpreter)).run(["x": HostTensor($0)]) }
    return try Self.engines.map { engine in
      let program = try graph.compile(ProgramOptions(engine: engine, isTesting: true))
      for (input, expected) in zip(Self.inputs, expected) {
        let found = try program.run(["x": HostTensor(input)])
        for (name, value) in expected { #expect(found[name] == value, "\(name) by \(engine)") }
      }
      return program
    }
  }

  @Test func anglesOfEverySize() throws {
    let programs = try check(
      Graph { g in
        let x = g.input("x", [203])
        g.output("sin", sin(x))
        g.output("cos", cos(x) * x)
      })
    for program in programs where program.step.target.vectorSet != .scalar {
      #expect(program.source.contains("kortestw") || program.source.contains("vptest"), "nothing is skipped by \(program.engine)")
    }
  }

  /// One after the other, and of one another; in loops over rows, with sums that loops carry; chosen by other conditions.
  @Test func anglesOfAnglesInLoops() throws {
    _ = try check(
      Graph { g in
        let x = g.input("x", [203])
        let scale = sin(cos(x) * 3e6)
        g.output("nested", sin(scale * 1e7) + sin(x * 2) * cos(x))
        g.output("chosen", select(x .> 0, sin(x), tanh(x)) + select(x .< 1, x, cos(x)))
        let table = x.reshaped(to: [203, 1]) * g.iota([5]).cast(to: .float32)
        g.output("columns", sin(table).sum(along: 0))
        g.output("rows", cos(table).sum(along: 1))
        g.output("product", matmul(sin(table.transposedMatrix()), cos(table)))
        g.output("gradient", Cinch.gradients(of: sin(x * x).sum(), withRespectTo: [x])[0])
      })
  }
}
