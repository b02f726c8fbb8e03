import Cinch
import TestSupport
import Testing

/// `scan` against what it abbreviates: the same steps written one after the other.
@Suite struct ScanTests {
  /// A cell that uses its slice, two carried values, and two tensors of the graph around in several ways.
  struct Cell {
    let w: Tensor, b: Tensor

    func step(_ x: Tensor, _ h: Tensor, _ c: Tensor) -> (h: Tensor, c: Tensor, y: Tensor) {
      let z = tanh(matmul(concatenate([x, h], along: 1), w) + b)
      let next = sigmoid(z) * c + z * b
      return (z * cos(next), next, softmax(next) + h)
    }
  }

  static let inputs: [(name: String, shape: Shape)] = [
    ("x", [5, 2, 3]), ("h", [2, 4]), ("c", [2, 4]), ("w", [7, 4]), ("b", [4]), ("v", [5, 2, 4]),
  ]

  static func values(seed: UInt64 = 3) -> [String: ElementArray] {
    var random = SplitMix(seed: seed)
    var values: [String: ElementArray] = [:]
    for (name, shape) in inputs { values[name] = .float32((0..<shape.elementCount).map { _ in random.float(in: -1...1) }) }
    return values
  }

  /// One number that depends on everything: last carried values and the stacked output.
  static func value(_ g: GraphBuilder, isUnrolled: Bool, isReversed: Bool = false) -> (
    value: Tensor, targets: [Tensor], all: [Tensor]
  ) {
    let tensors = inputs.map { g.input($0.name, $0.shape) }
    let (x, h, c, v) = (tensors[0], tensors[1], tensors[2], tensors[5])
    let cell = Cell(w: tensors[3], b: tensors[4])
    var (last, lastMemory, stacked): (Tensor, Tensor, Tensor)
    if isUnrolled {
      var slices = [Tensor?](repeating: nil, count: 5)
      (last, lastMemory) = (h, c)
      for step in isReversed ? Array((0..<5).reversed()) : Array(0..<5) {
        let result = cell.step(x.sliced(along: 0, step..<step + 1).squeezed(0), last, lastMemory)
        (last, lastMemory) = (result.h, result.c)
        slices[step] = result.y.expandedAxis(0)
      }
      stacked = concatenate(slices.compactMap(\.self), along: 0)
    } else {
      let (carried, outputs) = scan(over: [x], initial: [h, c], reversed: isReversed) { slices, carried in
        let result = cell.step(slices[0], carried[0], carried[1])
        return (carried: [result.h, result.c], outputs: [result.y])
      }
      (last, lastMemory, stacked) = (carried[0], carried[1], outputs[0])
    }
    let value = (last * last).sum() + sin(lastMemory).sum() + (stacked * v * stacked).sum()
    return (value, tensors, [last, lastMemory, stacked])
  }

  /// The value, its gradients, and the gradients of a scalar made of those.
  static func graph(isUnrolled: Bool, isReversed: Bool = false) -> Graph {
    Graph { g in
      let (value, targets, all) = Self.value(g, isUnrolled: isUnrolled, isReversed: isReversed)
      g.output("value", value)
      for (number, tensor) in all.enumerated() { g.output("result \(number)", tensor) }
      let first = gradients(of: value, withRespectTo: targets)
      var slope = g.constant(0)
      for (gradient, (name, _)) in zip(first, inputs) {
        g.output("d \(name)", gradient)
        slope = slope + sin(gradient).sum()
      }
      g.output("slope", slope)
      for (gradient, (name, _)) in zip(gradients(of: slope, withRespectTo: targets), inputs) { g.output("dd \(name)", gradient) }
    }
  }

  @Test(arguments: [false, true]) func valuesAndGradientsAreThoseOfTheStepsWrittenOut(_ isReversed: Bool) throws {
    let (loop, unrolled) = (
      Self.graph(isUnrolled: false, isReversed: isReversed), Self.graph(isUnrolled: true, isReversed: isReversed)
    )
    #expect(loop.diagnostics.isEmpty && unrolled.diagnostics.isEmpty)
    let found = try Interpreter(loop, mode: .float64).run(inputs: Self.values())
    let expected = try Interpreter(unrolled, mode: .float64).run(inputs: Self.values())
    #expect(found.count == 17 && found.keys == expected.keys)
    for (name, values) in expected {
      #expect(values.doubles.contains { abs($0) > 1e-2 }, "\(name) is all zero")
      for (a, b) in zip(found[name]?.doubles ?? [], values.doubles) {
        #expect(abs(a - b) <= 1e-12 * max(1, abs(b)), "\(name): \(a), \(b)")
      }
    }
    // Through all passes, in Float32.
    let optimised = try Interpreter(loop.optimised()).run(inputs: Self.values())
    for (name, values) in expected {
      let scale = values.doubles.map(\.magnitude).max() ?? 1
      for (a, b) in zip(optimised[name]?.doubles ?? [], values.doubles) {
        #expect(abs(a - b) <= 1e-5 * max(1, scale), "\(name): \(a), \(b)")
      }
    }
  }

