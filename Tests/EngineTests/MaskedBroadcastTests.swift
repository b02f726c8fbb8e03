import Cinch
import TestSupport
import Testing

/// One element for some of a vector's lanes, the fill for the others: which lanes is known, or depends on the loop.
@Suite struct MaskedBroadcastTests {
  @Test(arguments: TestedEngine.available) func lanesOutsideGetTheFill(_ engine: TestedEngine) throws {
    let graph = Graph { g in
      let x = g.input("x", [22, 1])
      let bits = g.input("bits", [22, 1], type: .bool)
      for (number, fill) in [0, 1.5 as Float].enumerated() {
        // Columns of padding around one.
        g.output("after\(number)", x.padded(low: [0, 0], high: [0, 2], with: fill))
        g.output("before\(number)", x.padded(low: [0, 2], high: [0, 0], with: fill))
        g.output("around\(number)", x.padded(low: [1, 9], high: [2, 20], with: fill))
        // A condition that isn't known: the column's place depends on the row.
        let wide = x.broadcast(to: [22, 5]).padded(low: [0, 3], high: [0, 12], with: fill)
        g.output("wide\(number)", wide)
        g.output("diagonal\(number)", wide.reshaped(to: [20, 22]).padded(low: [2, 1], high: [0, 3], with: fill))
      }
      g.output("bits", select(bits.broadcast(to: [22, 3]), g.constant(2), g.constant(3)))
    }
    let inputs: [String: ElementArray] = [
      "x": .float32((0..<22).map { Float($0) + 0.5 }), "bits": .bool((0..<22).map { $0 % 3 == 0 }),
    ]
    let tested = try TestedProgram("padding", RandomProgram(seed: 0, graph: graph, inputs: inputs, state: [:]))
    #expect(engine.failures(of: [tested]) == [:])
  }

  /// Windows that overlap leave gaps; taps come from rows that a condition picks.
  @Test(arguments: TestedEngine.available) func gapsBetweenWindowsAreZero(_ engine: TestedEngine) throws {
    let graph = try Graph(
      parsing: """
        graph "windows" {
          %0 = input(name: "x", type: f32, shape: [1, 22]) : f32[1, 22]
          %1 = broadcast(%0, shape: [2, 22]) : f32[2, 22]
          %2 = overlap_add(%1, window: [2], extents: [22], offsets: [0], strides: [3], dilations: [1], axes: [65]) : f32[65]
          output "y" = %2
        }

        """)
    let tested = try TestedProgram(
      "windows", RandomProgram(seed: 0, graph: graph, inputs: ["x": .float32((0..<22).map { Float($0 + 1) })], state: [:]))
    #expect(engine.failures(of: [tested]) == [:])
  }
}
