import Cinch
import TestSupport
import Testing

/// The gradient rule of every op against finite differences, in the independent meaning.
@Suite struct CatalogueGradientTests {
  /// Samples with gradients: a result of floats, from operands in a range where the op is smooth.
  static let differentiable = SampleProgram.all.filter { program in
    guard !program.isSpecial, case .differentiable = program.sample.op.differentiability else { return false }
    let graph = program.graph()
    return graph.type(of: graph.outputs[0].node).elementType.isFloatingPoint && !floats(program).isEmpty
  }

  /// The positions of the operands that have gradients.
  private static func floats(_ program: SampleProgram) -> [Int] {
    program.sample.operands.indices.filter { program.sample.operands[$0].type.elementType.isFloatingPoint }
  }

  /// `value` is Σ w · op(x) with random weights; its derivative along a random direction must be Σ gradient · direction. So
  /// must that of Σ v · gradient, whose own gradient autodiff gives from the gradient's nodes.
  @Test(arguments: differentiable)
  func gradientsAreDerivatives(_ program: SampleProgram) throws {
    let positions = Self.floats(program)
    var random = SplitMix(seed: 17)
    func numbers(_ count: Int) -> [Float] { (0..<count).map { _ in random.float(in: -1...1) } }
    let graph = program.graph { g, operands, y in
      let targets = positions.map { operands[$0] }
      let value = (y * g.constant(numbers(y.shape.elementCount), y.shape)).sum()
      g.output("value", value)
      let first = gradients(of: value, withRespectTo: targets)
      var slope = g.constant(0)
      for (number, (target, gradient)) in zip(targets, first).enumerated() {
        #expect(gradient.type == target.type)
        g.output("first \(number)", gradient)
        slope = slope + (gradient * g.constant(numbers(gradient.shape.elementCount), gradient.shape)).sum()
      }
      g.output("slope", slope)
      for (number, gradient) in gradients(of: slope, withRespectTo: targets).enumerated() {
        #expect(gradient.type == targets[number].type)
        g.output("second \(number)", gradient)
      }
    }
    #expect(graph.diagnostics.isEmpty)
    let interpreter = try Interpreter(graph, mode: .float64)

    let directions = positions.map { numbers(program.sample.operands[$0].type.shape.elementCount).map(Double.init) }
    func outputs(at step: Double) throws -> [String: [Double]] {
      var inputs = program.inputs
      for (position, direction) in zip(positions, directions) {
        let point = inputs["x\(position)"]?.doubles ?? []
        inputs["x\(position)"] = .float64(zip(point, direction).map { $0 + step * $1 })
      }
      return try interpreter.run(inputs: inputs).mapValues(\.doubles)
    }
    let step = 1e-5
    let (before, here, after) = try (outputs(at: -step), outputs(at: 0), outputs(at: step))
    for (value, gradient) in [("value", "first"), ("slope", "second")] {
      let measured = ((after[value]?[0] ?? .nan) - (before[value]?[0] ?? .nan)) / (2 * step)
      var (computed, scale) = (0.0, 1.0)
      for (number, direction) in directions.enumerated() {
        for (a, b) in zip(here["\(gradient) \(number)"] ?? [], direction) {
          computed += a * b
          scale += (a * b).magnitude
        }
      }
      // Constants of the rules are Float32, which is off by 3e-8; the differences themselves are better.
      #expect(
        (measured - computed).magnitude <= 1e-7 * scale,
        "\(gradient) gradient along a direction: \(computed), by differences \(measured)")
    }
  }

  /// An op that says it is differentiable has a rule for every float operand; one that says it isn't lets nothing through.
  @Test(arguments: OpCatalogue.all.indices)
  func theMarkIsTrue(_ index: Int) throws {
    let op = OpCatalogue.all[index]
    let programs = SampleProgram.all.filter { $0.op == op && !$0.sample.operands.isEmpty }
    var answered: Set<Int> = []
    var asked: Set<Int> = []
    for program in programs {
      let graph = program.graph { g, operands, y in
        let positions = Self.floats(program)
        guard !positions.isEmpty else { return }
        let value = y.elementType.isFloatingPoint ? y.sum() : y.cast(to: .float32).sum()
        let found = gradients(of: value, withRespectTo: positions.map { operands[$0] })
        for (position, gradient) in zip(positions, found) {
          let isZero = gradient.builder.graph[gradient.id].op is Constant
          switch program.sample.op.differentiability {
          case .notDifferentiable:
            #expect(isZero, "\(program) is marked not differentiable and has a gradient")
          case .differentiable where y.elementType.isFloatingPoint:
            // It is its first operand, differentiated; the second only says where that shows.
            if op is WhereNonzero.Type, position == 1 { continue }
            asked.insert(position)
            if !isZero { answered.insert(position) }
          case .differentiable:
            #expect(isZero, "\(program): a result of \(y.elementType) has a gradient")
          }
        }
      }
      #expect(graph.diagnostics.isEmpty)
    }
    #expect(answered == asked, "\(op.mnemonic) gives no gradient for operands \(asked.subtracting(answered).sorted())")
  }

  /// The gradient's Float32, after all passes, against the exact one: (terms + 64) · 2⁻²⁴ of the magnitudes that were added.
  @Test(arguments: differentiable)
  func optimisedGradientsAreNearTheExactOnes(_ program: SampleProgram) throws {
    let graph = program.graph { g, operands, y in
      let targets = Self.floats(program).map { operands[$0] }
      for (number, gradient) in gradients(of: (y * y).sum(), withRespectTo: targets).enumerated() {
        g.output("first \(number)", gradient)
      }
    }
    let found = try Interpreter(graph.optimised()).run(inputs: program.inputs)
    let exact = try Interpreter(graph, mode: .float64).run(inputs: program.inputs)
    for (name, values) in exact where name != "y" {
      let largest = values.doubles.map(\.magnitude).max() ?? 0
      let others = exact["y"]?.doubles.map(\.magnitude).max() ?? 0
      let terms = program.sample.operands.map(\.type.shape.elementCount).max() ?? 1
      let allowed = (Double(terms) + 64) * 0x1p-24 * max(largest, others, 1)
      for (index, (a, b)) in zip(found[name]?.doubles ?? [], values.doubles).enumerated() {
        #expect((a - b).magnitude <= allowed, "\(name), element \(index): \(a), exactly \(b)")
      }
    }
  }
}