  @Test func gradientsAreDerivatives() throws {
    let interpreter = try Interpreter(Self.graph(isUnrolled: false), mode: .float64)
    var random = SplitMix(seed: 11)
    let directions = Self.inputs.map { input in (0..<input.shape.elementCount).map { _ in Double(random.float(in: -1...1)) } }
    func outputs(at step: Double) throws -> [String: [Double]] {
      var inputs = Self.values()
      for ((name, _), direction) in zip(Self.inputs, directions) {
        inputs[name] = .float64(zip(inputs[name]?.doubles ?? [], direction).map { $0 + step * $1 })
      }
      return try interpreter.run(inputs: inputs).mapValues(\.doubles)
    }
    let step = 1e-5
    let (before, here, after) = try (outputs(at: -step), outputs(at: 0), outputs(at: step))
    for (value, prefix) in [("value", "d"), ("slope", "dd")] {
      let measured = ((after[value]?[0] ?? .nan) - (before[value]?[0] ?? .nan)) / (2 * step)
      var (computed, scale) = (0.0, 1.0)
      for ((name, _), direction) in zip(Self.inputs, directions) {
        for (a, b) in zip(here["\(prefix) \(name)"] ?? [], direction) {
          computed += a * b
          scale += (a * b).magnitude
        }
      }
      #expect((measured - computed).magnitude <= 1e-7 * scale, "\(prefix): \(computed), by differences \(measured)")
    }
  }

  /// Without the DSL or autodiff: the recurrence h ← a·h + x by hand, with its gradients.
  @Test func aRecurrenceByHand() throws {
    let graph = Graph { g in
      let x = g.input("x", [4])
      let a = g.input("a", [])
      let (last, all) = scan(over: x, initial: g.constant(2)) { slice, h in
        let next = a * h + slice
        return (carried: next, output: next)
      }
      g.output("last", last)
      g.output("all", all)
      let (dx, da) = { ($0[0], $0[1]) }(gradients(of: (all * all).sum(), withRespectTo: [x, a]))
      g.output("dx", dx)
      g.output("da", da)
      let (dxOfLast, daOfLast) = { ($0[0], $0[1]) }(gradients(of: last, withRespectTo: [x, a]))
      g.output("dx of last", dxOfLast)
      g.output("daa", gradient(of: daOfLast, withRespectTo: a))
    }
    #expect(graph.diagnostics.isEmpty)
    let (x, a) = ([1.0, -2, 0.5, 3], 0.75)
    let found = try Interpreter(graph, mode: .float64).run(inputs: ["x": .float64(x), "a": .float64([a])]).mapValues(\.doubles)
    var states = [2.0]
    for value in x { states.append(a * states[states.count - 1] + value) }
    #expect(found["last"] == [states[4]])
    #expect(found["all"] == Array(states.dropFirst()))
    var (adjoint, da, dx) = (0.0, 0.0, [Double](repeating: 0, count: 4))
    for step in (0..<4).reversed() {
      adjoint += 2 * states[step + 1]
      dx[step] = adjoint
      da += adjoint * states[step]
      adjoint *= a
    }
    #expect(found["dx"] == dx)
    #expect(found["da"] == [da])
    #expect(found["dx of last"] == [a * a * a, a * a, a, 1])
    // h₄ = 2a⁴ + x₀a³ + x₁a² + x₂a + x₃
    #expect(abs((found["daa"]?[0] ?? .nan) - (24 * a * a + 6 * x[0] * a + 2 * x[1])) < 1e-12)
  }

