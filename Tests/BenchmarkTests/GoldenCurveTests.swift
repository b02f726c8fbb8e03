import BenchmarkWorkloads
import Cinch
import Testing

/// The benchmark's workloads against the losses and parameters of an independent Float64 program.
@Suite(.serialized) struct GoldenCurveTests {
  @Test(arguments: Workload.all.map(\.name)) func tenStepsFollowTheGoldenCurve(_ name: String) throws {
    let workload = try #require(Workload.named(name))
    let golden = try Golden(workload)
    let data = workload.data()
    let program = try workload.graph().compile(ProgramOptions())
    let state = try ModelState(program.step.stateLayout)
    for (name, value) in data.parameters { try state.setValue(of: name, to: value) }
    for (name, value) in data.inputs { try program.setInput(name, to: value) }
    // The seed's network is small enough for its whole curve, to Float32's precision.
    let (steps, tolerance) = name == "W1" ? (100, 2e-6) : (10, 1e-4)
    for step in 0..<steps {
      if step == 10 { #expect(try golden.mistakes(in: state, of: workload) == []) }
      let loss = Double(try program.step(state, output: "loss").scalar)
      #expect(abs(loss / golden.losses[step] - 1) < tolerance, "step \(step): \(loss) is not \(golden.losses[step])")
    }
    if steps == 10 { #expect(try golden.mistakes(in: state, of: workload) == []) }
  }
}
