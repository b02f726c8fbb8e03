import Cinch
import TestSupport
import Testing

/// Contractions of shapes that are packed, cut into panels, run along k in parts, divided in each way among workers: all
/// engines give the interpreter's bits.
@Suite struct ContractionScheduleTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var a: Shape
    var b: Shape
    /// From the operands to the result.
    var build: @Sendable (Tensor, Tensor) -> Tensor
    /// What the kernel list must say on machines with caches of any size, so that the case tests what it is named for.
    var says: [String]
    var testDescription: String { name }
  }

  static let cases: [Case] = [
    Case(name: "panels packed", a: [37, 33], b: [33, 259], build: { matmul($0, $1) }, says: ["packed"]),
    Case(
      name: "an epilogue through the tile's memory", a: [29, 17], b: [17, 270],
      build: { gelu(matmul($0, $1)) * $1.sum(along: 0) }, says: ["packed"]),
    Case(
      name: "runs along k", a: [26, 40_000], b: [40_000, 257], build: { matmul($0, $1) }, says: ["runs along k"]),
    Case(
      name: "the first factor transposed", a: [65, 31], b: [65, 300], build: { matmul($0.transposed(to: [1, 0]), $1) },
      says: ["packed"]),
    Case(
      name: "the second factor computed", a: [5, 33, 20], b: [5, 20, 19],
      build: { matmul($0, exp($1)) + 1 }, says: ["tiles of"]),
    // What is computed as it is packed runs along an axis of the batch that the factor's own tensor has, and one that it hasn't.
    Case(
      name: "the second factor computed with part of the batch", a: [3, 4, 33, 20], b: [4, 20, 19],
      build: { matmul($0, $0.sum(along: 2).expandedAxis(3) + exp($1)) }, says: ["packed"]),
    Case(
      name: "windows of an image", a: [24, 2, 3, 3], b: [3, 2, 11, 13], build: { conv2d($1, $0, padding: 1) }, says: ["packed"]),
    Case(
      name: "lines that windows share", a: [12, 5, 3, 3], b: [3, 5, 19, 13], build: { conv2d($1, $0) },
      says: ["once for all lines of a window"]),
    Case(
      name: "lines that windows far apart share, in groups, with a stride along lines", a: [24, 3, 3, 2], b: [2, 6, 21, 15],
      build: { relu(conv2d($1, $0, stride: Size2D(1, 2), padding: Size2D(2, 1), dilation: Size2D(3, 1), groups: 2)) },
      says: ["once for all lines of a window"]),
    Case(
      name: "lines of one channel that windows share", a: [9, 1, 4, 2], b: [3, 1, 14, 18], build: { conv2d($1, $0) },
      says: ["once for all lines of a window"]),
    Case(
      name: "lines that windows skip", a: [12, 5, 3, 3], b: [3, 5, 19, 13], build: { conv2d($1, $0, stride: 2, padding: 1) },
      says: ["packed"]),
    Case(
      name: "lines that windows share, read backwards", a: [10, 9, 3, 3], b: [2, 9, 16, 13],
      build: {
        let y = conv2d($1, $0, padding: 1, dilation: Size2D(2, 1))
        return gradient(of: (y * y).sum(), withRespectTo: $1)
      },
      says: ["once for all lines of a window"]),
    Case(
      name: "lines that windows share, in runs along k", a: [8, 900, 3, 3], b: [1, 900, 6, 40], build: { conv2d($1, $0) },
      says: ["once for all lines of a window", "runs along k"]),
    Case(
      name: "rows far apart", a: [66, 515], b: [66, 300], build: { matmul($0.transposed(to: [1, 0]), $1) },
      says: ["rows packed"]),
    Case(
      name: "rows a page apart", a: [33, 1024], b: [1024, 300], build: { relu(matmul($0, $1)) }, says: ["packed"]),
    Case(
      name: "rows far apart, packed in several blocks", a: [300, 520], b: [300, 300],
      build: { matmul($0.transposed(to: [1, 0]), $1) }, says: ["rows packed"]),
    Case(
      name: "rows far apart, in runs along k", a: [2048, 40], b: [2048, 256],
      build: { matmul($0.transposed(to: [1, 0]), $1) }, says: ["rows packed", "runs along k"]),
    Case(
      name: "rows far apart, in runs along k, with no tensor for the sums", a: [2048, 40], b: [2048, 256],
      build: { tanh(matmul($0.transposed(to: [1, 0]), $1)) + $1.sum(along: 0) }, says: ["rows packed", "runs along k"]),
    Case(
      name: "many rows far apart, divided among workers", a: [300, 540], b: [300, 260],
      build: { matmul($0.transposed(to: [1, 0]), $1) }, says: ["rows packed", "divide rows"]),
    // Workers share what is inside of fewer batches than workers.
    Case(
      name: "two batches of rows far apart", a: [2, 300, 540], b: [2, 300, 260],
      build: { matmul($0.transposed(to: [0, 2, 1]), $1) }, says: ["rows packed", "divide rows"]),
    Case(
      name: "two batches of panels", a: [2, 40, 50], b: [2, 50, 300], build: { relu(matmul($0, $1)) },
      says: ["packed", "divide panels"]),
    Case(
      name: "many batches", a: [12, 40, 50], b: [12, 50, 70], build: { relu(matmul($0, $1)) }, says: ["divide batches"]),
    // Rows of a head are neighbours, heads are not.
    Case(
      name: "rows of heads", a: [8, 4, 64, 24], b: [8, 64, 100],
      build: {
        matmul($0.transposed(to: [0, 2, 1, 3]).reshaped(to: [512, 96]).transposedMatrix(), $1.reshaped(to: [512, 100]))
      },
      says: ["tiles of"]),
    Case(
      name: "large results of short chains", a: [1100, 24], b: [24, 517], build: { matmul($0, $1) + 1 }, says: ["packed"]),
    Case(
      name: "a first factor larger than the caches", a: [3000, 200], b: [200, 130], build: { relu(matmul($0, $1)) },
      says: ["tiles of"]),
    Case(
      name: "an epilogue that reads a large tensor", a: [1100, 24], b: [24, 517],
      build: { matmul($0, $1) * matmul($0, exp($1)) }, says: ["asked for ahead"]),
    Case(
      name: "a second factor larger than the caches", a: [24, 2100], b: [2100, 300], build: { matmul($0, $1) },
      says: ["asked for ahead"]),
    Case(
      name: "the second factor transposed", a: [37, 83], b: [269, 83], build: { matmul($0, $1.transposed(to: [1, 0])) },
      says: ["packed and turned"]),
    Case(
      name: "the second factor transposed and computed", a: [24, 64], b: [70, 64],
      build: { matmul($0, exp($1).transposed(to: [1, 0])) + 1 }, says: ["packed and turned"]),
    Case(
      name: "the second factor transposed, in heads", a: [3, 25, 4, 21], b: [3, 27, 4, 21],
      build: { matmul($0.transposed(to: [0, 2, 1, 3]), $1.transposed(to: [0, 2, 3, 1])) }, says: ["packed and turned"]),
    Case(
      name: "the second factor transposed, in runs along k", a: [26, 40_003], b: [130, 40_003],
      build: { matmul($0, $1.transposed(to: [1, 0])) }, says: ["packed and turned", "runs along k"]),
    Case(
      name: "two rows, the second factor transposed", a: [2, 83], b: [45, 83],
      build: { matmul($0, $1.transposedMatrix()) }, says: ["packed and turned"]),
    Case(
      name: "five rows, the second factor transposed and computed", a: [5, 83], b: [45, 83],
      build: { relu(matmul($0, exp($1).transposedMatrix())) }, says: ["packed and turned"]),
    Case(
      name: "five rows of each batch, the second factor transposed", a: [7, 5, 19], b: [7, 18, 19],
      build: { matmul($0, $1.transposed(to: [0, 2, 1])) }, says: ["packed and turned"]),
    Case(
      name: "a narrow strip in taller tiles of its own, with an epilogue through memory", a: [45, 20], b: [20, 57],
      build: { gelu(matmul($0, $1)) }, says: ["tiles of"]),
    Case(
      name: "many rows of odd lines of short chains, divided among workers", a: [205, 20], b: [20, 261],
      build: { matmul($0, $1) }, says: ["divide rows"]),
    Case(name: "few columns, many rows", a: [300, 64], b: [64, 10], build: { matmul($0, $1) }, says: ["divide rows"]),
  ]

  /// Each worker has as many panels, whether or not their number divides the columns: what is left over is a nest for one worker.
  @Test(arguments: [300, 600, 601, 1000, 1013], [Target.VectorSet.avx512, .avx2])
  func workersHaveEqualShares(_ columns: Int, _ set: Target.VectorSet) throws {
    let graph = Graph { g in
      g.output("y", relu(matmul(g.input("a", [400, 520]).transposedMatrix(), g.input("b", [400, columns]))))
    }
    let step = try lower(graph.optimised(), target: Target(vectorSet: set, workers: 2))
    #expect(step.kernelList.contains("rows packed, workers divide panels"), "\(step.kernelList)")
    let extents = step.loops.description.matches(of: #/parallel i\d+ in (\d+)/#).compactMap { Int($0.1) }
    #expect(extents[0] % 2 == 0 && extents.count == (columns % 2 == 0 ? 1 : 2), "\(step.kernelList)\n\(step.loops)")
  }

  /// What is left of the columns has accumulators to spare: its tiles are taller, so that as many chains run.
  @Test func narrowStripsHaveTallerTiles() throws {
    let graph = Graph { g in g.output("y", matmul(g.input("a", [64, 40]), g.input("b", [40, 56]))) }
    let step = try lower(graph.optimised(), target: Target(vectorSet: .avx2))
    #expect(step.kernelList.contains("tiles of 4 × 24 and 13 × 8"), "\(step.kernelList)")
  }

  /// An odd number of strips and a rest are as many for each of two workers: who has fewer strips takes the rest.
  @Test func restsGoToTheWorkerWithFewestStrips() throws {
    let graph = Graph { g in g.output("y", matmul(g.input("a", [37, 600]), g.input("b", [1021, 600]).transposedMatrix())) }
    let step = try lower(graph.optimised(), target: Target(vectorSet: .avx512, workers: 2))
    let c = step.portableC
    #expect(c.contains("= worker > 0;"), "\(step.kernelList)\n\(c)")
  }

  /// Rows of results that share cache lines are divided, not panels, where workers would be at the same row at the same time.
  @Test(arguments: [1021, 1024]) func workersDividePanelsOrRowsByCacheLines(_ width: Int) throws {
    let graph = Graph { g in g.output("y", matmul(g.input("x", [37, 1021]).transposedMatrix(), g.input("d", [37, width]))) }
    let step = try lower(graph.optimised(), target: Target(vectorSet: .avx512, workers: 2))
    #expect(step.kernelList.contains(width == 1021 ? "divide rows" : "divide panels"), "\(step.kernelList)")
  }

  @Test(arguments: cases) func everyEngineGivesTheSameBits(_ test: Case) throws {
    let graph = Graph { g in
      g.output("y", test.build(g.input("a", test.a), g.input("b", test.b)))
    }
    let a = HostTensor.randomNormal(test.a, seed: 1)
    let b = HostTensor.randomNormal(test.b, seed: 2)
    let expected = try graph.compile(ProgramOptions(engine: .interpreter)).run(["a": a, "b": b])
    let engines = ["tinycc-avx512", "tinycc-avx2", "tinycc-scalar", "gcc"].compactMap(Engine.init(name:))
    for engine in engines {
      if case .tinycc(let set) = engine, !Target.current(set).isSupported { continue }
      for workers in engine.worthTesting(workers: [1, 2, 3]) {
        let program = try graph.compile(ProgramOptions(engine: engine, workers: workers, isTesting: true))
        if case .tinycc(let set) = engine, set != .scalar, workers == 3 {
          let list = program.step.kernelList
          for words in test.says { #expect(list.contains(words), "\(list)") }
        }
        let found = try program.run(["a": a, "b": b])
        #expect(found["y"] == expected["y"], "\(test.name) by \(engine) with \(workers) workers")
      }
    }
  }
}
