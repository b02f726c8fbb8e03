import Cinch
import TestSupport
import Testing

/// A result may lie where something lay that its own kernel is done with at that point.
@Suite struct ReusedPlacesTests {
  private let x = HostTensor.randomNormal([37, 130], seed: 3)

  /// The places in scratch as large as x, or as a shape, once all engines have given the interpreter's bits.
  private func places(
    _ x: HostTensor? = nil, as shape: Shape = [37, 130], _ build: @escaping @Sendable (GraphBuilder, Tensor) -> Void
  ) throws -> Int {
    let x = x ?? self.x
    let graph = Graph { g in build(g, g.input("x", x.shape)) }
    try expectEqualBits(graph, x, isTesting: true)
    return try graph.compile(workers: 1).step.memory.places.count { $0.byteCount == shape.elementCount * 4 }
  }

  /// All engines give the interpreter's bits.
  private func expectEqualBits(_ graph: Graph, _ x: HostTensor, isTesting: Bool) throws {
    let expected = try graph.compile(ProgramOptions(engine: .interpreter)).run(["x": x])
    let engines = ["tinycc-avx512", "tinycc-avx2", "tinycc-scalar", "gcc"].compactMap(Engine.init(name:))
    for engine in engines {
      if case .tinycc(let set) = engine, !Target.current(set).isSupported { continue }
      for workers in engine.worthTesting(workers: [1, 3]) {
        let program = try graph.compile(ProgramOptions(engine: engine, workers: workers, isTesting: isTesting))
        #expect(try program.run(["x": x]) == expected, "\(engine) with \(workers) workers")
      }
    }
  }

  /// The exponentials lie where the quotients will.
  @Test func ofAnEarlierStage() throws {
    #expect(try places { g, x in g.output("y", softmax(x)) } == 1)
  }

  @Test func butNotOfAnOutput() throws {
    let count = try places { g, x in
      let exponentials = exp(x - x.max(along: 1, keepingAxes: true))
      g.output("exponentials", exponentials)
      g.output("y", exponentials / exponentials.sum(along: 1, keepingAxes: true))
    }
    #expect(count == 2)
  }

  @Test func butNotOfWhatAnotherKernelReads() throws {
    let count = try places { g, x in
      let exponentials = exp(x - x.max(along: 1, keepingAxes: true))
      g.output("y", exponentials / exponentials.sum(along: 1, keepingAxes: true))
      g.output("columns", exponentials.sum(along: 0))
    }
    #expect(count == 2)
  }

  /// `hidden` is read again after the product is made of it: by a kernel that runs first, since the two are large.
  @Test func ofWhatOtherKernelsReadFirst() throws {
    let count = try places(.randomNormal([512, 4], seed: 5), as: [512, 512]) { g, x in
      let hidden = tanh(matmul(x, x.transposed(to: [1, 0])))
      let product = matmul(x * 2, x.transposed(to: [1, 0])) * hidden
      g.output("product", matmul(product, x))
      g.output("hidden", matmul(hidden.transposed(to: [1, 0]), x))
    }
    #expect(count == 1)
  }

  /// The sums before the activation, its results and the gradient; while they are small, its tanh too. What is a step from one of
  /// them, like 1 + tanh, has no place.
  @Test(arguments: [(64, 4), (512, 3)]) func ofAnActivation(_ width: Int, _ expected: Int) throws {
    let count = try places(.randomNormal([512, 4], seed: 7), as: [512, width]) { g, x in
      let w = g.parameter("w", [4, width], .xavierNormal)
      let sums = matmul(x, w)
      let found = matmul(gelu(sums, approximation: .tanh).transposed(to: [1, 0]), x)
      g.output("gradient", gradients(of: (found * found).sum(), withRespectTo: [w])[0])
    }
    #expect(count == expected)
  }

  /// What waits for the backward half, as an activation's or a normalisation's results do for the gradient by the next weights, is
  /// computed a second time: beside the activation's derivative, or where rows are packed.
  @Test(arguments: [("GELU", "_again@scratch"), ("normalisation", " again)")])
  func valuesThatOnlyWait(_ name: String, _ trace: String) throws {
    let graph = Graph { g in
      let x = g.input("x", [1024, 4])
      var weights: [Tensor] = []
      func layer(_ x: Tensor, _ width: Int, _ name: String) -> Tensor {
        weights.append(g.parameter(name, [x.shape[1], width], .xavierNormal))
        return matmul(x, weights[weights.count - 1])
      }
      func activation(_ x: Tensor, _ number: Int) -> Tensor {
        switch name {
        case "GELU": gelu(x, approximation: .tanh)
        default:
          layerNorm(x) * g.parameter("scale \(number)", [128], .constant(0.5))
            + g.parameter("shift \(number)", [128], .constant(2))
        }
      }
      let first = activation(layer(x, 128, "a"), 1)
      let second = activation(layer(layer(first, 4, "b"), 128, "c"), 2)
      let loss = (layer(second, 4, "d") * x).mean()
      for (number, gradient) in gradients(of: loss, withRespectTo: weights).enumerated() {
        g.output("gradient \(number)", gradient)
      }
    }
    let kernels = try graph.compile(workers: 1).step.kernelList
    #expect(kernels.contains(trace), "\(kernels)")
    try expectEqualBits(graph, .randomNormal([1024, 4], seed: 9), isTesting: false)
  }
}
