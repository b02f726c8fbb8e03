import Cinch
import Testing

/// Numbers of any of Swift's types beside tensors.
@Suite struct NumberTests {
  private func values(_ make: (GraphBuilder, Tensor) -> [Tensor]) throws -> [[Float]] {
    var count = 0
    let graph = Graph { g in
      for (number, tensor) in make(g, g.input("x", [2])).enumerated() {
        g.output("y\(number)", tensor.cast(to: .float32))
        count += 1
      }
    }
    let outputs = try graph.compile(engine: .interpreter)(x: HostTensor([3, -5]))
    return (0..<count).map { outputs["y\($0)"]?.floats ?? [] }
  }

  @Test func variablesOfAnyTypeStandBesideTensors() throws {
    let (int, double, float, byte, half) = (2, 0.5, 4 as Float, 3 as UInt8, 1.5 as Float16)
    let found = try values { _, x in
      [
        x * int, int - x, x / double, double + x, float * x, x - byte, half * x, x .> int, int .> x, byte .== x, 3 .!= x,
        maximum(x, 0), maximum(int, x), minimum(x, double), power(x, 2), power(2, x), power(x, int), fma(x, 2, 1), fma(x, int, x),
        select(x .> 0, x, 0), select(x .> 0, 1, x), select(x .> 0, 1, 0), select(x .> 0, int, double), x.padded(low: [1], high: [0], with: int),
      ]
    }
    let expected: [[Float]] = [
      [6, -10], [-1, 7], [6, -10], [3.5, -4.5], [12, -20], [0, -8], [4.5, -7.5], [1, 0], [0, 1], [1, 0], [0, 1],
      [3, 0], [3, 2], [0.5, -5], [9, 25], [8, 0.03125], [9, 25], [7, -9], [9, -15],
      [3, 0], [1, -5], [1, 0], [2, 0.5], [2, 3, -5],
    ]
    #expect(found == expected)
  }

  /// A quotient of literals is no quotient of whole numbers.
  @Test func literalsAreFloats() throws {
    let found = try values { g, x in
      [1 / 2 * x, x * (1 / 4), maximum(x, 1 / 2), g.constant(1 / 2), g.constant([1, 2], [2]) / 4, g.constant([1 / 2, 3], [2])]
    }
    #expect(found == [[1.5, -2.5], [0.75, -1.25], [3, 0.5], [0.5], [0.25, 0.5], [0.5, 3]])
  }

  @Test func constantsHaveTheTypeOfTheirNumbers() throws {
    let (integers, doubles, one) = ([1, 2] as [Int], [0.25, 4], 7)
    let graph = Graph { g in
      let all = [
        g.constant([1, 2], [2]), g.constant(integers, [2]), g.constant(doubles, [2]), g.constant([1, 2] as [UInt8], [2]), g.constant(one),
        g.constant(-.infinity), g.constant([true, false], [2]),
      ]
      #expect(all.map(\.elementType) == [.float32, .int32, .float32, .int32, .int32, .float32, .bool])
      for (number, tensor) in all.enumerated() { g.output("\(number)", tensor) }
    }
    #expect(graph.diagnostics.isEmpty)
    let large = Graph { g in g.output("y", g.constant([1, 1 << 40] as [Int], [2])) }
    #expect(large.diagnostics.map(\.message) == ["a constant: number 1 of 2: 1.0995116e+12 is out of range for Int32"])
  }

  /// Whole numbers beside Int32 are exact beyond 2²⁴, and numbers beside Float64 keep its precision.
  @Test func numbersKeepThePrecisionOfTheElementType() throws {
    let graph = Graph { g in
      let i = g.input("i", [1], type: .int32), d = g.input("d", [1], type: .float64)
      g.output("i", i + 16_777_217)
      g.output("bits", (i | 0x100) & 0x101 ^ 1)
      g.output("d", d * 0.1)
    }
    let outputs = try graph.compile(engine: .interpreter)(i: HostTensor([1] as [Int32]), d: HostTensor([1.0], type: .float64))
    #expect(outputs["i"] == HostTensor([16_777_218] as [Int32]) && outputs["bits"] == HostTensor([0x100] as [Int32]))
    #expect(outputs["d"] == HostTensor([0.1], type: .float64))
  }

  /// No infinity stands for a number that Float32 doesn't hold.
  @Test func numbersBeyondFloat32AreMistakes() {
    let graph = Graph { g in
      let x = g.input("x", [2])
      for tensor in [x * 1e300, minimum(x, .greatestFiniteMagnitude), g.constant(-1e39), g.constant([1e39] as [Double], [1])] { _ = tensor }
      g.output("y", x * .infinity + 3.4e38)
    }
    #expect(
      graph.diagnostics.map(\.message) == [
        "1e+300 is out of range for Float32, the element type of f32[2]; cast(to: .float64) before",
        "1.7976931348623157e+308 is out of range for Float32, the element type of f32[2]; cast(to: .float64) before",
        "a constant: -1e+39 is out of range for Float32", "a constant: number 0 of 1: 1e+39 is out of range for Float32",
      ])
  }

  @Test func reductionsTakeArraysOfAxes() throws {
    let axes = [0, 2]
    let graph = Graph { g in
      let x = g.input("x", [2, 3, 4])
      let all = [
        x.sum(along: axes), x.mean(along: axes, keepingAxes: true), x.max(along: [1]), x.min(along: axes), x.sum(along: [Int]()), x.sum(),
      ]
      #expect(all.map(\.shape) == [[3], [1, 3, 1], [2, 4], [3], [2, 3, 4], []])
      g.output("y", all[5])
    }
    #expect(graph.diagnostics.isEmpty)
  }
}
