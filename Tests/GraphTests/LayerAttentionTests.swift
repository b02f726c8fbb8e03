import CinchCodegen
import Testing

@testable import CinchGraph

/// Layer norm, embeddings and attention against their formulas, written out in Swift for one element at a time.
@Suite struct LayerAttentionTests {
  /// Numbers in ±1 that depend on position and name.
  private func numbers(_ count: Int, _ seed: Int) -> [Double] {
    (0..<count).map { index -> Double in
      let word = (index * 7919 + seed * 104_729 + 13) % 10_007
      return Double(word) / 5003.5 - 1
    }
  }

  /// What a model computes from `x` and its parameters: as optimised for Float32, and in the independent meaning.
  private func run(
    _ model: some Module, _ type: TensorType, _ x: ElementArray, _ parameters: [String: [Double]]
  ) throws -> [[Double]] {
    let graph = Graph { g in
      g.register(model)
      g.output("y", model(g.input("x", type.shape, type: type.elementType)))
    }
    #expect(graph.diagnostics.isEmpty, "\(graph.diagnostics)")
    #expect(graph.state.map(\.name).sorted() == parameters.keys.sorted())
    return try [Interpreter(graph.optimised()), Interpreter(graph, mode: .float64)].map { interpreter in
      let isExact = interpreter.mode == .float64
      var state = parameters.mapValues { isExact ? ElementArray.float64($0) : .float32($0.map { Float($0) }) }
      let values: ElementArray = if isExact, let floats = x.floats { .float64(floats.map(Double.init)) } else { x }
      return try #require(try interpreter.run(inputs: ["x": values], state: &state)["y"]).doubles
    }
  }

  private func expectClose(_ found: [[Double]], _ expected: [Double], sourceLocation: SourceLocation = #_sourceLocation) {
    for (values, bound) in zip(found, [3e-6, 1e-6]) {
      #expect(values.count == expected.count, sourceLocation: sourceLocation)
      for (index, (a, b)) in zip(values, expected).enumerated() where !(abs(a - b) <= bound * max(1, abs(b))) {
        Issue.record("element \(index) is \(a), not \(b)", sourceLocation: sourceLocation)
        return
      }
    }
  }

  private func floats(_ values: [Double]) -> ElementArray { .float32(values.map { Float($0) }) }

