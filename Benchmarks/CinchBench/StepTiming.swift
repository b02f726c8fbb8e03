import BenchmarkWorkloads
import Cinch

/// How steps are timed: the same way for every framework.
struct StepTiming {
  var minimumSeconds = 2.0
  var maximumSeconds = 25.0
  var quietSeconds = 25.0
  private let lossCount = 20
  private let minimumSteps = 30
  /// After so many steps the state is reset, untimed, so that values stay in a normal range.
  private let chunk = 400

  func measure(_ workload: Workload, _ options: ProgramOptions, into record: inout Record) throws -> BoundWorkload {
    let data = workload.data()
    let peakBefore = Machine.peakMebibytes
    let clock = ContinuousClock()

    let start = clock.now
    let bound = try BoundWorkload(workload, data, options)
    let firstLoss = try bound.stepGivingLoss()
    record["first_step_s"] = (clock.now - start).seconds
    var losses = [Double(firstLoss)]
    var next: [Double] = []
    while losses.count < lossCount {
      let start = clock.now
      let loss = try bound.stepGivingLoss()
      next.append((clock.now - start).seconds)
      losses.append(Double(loss))
    }
    record["losses"] = losses
    record["next_steps_s"] = Array(next.prefix(5))

    try warmUp(bound, steps: 3, most: 200, seconds: 0.3)
    record["quiet_wait_s"] = Machine.waitForQuiet(seconds: quietSeconds)
    try warmUp(bound, steps: 2, most: 100, seconds: 0.1)

    // One step at a time.
    var times: [Double] = []
    var total = 0.0
    var sinceReset = 0
    let before = Machine.Usage()
    while (total < minimumSeconds || times.count < minimumSteps) && (total < maximumSeconds || times.count < 5) {
      let start = clock.now
      try bound.step()
      let time = (clock.now - start).seconds
      times.append(time)
      total += time
      sinceReset += 1
      if sinceReset >= chunk {
        try bound.reset()
        sinceReset = 0
      }
    }
    let after = Machine.Usage()
    try bound.reset()
    times.sort()
    record["steps"] = times.count
    record["step_min_us"] = times[0] * 1e6
    record["step_p10_us"] = times[times.count / 10] * 1e6
    record["step_median_us"] = times.median * 1e6
    record["step_p90_us"] = times[times.count * 9 / 10] * 1e6

    // Many steps without looking at the clock.
    let count = max(3, min(Int(0.5 / times.median), chunk))
    var bulk: [Double] = []
    let bulkStart = clock.now
    while bulk.count <= 200 && ((clock.now - bulkStart).seconds < min(1, minimumSeconds) || bulk.isEmpty) {
      let start = clock.now
      for _ in 0..<count { try bound.step() }
      bulk.append((clock.now - start).seconds / Double(count))
      try bound.reset()
    }
    bulk.sort()
    record["bulk_min_us"] = bulk[0] * 1e6
    record["bulk_median_us"] = bulk.median * 1e6

    record.add(after, since: before)
    record["peak_rss_mib"] = Machine.peakMebibytes
    record["rss_before_build_mib"] = peakBefore
    record["child_rss_mib"] = Machine.childPeakMebibytes
    record.add(bound)
    return bound
  }

  private func warmUp(_ bound: BoundWorkload, steps: Int, most: Int, seconds: Double) throws {
    let clock = ContinuousClock()
    let start = clock.now
    var count = 0
    while count < steps || ((clock.now - start).seconds < seconds && count < most) {
      try bound.step()
      count += 1
    }
    try bound.reset()
  }
}

extension Record {
  fileprivate mutating func add(_ after: Machine.Usage, since before: Machine.Usage) {
    let wall = after.seconds - before.seconds
    let own = after.ownSeconds - before.ownSeconds
    self["cpu_per_wall"] = own / wall
    self["other_cores"] = max(0, (after.busySeconds - before.busySeconds - own) / wall)
    self["steal_cores"] = (after.stolenSeconds - before.stolenSeconds) / wall
    self["invol_ctx"] = after.preemptions - before.preemptions
  }

  /// What only a compiler in the process can tell.
  fileprivate mutating func add(_ bound: BoundWorkload) {
    let program = bound.program
    self["graph_ms"] = (bound.buildTime + program.times.graph).seconds * 1e3
    self["codegen_ms"] = program.times.codegen.seconds * 1e3
    self["libtcc_ms"] = program.times.compiler.seconds * 1e3
    self["c_bytes"] = program.source.utf8.count
    self["code_bytes"] = program.codeByteCount
    self["kernels"] = program.step.loops.kernels.count
    self["arena_mib"] = Double(program.step.loops.scratchByteCount(workers: program.options.workers)) / 1_048_576
    self["engine"] = program.engine.description
  }
}

extension [Double] {
  /// Of sorted numbers.
  var median: Double { count % 2 == 1 ? self[count / 2] : (self[count / 2 - 1] + self[count / 2]) / 2 }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
