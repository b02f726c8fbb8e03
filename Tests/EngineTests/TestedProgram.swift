import Cinch
import TestSupport

@testable import CinchCodegen
@testable import CinchRunner

/// What a step leaves behind: its outputs by name, and each state variable under its name with a prime.
typealias StepResults = [String: ElementArray]

/// A program with the bits that every engine must give.
struct TestedProgram: Sendable {
  let name: String
  /// With a value for each state variable.
  private(set) var program: RandomProgram
  let optimised: Graph
  let expected: StepResults

  init(_ name: String, _ program: RandomProgram) throws {
    var program = program
    for variable in program.graph.state where program.state[variable.name] == nil {
      program.state[variable.name] = variable.initialValue(seed: 1)
    }
    self.name = name
    self.program = program
    optimised = try program.graph.optimised()
    expected = try Self.results(of: Interpreter(optimised), program)
  }

  /// The same results, and a graph in stable forms, whose parts don't overflow in Float64 either.
  func inStableForms() -> TestedProgram {
    var stable = self
    stable.program.step = Stabilise.run(program.step)
    return stable
  }

  /// In real numbers, of the graph as it was built, by libm and without any pass.
  func independentMeaning() throws -> StepResults {
    try Self.results(of: Interpreter(program.graph, mode: .float64), program)
  }

  /// The same with a little noise, so that what moves far is known to be ill-conditioned: inputs and state are rounded (subnormal
  /// numbers to 0, others by some last places up or down), and so is each float on its way.
  func independentMeaning(withNoise seed: UInt64) throws -> StepResults {
    var random = SplitMix(seed: seed)
    func rounded(_ values: ElementArray) -> ElementArray {
      guard case .float32(let numbers) = values else { return values }
      return .float32(
        numbers.map { number in
          guard number.isNormal else { return number.isSubnormal ? 0 : number }
          return seed == 0 ? number : number * (1 + random.float(in: -0x1p-21...0x1p-21))
        })
    }
    var moved = program
    moved.inputs = program.inputs.mapValues(rounded)
    moved.state = program.state.mapValues(rounded)
    let graph = try program.graph.movingEachFloat { exact, builder in
      let factor: Float = seed == 0 ? 1 : random.float(in: 1 - 0x1p-20...1 + 0x1p-20)
      return builder.add(
        Multiply(), [exact, builder.constant(.float(factor), shape: exact.shape, at: exact.site)], at: exact.site)
    }
    return try Self.results(of: Interpreter(graph, mode: .float64), moved)
  }

  /// The same with each float on its way rounded to Float32, so that what is equal by rounding alone is equal here too.
  func independentMeaningOfRounded() throws -> StepResults {
    let graph = try program.graph.movingEachFloat { exact, builder in
      func constant(_ value: Float) -> Tensor { builder.constant(.float(value), shape: exact.shape, at: exact.site) }
      // Veltkamp's splitting: the upper 24 of a Float64's 53 bits, rounded. Infinities have no parts.
      let product = exact * (constant(0x1p29) + constant(1))
      return select((exact - exact) .== constant(0), product - (product - exact), exact)
    }
    return try Self.results(of: Interpreter(graph, mode: .float64), program)
  }

  static func results(of interpreter: Interpreter, _ program: RandomProgram) throws -> StepResults {
    var state = program.state
    var results = try interpreter.run(inputs: program.inputs, state: &state)
    for (name, value) in state { results[name + "'"] = value }
    return results
  }

  /// The first output or variable that isn't as expected, in words.
  func difference(of found: StepResults) -> String? {
    for (name, expected) in expected.sorted(by: { $0.key < $1.key }) {
      guard let values = found[name] else { return "there is no '\(name)'" }
      guard let index = values.firstDifference(from: expected) else { continue }
      guard index < values.count, index < expected.count else { return "'\(name)' has \(values.count) elements" }
      let count = (0..<values.count).count { !values.elements($0..<$0 + 1).bitsEqual(to: expected.elements($0..<$0 + 1)) }
      return "element \(index) of '\(name)' is \(values[index]), by the interpreter \(expected[index]); "
        + "\(count) of \(values.count) elements differ"
    }
    return nil
  }
}

extension Graph {
  /// Each float that a primitive op computes passed through a function.
  fileprivate func movingEachFloat(_ move: (Tensor, GraphBuilder) -> Tensor) throws -> Graph {
    try decomposed().rewritten { builder, node, operands in
      guard node.type.elementType == .float32, node.bodies.isEmpty, !node.operands.isEmpty, !(node.op is Projection) else {
        return nil
      }
      return move(builder.add(node.op, operands, at: node.site), builder)
    }
  }
}

/// A program as code generation leaves it, in test mode: canaries around buffers, and work shared wherever it can be.
struct LoweredProgram: Sendable {
  var step: CompiledStep
  let proof: ProofReport

  init(_ tested: TestedProgram, _ target: Target, options: LoweringOptions = .testing) throws {
    try self.init(tested.optimised, target, options: options)
  }

  init(_ optimised: Graph, _ target: Target, options: LoweringOptions = .testing) throws {
    step = try lower(optimised, target: target, options: options)
    proof = try step.verified()
  }

  /// One step by machine code, watched as in test mode.
  func run(
    _ tested: TestedProgram, _ code: NativeCode, _ functionName: String = "step", workers: Int
  ) throws -> StepResults {
    let state = try ModelState(step.stateLayout, isTesting: true)
    for (name, value) in tested.program.state {
      try state.setValue(of: name, to: HostTensor(value, shape: state.value(of: name).shape))
    }
    let execution = try NativeExecution(
      step, proof, code, functionName: functionName, pool: Self.pool(workers),
      ProgramOptions(workers: workers, isTesting: true))
    for (index, input) in step.inputs.enumerated() {
      if let values = tested.program.inputs[input.name] { execution.setInput(index, values) }
    }
    try execution.run(state)
    var results: StepResults = [:]
    for index in step.outputs.indices { results[step.outputs[index].name] = execution.output(index, state) }
    for name in state.names { results[name + "'"] = try state.value(of: name).elements }
    return results
  }

  private static func pool(_ workers: Int) throws -> WorkerPool { try (workers == 1 ? alone : three).get() }
  private static let alone = Result { try WorkerPool(workerCount: 1) }
  private static let three = Result { try WorkerPool(workerCount: 3) }
}
