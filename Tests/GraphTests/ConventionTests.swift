import Cinch
import Foundation
import Testing

/// What NumPy and PyTorch compute, as Conventions/conventions.py wrote it down: axes, ties, rounding, broadcasting, casts, NaN,
/// gradients where a function has a corner, and optimizers.
@Suite struct ConventionTests {
  struct Case: Decodable, Sendable, CustomStringConvertible {
    let name: String
    let inputs: [Array]
    let expected: Array
    /// `any` where the sign of a zero is not pinned.
    let zeros: String?
    var description: String { name }
  }

  /// A tensor of the table.
  struct Array: Decodable, Sendable {
    let type: ElementType
    let shape: Shape
    let elements: ElementArray

    private enum Key: CodingKey { case type, shape, values }
    private enum Number: Decodable {
      case finite(Double)
      case named(String)
      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Double.self) {
          self = .finite(value)
        } else {
          self = .named(try container.decode(String.self))
        }
      }
      var value: Double {
        switch self {
        case .finite(let value): value
        case .named(let name): name == "nan" ? .nan : name == "-inf" ? -.infinity : .infinity
        }
      }
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Key.self)
      shape = Shape(try container.decode([Int].self, forKey: .shape))
      let values = try container.decode([Number].self, forKey: .values).map(\.value)
      switch try container.decode(String.self, forKey: .type) {
      case "i32": elements = .int32(values.map { Int32($0) })
      case "bool": elements = .bool(values.map { $0 != 0 })
      default: elements = .float32(values.map { Float($0) })
      }
      type = elements.elementType
    }
  }

  static let table: [Case] = {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Conventions/conventions.json")
    guard let data = try? Data(contentsOf: file), let cases = try? JSONDecoder().decode([Case].self, from: data) else {
      return []
    }
    return cases
  }()

  /// The table and the programs name the same cases, each once.
  @Test func everyCaseIsTried() {
    let names = Self.table.map(\.name)
    #expect(names.count > 150 && Set(names).count == names.count)
    let known = Set(ConventionPrograms.values.keys)
      .union(ConventionPrograms.gradients.keys.map { "gradient: \($0)" })
      .union(ConventionPrograms.optimizers.keys.map { "optimizer: \($0)" })
    #expect(known.subtracting(names).sorted() == [], "programs without a case")
    #expect(Set(names).subtracting(known).sorted() == [], "cases without a program")
  }

  /// As compiled, and in the independent meaning.
  @Test(arguments: table.filter { !$0.name.hasPrefix("optimizer: ") })
  func isWhatTheOthersCompute(_ test: Case) throws {
    let graph = Graph { g in
      let inputs = test.inputs.enumerated().map { g.input("x\($0)", $1.shape, type: $1.type) }
      if let program = ConventionPrograms.values[test.name] {
        g.output("y", program(inputs))
      } else if let (position, program) = ConventionPrograms.gradients[String(test.name.dropFirst("gradient: ".count))] {
        g.output("y", gradient(of: program(inputs).sum(), withRespectTo: inputs[position]))
      }
    }
    #expect(graph.diagnostics.isEmpty)
    let output = try #require(graph.outputs.first)
    #expect(graph.type(of: output.node) == TensorType(test.expected.type, test.expected.shape))
    let inputs = Dictionary(uniqueKeysWithValues: test.inputs.enumerated().map { ("x\($0)", $1.elements) })
    for interpreter in [try Interpreter(graph.optimised()), try Interpreter(graph, mode: .float64)] {
      let found = try #require(try interpreter.run(inputs: inputs)["y"])
      expectEqual(found, test.expected.elements, zerosAreSigned: test.zeros != "any", "\(interpreter.mode)")
    }
  }

  @Test(arguments: table.filter { $0.name.hasPrefix("optimizer: ") })
  func optimizersGoTheSameWay(_ test: Case) throws {
    struct Weights: Module {
      let weights = Parameter([4], .constant(1))
      func callAsFunction(_ x: Tensor) -> Tensor { x + weights }
    }
    let optimizer = try #require(ConventionPrograms.optimizers[String(test.name.dropFirst("optimizer: ".count))])
    let quartic = Loss("quartic") { power($0 - $1, 4).sum() }
    let step = TrainingStep(Weights(), loss: quartic, optimizer: optimizer)
    let graph = step.training(TensorType(.float32, [4]), target: TensorType(.float32, [4]))
    var inputs: [String: ElementArray] = ["x": .float32([0, 0, 0, 0]), "y": test.inputs[0].elements]
    for parameter in optimizer.hyperparameters {
      inputs[parameter.name] = parameter.type == .float64 ? .float64([parameter.value]) : .float32([Float(parameter.value)])
    }
    let interpreter = try Interpreter(graph.optimised())
    var state = Dictionary(uniqueKeysWithValues: graph.state.map { ($0.name, $0.initialValue(seed: 0)) })
    for _ in 0..<5 { _ = try interpreter.run(inputs: inputs, state: &state) }
    expectEqual(try #require(state["weights"]), test.expected.elements, zerosAreSigned: true, "")
  }

  /// Equal, or for floats within 2·10⁻⁶ of the larger of 1 and the value.
  private func expectEqual(_ found: ElementArray, _ expected: ElementArray, zerosAreSigned: Bool, _ what: String) {
    guard case .float32(let values) = expected else {
      #expect(found.firstDifference(from: expected) == nil, "\(what): \(found), expected \(expected)")
      return
    }
    #expect(found.count == values.count)
    for (index, (a, b)) in zip(found.doubles, values.map(Double.init)).enumerated() {
      let isEqual =
        a.isNaN && b.isNaN || a == b && (a != 0 || !zerosAreSigned || a.sign == b.sign)
        || a != b && (a - b).magnitude <= 2e-6 * max(1, b.magnitude) && b.isFinite
      #expect(isEqual, "\(what), element \(index): \(a), expected \(b)")
    }
  }
}
