import CinchCodegen
import CinchGraph

/// Test mode: looks after each step for what the proof of the loops can't see, such as a wrong tail, spill or displacement
/// in machine code.
///
/// Before a step, all of scratch is poisoned with signalling NaNs: it is dead then. After the step, what lies around the
/// buffers must be as it was, and so must inputs, constants, and the state that the program doesn't update.
struct ExecutionGuardian {
  private let step: CompiledStep
  private let scratch: MemorySegment
  /// Without what a profile adds behind.
  private let scratchByteCount: Int
  private let inputs: MemorySegment
  private let scratchCanaries: Canaries
  private let stateCanaries: Canaries
  /// The bytes of state variables that the program doesn't update.
  private let untouchedState: [(name: String, bytes: Range<Int>)]

  /// All bytes from before the step.
  struct Snapshot {
    fileprivate var state: [UInt8]
    fileprivate var inputs: [UInt8]
  }

  init(_ step: CompiledStep, workers: Int, scratch: MemorySegment, inputs: MemorySegment) {
    self.step = step
    self.scratch = scratch
    self.inputs = inputs
    scratchByteCount = step.loops.scratchByteCount(workers: workers)
    scratchCanaries = Canaries(byteCount: scratchByteCount, around: step.loops.scratchBuffers(workers: workers))
    let variables = step.stateLayout.variableBytes
    stateCanaries = Canaries(byteCount: step.stateLayout.byteCount, around: variables)
    let updated = Set(step.graph.updates.map { step.graph.state[$0.state.index].name })
    untouchedState = variables.filter { !updated.contains($0.name) }
  }

  func prepare(_ state: ModelState) -> Snapshot {
    Canaries.fillAll(scratch, byteCount: scratchByteCount)
    return Snapshot(state: bytes(state.segment), inputs: bytes(inputs))
  }

  /// - Throws: `InternalError` for whatever was written and should not have been.
  func check(_ state: ModelState, since before: Snapshot, hasFailed: Bool) throws {
    func fail(_ message: String) -> InternalError {
      InternalError(stage: "running '\(step.graph.name)'", message: message)
    }
    if let damage = scratchCanaries.damage(scratch) { throw fail("a write between the buffers of scratch: \(damage)") }
    if let damage = stateCanaries.damage(state.segment) { throw fail("a write between state variables: \(damage)") }
    if let position = zip(bytes(inputs), before.inputs).enumerated().first(where: { $1.0 != $1.1 })?.offset {
      throw fail("a write into an input or a constant: byte \(position) of them")
    }
    let after = bytes(state.segment)
    let unchanged = hasFailed ? step.stateLayout.variableBytes : untouchedState
    for (name, range) in unchanged where after[range] != before.state[range] {
      throw fail("a write into '\(name)', which \(hasFailed ? "a failed step leaves alone" : "the program doesn't update")")
    }
  }

  private func bytes(_ segment: MemorySegment) -> [UInt8] {
    segment.read(at: 0, count: segment.byteCount, as: UInt8.self)
  }
}
