import Cinch
import TestSupport
import Testing

/// Every op on Float64, Int32 and Bool in place of Float32: a mistake with a sentence, or the interpreter's bits in all engines.
@Suite struct OtherElementTypeTests {
  static let engines = TestedEngine.available.filter { $0 != .gcc && $0 != .clang }

  /// The sample's op, with gradients where it has any; nil if the graph is a mistake.
  private static func program(_ sample: SampleProgram, _ type: ElementType) -> RandomProgram? {
    var inputs: [String: ElementArray] = [:]
    let graph = Graph("sample") { g in
      let operands = sample.sample.operands.enumerated().map { position, operand in
        let isReplaced = operand.type.elementType == .float32
        let name = "x\(position)"
        inputs[name] = isReplaced ? sample.inputs[name]?.converted(to: type) : sample.inputs[name]
        return g.input(name, operand.type.shape, type: isReplaced ? type : operand.type.elementType)
      }
      let y = g.add(sample.sample.op, operands, at: CallSite(#filePath, #line))
      g.output("y", y)
      guard type == .float64, y.elementType == .float64 else { return }
      let floats = operands.filter(\.elementType.isFloatingPoint)
      guard !floats.isEmpty else { return }
      for (number, gradient) in gradients(of: (y * y).sum(), withRespectTo: floats).enumerated() {
        g.output("x\(number).g", gradient)
      }
    }
    return graph.diagnostics.isEmpty ? RandomProgram(seed: 0, graph: graph, inputs: inputs, state: [:]) : nil
  }

  @Test(arguments: [ElementType.float64, .int32, .bool])
  func everySampleRunsOrIsAMistake(_ type: ElementType) throws {
    var programs: [TestedProgram] = []
    for sample in SampleProgram.all where sample.sample.operands.contains(where: { $0.type.elementType == .float32 }) {
      guard let program = Self.program(sample, type) else { continue }
      do {
        programs.append(try TestedProgram("\(sample) as \(type.rawValue)", program))
      } catch is GraphError {
        continue
      } catch {
        Issue.record("\(sample) as \(type.rawValue): \(error)")
      }
    }
    #expect(programs.count > 30)
    for engine in Self.engines {
      for (position, failure) in engine.failures(of: programs).sorted(by: { $0.key < $1.key }) {
        Issue.record("\(programs[position].name): \(failure)")
      }
    }
  }

  /// Programs that a schedule treats in ways of its own: packed products, long sums, windows, rows.
  private static let large: [(name: String, build: @Sendable (GraphBuilder, ElementType) -> Tensor)] = [
    ("product", { g, type in matmul(g.input("a", [70, 130], type: type), g.input("b", [130, 90], type: type)) }),
    ("deep product", { g, type in matmul(g.input("a", [13, 3_000], type: type), g.input("b", [3_000, 40], type: type)) }),
    (
      "product of what is computed, and what follows it",
      { g, type in
        let b = g.input("b", [130, 90], type: .int32).cast(to: type)
        return matmul(g.input("a", [40, 130], type: type) * 2, b) + g.input("c", [90], type: type)
      }
    ),
    (
      "transposed product",
      { g, type in matmul(g.input("a", [33, 200], type: type), g.input("b", [100, 200], type: type).transposedMatrix()) }
    ),
    ("matrix and vector", { g, type in matmul(g.input("a", [100, 300], type: type), g.input("b", [300], type: type)) }),
    (
      "convolution",
      { g, type in
        conv2d(g.input("a", [2, 8, 20, 20], type: type), g.input("b", [16, 8, 3, 3], type: type), stride: 2, padding: 1)
      }
    ),
    ("largest of windows", { g, type in maxPool2d(g.input("a", [2, 3, 16, 16], type: type), 3, stride: 2) }),
    ("mean of windows", { g, type in averagePool2d(g.input("a", [2, 3, 16, 16], type: type), 2) }),
    ("sum", { g, type in g.input("a", [3, 5_000], type: type).sum() }),
    ("sum of rows", { g, type in g.input("a", [300, 70], type: type).sum(along: 0) }),
    ("sum of columns", { g, type in g.input("a", [70, 300], type: type).sum(along: 1) }),
    ("largest", { g, type in g.input("a", [70, 300], type: type).max(along: 1) }),
    ("position of the largest", { g, type in g.input("a", [70, 300], type: type).argMax(along: 1) }),
    (
      "gather",
      { g, type in gather(g.input("a", [70, 30], type: type), at: g.iota([20])) + g.input("b", [1], type: type) }
    ),
    ("scatter", { g, type in scatterAdd(g.input("a", [20, 30], type: type), at: g.iota([20]), count: 25) }),
    (
      "chosen",
      { g, type in
        let (a, b) = (g.input("a", [70, 30], type: type), g.input("b", [70, 30], type: type))
        return select(a .== b, a.padded(low: [0, 0], high: [0, 0]), concatenate([b, a], along: 0).sliced(along: 0, 35..<105))
      }
    ),
    (
      "loop",
      { g, type in
        scan(over: g.input("a", [40, 30], type: type), initial: g.input("b", [30], type: type)) { slice, carried in
          (carried: maximum(carried, slice) + slice, output: carried * slice)
        }.stacked
      }
    ),
    ("reshaped and turned", { g, type in g.input("a", [12, 35], type: type).transposedMatrix().reshaped(to: [5, 84]) }),
    ("difference", { g, type in abs(g.input("a", [70], type: type) - g.input("b", [70], type: type)) * 2 }),
    ("power", { g, type in power(g.input("a", [70], type: type), 3) }),
    ("square root", { g, type in sqrt(power(g.input("a", [70], type: type), 2) / 3) }),
    (
      "layer",
      { g, type in LayerNorm([30])(g.input("a", [70, 30], type: type)) }
    ),
    ("linear layer", { g, type in Linear(30, 20)(g.input("a", [70, 30], type: type)) }),
  ]

  @Test(arguments: [ElementType.float64, .int32, .bool])
  func everyScheduleRunsOrIsAMistake(_ type: ElementType) throws {
    var programs: [TestedProgram] = []
    for (name, build) in Self.large {
      let graph = Graph("large") { g in
        let y = build(g, type)
        g.output("y", y)
        let inputs = g.graph.inputs.map { Tensor(builder: g, id: $0.node) }.filter(\.elementType.isFloatingPoint)
        guard type == .float64, y.elementType == .float64 else { return }
        for (number, gradient) in gradients(of: (y * y).sum(), withRespectTo: inputs).enumerated() {
          g.output("g\(number)", gradient)
        }
      }
      guard graph.diagnostics.isEmpty else { continue }
      var inputs: [String: ElementArray] = [:]
      for input in graph.inputs { inputs[input.name] = RandomProgram.plainValues(of: graph.type(of: input.node)) }
      let program = RandomProgram(seed: 0, graph: graph, inputs: inputs, state: [:])
      do {
        programs.append(try TestedProgram("\(name) of \(type.rawValue)", program))
      } catch is GraphError {
        continue
      } catch {
        Issue.record("\(name) of \(type.rawValue): \(error)")
      }
    }
    for engine in Self.engines {
      for (position, failure) in engine.failures(of: programs).sorted(by: { $0.key < $1.key }) {
        Issue.record("\(programs[position].name): \(failure)")
      }
    }
  }
}

extension ElementArray {
  fileprivate func converted(to type: ElementType) -> ElementArray {
    let numbers = (0..<count).map { self[$0].asDouble }
    switch type {
    case .float32: return .float32(numbers.map { Float($0) })
    case .float64: return .float64(numbers)
    case .int32: return .int32(numbers.map { Int32(exactly: ($0 * 8).rounded()) ?? .min })
    case .bool: return .bool(numbers.map { $0 > 0 })
    }
  }
}
