import Testing

@testable import CinchGraph

/// What a network has several of: one layer called twice, several of one kind, and losses, inputs and outputs beside each other.
@Suite struct RepeatedLayerTests {
  struct Case: Sendable, CustomStringConvertible {
    let layer: any Module
    /// Another construction of the same.
    let other: any Module
    let input: TensorType
    var description: String { "\(layer)" }
    init(_ input: TensorType, _ layer: @autoclosure () -> any Module) {
      (self.layer, other, self.input) = (layer(), layer(), input)
    }
  }

  static let cases: [Case] = [
    Case(TensorType(.float32, [2, 3]), Linear(3, 4)),
    Case(TensorType(.float32, [2, 3]), LayerNorm(3)),
    Case(TensorType(.int32, [2, 3]), Embedding(5, 4)),
    Case(TensorType(.float32, [2, 3, 4]), MultiHeadAttention(4, heads: 2)),
    Case(TensorType(.float32, [1, 2, 4, 4]), Conv2d(2, 3, window: 3)),
    Case(TensorType(.float32, [2, 3, 4]), LSTM(4, 3)),
    Case(TensorType(.float32, [2, 3, 4]), GRU(4, 3)),
  ]

  /// The gradient of a sum over two calls is the sum of both calls' gradients; another layer of the kind takes none of it.
  @Test(arguments: cases)
  func callsOfOneLayerShareItsParameters(_ test: Case) throws {
    let graph = Graph { g in
      g.register(test.layer, as: "one")
      g.register(test.other, as: "other")
      let (a, b) = (
        g.input("a", test.input.shape, type: test.input.elementType), g.input("b", test.input.shape, type: test.input.elementType)
      )
      let (first, second) = (sin(test.layer(a)).sum(), cos(test.layer(b)).sum())
      let apart = sin(test.other(a)).sum()
      let parameters = test.layer.namedParameters.map { $0.parameter.tensor(in: g) }
      for (name, value) in [("first", first), ("second", second), ("both", first + second + apart)] {
        for (number, slope) in gradients(of: value, withRespectTo: parameters).enumerated() {
          g.output("\(name) \(number)", slope)
        }
      }
    }
    #expect(graph.diagnostics.isEmpty, "\(graph.diagnostics)")
    let names = graph.state.filter { $0.role == .parameter }.map(\.name)
    #expect(names.filter { $0.hasPrefix("one.") }.count == test.layer.namedParameters.count)
    #expect(names.filter { $0.hasPrefix("other.") }.count == test.layer.namedParameters.count)
    var state: [String: ElementArray] = [:]
    for variable in graph.state {
      let drawn = StateVariable(name: variable.name, type: variable.type, role: .parameter, initialiser: .uniform(bound: 1))
      state[variable.name] = drawn.initialValue(seed: 1)
    }
    let count = test.input.shape.elementCount
    var inputs: [String: ElementArray] = [:]
    for (number, name) in ["a", "b"].enumerated() {
      inputs[name] =
        test.input.elementType == .int32
        ? .int32((0..<count).map { Int32(($0 + number) % 5) })
        : .float32((0..<count).map { Float(($0 * 7 + number * 3) % 11) / 6 - 1 })
    }
    let found = try Interpreter(graph, mode: .float64).run(inputs: inputs, state: &state)
    for number in test.layer.namedParameters.indices {
      let (first, second) = (found["first \(number)"]?.doubles ?? [], found["second \(number)"]?.doubles ?? [])
      let both = found["both \(number)"]?.doubles ?? []
      #expect(!both.isEmpty && first != second)
      for index in both.indices { #expect(abs(both[index] - first[index] - second[index]) < 1e-12) }
    }
  }
}