  @Test func loopsInLoopsAreDifferentiated() throws {
    func graph(isUnrolled: Bool) -> Graph {
      Graph { g in
        let x = g.input("x", [3, 4, 2])
        let w = g.input("w", [2, 2])
        let h = g.input("h", [1, 2])
        func step(_ slice: Tensor, _ h: Tensor) -> Tensor { tanh(matmul(h, w) + slice.expandedAxis(0)) * w.sum() }
        func rows(_ tensor: Tensor) -> [Tensor] {
          (0..<tensor.shape[0]).map { tensor.sliced(along: 0, $0..<$0 + 1).squeezed(0) }
        }
        let result: Tensor
        if isUnrolled {
          result = rows(x).reduce(h) { h, row in rows(row).reduce(h) { step($1, $0) } * sigmoid(h) }
        } else {
          result =
            scan(over: [x], initial: [h]) { slices, carried in
              let inner = scan(over: [slices[0]], initial: carried) { (carried: [step($0[0], $1[0])], outputs: []) }
              return (carried: [inner.carried[0] * sigmoid(carried[0])], outputs: [])
            }.carried[0]
        }
        let first = gradients(of: (result * result).sum(), withRespectTo: [x, w, h])
        let slope = first.reduce(g.constant(0)) { $0 + ($1 * $1).sum() }
        g.output("slope", slope)
        for (number, gradient) in (first + gradients(of: slope, withRespectTo: [x, w, h])).enumerated() {
          g.output("\(number)", gradient)
        }
      }
    }
    var random = SplitMix(seed: 9)
    func numbers(_ count: Int) -> ElementArray { .float32((0..<count).map { _ in random.float(in: -1...1) }) }
    let inputs = ["x": numbers(24), "w": numbers(4), "h": numbers(2)]
    let found = try Interpreter(graph(isUnrolled: false), mode: .float64).run(inputs: inputs)
    let expected = try Interpreter(graph(isUnrolled: true), mode: .float64).run(inputs: inputs)
    #expect(found.count == 7)
    for (name, values) in expected {
      for (a, b) in zip(found[name]?.doubles ?? [], values.doubles) {
        #expect(abs(a - b) <= 1e-10 * max(1, abs(b)), "\(name): \(a), \(b)")
      }
    }
    let optimised = try Interpreter(graph(isUnrolled: false).optimised()).run(inputs: inputs)
    for (name, values) in expected {
      for (a, b) in zip(optimised[name]?.doubles ?? [], values.doubles) {
        #expect(abs(a - b) <= 1e-4 * max(1, abs(b)), "\(name): \(a), \(b)")
      }
    }
  }

  /// Backward passes written by hand are called for bodies too.
  @Test func handWrittenBackwardsCountInBodies() throws {
    struct Doubled: CustomGradientModule {
      func forward(_ input: Tensor) -> Tensor { input * 1 }
      func backward(input: Tensor, output: Tensor, gradient: Tensor) -> Tensor { gradient * 2 }
    }
    let graph = Graph { g in
      let x = g.input("x", [3])
      let (last, _) = scan(over: x, initial: g.constant(0)) { slice, sum in (carried: sum + Doubled()(slice), output: sum) }
      g.output("g", gradient(of: last, withRespectTo: x))
    }
    #expect(try Interpreter(graph, mode: .float64).run(inputs: ["x": .float32([1, 2, 3])])["g"]?.doubles == [2, 2, 2])
  }

  /// No carried value, or no sequence; integers beside floats.
  @Test func partsMayBeMissing() throws {
    let graph = Graph { g in
      let x = g.input("x", [3, 2])
      let squares = scan(over: [x], initial: []) { slices, _ in (carried: [], outputs: [slices[0] * slices[0]]) }.stacked[0]
      g.output("squares", squares)
      g.output("dx", gradient(of: (squares * squares).sum(), withRespectTo: x))
      let number = g.constant([3] as [Int32], [])
      let (powers, counts) = scan(initial: [x, number], count: 4) { _, carried in
        (carried: [carried[0] * carried[0], carried[1] + number], outputs: [carried[1]])
      }
      g.output("powers", powers[0])
      g.output("count", powers[1])
      g.output("counts", counts[0])
      g.output("d powers", gradient(of: powers[0].sum(), withRespectTo: x))
    }
    #expect(graph.diagnostics.isEmpty)
    for graph in [graph, try graph.optimised()] {
      let found = try Interpreter(graph).run(inputs: ["x": .float32([1, -1, 0.5, 1, 1, 1])])
      #expect(found["squares"]?.floats == [1, 1, 0.25, 1, 1, 1])
      #expect(found["dx"]?.floats == [4, -4, 0.5, 4, 4, 4])
      #expect(found["count"]?.doubles == [15])
      #expect(found["counts"]?.doubles == [3, 6, 9, 12])
      #expect((found["d powers"]?.floats ?? []).prefix(3) == [16, -16, 16 * 0x1p-15])
    }
  }

  @Test func everyIterationDrawsNewNumbers() throws {
    let clean = Graph { g in
      let x = g.input("x", [8])
      g.output(
        "drawn", scan(over: x, initial: g.constant(0)) { x, h in (carried: h, output: x + g.random(.uniform, [2])) }.stacked)
    }
    #expect(clean.diagnostics.isEmpty)
    let nothing = Graph { g in
      g.output("o", scan(initial: [], count: 8) { _, _ in (carried: [], outputs: [g.random(.uniform, [2])]) }.stacked[0])
    }
    #expect(nothing.diagnostics.map(\.message) == ["scan needs a sequence or an initial value"])
    var state: [String: ElementArray] = ["random.seed": .int32([1]), "random.step": .int32([0])]
    let found = try Interpreter(clean).run(inputs: ["x": .float32([Float](repeating: 0, count: 8))], state: &state)
    #expect(Set(found["drawn"]?.floats ?? []).count == 16)
  }

