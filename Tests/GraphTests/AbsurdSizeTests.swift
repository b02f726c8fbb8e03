import CinchCodegen
import Testing

@testable import CinchGraph

/// Sizes that no network has: an error at the user's line, never a trap.
@Suite struct AbsurdSizeTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let type: TensorType
    /// With one of its sizes given; all others make sense.
    let layer: @Sendable (Int) -> any Module

    init(_ name: String, _ type: TensorType, _ layer: @escaping @Sendable (Int) -> any Module) {
      (testDescription, self.type, self.layer) = (name, type, layer)
    }
  }

  private static let vector = TensorType(.float32, [2, 4])
  private static let sequence = TensorType(.float32, [5, 2, 4])
  private static let images = TensorType(.float32, [2, 3, 8, 8])
  private static let numbers = TensorType(.int32, [2, 5])

  static let cases: [Case] = [
    Case("Linear inputs", vector) { Linear($0, 3) }, Case("Linear outputs", vector) { Linear(4, $0) },
    Case("scratch inputs", vector) { FromScratch.Linear($0, 3) }, Case("scratch outputs", vector) { FromScratch.Linear(4, $0) },
    Case("LSTM inputs", sequence) { LSTM($0, 3) }, Case("LSTM units", sequence) { LSTM(4, $0) },
    Case("GRU inputs", sequence) { GRU($0, 3) }, Case("GRU units", sequence) { GRU(4, $0, returns: .last) },
    Case("Embedding count", numbers) { Embedding($0, 3) }, Case("Embedding width", numbers) { Embedding(7, $0) },
    Case("positions", sequence) { PositionEmbedding($0, 4) }, Case("position width", sequence) { PositionEmbedding(5, $0) },
    Case("attention width", sequence) { MultiHeadAttention($0, heads: 1) },
    Case("attention heads", sequence) { MultiHeadAttention(4, heads: $0) },
    Case("LayerNorm", vector) { LayerNorm($0) }, Case("LayerNorm shape", vector) { LayerNorm([$0, $0]) },
    Case("Conv2d inputs", images) { Conv2d($0, 4, window: 3) }, Case("Conv2d outputs", images) { Conv2d(3, $0, window: 3) },
    Case("Conv2d window", images) { Conv2d(3, 4, window: Size2D($0)) },
    Case("Conv2d height", images) { Conv2d(3, 4, window: Size2D($0, 1)) },
    Case("Conv2d stride", images) { Conv2d(3, 4, window: 3, stride: Size2D($0)) },
    Case("Conv2d padding", images) { Conv2d(3, 4, window: 3, padding: Size2D($0 == 0 ? -2 : $0)) },
    Case("Conv2d dilation", images) { Conv2d(3, 4, window: 3, dilation: Size2D($0)) },
    Case("Conv2d groups", images) { Conv2d(3, 4, window: 3, groups: $0) },
    Case("MaxPool2d window", images) { MaxPool2d(Size2D($0)) },
    Case("MaxPool2d stride", images) { MaxPool2d(2, stride: Size2D($0)) },
    Case("MaxPool2d padding", images) { MaxPool2d(2, padding: Size2D($0 == 0 ? -2 : $0)) },
    Case("MaxPool2d dilation", images) { MaxPool2d(2, dilation: Size2D($0)) },
    Case("AvgPool2d window", images) { AvgPool2d(Size2D($0)) },
    Case("AvgPool2d stride", images) { AvgPool2d(2, stride: Size2D($0)) },
    Case("Flatten", vector) { Flatten(from: $0 == 0 || $0 == -1 ? 2 : $0) },
    Case("Softmax", vector) { Softmax(axis: $0 == 0 || $0 == -1 ? 2 : $0) },
  ]

  @Test(arguments: cases)
  func layersReportThem(_ example: Case) {
    for size in [Int.max, .min, 0, -1, 1 << 40, 1 << 62] {
      let layer = example.layer(size)
      let graph = Graph { g in
        g.register(ModuleTree(layer))
        g.isTraining = true
        let y = layer(g.input("x", example.type.shape, type: example.type.elementType))
        // Whatever is made of it.
        let next = Linear(9, 2)(y)
        g.output("loss", next.mean())
        for parameter in layer.namedParameters.map(\.parameter) {
          g.output("\(g.graph.outputs.count)", gradient(of: next.mean(), withRespectTo: g.parameter(parameter, at: .unknown)))
        }
      }
      #expect(!graph.diagnostics.isEmpty, "\(size)")
      #expect(graph.diagnostics.allSatisfy { $0.site.filePath == #filePath }, "\(size): \(graph.diagnostics)")
      // And the layer can be looked at.
      #expect("\(layer)".contains("\(size)") || size == 0 || size == -1)
      _ = layer.parameterCount
      let line = #line + 1
      let error = #expect(throws: GraphError.self) {
        try layer.summary(input: example.type.shape, type: example.type.elementType)
      }
      let sites = error?.diagnostics.flatMap { [$0.site] + $0.notes.map(\.site) } ?? []
      #expect(sites.allSatisfy { $0.filePath == #filePath && $0.line <= line }, "\(size): \(sites)")
    }
  }

  /// The first is too large by itself, and no layer is called.
  @Test func countsOfAbsurdParametersSaturate() throws {
    struct Unused: Module {
      let first = Linear(.max, .max), second = Linear(.max, 2)
      func callAsFunction(_ x: Tensor) -> Tensor { x }
    }
    #expect(Unused().parameterCount == .max)
    #expect(try Unused().summary(input: [1]).parameterCount == .max)
  }

  @Test func windowsSayWhatTheyMayBe() {
    func messages(_ build: (Tensor, Tensor) -> Tensor) -> [String] {
      Graph { g in g.output("y", build(g.input("x", [1, 1, 5, 5]), g.input("w", [1, 1, 3, 3]))) }.diagnostics.map(\.message)
    }
    #expect(
      messages { conv2d($0, $1, stride: Size2D(.max, 1)) } == [
        "a convolution's strides must be from 1 to 2²⁸, not [\(Int.max), 1]"
      ])
    #expect(
      messages { conv2d($0, $1, padding: Size2D(0, .max)) }
        == ["a convolution's padding must be from 0 to 2²⁸, not [0, \(Int.max)] and [0, \(Int.max)]"])
    #expect(
      messages { conv2d($0, $1, dilation: Size2D(.max)) }
        == ["a convolution's dilations must be from 1 to 2²⁸, not [\(Int.max), \(Int.max)]"])
    #expect(
      messages { x, _ in maxPool2d(x, 2, dilation: Size2D(.max, 1)) }
        == ["max_pool needs windows, strides and dilations from 1 to 2²⁸, not [2, 2], [2, 2] and [\(Int.max), 1]"])
    let long = Graph { g in
      let x = g.input("x", [1, 1, 1, 1 << 30])
      g.output("y", conv2d(x, g.input("w", [1, 1, 1, 3])))
      g.output("z", averagePool2d(x, Size2D(1, 3)))
    }
    #expect(
      long.diagnostics.map(\.message) == [
        "a convolution's axes and windows are at most 2²⁸ long, padding included: axis 3 has 1073741824, the window 3",
        "average_pool goes along axes of at most 2²⁸ elements with their padding, not 1073741824",
      ])
  }

  /// An op's result fits, and what it is computed by does not.
  @Test func tooLargeOnTheWay() throws {
    let line = #line + 3
    let plain = Graph { g in
      let x = g.input("x", [1 << 17, 1 << 17])
      g.output("y", averagePool2d(x, 7, stride: 1))
    }
    let inLoop = Graph { g in
      let x = g.input("x", [1, 1 << 17, 1 << 17])
      let (_, all) = scan(over: x, initial: g.constant(0)) { (carried: $1, output: averagePool2d($0, 7, stride: 1).mean()) }
      g.output("y", all)
    }
    for (graph, line) in [(plain, line), (inLoop, line + 4)] {
      let expected =
        "\(#filePath):\(line): error: average_pool can't be computed: the result f32[7, 7, 131066, 131066] of windows has more than 2³⁸ elements; no memory holds it"
      let optimising = #expect(throws: GraphError.self) { try graph.optimised() }
      #expect(optimising?.description == expected)
      let interpreting = #expect(throws: GraphError.self) { try Interpreter(graph) }
      #expect(interpreting?.description == expected)
    }
  }

  /// Only a coordinate along the axis must fit Int32.
  @Test func oneHotMayHaveMoreElementsThanInt32Numbers() throws {
    let graph = Graph { g in g.output("y", oneHot(g.input("i", [3], type: .int32), depth: 1_000_000_007)) }
    #expect(try graph.optimised().outputs.count == 1)
  }

  /// One window needs no room up to a next one.
  @Test func aStridePastTheOnlyWindowIsHarmless() throws {
    let graph = Graph { g in
      let x = g.input("x", [1, 1, 3, 3])
      let w = g.constant([1, 2, 3, 4] as [Float], [1, 1, 2, 2])
      g.output("g", gradient(of: conv2d(x, w, stride: Size2D(1 << 20)).sum(), withRespectTo: x))
    }
    let results = try Interpreter(graph.optimised()).run(inputs: ["x": .float32([Float](repeating: 0, count: 9))])
    #expect(results["g"]?.floats == [1, 2, 0, 3, 4, 0, 0, 0, 0])
  }

  @Test func aStepPastTheEndOfOneElementIsHarmless() throws {
    let graph = Graph { g in
      let x = g.input("x", [2, 3])
      let y = x.sliced(starts: [1, 0], extents: [1, 3], steps: [.max, 1])
      g.output("y", y)
      g.output("g", gradient(of: y.sum(), withRespectTo: x))
    }
    let results = try Interpreter(graph.optimised()).run(inputs: ["x": .float32([1, 2, 3, 4, 5, 6])])
    #expect(results["y"]?.floats == [4, 5, 6])
    #expect(results["g"]?.floats == [0, 0, 0, 1, 1, 1])
  }
}
