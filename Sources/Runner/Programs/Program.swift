public import CinchCodegen
import CinchGraph
import Synchronization

/// How long the parts of a compile took.
public struct CompileTimes: Sendable, Hashable {
  /// Verifying and all passes.
  public var graph: Duration = .zero
  /// Kernels, memory plan, loop IR with its checker, vector code, printing.
  public var codegen: Duration = .zero
  /// The C compiler, loading included.
  public var compiler: Duration = .zero

  public var total: Duration { graph + codegen + compiler }
}

/// A graph compiled: call it with its inputs, once or a million times.
///
/// A program keeps its inputs until they are replaced, so what stays the same need not be given again.
@dynamicCallable
public final class Program: Sendable {
  public let step: CompiledStep
  /// What the checker of loop IR has proved of this program: bounds, initialisation, aliasing, with counts of work.
  public let proof: ProofReport
  public let engine: Engine
  public let times: CompileTimes
  public let options: ProgramOptions

  /// Where the time of the steps so far went; nil unless the program was compiled with `isProfiling` for an engine that runs
  /// machine code.
  public var profile: ProgramProfile? { recorder?.profile }

  /// Bytes of machine code with its constants, as pages; 0 where there is none or the system loaded it.
  public let codeByteCount: Int
  /// About as many bytes as it holds, without what it may share with others: inputs, constants, code, and the plan.
  let heldByteCount: Int

  private let recorder: ProfileRecorder?
  private let session: Mutex<Session>

  /// What changes while a program runs; only its owner touches it.
  private struct Session: @unchecked Sendable {
    let execution: any ProgramExecution
    var given: [Bool]
    /// The state of a program that was not handed one.
    var ownState: ModelState?
  }

  init(
    step: CompiledStep, proof: ProofReport, engine: Engine, times: CompileTimes, options: ProgramOptions,
    execution: sending any ProgramExecution
  ) {
    self.step = step
    self.proof = proof
    self.engine = engine
    self.times = times
    self.options = options
    let native = execution as? NativeExecution
    codeByteCount = native?.codeByteCount ?? 0
    heldByteCount = (native?.inputByteCount ?? 0) + codeByteCount + step.planByteCount
    recorder = native?.recorder
    session = Mutex(Session(execution: execution, given: step.inputs.map { _ in false }, ownState: nil))
  }

  /// The C that was compiled, written anew and with a comment for each machine instruction, which compilers don't need; empty
  /// for the interpreter.
  public var source: String { options.source(of: step, isExplained: true) }

  /// The portable C of the step: readable, without includes, the same on every machine.
  public var c: String { step.portableC }

  /// Runs one step: the outputs by name.
  ///
  /// - Parameters:
  ///   - inputs: by name; those not given keep their last value.
  ///   - state: of the model; a program without one has its own, made with seed 0.
  /// - Throws: `ProgramError` for what doesn't fit, `RuntimeCheckError` where data holds an index out of range; then no
  ///   state has changed.
  @discardableResult
  public func run(_ inputs: [String: HostTensor] = [:], state: ModelState? = nil) throws -> [String: HostTensor] {
    try exclusively { session in
      for (name, tensor) in inputs { try set(name, tensor, &session) }
      let state = try self.state(state, &session)
      return try accessing(state, session) {
        try run(state, session)
        var results: [String: HostTensor] = [:]
        for index in step.outputs.indices { results[step.outputs[index].name] = output(index, state, session) }
        return results
      }
    }
  }

  /// `program(x: data, y: labels)`.
  public func dynamicallyCall(
    withKeywordArguments inputs: KeyValuePairs<String, HostTensor>
  ) throws -> [String: HostTensor] {
    try run(Dictionary(inputs.map { ($0.key, $0.value) }) { _, last in last })
  }

  /// Gives an input its value from now on.
  public func setInput(_ name: String, to tensor: HostTensor) throws {
    try exclusively { session in try set(name, tensor, &session) }
  }

  /// Runs one step on the inputs as they were last given, and returns one output (a scalar loss, say).
  public func step(_ state: ModelState, output name: String) throws -> HostTensor {
    try exclusively { session in
      try accessing(state, session) {
        try run(state, session)
        guard let index = step.outputs.firstIndex(where: { $0.name == name }) else {
          throw ProgramError.unknownOutput(name, known: step.outputs.map(\.name))
        }
        return output(index, state, session)
      }
    }
  }

  /// Runs a step without reading any output.
  public func step(_ state: ModelState) throws {
    try exclusively { session in try accessing(state, session) { try run(state, session) } }
  }

  /// Steps that change no state may run at the same time, each in a workspace of its own.
  private func accessing<Result>(_ state: ModelState, _ session: Session, _ body: () throws -> Result) rethrows -> Result {
    func run() throws -> Result {
      try step.graph.updates.isEmpty ? state.access.reading(body) : state.access.writing(body)
    }
    guard let workspace = session.execution.workspace else { return try run() }
    return try workspace.access.writing(run)
  }

  private func exclusively<Result>(_ body: (inout Session) throws -> sending Result) throws -> sending Result {
    let result = try session.withLockIfAvailable { session in try body(&session) }
    guard let result else { throw ProgramError.alreadyRunning }
    return result
  }

  private func set(_ name: String, _ tensor: HostTensor, _ session: inout Session) throws {
    guard let index = step.inputs.firstIndex(where: { $0.name == name }) else {
      throw ProgramError.unknownInput(name, known: step.inputs.map(\.name))
    }
    guard tensor.type == step.inputs[index].type else {
      throw ProgramError.wrongInput(
        name: name, expected: step.inputs[index].type.description, given: tensor.type.description)
    }
    session.execution.setInput(index, tensor.elements)
    session.given[index] = true
  }

  private func state(_ given: ModelState?, _ session: inout Session) throws -> ModelState {
    if let given { return given }
    if let own = session.ownState { return own }
    let own = try ModelState(step.stateLayout, isTesting: options.isTesting)
    session.ownState = own
    return own
  }

  private func run(_ state: ModelState, _ session: Session) throws {
    guard state.layout.isCompatible(with: step.stateLayout) else { throw ProgramError.foreignState }
    if session.given.contains(false) {
      throw ProgramError.missingInputs(step.inputs.indices.filter { !session.given[$0] }.map { step.inputs[$0].name })
    }
    try session.execution.run(state)
  }

  private func output(_ index: Int, _ state: ModelState, _ session: Session) -> HostTensor {
    HostTensor(session.execution.output(index, state), shape: step.outputs[index].type.shape)
  }
}
