import Cinch
import TestSupport

@testable import CinchCodegen
@testable import CinchRunner

/// Who has noticed a fault, and what was said.
struct FaultFinding: CustomStringConvertible {
  enum Finder: String {
    case graphVerifier = "the graph's verifier"
    case loopVerifier = "the proof of the loops"
    case testMode = "test mode"
    case engines = "comparing engines"
    case meaning = "the meaning in Float64"
  }

  var finder: Finder
  var words: String

  init(_ finder: Finder, _ words: String) {
    self.finder = finder
    // Programs are drawn around some messages; what is said stands in the first lines.
    let lines = words.split(separator: "\n")
    let said = lines.first { $0.contains("error: ") && !$0.contains("lowering") } ?? lines.first ?? ""
    self.words = said.trimmingCharacters(["/", "^", " "])
  }

  var description: String { "\(finder.rawValue): \(words)" }
}

extension StringProtocol {
  fileprivate func trimmingCharacters(_ unwanted: Set<Character>) -> String {
    String(drop { unwanted.contains($0) })
  }
}

/// A right step, and every stage at which it can be made wrong.
struct FaultBench: Sendable {
  let tested: TestedProgram
  /// For the loops and their C.
  let scalar: LoweredProgram

  init(_ name: String, _ graph: Graph, _ inputs: [String: ElementArray]) throws {
    tested = try TestedProgram(name, RandomProgram(seed: 0, graph: graph, inputs: inputs, state: [:]))
    scalar = try LoweredProgram(tested, Target(vectorSet: .scalar, workers: 3))
  }

  // MARK: Graphs

  /// What is found wrong with a graph that some pass is said to have made.
  func finding(_ graph: Graph) throws -> FaultFinding? {
    if let violation = graph.violations(promising: [.primitivesOnly, .ordersSet]).first {
      return FaultFinding(.graphVerifier, violation.message)
    }
    let results = try TestedProgram.results(of: Interpreter(graph), tested.program)
    let bound = RealBound(results, exact: try tested.independentMeaning())
    return bound.furthest.ratio > 1 ? FaultFinding(.meaning, bound.furthest.text) : nil
  }

  /// What is found wrong with the code for a graph that isn't the one that the interpreter ran.
  func finding(codeFor graph: Graph) throws -> FaultFinding? {
    let step = try lower(graph, target: scalar.step.target, options: .testing)
    return try finding(step.loops, of: step)
  }

  // MARK: Loops

  /// What is found wrong with loops, by the proof or else by running them.
  func finding(_ loops: LoopProgram, isProved: Bool = true) throws -> FaultFinding? {
    try finding(loops, of: scalar.step, isProved: isProved)
  }

  private func finding(_ loops: LoopProgram, of step: CompiledStep, isProved: Bool = true) throws -> FaultFinding? {
    if isProved {
      do {
        try loops.verify(results: step.outputs.map(\.buffer))
      } catch {
        return FaultFinding(.loopVerifier, "\(error)")
      }
    }
    return try finding(source: CPrinter().print(loops), of: step, loops)
  }

  // MARK: C and machine code

  func finding(source: String) throws -> FaultFinding? { try finding(source: source, of: scalar.step, scalar.step.loops) }

  private func finding(source: String, of step: CompiledStep, _ loops: LoopProgram) throws -> FaultFinding? {
    var program = scalar
    program.step = CompiledStep(
      graph: step.graph, kernels: step.kernels, loops: loops, memory: step.memory, inputs: step.inputs, outputs: step.outputs,
      constants: step.constants, stateLayout: step.stateLayout, target: step.target)
    let code = try TinyCCompiler.compile(source)
    for workers in [1, 3] {
      do {
        let results = try program.run(tested, code, workers: workers)
        guard let difference = tested.difference(of: results) else { continue }
        // The numbers of this bench are ordinary: a NaN is what test mode has put into memory.
        let poisoned = results.sorted { $0.key < $1.key }.first { $0.value.doubles.contains(where: \.isNaN) }
        guard let poisoned else { return FaultFinding(.engines, difference) }
        return FaultFinding(.testMode, "'\(poisoned.key)' holds the NaN that memory was filled with")
      } catch let error as InternalError {
        return FaultFinding(.testMode, error.message)
      }
    }
    return nil
  }

  /// What is found wrong with machine code of which `change` has made something else; nil too where it found nothing to
  /// change.
  func finding(
    _ set: Target.VectorSet, machineCode change: (inout AsmBlock, VectorFamily) -> Bool
  ) throws -> FaultFinding? {
    let target = Target(vectorSet: set, workers: 3)
    let step = try lower(tested.optimised, target: target, options: .testing)
    var isChanged = false
    let source = CPrinter(dialect: .tinycc(target)).print(step.loops) { kernel, program in
      guard case .success(let lowered) = VectorBackEnd.lower(kernel, in: program, target: target) else { return nil }
      var blocks = lowered.blocks
      for index in blocks.indices where !isChanged {
        isChanged = change(&blocks[index], set == .avx512 ? .avx512 : .avx2)
      }
      return VectorKernel(kernel: kernel, program: program, blocks: blocks).functionBody()
    }
    guard isChanged else { return nil }
    return try finding(source: source, of: step, step.loops)
  }
}

extension AsmBlock {
  /// Encodes another instruction in the place of the first one for which `change` gives one of the same length.
  mutating func patch(_ family: VectorFamily, _ change: (X86Instruction) -> X86Instruction?) -> Bool {
    for line in code.lines {
      guard case .instruction(let instruction) = line.content, let other = change(instruction) else { continue }
      var bytes: [UInt8] = []
      guard (try? other.encode(for: family, into: &bytes)) != nil, bytes.count == line.length else { continue }
      code.bytes.replaceSubrange(line.offset..<line.offset + line.length, with: bytes)
      return true
    }
    return false
  }
}

extension LoopProgram {
  /// Puts another statement in the place of the first one for which `change` gives one.
  mutating func patch(_ change: (LoopStatement) -> LoopStatement?) -> Bool {
    func patch(_ statements: inout [LoopStatement]) -> Bool {
      for index in statements.indices {
        if let other = change(statements[index]) {
          statements[index] = other
          return true
        }
        if case .loop(var loop) = statements[index], patch(&loop.body) {
          statements[index] = .loop(loop)
          return true
        }
      }
      return false
    }
    for index in kernels.indices where patch(&kernels[index].body) { return true }
    return false
  }
}
