import Cinch
import TestSupport
import Testing

@testable import CinchCodegen
@testable import CinchRunner

/// Contractions and convolutions of random shapes, scheduled for processors with small and large caches, which no single machine
/// has: whatever is packed, cut or kept, the bits are the interpreter's.
@Suite struct CacheSizeTests {
  private struct Draw {
    var random: SplitMix

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    mutating func chance(_ percent: Int) -> Bool { number(1...100) <= percent }

    mutating func target(_ set: Target.VectorSet) -> Target {
      let level1 = [8, 32, 48][number(0...2)] << 10
      return Target(
        vectorSet: set, level1Bytes: level1, level2Bytes: [64, 256, 1024, 4096][number(0...3)] << 10, workers: number(1...3))
    }

    /// `y` from `a` and `b`, often with more behind it that the kernel takes in.
    mutating func graph() -> Graph {
      let epilogue = number(0...3)
      func finish(_ y: Tensor, _ g: GraphBuilder) {
        switch epilogue {
        case 0: g.output("y", y)
        case 1: g.output("y", relu(y) + 1)
        case 2: g.output("y", gelu(y) * y)
        default:
          g.output("y", y * g.iota(y.shape).cast(to: .float32))
          g.output("z", y)
        }
      }
      if chance(50) { return convolution(finish) }
      // Many terms whose rows are packed and which small caches hold a part of at a time, or any.
      let isDeep = chance(25)
      let (m, k, n) =
        isDeep
        ? (number(16...32), number(6...9) * number(64...90), number(64...260))
        : (number(8...90), number(1...6) * number(8...90), number(8...320))
      let (turnsA, turnsB, computes) = (chance(isDeep ? 75 : 40), chance(40), chance(isDeep ? 60 : 20))
      let batch = chance(25) ? [number(2...4)] : []
      return Graph { g in
        let a = g.input("a", Shape(batch + (turnsA ? [k, m] : [m, k])))
        let b = g.input("b", Shape(batch + (turnsB ? [n, k] : [k, n])))
        let first = turnsA ? a.transposedMatrix() : a
        let second = turnsB ? b.transposedMatrix() : b
        finish(computes ? matmul(tanh(first), second) : matmul(first, second), g)
      }
    }

    /// With contractions in nested runs as they are standard only for many more terms.
    mutating func withRuns(_ graph: Graph) -> Graph {
      var graph = graph
      for index in graph.nodes.indices where graph.nodes[index].op is MatMul { graph.nodes[index].op = MatMul() }
      let lengths = [number(1...60), number(61...200), number(201...500)].prefix(number(1...3))
      return AccumulationOrders.run(graph) { AccumulationOrder.runs(ofAbout: Array(lengths), over: $0) }
    }

    private mutating func convolution(_ finish: @escaping (Tensor, GraphBuilder) -> Void) -> Graph {
      let groups = chance(25) ? 2 : 1
      let (channels, outputs) = (number(1...12) * groups, number(4...10) * groups)
      let window = Size2D(number(1...4), number(1...4))
      let dilation = Size2D(number(1...3), number(1...2))
      let stride = chance(30) ? Size2D(number(1...2), number(1...2)) : 1
      let padding = Size2D(number(0...2), number(0...2))
      let (height, width) = (number(10...20), number(8...24))
      let form = number(0...2)
      return Graph { g in
        let images = g.input("a", [2, channels, height, width])
        let weights = g.input("b", [outputs, channels / groups, window.height, window.width])
        let y = conv2d(images, weights, stride: stride, padding: padding, dilation: dilation, groups: groups)
        if form == 0 { return finish(y, g) }
        finish(gradient(of: (y * y).sum(), withRespectTo: form == 1 ? images : weights), g)
      }
    }
  }

  private static let words = [
    "once for all lines of a window", "runs along k", "rows packed", "packed and turned", "asked for ahead", "divide rows",
    "divide panels", "divide batches",
  ]

  /// Every schedule is proved. What it computes is compared where few have run that are described by the same words.
  @Test func anyCachesGiveTheSameBits() throws {
    let engines = [TestedEngine.avx512, .avx2].filter(TestedEngine.available.contains)
    var draw = Draw(random: SplitMix(seed: 79))
    var runs: [String: Int] = [:]
    for number in 0..<120 {
      var graph = draw.graph()
      let hasRuns = draw.chance(50)
      if hasRuns { graph = try draw.withRuns(graph.optimised()) }
      let optimised = try graph.optimised()
      let inputs = Dictionary(
        uniqueKeysWithValues: graph.inputs.map { name, node in
          (name, HostTensor.randomNormal(graph.type(of: node).shape, seed: UInt64(number)).elements)
        })
      var tested: TestedProgram?
      for target in engines.flatMap({ engine in (0..<2).map { _ in draw.target(engine.vectorSet) } }) {
        let program = try LoweredProgram(optimised, target)
        let list = program.step.kernelList
        let shown = Self.words.filter(list.contains).joined(separator: ", ")
        let kind = "\(target.vectorSet) \(hasRuns ? "in runs: " : ": ")\(shown)"
        guard runs[kind, default: 0] < 2 else { continue }
        runs[kind, default: 0] += 1
        let known =
          try tested
          ?? TestedProgram("\(number)", RandomProgram(seed: UInt64(number), graph: graph, inputs: inputs, state: [:]))
        tested = known
        let code = try TinyCCompiler.compile(program.step.tinyccC(target, isExplained: false))
        for workers in [1, target.workers] {
          let difference = known.difference(of: try program.run(known, code, workers: workers))
          #expect(difference == nil, "\(number) for \(target) with \(workers) workers: \(difference ?? "")\n\(graph)")
        }
      }
    }
    for engine in engines {
      for words in Self.words {
        let count = runs.reduce(0) {
          $0 + ($1.key.hasPrefix("\(engine.vectorSet) ") && $1.key.contains(words) ? $1.value : 0)
        }
        #expect(count > 1, "\(words) by \(engine)")
      }
    }
  }

  /// Lines of a window that are half a packed row apart: the proof sees that a panel with the second half is packed.
  @Test func linesOfAWindowHalfAPanelApart() throws {
    let graph = try Graph { g in
      let weights = g.input("b", [8, 12, 2, 4])
      let y = conv2d(g.input("a", [2, 12, 12, 20]), weights, padding: Size2D(2, 1), dilation: Size2D(3, 2))
      g.output("y", gradient(of: (y * y).sum(), withRespectTo: weights))
    }.optimised()
    for level2 in [64, 256] {
      for workers in 1...3 {
        let target = Target(vectorSet: .avx2, level1Bytes: 32 << 10, level2Bytes: level2 << 10, workers: workers)
        let program = try LoweredProgram(graph, target)
        #expect(program.step.kernelList.contains("once for all lines of a window"), "\(target)")
      }
    }
  }
}
