import Cinch
import CinchGraph
import TestSupport
import Testing

/// Loops run as loops of the schedule: every engine gives the interpreter's bits, for any number of workers.
@Suite struct LoopLoweringTests {
  private static let engines = ["tinycc-avx512", "tinycc-avx2", "tinycc-scalar", "gcc"].compactMap(Engine.init(name:))

  private func expectSameBits(_ graph: Graph, _ inputs: [String: HostTensor], steps: Int = 1) throws {
    let reference = try graph.compile(ProgramOptions(engine: .interpreter))
    var expected: [[String: HostTensor]] = []
    for _ in 0..<steps { expected.append(try reference.run(inputs)) }
    for engine in Self.engines {
      if case .tinycc(let set) = engine, !Target.current(set).isSupported { continue }
      for workers in engine.worthTesting(workers: [1, 3]) {
        let program = try graph.compile(ProgramOptions(engine: engine, workers: workers, isTesting: true))
        for step in 0..<steps {
          #expect(try program.run(inputs) == expected[step], "step \(step) by \(engine) with \(workers) workers")
        }
      }
    }
  }

  /// h ← tanh(h·w + x_t); stacks h and what it was before; two more carried values change places.
  private func recurrence(isReversed: Bool, rows: Int = 3, width: Int = 17) throws -> Graph {
    let (h, all) = ("f32[\(rows), \(width)]", "f32[6, \(rows), \(width)]")
    return try Graph(
      parsing: """
        graph "recurrence" {
          %0 = input(name: "h", type: f32, shape: [\(rows), \(width)]) : \(h)
          %1 = input(name: "a", type: f32, shape: [3]) : f32[3]
          %2 = input(name: "b", type: f32, shape: [3]) : f32[3]
          %3 = input(name: "x", type: f32, shape: [6, \(rows), \(width)]) : \(all)
          %4 = input(name: "w", type: f32, shape: [\(width), \(width)]) : f32[\(width), \(width)]
          %5 = loop(%0, %1, %2, %3, %4, count: 6, carried: 3, sliced: 1, stacked: 2\(isReversed ? ", reversed: true" : "")) : \(h), f32[3], f32[3], \(all), \(all) {
            graph "body" {
              %0 = input(name: "h", type: f32, shape: [\(rows), \(width)]) : \(h)
              %1 = input(name: "a", type: f32, shape: [3]) : f32[3]
              %2 = input(name: "b", type: f32, shape: [3]) : f32[3]
              %3 = input(name: "x", type: f32, shape: [\(rows), \(width)]) : \(h)
              %4 = input(name: "w", type: f32, shape: [\(width), \(width)]) : f32[\(width), \(width)]
              %5 = matmul(%0, %4) : \(h)
              %6 = add(%5, %3) : \(h)
              %7 = tanh(%6) : \(h)
              output "h" = %7
              output "a" = %2
              output "b" = %1
              output "all" = %7
              output "before" = %0
            }
          }
          %6 = projection(%5, index: 1, type: f32, shape: [3]) : f32[3]
          %7 = projection(%5, index: 2, type: f32, shape: [3]) : f32[3]
          %8 = projection(%5, index: 3, type: f32, shape: [6, \(rows), \(width)]) : \(all)
          %9 = projection(%5, index: 4, type: f32, shape: [6, \(rows), \(width)]) : \(all)
          %10 = add(%8, %9) : \(all)
          output "h" = %5
          output "a" = %6
          output "b" = %7
          output "all" = %8
          output "sum" = %10
        }

        """)
  }

  @Test(arguments: [false, true]) func slicesMoveWithTheLoop(isReversed: Bool) throws {
    for (rows, width) in [(3, 17), (32, 128), (1, 1)] {
      let graph = try recurrence(isReversed: isReversed, rows: rows, width: width)
      let inputs = [
        "h": HostTensor.randomNormal([rows, width], seed: 1), "a": HostTensor([1, 2, 3] as [Float]),
        "b": HostTensor([4, 5, 6] as [Float]), "x": HostTensor.randomNormal([6, rows, width], seed: 2),
        "w": HostTensor.randomNormal([width, width], seed: 3),
      ]
      try expectSameBits(graph, inputs, steps: 2)
      let loops = try graph.compile(ProgramOptions(engine: .tinycc(nil))).step.loops
      #expect(loops.kernels.count < 12, "the body is a loop, not copies")
      #expect(try LoopProgram(parsing: loops.description) == loops)
    }
  }

