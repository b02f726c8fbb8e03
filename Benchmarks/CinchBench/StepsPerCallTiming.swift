import BenchmarkWorkloads
import Cinch

/// Several steps in one call of the compiled code, a loop around the step: what is left when nobody looks at each loss.
struct StepsPerCallTiming {
  let count: Int
  let timing: StepTiming

  func measure(_ workload: Workload, _ options: ProgramOptions, into record: inout Record) throws {
    let data = workload.data()
    let clock = ContinuousClock()
    let start = clock.now
    let bound = try BoundWorkload(workload, data, options, stepsPerCall: count)
    _ = try bound.stepGivingLoss()
    record["first_step_s"] = (clock.now - start).seconds
    try check(bound, BoundWorkload(workload, data, options), workload)

    try bound.reset()
    for _ in 0..<3 { try bound.step() }
    record["quiet_wait_s"] = Machine.waitForQuiet(seconds: timing.quietSeconds)
    var times: [Double] = []
    var total = 0.0
    var sinceReset = 0
    while (total < timing.minimumSeconds || times.count < 10) && (total < timing.maximumSeconds || times.count < 3) {
      let start = clock.now
      try bound.step()
      let time = (clock.now - start).seconds
      total += time
      times.append(time / Double(count))
      // So that values stay in a normal range.
      sinceReset += count
      if sinceReset >= 400 {
        try bound.reset()
        sinceReset = 0
      }
    }
    times.sort()
    record["steps_per_call"] = count
    record["steps"] = times.count * count
    record["step_min_us"] = times[0] * 1e6
    record["step_median_us"] = times.median * 1e6
    record["step_p90_us"] = times[times.count * 9 / 10] * 1e6
    record["peak_rss_mib"] = Machine.peakMebibytes
    record["libtcc_ms"] = bound.program.times.compiler.seconds * 1e3
    record["engine"] = bound.program.engine.description
  }

  /// One call gives the bits of so many single steps.
  private func check(_ bound: BoundWorkload, _ single: BoundWorkload, _ workload: Workload) throws {
    try bound.reset()
    try single.reset()
    let loss = try bound.stepGivingLoss()
    var last: Float = 0
    for _ in 0..<count { last = try single.stepGivingLoss() }
    var mistakes: [String] = []
    if HostTensor(loss) != HostTensor(last) { mistakes.append("the last loss is \(loss) in one call, \(last) in \(count)") }
    for name in bound.state.names where try bound.state.value(of: name) != single.state.value(of: name) {
      mistakes.append("\(name) differs between one call and \(count) calls")
    }
    guard mistakes.isEmpty else { throw WrongResult(workload: workload.name, mistakes: mistakes) }
  }
}
