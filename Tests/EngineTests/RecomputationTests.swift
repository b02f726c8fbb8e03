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

  @Test func changesNoBit() throws {
    var beside = 0
    var packed = 0
    for seed in 0..<40 as Range<UInt64> {
      let graph = Self.graph(seed: seed)
      let x = HostTensor.randomNormal(graph.inputs.map { graph.type(of: $0.node).shape }[0], seed: seed)
      let reference = try graph.compile(ProgramOptions(engine: .interpreter))
      let expected = try reference.run(["x": x])
      let roots = try StepPlan(reference.step.graph, leastRecomputed: 1).fusion.roots
      beside += roots.count { ($0.replacement?.slot ?? -1) >= 0 }
      packed += roots.count { ($0.replacement?.slot ?? 0) < 0 }
      // The C of some is enough for compilers that take their time.
      let engines = TestedEngine.available.filter { seed < 4 || $0 != .gcc && $0 != .clang }
      for engine in engines.compactMap({ Engine(name: $0.rawValue) }) {
        for workers in [1, 3] {
          let found = try graph.compile(ProgramOptions(engine: engine, workers: workers, isTesting: true)).run(["x": x])
          #expect(found == expected, "seed \(seed) by \(engine) with \(workers) workers")
        }
      }
    }
    #expect(beside >= 20, "\(beside) beside derivatives")
    #expect(packed >= 10, "\(packed) in packed rows")
  }
}
