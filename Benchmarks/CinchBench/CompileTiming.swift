import BenchmarkWorkloads
import Cinch

/// How compiles are timed: from the model to the end of the first step, nothing taken from the cache.
struct CompileTiming {
  /// After the first, which meets a cold process.
  let count: Int

  /// The parts of one compile, in milliseconds and in the order in which they happen.
  private struct Parts {
    /// Building the graph with autodiff, and all passes with the verifier after each.
    var graph = 0.0
    /// Kernels, memory plan, loop IR with its checker, vector code, printing.
    var codegen = 0.0
    var libtcc = 0.0
    /// Memory, initial values, and running the step once.
    var firstStep = 0.0
    var total: Double { graph + codegen + libtcc + firstStep }
  }

  func measure(_ workload: Workload, _ options: ProgramOptions, into record: inout Record) throws {
    var options = options
    options.usesCache = false
    let data = workload.data()
    let (first, program) = try compile(workload, data, options)
    let source = program.source
    var parts: [Parts] = []
    for _ in 0..<count { parts.append(try compile(workload, data, options).parts) }
    func add(_ name: String, _ part: (Parts) -> Double) {
      record["first_\(name)_ms"] = part(first)
      let sorted = parts.map(part).sorted()
      record["median_\(name)_ms"] = sorted.median
      record["least_\(name)_ms"] = sorted[0]
    }
    record["compiles"] = count
    add("graph", \.graph)
    add("codegen", \.codegen)
    add("libtcc", \.libtcc)
    add("first_step", \.firstStep)
    add("compile") { $0.graph + $0.codegen + $0.libtcc }
    add("total", \.total)
    record["c_bytes"] = source.utf8.count
    record["c_checksum"] = String(checksum(of: source), radix: 16)
  }

  private func compile(
    _ workload: Workload, _ data: WorkloadData, _ options: ProgramOptions
  ) throws -> (parts: Parts, program: Program) {
    let clock = ContinuousClock()
    let start = clock.now
    let bound = try BoundWorkload(workload, data, options)
    _ = try bound.stepGivingLoss()
    let end = clock.now
    let times = bound.program.times
    var parts = Parts()
    parts.graph = (bound.buildTime + times.graph).seconds * 1e3
    parts.codegen = times.codegen.seconds * 1e3
    parts.libtcc = times.compiler.seconds * 1e3
    parts.firstStep = (end - start - bound.buildTime - times.total).seconds * 1e3
    return (parts, bound.program)
  }

  /// FNV-1a: equal for equal texts in every process, so that a change of the compiler shows whether it changed the code.
  private func checksum(of text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}
