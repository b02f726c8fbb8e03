import CinchCodegen
import CinchGraph

/// A compiled step bound to the memory that it works in: what the engines have in common.
protocol ProgramExecution: AnyObject {
  /// Where intermediate values lie; nil where they are the engine's own. Whoever calls `run` and `output` holds its `access`.
  var workspace: Workspace? { get }
  /// Replaces an input, whose type the caller has checked.
  func setInput(_ index: Int, _ elements: ElementArray)
  /// Runs the step; on a failed check, state is untouched. The caller holds the state's `access`.
  func run(_ state: ModelState) throws
  /// An output of the last run, after which nothing has changed the state.
  func output(_ index: Int, _ state: ModelState) -> ElementArray
}

/// The interpreter, on the same state segment.
final class InterpretedExecution: ProgramExecution {
  var workspace: Workspace? { nil }
  private let step: CompiledStep
  private let interpreter: Interpreter
  private var inputs: [String: ElementArray] = [:]
  private var outputs: [String: ElementArray] = [:]

  init(_ step: CompiledStep) throws {
    self.step = step
    // It keeps each value whole, and for each element of a view the place of what it shows: a Swift array that the machine has no
    // memory for would end the process.
    let byteCount = step.graph.largestElementCount * 24
    let limit = ProcessMemory.limit
    guard byteCount <= limit.byteCount else {
      throw NativeError.memoryRefused(
        byteCount: byteCount, purpose: "the interpreter's values of '\(step.graph.name)'", reason: limit.description)
    }
    interpreter = try Interpreter(step.graph)
  }

  func setInput(_ index: Int, _ elements: ElementArray) { inputs[step.inputs[index].name] = elements }

  func run(_ state: ModelState) throws {
    var values: [String: ElementArray] = [:]
    for entry in state.layout.entries { values[entry.variable.name] = state.elements(of: entry) }
    outputs = try interpreter.run(inputs: inputs, state: &values)
    let updated = Set(step.graph.updates.map { step.graph.state[$0.state.index].name })
    for entry in state.layout.entries where updated.contains(entry.variable.name) {
      if let value = values[entry.variable.name] { state.store(value, entry) }
    }
  }

  func output(_ index: Int, _ state: ModelState) -> ElementArray {
    outputs[step.outputs[index].name] ?? ElementArray(zeros: 0, type: .float32)
  }
}

extension Graph {
  /// Of the largest tensor, those of bodies included.
  fileprivate var largestElementCount: Int {
    nodes.reduce(0) { largest, node in
      node.bodies.reduce(max(largest, node.type.shape.elementCount)) { max($0, $1.largestElementCount) }
    }
  }
}

/// Machine code of any compiler.
final class NativeExecution: ProgramExecution {
  private let step: CompiledStep
  private let code: NativeCode
  private let function: StepFunction
  private var pool: WorkerPool
  let workspace: Workspace?
  private let intermediates: Workspace
  private let scratchByteCount: Int
  private let inputSegment: MemorySegment
  private let inputOffsets: [Int]
  private var inputPointers: [UnsafeMutablePointer<UInt8>?]
  let recorder: ProfileRecorder?
  /// In test mode.
  private let guardian: ExecutionGuardian?
  var codeByteCount: Int { code.byteCount }
  var inputByteCount: Int { inputSegment.byteCount }

