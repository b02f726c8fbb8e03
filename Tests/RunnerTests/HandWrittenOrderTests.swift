import Cinch
import Testing

/// Orders of accumulation that a text sets, over axes that are no neighbours: as the interpreter adds them up.
@Suite struct HandWrittenOrderTests {
  @Test(arguments: ["chain", "chain(chunk: 4)", "chain(chunk: 2, 5, 7)", "lanes(4)", "lanes(64)", "lanes(4, chunk: 8)", "lanes(2, chunk: 3, 9)"], ["sum", "max"])
  func anyOrderOverAnyAxes(order: String, reduction: String) throws {
    let graph = try Graph(
      parsing: """
        graph "by hand" {
          %0 = input(name: "x", shape: [3, 2, 5, 7], type: f32)
          %1 = \(reduction)(%0, axes: [0, 2], order: \(order))
          output "y" = %1
        }
        """)
    let x = HostTensor.randomNormal([3, 2, 5, 7], seed: 4)
    let expected = try graph.compile(ProgramOptions(engine: .interpreter)).run(["x": x])
    for engine in ["tinycc", "tinycc-scalar"].compactMap(Engine.init(name:)) {
      #expect(try graph.compile(ProgramOptions(engine: engine)).run(["x": x]) == expected, "\(engine)")
    }
  }

  /// A kernel's axes are numbered by the bits of a word: what has more of them is several kernels.
  @Test func rowsOfManyAxes() throws {
    let shape = Shape([Int](repeating: 2, count: 16))
    let graph = Graph { g in
      let x = g.input("x", shape)
      g.output("y", layerNorm(layerNorm(x, axes: 15) * x, axes: 15))
    }
    let x = HostTensor.randomNormal(shape, seed: 5)
    let expected = try graph.compile(ProgramOptions(engine: .interpreter)).run(["x": x])
    #expect(try graph.compile().run(["x": x]) == expected)
  }
}
