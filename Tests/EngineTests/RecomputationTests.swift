import Cinch
import TestSupport
import Testing

@testable import CinchCodegen

/// Values that only wait for the backward half are computed a second time there, without a changed bit.
@Suite struct RecomputationTests {
  /// Perceptrons of random depth, widths, activations and normalisations, over matrices and batches of matrices; the outputs are the
  /// gradients by all weights.
  private static func graph(seed: UInt64) -> Graph {
    var random = SplitMix(seed: seed)
    func one<Value>(of values: [Value]) -> Value { values[Int(random.next() % UInt64(values.count))] }
    let rows: [Int] = one(of: [[65], [128], [3, 33], [2, 5, 13]])
    let widths = (0..<(3 + Int(random.next() % 3))).map { _ in one(of: [3, 8, 17, 24, 40]) }
    let kinds = widths.map { _ in one(of: [0, 1, 2, 3]) }
    return Graph("perceptron \(seed)") { g in
      let x = g.input("x", Shape(rows + [5]))
      var weights: [Tensor] = []
      func parameter(_ shape: Shape, _ value: Initialiser) -> Tensor {
        weights.append(g.parameter("weight \(weights.count)", shape, value))
        return weights[weights.count - 1]
      }
      var value: Tensor = x
      for (width, kind) in zip(widths, kinds) {
        let sums =
          matmul(value, parameter([value.shape[value.shape.rank - 1], width], .xavierNormal)) + parameter([width], .constant(0.1))
        switch kind {
        case 0: value = gelu(sums, approximation: .tanh)
        case 1: value = layerNorm(sums, epsilon: 0.1) * parameter([width], .constant(0.7)) + parameter([width], .constant(0.3))
        case 2: value = silu(sums)
        default: value = gelu(layerNorm(sums, epsilon: 0.1))
        }
      }
      for (number, gradient) in gradients(of: (value * value).mean(), withRespectTo: weights).enumerated() {
        g.output("gradient \(number)", gradient)
      }
    }
  }

  /// Attention over what attention gave, and convolutions and pools over images: softmax and short contractions are cheap enough to
  /// run again, and so is what they need.
  private static func chains(seed: UInt64) -> Graph {
    var random = SplitMix(seed: seed)
    func one<Value>(of values: [Value]) -> Value { values[Int(random.next() % UInt64(values.count))] }
    let isImage = seed.isMultiple(of: 2)
    let layers = isImage ? 2 : 2 + Int(random.next() % 2)
    let width: Int = one(of: [6, 17])
    return Graph("chains \(seed)") { g in
      let x = g.input("x", isImage ? [one(of: [2, 3]), 1, 15, 13] : [one(of: [2, 3]), one(of: [9, 33]), width])
      var weights: [Tensor] = []
      func parameter(_ shape: Shape) -> Tensor {
        weights.append(g.parameter("weight \(weights.count)", shape, .xavierNormal))
        return weights[weights.count - 1]
      }
      var value: Tensor = x
      for layer in 0..<layers {
        if isImage {
          value = relu(conv2d(value, parameter([one(of: [3, 8]), value.shape[1], 3, 3]), padding: one(of: [0, 1])))
          if layer > 0 || one(of: [true, false]) { value = maxPool2d(value, 2) }
        } else {
          let keys = matmul(value, parameter([width, width]))
          let scores = matmul(matmul(value, parameter([width, width])), keys.transposed(to: [0, 2, 1]))
          value = value + matmul(matmul(softmax(scores * 0.3), keys), parameter([width, width]))
        }
      }
      for (number, gradient) in gradients(of: (value * value).mean(), withRespectTo: weights).enumerated() {
        g.output("gradient \(number)", gradient)
      }
    }
  }

  /// That all engines give the interpreter's bits, in test mode, which recomputes whatever waits. Returns the graph after all passes.
  private func expectInterpretersBits(_ graph: Graph, seed: UInt64) throws -> Graph {
    let x = HostTensor.randomNormal(graph.inputs.map { graph.type(of: $0.node).shape }[0], seed: seed)
    let reference = try graph.compile(ProgramOptions(engine: .interpreter))
    let expected = try reference.run(["x": x])
    // The C of some is enough for compilers that take their time.
    for tested in TestedEngine.available where seed < 2 || !tested.isSystemCompiler {
      guard let engine = Engine(name: tested.rawValue) else { continue }
      for workers in engine.worthTesting(workers: [1, 3]) {
        let found = try graph.compile(ProgramOptions(engine: engine, workers: workers, isTesting: true)).run(["x": x])
        #expect(found == expected, "seed \(seed) by \(engine) with \(workers) workers")
      }
    }
    return reference.step.graph
  }

  @Test func kernelsThatRunAgainChangeNoBit() throws {
    var again = 0
    for seed in 0..<24 as Range<UInt64> {
      let graph = try expectInterpretersBits(Self.chains(seed: seed), seed: seed)
      again += try StepPlan(graph, leastRecomputed: 1).fusion.kernels.count { $0.boundary == .again }
    }
    #expect(again >= 20, "\(again) kernels run again")
  }

  /// What is computed again is worth it: less memory, and never more.
  @Test func takesLessMemory() throws {
    var ratios: [Double] = []
    for seed in 0..<40 as Range<UInt64> {
      let graph = try (seed < 20 ? Self.graph(seed: seed) : Self.chains(seed: seed))
        .compile(ProgramOptions(engine: .interpreter)).step.graph
      let plans = try [1, .max].map { try lower(graph, options: LoweringOptions(leastRecomputed: $0)).memory.peakLiveByteCount }
      #expect(plans[0] <= plans[1], "seed \(seed)")
      ratios.append(Double(plans[0]) / Double(plans[1]))
    }
    #expect(ratios.count { $0 < 0.9 } >= 15, "\(ratios)")
  }

  @Test func changesNoBit() throws {
    var beside = 0
    var packed = 0
    for seed in 0..<40 as Range<UInt64> {
      let graph = try expectInterpretersBits(Self.graph(seed: seed), seed: seed)
      let fusion = try StepPlan(graph, leastRecomputed: 1).fusion
      let hosted = fusion.kernels.filter { $0.boundary != .again }.flatMap(\.roots).map { fusion.roots[$0].slot }
      beside += hosted.count { $0 >= 0 && fusion.table.slots[Int($0)].name.hasSuffix("_again") }
      packed += fusion.roots.count { root in root.replacements.contains { $0.slot < 0 } }
    }
    #expect(beside >= 20, "\(beside) beside derivatives")
    #expect(packed >= 10, "\(packed) in packed rows")
  }
}
