import Cinch
import TestSupport
import Testing

/// What every op promises, checked from its declaration alone: a new op gets these tests by its line in the catalogue.
@Suite struct CatalogueTests {
  /// Ops that make no sense without what surrounds them: state, or a node's body. LoopMeaningTests has their cases.
  static let withoutSamples = [ReadState.mnemonic, Repeat.mnemonic, Projection.mnemonic]

  @Test func everyOpIsWhole() {
    var names: Set<String> = []
    for op in OpCatalogue.all {
      let name = op.mnemonic
      #expect(names.insert(name).inserted, "two ops are named \(name)")
      #expect(name.wholeMatch(of: /[a-z][a-z0-9]*(_[a-z0-9]+)*/) != nil, "\(name) is not lower-case words")
      #expect(OpCatalogue.op(named: name) == op)
      #expect(op.summary.hasSuffix(".") && op.summary.count > 2, "\(name)'s summary is no sentence: '\(op.summary)'")
      #expect(
        op.samples.isEmpty == Self.withoutSamples.contains(name),
        "\(name) has \(op.samples.count) samples; give cases of it in `samples`")
      for sample in op.samples {
        #expect(type(of: sample.op) == op, "\(name) has a sample of \(type(of: sample.op).mnemonic)")
        if case .notDifferentiable(let reason) = sample.op.differentiability {
          #expect(reason.count > 10, "\(name) must say why it is not differentiable")
        }
      }
    }
  }

  /// Sizes at which vector code goes wrong: one element, odd counts, just more than a vector.
  @Test func samplesHaveOddSizes() {
    for op in OpCatalogue.all where op.samples.contains(where: { !$0.operands.isEmpty }) {
      let shapes = op.samples.flatMap { $0.operands.map(\.type.shape) }
      #expect(
        shapes.contains { $0.elementCount == 1 || $0.extents.contains(1) }, "\(op.mnemonic) has no sample with an extent of 1")
      #expect(
        shapes.contains { $0.extents.contains { $0 > 8 && $0 % 8 != 0 } }, "\(op.mnemonic) has no sample of an odd size")
      #expect(shapes.contains { $0.elementCount > 64 }, "\(op.mnemonic) has no sample with more than 64 elements")
    }
  }

  @Test(arguments: SampleProgram.all)
  func theTypeRuleFitsTheEvaluator(_ program: SampleProgram) throws {
    let graph = program.graph()
    #expect(graph.diagnostics.isEmpty)
    let type = graph.type(of: graph.outputs[0].node)
    #expect(try type == program.sample.op.resultType(of: graph.operandTypes(of: graph[graph.outputs[0].node])))
    for mode in [Interpreter.Mode.float32, .float64] {
      let y = try #require(try Interpreter(graph, mode: mode).run(inputs: program.inputs)["y"])
      #expect(y.count == type.shape.elementCount)
      if mode == .float32 { #expect(y.elementType == type.elementType) }
    }
  }

  /// What the op computes in Float32, after all passes, against its meaning in real numbers by other means.
  @Test(arguments: SampleProgram.all)
  func float32IsNearTheIndependentMeaning(_ program: SampleProgram) throws {
    let found = try #require(try Interpreter(program.graph().optimised()).run(inputs: program.inputs)["y"])
    let exact = try #require(try Interpreter(program.graph(), mode: .float64).run(inputs: program.inputs)["y"])
    let bound = try ErrorBound(program)
    #expect(bound.firstViolation(found, exact) == nil)
  }

  @Test(arguments: SampleProgram.all)
  func textGoesThereAndBack(_ program: SampleProgram) throws {
    let graph = program.graph { g, operands, y in
      guard y.elementType.isFloatingPoint else { return }
      let floats = operands.filter(\.elementType.isFloatingPoint)
      for (number, gradient) in gradients(of: y.sum(), withRespectTo: floats).enumerated() {
        g.output("x\(number).g", gradient)
      }
    }
    try expectRoundTrip(graph)
    try expectRoundTrip(graph.optimised())
  }

  /// After the passes as after building.
  @Test(arguments: SampleProgram.all)
  func theVerifierAccepts(_ program: SampleProgram) throws {
    #expect(program.graph().violations() == [])
    #expect(try program.graph().optimised().violations(promising: [.primitivesOnly, .ordersSet]) == [])
  }
}

