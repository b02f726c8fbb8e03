import BenchmarkWorkloads
import Cinch

/// A workload compiled, with its state and data.
struct BoundWorkload {
  let program: Program
  let state: ModelState
  private let data: WorkloadData
  /// Building the graph, gradients included.
  let buildTime: Duration

  /// - Parameters:
  ///   - data: made before, so that its making isn't timed.
  ///   - stepsPerCall: how many steps one call makes.
  init(_ workload: Workload, _ data: WorkloadData, _ options: ProgramOptions, stepsPerCall: Int = 1) throws {
    let clock = ContinuousClock()
    let start = clock.now
    let step = workload.graph()
    let graph = stepsPerCall == 1 ? step : step.repeated(stepsPerCall)
    buildTime = clock.now - start
    program = try graph.compile(options)
    state = try ModelState(program.step.stateLayout)
    self.data = data
    for (name, value) in data.inputs where program.step.inputs.contains(where: { $0.name == name }) {
      try program.setInput(name, to: value)
    }
    for (name, value) in data.parameters { try state.setValue(of: name, to: value) }
  }

  /// Forward, loss, backward and update.
  func step() throws { try program.step(state) }

  func stepGivingLoss() throws -> Float { try program.step(state, output: "loss").scalar }

  /// Initial parameters, and what the optimizer remembers as at first.
  func reset() throws {
    state.reset()
    for (name, value) in data.parameters { try state.setValue(of: name, to: value) }
  }
}
