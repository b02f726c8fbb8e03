import Cinch
import Testing

/// What convolutions' gradients and long sums are made of: which tensors are stored, and how vectors run; all engines agree on the
/// bits.
@Suite struct ImageKernelTests {
  private static let engines = ["tinycc-avx512", "tinycc-avx2", "tinycc-scalar"].compactMap(Engine.init(name:)).filter {
    if case .tinycc(let set) = $0 { Target.current(set).isSupported } else { false }
  }

  /// The steps for each engine, which have been run beside the interpreter.
  private func steps(_ graph: Graph) throws -> [CompiledStep] {
    var inputs: [String: HostTensor] = [:]
    for (name, node) in graph.inputs { inputs[name] = .randomNormal(graph.type(of: node).shape, seed: UInt64(inputs.count)) }
    let expected = try graph.compile(ProgramOptions(engine: .interpreter)).run(inputs)
    return try Self.engines.map { engine in
      for workers in [1, 3] {
        let found = try graph.compile(ProgramOptions(engine: engine, workers: workers, isTesting: true)).run(inputs)
        for (name, value) in expected { #expect(found[name] == value, "\(name) by \(engine) with \(workers) workers") }
      }
      return try graph.compile(ProgramOptions(engine: engine, workers: 1)).step
    }
  }

  private func gradients(
    images: Shape, weights: Shape, stride: Size2D = 1, padding: Size2D = 0, groups: Int = 1
  ) -> Graph {
    Graph { g in
      let (a, b) = (g.input("images", images), g.input("weights", weights))
      let y = tanh(conv2d(a, b, stride: stride, padding: padding, groups: groups))
      g.output("y", y)
      let found = Cinch.gradients(of: y.sum(), withRespectTo: [a, b])
      g.output("images.g", found[0])
      g.output("weights.g", found[1])
    }
  }

  /// The windows of a padded image are read by the result and by the weights' gradient; what is stored is at most the padded image.
  @Test func windowsAreNeverStored() throws {
    for step in try steps(gradients(images: [8, 16, 24, 24], weights: [24, 16, 3, 3], padding: 1)) {
      let longest = step.loops.buffers.map(\.elementCount).max() ?? 0
      #expect(longest <= 8 * 24 * 26 * 26, "\(step.kernelList)")
    }
  }

  /// With one output for a group too, whose weights' gradient is no product of matrices.
  @Test func windowsOfChannelsByThemselvesAreNeverStored() throws {
    for step in try steps(gradients(images: [4, 12, 22, 20], weights: [12, 1, 3, 3], padding: 1, groups: 12)) {
      let longest = step.loops.buffers.map(\.elementCount).max() ?? 0
      #expect(longest <= 4 * 12 * 24 * 22, "\(step.kernelList)")
    }
  }

  /// The two phases of a stride lie side by side: vectors run along the places of each, and write both together. The zeros that make
  /// three taps two for each phase are no tensor.
  @Test func phasesOfAStrideAreWrittenTogether() throws {
    for step in try steps(gradients(images: [2, 6, 33, 40], weights: [9, 6, 3, 3], stride: 2, padding: 1)) {
      let list = step.kernelList
      #expect(list.contains(#/columns over .*, 2, .*, 2\], .*, tiles of 2 along axis/#), "\(list)")
      #expect(!list.contains("reshaped across its rows"), "\(list)")
    }
  }

  /// The gradient of a pool writes places that lie apart, behind whatever stride.
  @Test(arguments: [
    (Size2D(1, 3), [2, 3, 1, 51]), (Size2D(1, 4), [3, 2, 1, 132]), (Size2D(5, 1), [2, 2, 85, 1]), (Size2D(3, 4), [1, 2, 9, 76]),
  ])
  func gradientsOfPoolsRunInVectors(_ window: Size2D, _ extents: [Int]) throws {
    let shape = Shape(extents)
    for isMax in [true, false] {
      let graph = Graph { g in
        let x = g.input("x", shape)
        // Behind a product, the gradient is no tensor of its own.
        let weights = g.input("weights", [4, shape[1], 1, 1])
        let y = relu(conv2d(x, weights))
        let pooled = isMax ? maxPool2d(y, window) : averagePool2d(y, window)
        let loss = (pooled * tanh(pooled)).sum()
        for (index, gradient) in Cinch.gradients(of: loss, withRespectTo: [x, weights]).enumerated() {
          g.output("g\(index)", gradient)
        }
      }
      for step in try steps(graph) where step.target.vectorSet != .scalar {
        #expect(step.scalarKernels(step.target).isEmpty, "\(step.kernelList)")
      }
    }
  }

  /// Pairs of bytes have no instructions that bring them together, and are no reason to leave a kernel to plain C.
  @Test(arguments: [ElementType.float32, .int32, .bool]) func pairsOfEveryTypeRunInVectors(_ type: ElementType) throws {
    let graph = Graph { g in
      let x = g.input("x", [2, 130]) * 100
      g.output("y", (type == .bool ? x .> 0 : x.cast(to: type)).transposed(to: [1, 0]))
    }
    for step in try steps(graph) {
      let scalar = step.target.vectorSet == .scalar ? [] : step.scalarKernels(step.target).map(\.kernel)
      #expect(scalar.isEmpty, "\(step.kernelList)")
      #expect(step.kernelList.contains("tiles of 2 along axis 0") == (type != .bool), "\(step.kernelList)")
    }
  }

  /// One sum for each column has as many chains side by side as half of the registers hold.
  @Test func sumsDownColumnsTakeHalfOfTheRegisters() throws {
    let graph = Graph { g in
      g.output("product", matmul(g.input("row", [1, 70]), g.input("matrix", [70, 1030])))
      g.output("sum", g.input("rows", [50, 1030]).sum(along: 0))
    }
    for step in try steps(graph) {
      let target = step.target
      let words = "vectors of \(target.vectorRegisterCount / 2 * target.lanes) along axis 0"
      #expect(step.kernelList.split(separator: words).count == 3, "\(step.kernelList)")
    }
  }
}