/// How far Float32 may be from the exact result, stated for each kind of op.
struct ErrorBound {
  /// Of each element, beside what the result's own magnitude allows.
  private let magnitudes: [Double]?
  /// In units of 2⁻²⁴ of the magnitude.
  private let units: Double

  /// - An op on single elements: 2 units in the last place, which 4 · 2⁻²⁴ of the result is at most. Normal random numbers,
  ///   whose angle is rounded to Float32 before it is multiplied by a radius of up to 5.8: 48 · 2⁻²⁴ of 1.
  /// - A sum of n terms: (n + 4) · 2⁻²⁴ of the sum of the terms' magnitudes.
  /// - An op made of others: 32 · 2⁻²⁴ of the largest operand or result; where operands are special, of the element's own.
  /// - What only moves elements, or chooses one: nothing.
  init(_ program: SampleProgram) throws {
    let graph = program.graph()
    let meaning = graph.meaning(of: graph.outputs[0].node)
    func ofMagnitudes() throws -> [Double]? {
      let inputs = program.inputs.mapValues { array -> ElementArray in
        if case .float32(let values) = array { .float32(values.map(\.magnitude)) } else { array }
      }
      return try Interpreter(graph, mode: .float64).run(inputs: inputs)["y"]?.doubles
    }
    switch meaning {
    case .elementwise where program.sample.op is Random:
      (units, magnitudes) = (48, [Double](repeating: 1, count: graph.type(of: graph.outputs[0].node).shape.elementCount))
    case .elementwise: (units, magnitudes) = (4, nil)
    case .reduce(let reduction) where reduction.combiner == .sum:
      let terms = reduction.axes.reduce(1) { $0 * program.sample.operands[0].type.shape[$1] }
      (units, magnitudes) = (Double(terms) + 4, try ofMagnitudes())
    case .contract:
      let shape = program.sample.operands[0].type.shape
      (units, magnitudes) = (Double(shape[shape.rank - 1]) + 4, try ofMagnitudes())
    case .scatterAdd:
      (units, magnitudes) = (Double(program.sample.operands[0].type.shape.elementCount) + 4, try ofMagnitudes())
    case .decomposition:
      let count = graph.type(of: graph.outputs[0].node).shape.elementCount
      let operands = program.inputs.values.map { $0.doubles.map { $0.isFinite ? $0.magnitude : 0 } }
      // Beside huge numbers, only an element's own operands tell what it may lose.
      let own = (0..<count).map { index in operands.map { $0.count == count ? $0[index] : 0 }.max() ?? 0 }
      (units, magnitudes) = (32, program.isSpecial ? own : own.map { _ in operands.joined().max() ?? 0 })
    default: (units, magnitudes) = (0, nil)
    }
  }

  /// The first element that is too far off; NaN and infinities must be those of the exact result, rounded.
  func firstViolation(_ found: ElementArray, _ exact: ElementArray) -> String? {
    guard case .float32(let values) = found else {
      return found.firstDifference(from: exact).map { "element \($0) is \(found[$0]), exactly \(exact[$0])" }
    }
    for (index, (value, exact)) in zip(values, exact.doubles).enumerated() {
      let rounded = Float(exact)
      if value.isNaN && rounded.isNaN || value == rounded { continue }
      let magnitude = max(exact.magnitude, magnitudes?[index] ?? 0)
      // Near 0, the spacing of subnormal numbers counts.
      let allowed = units * max(magnitude * 0x1p-24, 0x1p-149)
      if value.isFinite, rounded.isFinite, (Double(value) - exact).magnitude <= allowed { continue }
      return "element \(index) is \(value), exactly \(exact); off by \((Double(value) - exact).magnitude), allowed \(allowed)"
    }
    return nil
  }
}