  @Test(arguments: [[5], [2, 5]] as [Shape]) func layerNorm(_ shape: Shape) throws {
    let (rows, count) = (6 / (shape.rank == 1 ? 1 : 2), shape.elementCount)
    let x = numbers(rows * count, 1), weight = numbers(count, 2), bias = numbers(count, 3)
    var expected: [Double] = []
    for row in 0..<rows {
      let values = (0..<count).map { Double(Float(x[row * count + $0])) }
      let mean = values.reduce(0, +) / Double(count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
      for column in 0..<count {
        expected.append((values[column] - mean) / (variance + 1e-5).squareRoot() * weight[column] + bias[column])
      }
    }
    let type = TensorType(.float32, Shape([rows] + shape.extents))
    expectClose(
      try run(LayerNorm(shape), type, floats(x), ["weight": weight, "bias": bias]), expected)
    // Ones and zeros are what weight and bias begin with.
    let plain = try run(LayerNorm(shape, affine: false), type, floats(x), [:])
    let begun = try run(
      LayerNorm(shape), type, floats(x),
      ["weight": LayerNorm(shape), "bias": LayerNorm(shape)].reduce(into: [:]) { result, entry in
        let parameter = entry.key == "weight" ? entry.value.weight : entry.value.bias
        result[entry.key] = parameter.map { parameter in
          StateVariable(name: "p", type: TensorType(.float32, shape), role: .parameter, initialiser: parameter.initialiser)
            .initialValue(seed: 1).doubles
        }
      })
    #expect(plain == begun)
  }

  @Test func embeddingsAreRowsOfTheirTable() throws {
    let table = numbers(7 * 3, 1), positions = numbers(4 * 3, 2)
    let model = Sequential {
      Embedding(7, 3)
      PositionEmbedding(4, 3)
    }
    // Two sequences, shorter than the context.
    let symbols: [Int32] = [6, 0, 3, 3, 5, 6]
    let expected = symbols.enumerated().flatMap { place, symbol in
      (0..<3).map { table[Int(symbol) * 3 + $0] + positions[place % 3 * 3 + $0] }
    }
    expectClose(
      try run(model, TensorType(.int32, [2, 3]), .int32(symbols), ["0.weight": table, "1.weight": positions]), expected)
  }

  /// Head by head and position by position.
  private func attended(
    _ x: [Double], _ batch: Int, _ length: Int, _ width: Int, _ heads: Int, isCausal: Bool, _ parameters: [String: [Double]]
  ) -> [Double] {
    func affine(_ row: [Double], _ name: String, _ columns: Int) -> [Double] {
      guard let weight = parameters["\(name).weight"], var result = parameters["\(name).bias"] else { return [] }
      for (input, value) in row.enumerated() {
        for column in 0..<columns { result[column] += value * weight[input * columns + column] }
      }
      return result
    }
    let depth = width / heads
    var result: [Double] = []
    for sequence in 0..<batch {
      let rows = (0..<length).map { place in
        affine(Array(x[((sequence * length + place) * width)...].prefix(width)), "qkv", 3 * width)
      }
      for place in 0..<length {
        var mixed: [Double] = []
        for head in 0..<heads {
          let columns = (head * depth)..<((head + 1) * depth)
          let seen = isCausal ? place + 1 : length
          let scores = (0..<seen).map { other in
            columns.reduce(0) { $0 + rows[place][$1] * rows[other][width + $1] } / Double(depth).squareRoot()
          }
          let weights = scores.map { exponential($0) }
          let total = weights.reduce(0, +)
          for column in columns {
            mixed.append((0..<seen).reduce(0) { $0 + weights[$1] / total * rows[$1][2 * width + column] })
          }
        }
        result += affine(mixed, "output", width)
      }
    }
    return result
  }

  @Test(arguments: [false, true], [1, 2, 6]) func attentionIsItsFormula(isCausal: Bool, heads: Int) throws {
    let (batch, length, width) = (2, 5, 6)
    let parameters = [
      "qkv.weight": numbers(width * 3 * width, 1), "qkv.bias": numbers(3 * width, 2),
      "output.weight": numbers(width * width, 3), "output.bias": numbers(width, 4),
    ].mapValues { $0.map { Double(Float($0)) } }
    let x = numbers(batch * length * width, 5).map { Double(Float($0)) }
    let model = MultiHeadAttention(width, heads: heads, isCausal: isCausal)
    expectClose(
      try run(model, TensorType(.float32, [batch, length, width]), floats(x), parameters),
      attended(x, batch, length, width, heads, isCausal: isCausal, parameters))
    // One sequence without an axis for the batch.
    expectClose(
      try run(model, TensorType(.float32, [length, width]), floats(Array(x[..<(length * width)])), parameters),
      attended(x, 1, length, width, heads, isCausal: isCausal, parameters))
  }

  /// Of a block as transformers have it, with respect to the input and all parameters, against differences along one direction.
  @Test func gradientsAreDerivatives() throws {
    struct Block: Module {
      let norm = LayerNorm(6), attention = MultiHeadAttention(6, heads: 3, isCausal: true)
      func callAsFunction(_ x: Tensor) -> Tensor { x + attention(norm(x)) }
    }
    let model = Block()
    let graph = Graph { g in
      g.register(model)
      let x = g.input("x", [2, 4, 6])
      let value = (model(x) * g.input("w", [2, 4, 6])).sum()
      g.output("value", value)
      let targets = [x] + model.namedParameters.map { $0.parameter.tensor(in: g) }
      for (index, gradient) in gradients(of: value, withRespectTo: targets).enumerated() { g.output("g\(index)", gradient) }
    }
    #expect(graph.diagnostics.isEmpty, "\(graph.diagnostics)")
    let interpreter = try Interpreter(graph, mode: .float64)
    let counts = [48] + model.namedParameters.map { $0.parameter.shape.elementCount }
    func outputs(at step: Double) throws -> [String: [Double]] {
      let points = counts.enumerated().map { index, count in
        zip(numbers(count, index), numbers(count, index + 20)).map { $0 + step * $1 }
      }
      var state: [String: ElementArray] = [:]
      for (index, (name, _)) in model.namedParameters.enumerated() { state[name] = .float64(points[index + 1]) }
      return try interpreter.run(inputs: ["x": .float64(points[0]), "w": .float64(numbers(48, 9))], state: &state)
        .mapValues(\.doubles)
    }
    let (before, here, after) = try (outputs(at: -1e-6), outputs(at: 0), outputs(at: 1e-6))
    let measured = ((after["value"]?[0] ?? .nan) - (before["value"]?[0] ?? .nan)) / 2e-6
    var computed = 0.0
    for (index, count) in counts.enumerated() {
      let gradient = here["g\(index)"] ?? []
      #expect(gradient.count == count && gradient.contains { abs($0) > 1e-4 }, "\(index)")
      computed += zip(gradient, numbers(count, index + 20)).reduce(0) { $0 + $1.0 * $1.1 }
    }
    #expect(abs(measured - computed) <= 1e-6 * max(1, abs(measured)), "\(measured), \(computed)")
  }

  @Test func mistakesNameTheLayersLine() {
    let line = #line + 1
    let cases: [(any Module, TensorType, String)] = [
      (LayerNorm(8), TensorType(.float32, [4, 6]), "needs float32 whose last axes are [8], not f32[4, 6]"),
      (LayerNorm([]), TensorType(.float32, [4, 6]), "whose last axes are [], not f32[4, 6]"),
      (LayerNorm([4, 6], epsilon: -1), TensorType(.float32, [4, 6]), "needs an epsilon from 0 on, not -1.0"),
      (Embedding(5, 8), TensorType(.float32, [4]), "Embedding(5, 8) needs int32 numbers of what it embeds, not f32[4]"),
      (PositionEmbedding(5, 8), TensorType(.float32, [2, 6, 8]), "has vectors for 5 positions, and the sequence has 6"),
      (PositionEmbedding(5, 8), TensorType(.float32, [8]), "needs float32 [batch…, positions, 8], not f32[8]"),
      (MultiHeadAttention(10, heads: 4), TensorType(.float32, [2, 10]), "can't divide 10 columns evenly among 4 heads"),
      (MultiHeadAttention(8, heads: 0), TensorType(.float32, [2, 8]), "can't divide 8 columns evenly among 0 heads"),
      (MultiHeadAttention(.min, heads: 2), TensorType(.float32, [2, 8]), "columns evenly among 2 heads"),
      (MultiHeadAttention(8, heads: 2), TensorType(.float32, [2, 5, 6]), "needs float32 [batch…, positions, 8], not f32[2, 5, 6]"),
      (MultiHeadAttention(8, heads: 2), TensorType(.int32, [5, 8]), "needs float32 [batch…, positions, 8], not i32[5, 8]"),
      (MultiHeadAttention(8, heads: 2), TensorType(.float32, [8]), "needs float32 [batch…, positions, 8], not f32[8]"),
    ]
    for (index, (model, type, message)) in cases.enumerated() {
      let graph = Graph { g in g.output("y", model(g.input("x", type.shape, type: type.elementType))) }
      #expect(graph.diagnostics.count == 1, "\(graph.diagnostics)")
      #expect(graph.diagnostics.first?.message.contains(message) == true, "\(graph.diagnostics)")
      #expect(graph.diagnostics.first?.site == CallSite(#filePath, line + 1 + index))
    }
  }
}

/// eˣ by its series, for small x.
private func exponential(_ x: Double) -> Double {
  var (term, sum) = (1.0, 1.0)
  for n in 1..<60 {
    term *= x / Double(n)
    sum += term
  }
  return sum
}