  /// Loops over sequences with their gradients, and a step of them repeated: a loop of loops.
  @Test(arguments: [false, true]) func scansTrain(isGated: Bool) throws {
    for (steps, batch, units) in [(5, 3, 7), (1, 1, 1), (4, 32, 64)] {
      let graph = Graph { g in
        let x = g.input("x", [steps, batch, 5])
        let hidden: Tensor
        if isGated {
          let model = LSTM(5, units, returns: .last)
          g.register(model)
          hidden = model(x)
        } else {
          let model = GRU(5, units)
          g.register(model)
          hidden = model(x)
        }
        let loss = (hidden * hidden).mean()
        g.output("loss", loss)
        let names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
        let gates = isGated ? 4 : 3
        let parameters = zip(names, [[5, gates * units], [units, gates * units], [gates * units], [gates * units]] as [Shape]).map
        {
          g.parameter($0, $1)
        }
        for (parameter, gradient) in zip(parameters, gradients(of: loss, withRespectTo: parameters)) {
          g.update(parameter, to: parameter - gradient * 0.5)
        }
        g.output("dx", gradient(of: loss, withRespectTo: x))
      }
      let inputs = ["x": HostTensor.randomNormal([steps, batch, 5], seed: 1)]
      try expectSameBits(graph, inputs, steps: 2)
      try expectSameBits(graph.repeated(2), inputs)
      let loops = try graph.compile(ProgramOptions(engine: .tinycc(nil))).step.loops
      #expect(try LoopProgram(parsing: loops.description) == loops)
    }
  }

  /// Gradients of gradients of a loop, with a loop in its body.
  @Test func gradientsOfGradientsOfScansRun() throws {
    let graph = Graph { g in
      let x = g.input("x", [3, 4, 17])
      let w = g.input("w", [17, 17])
      let h = g.input("h", [1, 17])
      let result = scan(over: [x], initial: [h]) { slices, carried in
        let inner = scan(over: [slices[0]], initial: carried) { slices, carried in
          (carried: [tanh(matmul(carried[0], w) + slices[0].expandedAxis(0))], outputs: [])
        }
        return (carried: [inner.carried[0] * sigmoid(carried[0])], outputs: [])
      }.carried[0]
      let first = gradients(of: (result * result).sum(), withRespectTo: [x, w, h])
      let slope = first.reduce(g.constant(0)) { $0 + ($1 * $1).sum() }
      for (number, gradient) in (first + gradients(of: slope, withRespectTo: [x, w, h])).enumerated() {
        g.output("g\(number)", gradient)
      }
    }
    try expectSameBits(
      graph,
      [
        "x": HostTensor.randomNormal([3, 4, 17], seed: 1), "w": HostTensor.randomNormal([17, 17], seed: 2),
        "h": HostTensor.randomNormal([1, 17], seed: 3),
      ])
  }

  @Test func aStepRepeatedIsAsManySteps() throws {
    let graph = Graph { g in
      let x = g.input("x", [33, 5])
      let weight = g.parameter("w", [5, 7], .xavierNormal)
      let loss = tanh(matmul(x, weight)).squared().mean()
      g.output("loss", loss)
      g.update(weight, to: weight - gradient(of: loss, withRespectTo: weight) * 0.1)
    }
    let inputs = ["x": HostTensor.randomNormal([33, 5], seed: 1)]
    let one = try graph.compile(ProgramOptions(engine: .tinycc(nil)))
    let many = try graph.repeated(5).compile(ProgramOptions(engine: .tinycc(nil)))
    var loss: HostTensor?
    for _ in 0..<5 { loss = try one.run(inputs)["loss"] }
    #expect(try many.run(inputs)["loss"] == loss)
    try expectSameBits(graph.repeated(4), inputs, steps: 2)
  }
}