  /// What is left of the loops: the weight's gradient is one product after the loop, dead parts are gone.
  @Test func weightsAreDifferentiatedAfterTheLoop() throws {
    let graph = try Graph { g in
      let x = g.input("x", [6, 5, 4])
      let h = g.input("h", [5, 3])
      let w = g.parameter("w", [4, 3])
      let u = g.parameter("u", [3, 3])
      let b = g.parameter("b", [3])
      let (last, _) = scan(over: x, initial: h) { x, h in
        let next = tanh(matmul(x, w) + matmul(h, u) + b)
        return (carried: next, output: next)
      }
      for (name, gradient) in zip(["w", "u", "b"], gradients(of: last.sum(), withRespectTo: [w, u, b])) {
        g.output(name, gradient)
      }
    }.optimised()
    let loops = graph.nodes.compactMap { $0.op as? Repeat }
    #expect(loops.count == 2)
    // Forward: h is carried; what goes out is h before and after each step. Backward: h's gradient is carried, and that before tanh stacked.
    #expect(loops.first?.iteration == Iteration(count: 6, carried: 1, sliced: 1, stacked: 2))
    #expect(loops.last?.iteration == Iteration(count: 6, carried: 1, sliced: 1, stacked: 1, isReversed: true))
    #expect(graph.nodes.filter { $0.op is MatMul }.map(\.type.shape) == [[4, 3], [3, 3]])
    #expect(graph.nodes.filter { $0.op is Repeat }.flatMap { $0.bodies[0].nodes }.count { $0.op is MatMul } == 3)
  }

  @Test(arguments: [
    ("lengths", "scan needs sequences of one length, not [3, 4]"),
    ("scalar", "leading axes, which a scalar doesn't have"),
    ("shape", "value 0 begins as f32[2] and comes back as f32[1, 2]"),
    ("type", "value 0 begins as f32[2] and comes back as i32[2]"),
    ("number", "scan carries 1 values and its body returns 2"),
    ("leak", "add uses a tensor of a scan's body after the scan"),
    ("output", "output 'h' uses a tensor of a scan's body after the scan"),
    ("gradient", "a gradient uses a tensor of a scan's body after the scan"),
    ("count", "scan is to run 5 times over sequences of length 3"),
    ("missing", "scan without sequences needs a count"),
    ("none", "scan runs at least once, not 0 times"),
    ("other", "mixes tensors of two graphs"),
    ("inside", "maximum can't broadcast [2] with [3]"),
  ])
  func mistakesAreFoundAtTheirLine(_ mistake: String, _ message: String) throws {
    let other = GraphBuilder(name: "other").input("o", [2])
    var line = 0
    let graph = Graph { g in
      let x = g.input("x", [3, 2])
      let y = g.input("y", [4, 2])
      let h = g.input("h", [2])
      var leaked = h
      let sequences = ["lengths": [x, y], "scalar": [g.constant(1)], "missing": [], "none": []][mistake] ?? [x]
      let count = ["count": 5, "none": 0][mistake]
      line = #line + 1
      let (carried, stacked) = scan(over: sequences, initial: [h], count: count) { slices, carried in
        leaked = carried[0] * 2
        var next = [leaked]
        switch mistake {
        case "shape": next = [leaked.expandedAxis(0)]
        case "type": next = [leaked.cast(to: .int32)]
        case "number": next = [leaked, leaked]
        case "other": next = [other]
        case "inside":
          line = #line + 1
          next = [maximum(leaked, x.sum(along: 1))]
        default: break
        }
        return (carried: next, outputs: [carried[0]])
      }
      if mistake == "leak" {
        line = #line + 1
        g.output("v", leaked + h)
      } else if mistake == "output" {
        line = #line + 1
        g.output("h", leaked)
      } else if mistake == "gradient" {
        line = #line + 1
        g.output("g", gradient(of: carried[0].sum(), withRespectTo: leaked))
      }
      // What follows a mistake is silent.
      g.output("carried", carried[0] + h)
      g.output("stacked", stacked[0])
    }
    #expect(graph.diagnostics.count == 1, "\(graph.diagnostics)")
    #expect(graph.diagnostics.first?.message.contains(message) == true, "\(graph.diagnostics)")
    #expect(graph.diagnostics.first?.site.line == line, "\(graph.diagnostics)")
    #expect(graph.diagnostics.first?.site.fileID.hasSuffix("ScanTests.swift") == true)
  }
}
