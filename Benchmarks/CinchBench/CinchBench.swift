// Times Cinch on the benchmark's workloads, by the method of the scripts that time other frameworks:
// `BENCH_SWIFT=path/to/cinch-bench run_all.py` puts it into their table. Also measures the machine, and single kernels against it.

import ArgumentParser
import BenchmarkWorkloads
import Cinch

@main
struct CinchBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cinch-bench",
    abstract: "Times training steps, and prints one line RESULT {json}; or measures the machine, or kernels.")

  @Option(name: .shortAndLong, help: "Which workload: \(Workload.all.map(\.name).joined(separator: ", ")).")
  var workload: String?

  @Option(name: .shortAndLong, help: "How many threads run a step.")
  var threads = 1

  @Option(help: "Measure for at least this many seconds.")
  var minTime = 2.0

  @Option(help: "Stop measuring after this many seconds.")
  var maxTime = 25.0

  @Option(help: "Wait at most this many seconds for other processes to be quiet; 0 doesn't wait.")
  var quiet = 25.0

  @Option(help: "What runs the step: \(Engine.names.joined(separator: ", ")).")
  var engine: String?

  @Flag(help: "Print where the time of a step goes, kernel by kernel, after the measurement.")
  var profile = false

  @Flag(help: "Time fresh compiles instead of steps: the first one, and the median of those after it.")
  var compile = false

  @Option(help: "How many compiles --compile times after the first.")
  var compiles = 20

  @Option(help: "Run so many steps in one call of the compiled code, as a row of its own.")
  var stepsPerCall: Int?

  @Flag(name: .customLong("compare-cc"), help: "Time libtcc's code beside what gcc -O3 -march=native makes of the portable C.")
  var comparesSystemCompiler = false

  @Flag(name: .customLong("compare-intrinsics"), help: "Time W7's loop beside the same loop written with AVX-512 intrinsics.")
  var comparesIntrinsics = false

  @Flag(name: .customLong("limits"), help: "Measure the machine: multiply-adds, and the bandwidth of each cache and of memory.")
  var measuresLimits = false

  @Flag(name: .customLong("micro"), help: "Time single kernels against the machine's limits.")
  var timesKernels = false

  func validate() throws {
    if let workload, Workload.named(workload) == nil { throw ValidationError("there is no workload '\(workload)'") }
    guard workload != nil || measuresLimits || timesKernels || comparesSystemCompiler || comparesIntrinsics else {
      throw ValidationError("name a workload with -w, or ask for --limits, --micro, --compare-cc or --compare-intrinsics")
    }
    guard 1...WorkerPool.workerLimit ~= threads else {
      throw ValidationError("--threads is \(threads); it must be from 1 to \(WorkerPool.workerLimit)")
    }
    for (name, seconds) in [("--min-time", minTime), ("--max-time", maxTime), ("--quiet", quiet)] {
      guard 0...86_400 ~= seconds else {
        throw ValidationError("\(name) is \(seconds); it must be a number of seconds from 0 to a day's")
      }
    }
    guard stepsPerCall.map({ $0 >= 1 }) ?? true else { throw ValidationError("--steps-per-call must be at least 1") }
    guard compiles > 0 else { throw ValidationError("--compiles must be at least 1") }
    guard engine.map({ Engine(name: $0) != nil }) ?? true else {
      throw ValidationError("there is no engine '\(engine ?? "")'")
    }
  }

  func run() throws {
    let startUp = Machine.secondsSinceStart
    var options = try ProgramOptions.fromEnvironment()
    options.workers = threads
    if let engine, let known = Engine(name: engine) { options.engine = known }
    if measuresLimits { try LimitTable(workers: threads).write() }
    if timesKernels { try KernelTiming(options: options, seconds: minTime).write() }
    if comparesIntrinsics { try IntrinsicsComparison(seconds: minTime).write() }
    if comparesSystemCompiler {
      let chosen = workload.flatMap(Workload.named).map { [$0] } ?? Workload.all
      return try CompilerComparison(options: options, seconds: minTime, showsKernels: profile).write(chosen)
    }
    guard let workload = workload.flatMap(Workload.named) else { return }

    var timing = StepTiming()
    timing.minimumSeconds = minTime
    timing.maximumSeconds = maxTime
    timing.quietSeconds = quiet
    var record = Record()
    record["peer"] = "swift"
    record["workload"] = workload.name
    record["threads"] = threads
    record["import_s"] = startUp
    if compile {
      try CompileTiming(count: compiles).measure(workload, options, into: &record)
      return print("RESULT \(record.json)")
    }
    if let stepsPerCall {
      try StepsPerCallTiming(count: stepsPerCall, timing: timing).measure(workload, options, into: &record)
      return print("RESULT \(record.json)")
    }
    let bound = try timing.measure(workload, options, into: &record)

    // The timed program must still be the one that is right.
    try bound.reset()
    for _ in 0..<10 { try bound.step() }
    let mistakes = try Golden(workload).mistakes(in: bound.state, of: workload)
    guard mistakes.isEmpty else { throw WrongResult(workload: workload.name, mistakes: mistakes) }
    print("RESULT \(record.json)")
    if profile { try printProfile(workload, options) }
  }

  /// Measured by a program of its own, so that the clocks in it don't count above.
  private func printProfile(_ workload: Workload, _ options: ProgramOptions) throws {
    var options = options
    options.isProfiling = true
    let bound = try BoundWorkload(workload, workload.data(), options)
    let clock = ContinuousClock()
    let start = clock.now
    var count = 0
    while count < 5 || (clock.now - start < .seconds(1) && count < 1000) {
      try bound.step()
      count += 1
    }
    if let profile = bound.program.profile { print(profile) }
  }
}

/// After ten steps, parameters differ from what they must be.
struct WrongResult: Error, CustomStringConvertible {
  let workload: String
  let mistakes: [String]

  var description: String {
    (["\(workload) computes wrong parameters:"] + mistakes).joined(separator: "\n  ")
  }
}
