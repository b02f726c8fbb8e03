import Cinch
import TestSupport
import Testing

/// LSTM and GRU against their formulas in plain Swift, and against the same steps written out.
@Suite struct RecurrentLayerTests {
  static let (steps, batch, inputs, units) = (4, 3, 5, 6)
  static let names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]

  struct Numbers {
    var x: [Double] = []
    var parameters: [String: [Double]] = [:]

    init(gates: Int) {
      var random = SplitMix(seed: 21)
      func numbers(_ count: Int) -> [Double] { (0..<count).map { _ in Double(random.float(in: -1...1)) } }
      x = numbers(steps * batch * inputs)
      let columns = gates * units
      let counts: [Int] = [inputs * columns, units * columns, columns, columns]
      for (name, count) in zip(names, counts) {
        parameters[name] = numbers(count)
      }
    }

    func state() -> [String: ElementArray] { parameters.mapValues { .float32($0.map { Float($0) }) } }
    func given() -> [String: ElementArray] { ["x": .float32(x.map { Float($0) })] }

    /// `values` (of one row) times the matrix, plus the bias.
    func affine(_ values: [Double], _ weight: String, _ bias: String) -> [Double] {
      guard let matrix = parameters[weight], let bias = parameters[bias] else { return [] }
      return bias.indices.map { column -> Double in
        var sum = bias[column]
        for (row, value) in values.enumerated() { sum += value * matrix[row * bias.count + column] }
        return sum
      }
    }
    func row(_ step: Int, _ row: Int) -> [Double] {
      let start = (step * batch + row) * inputs
      return Array(x[start..<start + inputs])
    }
  }

  private static func logistic(_ x: Double) -> Double { Logistic().reference([x]) }
  private static func tangent(_ x: Double) -> Double { TanhOp().reference([x]) }

  /// h of every step and row, by the formulas of PyTorch's documentation.
  static func lstm(_ numbers: Numbers) -> [Double] {
    var all = [Double](repeating: 0, count: steps * batch * units)
    for row in 0..<batch {
      var (h, c) = ([Double](repeating: 0, count: units), [Double](repeating: 0, count: units))
      for step in 0..<steps {
        let (a, b) = (
          numbers.affine(numbers.row(step, row), names[0], names[2]), numbers.affine(h, names[1], names[3])
        )
        for unit in 0..<units {
          func gate(_ number: Int) -> Double { a[number * units + unit] + b[number * units + unit] }
          c[unit] = logistic(gate(1)) * c[unit] + logistic(gate(0)) * tangent(gate(2))
          h[unit] = logistic(gate(3)) * tangent(c[unit])
          all[(step * batch + row) * units + unit] = h[unit]
        }
      }
    }
    return all
  }

  static func gru(_ numbers: Numbers) -> [Double] {
    var all = [Double](repeating: 0, count: steps * batch * units)
    for row in 0..<batch {
      var h = [Double](repeating: 0, count: units)
      for step in 0..<steps {
        let (a, b) = (
          numbers.affine(numbers.row(step, row), names[0], names[2]), numbers.affine(h, names[1], names[3])
        )
        for unit in 0..<units {
          let reset = logistic(a[unit] + b[unit])
          let update = logistic(a[units + unit] + b[units + unit])
          let candidate = tangent(a[2 * units + unit] + reset * b[2 * units + unit])
          h[unit] = (1 - update) * candidate + update * h[unit]
          all[(step * batch + row) * units + unit] = h[unit]
        }
      }
    }
    return all
  }

  /// The layer, or its steps one after the other, with the gradients of x and the parameters.
  static func graph(isLSTM: Bool, isUnrolled: Bool, returns: RecurrentOutput) -> Graph {
    Graph { g in
      let x = g.input("x", [steps, batch, inputs])
      let gates = isLSTM ? 4 : 3
      let shapes: [Shape] = [[inputs, gates * units], [units, gates * units], [gates * units], [gates * units]]
      // The layer's own, where it has been registered.
      func declared() -> [Tensor] { zip(names, shapes).map { g.parameter($0, $1) } }
      let parameters: [Tensor]
      let result: Tensor
      if !isUnrolled {
        if isLSTM {
          let layer = LSTM(inputs, units, returns: returns)
          g.register(layer)
          result = layer(x)
        } else {
          let layer = GRU(inputs, units, returns: returns)
          g.register(layer)
          result = layer(x)
        }
        parameters = declared()
      } else {
        parameters = declared()
        var (h, c) = (g.constant(0, shape: [batch, units]), g.constant(0, shape: [batch, units]))
        var all: [Tensor] = []
        for step in 0..<steps {
          let a = matmul(x.sliced(along: 0, step..<step + 1).squeezed(0), parameters[0]) + parameters[2]
          let b = matmul(h, parameters[1]) + parameters[3]
          func part(_ tensor: Tensor, _ gate: Int) -> Tensor { tensor.sliced(along: 1, gate * units..<(gate + 1) * units) }
          func gate(_ number: Int) -> Tensor { part(a, number) + part(b, number) }
          if isLSTM {
            c = sigmoid(gate(1)) * c + sigmoid(gate(0)) * tanh(gate(2))
            h = sigmoid(gate(3)) * tanh(c)
          } else {
            let candidate = tanh(part(a, 2) + sigmoid(gate(0)) * part(b, 2))
            h = (1 - sigmoid(gate(1))) * candidate + sigmoid(gate(1)) * h
          }
          all.append(h.expandedAxis(0))
        }
        result = returns == .last ? h : concatenate(all, along: 0)
      }
      g.output("result", result)
      let loss = sin(result * 3).sum()
      for (name, gradient) in zip(["x"] + names, gradients(of: loss, withRespectTo: [x] + parameters)) { g.output("d \(name)", gradient) }
    }
  }

  @Test(arguments: [false, true], [RecurrentOutput.sequence, .last])
  func layersAreTheirFormulas(_ isLSTM: Bool, _ returns: RecurrentOutput) throws {
    let numbers = Numbers(gates: isLSTM ? 4 : 3)
    let graph = Self.graph(isLSTM: isLSTM, isUnrolled: false, returns: returns)
    #expect(graph.diagnostics.isEmpty)
    var state = numbers.state()
    let exact = try Interpreter(graph, mode: .float64).run(inputs: numbers.given(), state: &state)
    let all = isLSTM ? Self.lstm(numbers) : Self.gru(numbers)
    let expected = returns == .sequence ? all : Array(all.suffix(Self.batch * Self.units))
    #expect(exact["result"]?.doubles.count == expected.count)
    for (a, b) in zip(exact["result"]?.doubles ?? [], expected) { #expect(abs(a - b) < 1e-12) }

    let unrolled = try Interpreter(Self.graph(isLSTM: isLSTM, isUnrolled: true, returns: returns), mode: .float64)
      .run(inputs: numbers.given(), state: &state)
    let optimised = try Interpreter(graph.optimised()).run(inputs: numbers.given(), state: &state)
    #expect(unrolled.count == 6 && exact.count == 6)
    for (name, values) in unrolled {
      let scale = max(1, values.doubles.map(\.magnitude).max() ?? 1)
      #expect(values.doubles.contains { abs($0) > 1e-3 }, "\(name) is all zero")
      for (a, b) in zip(exact[name]?.doubles ?? [], values.doubles) { #expect(abs(a - b) < 1e-12 * scale, "\(name)") }
      for (a, b) in zip(optimised[name]?.doubles ?? [], values.doubles) { #expect(abs(a - b) < 1e-6 * scale, "\(name)") }
    }
  }

  @Test func statesStartWhereTheUserSays() throws {
    let graph = Graph { g in
      let layer = LSTM(2, 3), x = g.input("x", [4, 1, 2])
      let whole = layer.states(x)
      let first = layer.states(x.sliced(along: 0, 0..<2))
      let second = layer.states(x.sliced(along: 0, 2..<4), hidden: first.hidden, cell: first.cell)
      g.output("whole", whole.cell)
      g.output("halves", second.cell)
      let gated = GRU(2, 3)
      g.output("whole gru", gated.states(x).hidden)
      let half = gated.states(x.sliced(along: 0, 0..<2)).hidden
      g.output("halves gru", gated.states(x.sliced(along: 0, 2..<4), hidden: half).hidden)
    }
    #expect(graph.diagnostics.isEmpty)
    var state = Dictionary(uniqueKeysWithValues: graph.state.map { ($0.name, $0.initialValue(seed: 3)) })
    let found = try Interpreter(graph, mode: .float64).run(inputs: ["x": .float32([1, 2, 3, 4, 5, 6, 7, 8])], state: &state)
    #expect(found["whole"]?.doubles == found["halves"]?.doubles && found["whole"]?.doubles.count == 3)
    #expect(found["whole gru"]?.doubles == found["halves gru"]?.doubles)
  }

  @Test func namesAndTextAreThoseOfPyTorch() {
    struct Model: Module {
      let lstm = LSTM(32, 128), gru = GRU(128, 7, returns: .last)
      func callAsFunction(_ input: Tensor) -> Tensor { gru(lstm(input)) }
    }
    #expect(Model().namedParameters.map(\.name) == Self.names.map { "lstm." + $0 } + Self.names.map { "gru." + $0 })
    #expect(Model().namedParameters.map(\.parameter.shape)[..<4] == [[32, 512], [128, 512], [512], [512]])
    #expect("\(Model())".contains("(lstm): LSTM(32, 128)"))
    #expect("\(Model())".contains("(gru): GRU(128, 7, returns=last)"))
  }

  @Test func badInputIsReportedAtTheLayer() {
    let line = #line + 1
    let lstm = LSTM(4, 3), gru = GRU(4, 3)
    let graph = Graph { g in
      g.output("a", lstm(g.input("x", [5, 4])))
      g.output("b", gru(g.input("y", [5, 2, 3])))
      let z = g.input("z", [5, 2, 4])
      g.output("c", lstm.states(z, hidden: g.input("h", [3, 3])).cell)
      g.output("d", gru.states(z, hidden: g.input("k", [2, 4])).hidden)
    }
    #expect(
      graph.diagnostics.map(\.message) == [
        "LSTM(4, 3) needs float32 [steps, batch, 4], not f32[5, 4]", "GRU(4, 3) needs float32 [steps, batch, 4], not f32[5, 2, 3]",
        "LSTM(4, 3) on a batch of 2 starts from float32[2, 3], not f32[3, 3]",
        "GRU(4, 3) on a batch of 2 starts from float32[2, 3], not f32[2, 4]",
      ])
    #expect(graph.diagnostics.allSatisfy { $0.site.line == line && $0.site.fileID.hasSuffix("RecurrentLayerTests.swift") })
  }
}
