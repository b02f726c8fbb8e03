import Cinch
import TestSupport
import Testing

@testable import CinchCodegen
@testable import CinchRunner

/// Planted faults in random programs are shrunk to a few nodes, whose text parses back to a program that fails.
@Suite struct ShrinkingTests {
  /// An engine whose differences have their operands swapped.
  private static func hasSwappedDifference(_ program: RandomProgram) -> Bool {
    do {
      let tested = try TestedProgram("shrinking", program)
      var lowered = try LoweredProgram(tested, Target(vectorSet: .scalar))
      var loops = lowered.step.loops
      let isChanged = loops.patch { statement in
        guard case .define(let value, .apply(.subtract, let operands)) = statement, operands[0] != operands[1] else { return nil }
        return .define(value, .apply(.subtract, operands.reversed()))
      }
      guard isChanged else { return false }
      let step = lowered.step
      lowered.step = CompiledStep(
        graph: step.graph, kernels: step.kernels, loops: loops, memory: step.memory, inputs: step.inputs, outputs: step.outputs,
        constants: step.constants, stateLayout: step.stateLayout, target: step.target)
      let code = try TinyCCompiler.compile(CPrinter().print(loops))
      return tested.difference(of: try lowered.run(tested, code, workers: 1)) != nil
    } catch {
      return false
    }
  }

  /// A rule that takes the sine for the hyperbolic tangent: the bits are equal everywhere, and wrong.
  private static func hasWrongRule(_ program: RandomProgram) -> Bool {
    var wrong = program
    for index in wrong.step.nodes.indices where wrong.step.nodes[index].op is TanhOp { wrong.step.nodes[index].op = Sine() }
    do {
      let exact = try TestedProgram("right", program).independentMeaning()
      return RealBound(try TestedProgram("wrong", wrong).expected, exact: exact).furthest.ratio > 1
    } catch {
      return false
    }
  }

  private func expectShrunk(
    _ seeds: Range<UInt64>, to nodeCount: Int, _ isFailing: (RandomProgram) -> Bool
  ) throws {
    let programs = seeds.map { RandomProgram(seed: $0) }.filter { isFailing($0) }.prefix(3)
    #expect(programs.count == 3)
    for program in programs {
      let small = ProgramShrinker.shrunk(program, while: isFailing)
      #expect(isFailing(small), "seed \(program.seed)")
      #expect(small.step.nodes.count <= nodeCount, "seed \(program.seed):\n\(small.listing)")
      let text = small.step.description
      // The text alone, with the numbers, is the case.
      var parsed = small
      parsed.step = try Graph(parsing: text)
      #expect(parsed.step.description == text)
      #expect(isFailing(parsed), "\(text)")
      #expect(small.listing.hasPrefix(text))
    }
  }

  @Test func faultOfAnEngine() throws {
    try expectShrunk(0..<20, to: 4, Self.hasSwappedDifference)
  }

  @Test func wrongRule() throws {
    try expectShrunk(0..<20, to: 2, Self.hasWrongRule)
  }

  /// Nothing is tried on a program once the attempts are used up.
  @Test func attemptsAreBounded() {
    var count = 0
    let program = RandomProgram(seed: 1)
    let same = ProgramShrinker.shrunk(program, attempts: 7) { _ in
      count += 1
      return false
    }
    #expect(count == 7 && same.step.description == program.step.description)
  }
}
