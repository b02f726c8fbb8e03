import CinchCodegen
import Testing

@testable import CinchGraph

/// Convolution, pooling and the views that they are made of: gradients against finite differences, shapes and mistakes.
struct WindowOpTests {
  static let ops: [any Op.Type] = [
    View.self, Windows.self, OverlapAdd.self, Convolution.self, ConvolutionInputGradient.self,
    ConvolutionWeightGradient.self, MaxPool.self, AveragePool.self,
  ]

  static func values(_ count: Int, _ seed: Int) -> [Double] {
    (0..<count).map { (Double(($0 * 7919 + seed * 104_729 + 13) % 10_007) / 10_007 - 0.5) * 2 }
  }

  /// Σ w · op(x), and the gradient of it (first order), or of Σ v · gradient (second order), with respect to each operand.
  @Test(arguments: [1, 2]) func gradientsAgreeWithFiniteDifferences(order: Int) throws {
    for op in Self.ops {
      for sample in op.samples {
        var arguments: [String: [Double]] = [:]
        var shapes: [String: Int] = [:]
        let graph = Graph("check") { g in
          let operands = sample.operands.enumerated().map { g.input("x\($0)", $1.type.shape) }
          let y = g.add(sample.op, operands, at: .unknown)
          shapes["w"] = y.shape.elementCount
          var scalar = (y * g.input("w", y.shape)).sum()
          if order == 2 {
            let first = gradients(of: scalar, withRespectTo: operands)
            let weighted = first.enumerated().map { index, gradient in
              shapes["v\(index)"] = gradient.shape.elementCount
              return (gradient * g.input("v\(index)", gradient.shape)).sum()
            }
            scalar = weighted.dropFirst().reduce(weighted[0]) { $0 + $1 }
          }
          g.output("value", scalar)
          for (index, gradient) in gradients(of: scalar, withRespectTo: operands).enumerated() {
            shapes["x\(index)"] = gradient.shape.elementCount
            g.output("g\(index)", gradient)
          }
        }
        #expect(graph.diagnostics.isEmpty, "\(graph.diagnostics)")
        for (position, name) in shapes.keys.sorted().enumerated() {
          arguments[name] = Self.values(shapes[name] ?? 0, position)
        }
        let interpreter = try Interpreter(graph, mode: .float64)
        func run(_ step: Double) throws -> [String: ElementArray] {
          var inputs: [String: ElementArray] = [:]
          for (name, values) in arguments {
            let direction = Self.values(values.count, 77)
            inputs[name] = .float64(name.hasPrefix("x") ? zip(values, direction).map { $0 + step * $1 } : values)
          }
          return try interpreter.run(inputs: inputs)
        }
        let step = 1e-6
        let here = try run(0)
        let difference = (try run(step)["value"]!.doubles[0] - run(-step)["value"]!.doubles[0]) / (2 * step)
        var slope = 0.0
        for index in sample.operands.indices {
          let gradient = here["g\(index)"]!.doubles
          slope += zip(gradient, Self.values(gradient.count, 77)).reduce(0) { $0 + $1.0 * $1.1 }
        }
        #expect(
          abs(slope - difference) <= 1e-6 * (1 + abs(slope)), "\(op.mnemonic) \(sample.op.attributes): \(slope), \(difference)")
      }
    }
  }

  @Test func theFirstOfEqualLargestElementsGetsTheGradient() throws {
    let graph = Graph { g in
      let x = g.input("x", [1, 4, 4])
      g.output("g", gradient(of: maxPool2d(x, 2).sum(), withRespectTo: x))
      g.output("y", maxPool2d(x, 2))
    }
    let x: [Float] = [3, 3, 1, 2, 3, 0, 2, 2, 5, 6, .nan, 1, 6, 6, 1, 1]
    let results = try Interpreter(graph).run(inputs: ["x": .float32(x)])
    #expect(results["g"]?.floats == [1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0])
    #expect(results["y"]?.floats?[3].isNaN == true)
    #expect(results["y"]?.floats?.prefix(3) == [3, 2, 6])
  }

  @Test func mistakesNameTheUsersLine() {
    let line = #line + 3
    let graph = Graph { g in
      let x = g.input("x", [1, 3, 5, 5])
      _ = conv2d(x, g.input("a", [4, 3, 7, 7]))
      _ = conv2d(x, g.input("b", [4, 2, 3, 3]))
      _ = conv2d(x, g.input("c", [4, 3, 3, 3]), groups: 2)
      _ = conv2d(x, g.input("d", [4, 3, 3, 3]), stride: 0)
      _ = maxPool2d(x, 6)
      _ = maxPool2d(x, 2, padding: 2)
    }
    let messages = graph.diagnostics.map(\.message)
    #expect(graph.diagnostics.map(\.site.line) == Array(line..<(line + 6)), "\(messages)")
    let parts = [
      "larger than the input", "take 2 channels", "3 channels can't be divided into 2 groups", "strides must be from 1 to 2²⁸",
      "larger than axis", "half of the window",
    ]
    for (message, part) in zip(messages, parts) { #expect(message.contains(part), "\(message)") }
  }
}
