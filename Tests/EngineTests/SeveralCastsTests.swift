import Cinch
import TestSupport
import Testing

/// One value as several element types in one kernel: each is the conversion that was asked for.
@Suite struct SeveralCastsTests {
  private static func values(of type: ElementType) -> ElementArray {
    let numbers = (0..<19).map { [0, 1, -0.0, 2.75, -3.5, 7, -0.25][$0 % 7] + Double($0 / 7) }
    return switch type {
    case .float32: .float32(numbers.map { Float($0) })
    case .float64: .float64(numbers)
    case .int32: .int32(numbers.map { Int32($0) })
    case .bool: .bool(numbers.map { $0 != 0 })
    }
  }

  /// A source cast to two types, both stored and both in a sum; named by the three types.
  private static func program(_ source: ElementType, _ first: ElementType, _ second: ElementType) throws -> TestedProgram {
    let graph = Graph { g in
      let x = g.input("x", [19], type: source)
      let (a, b) = (x.cast(to: first), x.cast(to: second))
      g.output("a", a)
      g.output("b", b)
      g.output("sum", a.cast(to: .float32) + b.cast(to: .float32) * 0.5)
    }
    let program = RandomProgram(seed: 0, graph: graph, inputs: ["x": values(of: source)], state: [:])
    return try TestedProgram("\(source) to \(first) and \(second)", program)
  }

  @Test(arguments: TestedEngine.available) func eachCastHasItsOwnType(_ engine: TestedEngine) throws {
    var programs: [TestedProgram] = []
    for source in ElementType.allCases {
      for first in ElementType.allCases {
        for second in ElementType.allCases where second != first {
          programs.append(try Self.program(source, first, second))
        }
      }
    }
    let failures = engine.failures(of: programs, optimised: false)
    #expect(failures.map { "\(programs[$0.key].name): \($0.value)" } == [])
  }

  /// Counting tokens: a mask through Bool beside the numbers themselves.
  @Test(arguments: TestedEngine.available) func masksBesideNumbers(_ engine: TestedEngine) throws {
    let graph = Graph { g in
      let ids = g.input("ids", [2, 4], type: .int32)
      g.output("count", ids.cast(to: .bool).cast(to: .float32).sum(along: 1))
      g.output("total", ids.cast(to: .float32).sum(along: 1))
    }
    let inputs = ["ids": ElementArray.int32([5, 3, 0, 0, 7, 0, 0, 0])]
    let tested = try TestedProgram("tokens", RandomProgram(seed: 0, graph: graph, inputs: inputs, state: [:]))
    #expect(tested.expected["count"]?.floats == [2, 1])
    #expect(engine.failures(of: [tested], optimised: false) == [:])
  }
}
