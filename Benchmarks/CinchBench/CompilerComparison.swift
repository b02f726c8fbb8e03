import BenchmarkWorkloads
import Cinch

/// Steps of libtcc's code beside steps of what gcc makes of the same program's portable C, in turns, in one process.
struct CompilerComparison {
  let options: ProgramOptions
  /// For each workload, of both together.
  let seconds: Double
  /// Whether to print the kernels that gcc's code runs faster.
  let showsKernels: Bool

  func write(_ workloads: [Workload]) throws {
    print("gcc \(SystemCompiler.defaultFlags.joined(separator: " "))")
    print(
      "workload   libtcc µs      gcc µs   libtcc/gcc   (medians; \(options.workers) thread\(options.workers == 1 ? "" : "s"))")
    for workload in workloads { try compare(workload) }
  }

  private func compare(_ workload: Workload) throws {
    let data = workload.data()
    var reference = options
    reference.engine = .systemCompiler("gcc")
    let both = [try BoundWorkload(workload, data, options), try BoundWorkload(workload, data, reference)]
    try checkEqual(both, workload)
    let times = try time(both).map(\.median)
    print(
      padded(workload.name, -8) + times.map { padded(fixed($0 * 1e6, 2), 12) }.joined()
        + padded(fixed(times[0] / times[1], 2) + "×", 13))
    if showsKernels { try compareKernels(workload, data, reference) }
  }

  /// The same bits after some steps, or the comparison means nothing.
  private func checkEqual(_ both: [BoundWorkload], _ workload: Workload) throws {
    for bound in both { for _ in 0..<3 { try bound.step() } }
    let differing = try both[0].state.names.filter { try both[0].state.value(of: $0) != both[1].state.value(of: $0) }
    guard differing.isEmpty else {
      throw WrongResult(workload: workload.name, mistakes: differing.map { "\($0) differs between libtcc and gcc" })
    }
    for bound in both { try bound.reset() }
  }

  /// Sorted times of single steps: short turns, so that what else the machine does meets both.
  private func time(_ both: [BoundWorkload]) throws -> [[Double]] {
    let clock = ContinuousClock()
    var times: [[Double]] = [[], []]
    let start = clock.now
    while (clock.now - start).seconds < seconds || times[1].count < 10 {
      for (index, bound) in both.enumerated() {
        try bound.reset()
        let turn = clock.now
        var count = 0
        repeat {
          let start = clock.now
          try bound.step()
          let end = clock.now
          // The first step after the other's turn finds its data in no cache.
          if count > 0 { times[index].append((end - start).seconds) }
          count += 1
        } while count < 3 || (clock.now - turn < .milliseconds(20) && count < 400)
      }
    }
    return times.map { $0.sorted() }
  }

  /// Kernels are the same for both, so that each has a ratio; only those that matter are shown.
  private func compareKernels(_ workload: Workload, _ data: WorkloadData, _ reference: ProgramOptions) throws {
    let both = try [options, reference].map { options in
      var options = options
      options.isProfiling = true
      return try BoundWorkload(workload, data, options)
    }
    let clock = ContinuousClock()
    let start = clock.now
    repeat {
      for bound in both {
        let turn = clock.now
        repeat { try bound.step() } while clock.now - turn < .milliseconds(20)
      }
    } while (clock.now - start).seconds < seconds
    guard let own = both[0].program.profile, let other = both[1].program.profile, own.kernels.count == other.kernels.count
    else { return }
    for (mine, theirs) in zip(own.kernels, other.kernels)
    where mine.time > theirs.time * 1.05 && mine.time > own.total * 0.01 {
      let times = [mine, theirs].map { padded(fixed($0.time.seconds * 1e6, 2), 12) }.joined()
      print(
        padded("", 8) + times + padded(fixed(mine.time / theirs.time, 2) + "×", 13) + "  \(mine.name): \(mine.origin.first ?? "")"
      )
    }
  }
}
