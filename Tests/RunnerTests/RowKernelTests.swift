import Cinch
import Foundation
import Testing

/// What runs row by row is one kernel: how many kernels a graph takes, and that all engines agree on its bits.
@Suite struct RowKernelTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    /// Without checks.
    var kernels: Int
    var build: @Sendable (GraphBuilder) -> Void
    var testDescription: String { name }
  }

  static let cases: [Case] = [
    Case(name: "softmax", kernels: 1) { g in g.output("y", softmax(g.input("x", [37, 65]))) },
    Case(name: "softmax's gradient", kernels: 1) { g in
      let x = g.input("x", [37, 65])
      g.output("y", gradient(of: (softmax(x) * g.input("w", [37, 65])).sum(), withRespectTo: x))
    },
    Case(name: "layer norm", kernels: 1) { g in
      g.output("y", layerNorm(g.input("x", [37, 65])) * g.parameter("w", [65], .constant(2)))
    },
    Case(name: "layer norm's gradient", kernels: 1) { g in
      let x = g.input("x", [37, 65])
      g.output("y", gradient(of: tanh(layerNorm(x)).sum(), withRespectTo: x))
    },
    // The loss adds rows up: that is a kernel of its own.
    Case(name: "log softmax, cross-entropy and their gradient", kernels: 2) { g in
      let x = g.input("x", [37, 65])
      let loss = softmaxCrossEntropy(x, labels: g.input("labels", [37], type: .int32))
      g.output("loss", loss)
      g.output("y", gradient(of: loss, withRespectTo: x))
    },
    // The product is one kernel, and all that is made of its parts another one, though the parts are read side by side.
    Case(name: "gates", kernels: 2) { g in
      let sums = matmul(g.input("x", [37, 20]), g.parameter("w", [20, 68], .xavierUniform))
      let gates = (0..<4).map { sigmoid(sums.sliced(along: 1, $0 * 17..<($0 + 1) * 17)) }
      let memory = gates[1] * g.input("c", [37, 17]) + gates[0] * gates[2]
      for (number, gate) in gates.enumerated() { g.output("gate \(number)", gate) }
      g.output("memory", memory)
      g.output("y", gates[3] * tanh(memory))
    },
    Case(name: "embedding and layer norm", kernels: 1) { g in
      g.output("y", layerNorm(gather(g.parameter("table", [7, 65], .xavierUniform), at: g.input("i", [37], type: .int32))))
    },
    Case(name: "rows added to those that indices name", kernels: 1) { g in
      g.output("y", scatterAdd(g.input("x", [37, 65]), at: g.input("i", [37], type: .int32), count: 7))
    },
    // The bias is added where the product is stored, not in each of its three uses.
    Case(name: "a product with a bias that several use", kernels: 3) { g in
      let sum = matmul(g.input("x", [37, 16]), g.input("w", [16, 24])) + g.input("b", [24])
      g.output("y", matmul(sum, sum.transposedMatrix()))
      g.output("z", matmul(sum, g.input("v", [24, 16])))
    },
  ]

  /// Rows stay in the first level from one stage to the next, so that storing a value costs less than computing it again, however
  /// many rows there are.
  @Test(arguments: [64, 8192]) func exponentialsOfARowAreComputedOnce(rowCount: Int) throws {
    let graph = Graph { g in g.output("y", softmax(g.input("x", [rowCount, 64]))) }
    let loops = try graph.compile().step.loops.description
    let exponentials = loops.components(separatedBy: " shift_left ").count - 1
    #expect(exponentials == 1, "\(loops)")
  }

  /// A row's scale is one number, which is computed and kept as such.
  @Test func layerNormHasOneRootForEachRow() throws {
    let graph = Graph { g in
      let x = g.input("x", [37, 65])
      g.output("y", gradient(of: tanh(layerNorm(x)).sum(), withRespectTo: x))
    }
    let roots = try graph.compile().step.graph.nodes.filter { $0.op is ReciprocalSquareRoot }
    #expect(roots.map(\.type.shape.elementCount) == [37])
  }

  @Test(arguments: cases) func oneKernelEach(_ test: Case) throws {
    let graph = Graph("rows", test.build)
    var inputs: [String: HostTensor] = [:]
    for (index, input) in graph.inputs.enumerated() {
      let type = graph.type(of: input.node)
      inputs[input.name] =
        type.elementType == .int32
        ? HostTensor((0..<Int32(type.shape.elementCount)).map { $0 % 7 }, shape: type.shape)
        : HostTensor.randomNormal(type.shape, seed: UInt64(index))
    }
    let expected = try graph.compile(ProgramOptions(engine: .interpreter)).run(inputs)
    for engine in ["tinycc-avx512", "tinycc-avx2", "tinycc-scalar"].compactMap(Engine.init(name:)) {
      if case .tinycc(let set) = engine, !Target.current(set).isSupported { continue }
      for workers in [1, 3] {
        let program = try graph.compile(ProgramOptions(engine: engine, workers: workers, isTesting: true))
        let kernels = program.step.kernelList
        let checks = kernels.split(separator: "\n").count { $0.hasPrefix("k") && $0.contains("_check") }
        let count = kernels.split(separator: "\n").count { $0.hasPrefix("k") } - checks
        #expect(count == test.kernels, "\(kernels)")
        #expect(kernels.split(separator: "\n").count { $0.contains("reads") && $0.contains(" b@") } <= 1, "\(kernels)")
        if case .tinycc(let set?) = engine, set != .scalar {
          #expect(program.step.scalarKernels(Target.current(set)).map(\.kernel).filter { !$0.contains("check") } == [])
        }
        let found = try program.run(inputs)
        for (name, value) in expected { #expect(found[name] == value, "\(name) by \(engine) with \(workers) workers") }
      }
    }
  }
}