  /// - Parameters:
  ///   - functionName: the step's name in the code, which may hold several.
  ///   - workspace: shared with other programs; of its own unless given.
  init(
    _ step: CompiledStep, _ proof: ProofReport, _ code: NativeCode, functionName: String = "step", pool: WorkerPool,
    workspace: Workspace? = nil, _ options: ProgramOptions
  ) throws {
    let isTesting = options.isTesting
    self.step = step
    self.code = code
    self.pool = pool
    function = try code.function(functionName, as: StepFunction.self)
    let profile = options.isProfiling ? ProfileTable(of: step.loops, workers: pool.workerCount) : nil
    // What a profile adds up and what guards are set around is one program's alone.
    let ownsWorkspace = isTesting || options.isProfiling
    intermediates = (ownsWorkspace ? nil : workspace) ?? Workspace(isGuarded: isTesting)
    self.workspace = intermediates
    scratchByteCount = max(profile?.endByteOffset ?? step.loops.scratchByteCount(workers: pool.workerCount), 64)
    let scratch = try intermediates.access.writing { [intermediates, scratchByteCount] in
      try intermediates.segment(byteCount: scratchByteCount, purpose: "the intermediate values of '\(step.graph.name)'")
    }
    let isVectorised = if case .tinycc = options.engine { true } else { false }
    recorder = profile.map { ProfileRecorder(step, proof, $0, in: scratch, isVectorised: isVectorised) }
    if let recorder, ProgramOptions.printsProfiles { ProfilesAtExit.add(recorder) }
    let gap = isTesting ? 64 : 0
    var offsets: [Int] = []
    var end = gap
    let sizes =
      step.inputs.map(\.type.byteCount) + step.constants.map(\.bytes.count)
    for size in sizes {
      offsets.append(end)
      end = (end + size + gap + 63) & ~63
    }
    inputOffsets = offsets
    inputSegment = try MemorySegment(
      byteCount: max(end, 64), guarded: isTesting, alignEnd: isTesting, purpose: "the inputs of '\(step.graph.name)'")
    let base = inputSegment.baseAddress.assumingMemoryBound(to: UInt8.self)
    inputPointers = offsets.map { base + $0 }
    if isTesting { Canaries.fillAll(inputSegment, byteCount: inputSegment.byteCount) }
    for constant in step.constants { inputSegment.write(constant.bytes, at: offsets[constant.input]) }
    guardian = isTesting ? ExecutionGuardian(step, workers: pool.workerCount, scratch: scratch, inputs: inputSegment) : nil
  }

  func setInput(_ index: Int, _ elements: ElementArray) { inputSegment.write(elements, at: inputOffsets[index]) }

  private var scratch: MemorySegment {
    get throws {
      try intermediates.segment(byteCount: scratchByteCount, purpose: "the intermediate values of '\(step.graph.name)'")
    }
  }

  func run(_ state: ModelState) throws {
    let scratch = try scratch
    if !pool.isOfThisProcess { pool = try WorkerPools.pool(pool.workerCount) }
    let before = guardian?.prepare(state)
    let code = inputPointers.withUnsafeBufferPointer { pointers in
      pool.run(
        function, state: state.segment.baseAddress, scratch: scratch.baseAddress, inputs: pointers.baseAddress)
    }
    recorder?.countStep()
    if let before { try guardian?.check(state, since: before, hasFailed: code != 0) }
    if code != 0 { throw failedCheck(Int(code), scratch) }
  }

  func output(_ index: Int, _ state: ModelState) -> ElementArray {
    let output = step.outputs[index]
    let buffer = step.loops.buffers[output.buffer.index]
    switch buffer.segment {
    case .state: return state.segment.read(output.type, at: buffer.byteOffset)
    case .scratch: return intermediates.read(output.type, at: buffer.byteOffset)
    case .input(let number): return inputSegment.read(output.type, at: inputOffsets[number] + buffer.byteOffset)
    case .worker: preconditionFailure("an output lies in one worker's scratch: a bug in Cinch")
    }
  }

  private func failedCheck(_ number: Int, _ scratch: MemorySegment) -> any Error {
    guard step.loops.checks.indices.contains(number - 1) else {
      return InternalError(stage: "running", message: "the step returned the unknown code \(number)")
    }
    let check = step.loops.checks[number - 1]
    let record = scratch.read(at: step.loops.failureOffset, count: 3, as: Int.self)
    return RuntimeCheckError(
      operation: check.operation, position: Shape(check.extents).coordinates(of: record[2]), value: record[1],
      limit: check.limit, site: check.site)
  }
}
