import CTinyCC
import CinchCodegen
import CinchGraph
import Glibc
import Synchronization

/// Where the time of a program's steps went: for each kernel its time, its work, and how that compares with what the
/// machine can do.
public struct ProgramProfile: Sendable {
  /// One kernel's share of a step.
  public struct Kernel: Sendable {
    /// As in the C and in `kernelListing`.
    public let name: String
    /// Its nodes, layer, and the user's file and line.
    public let origin: [String]
    /// How often a step runs it.
    public let runsPerStep: Int
    /// Per step, of the worker that took longest.
    public let time: Duration
    /// Floating-point operations of all its runs in a step; an fma counts as two.
    public let flopCount: Int
    /// Bytes that all its runs in a step must read and write at least.
    public let byteCount: Int
    /// What all its runs in a step would take at the machine's limit, of arithmetic or of moving its bytes, on the workers that share
    /// it; nil where that isn't known.
    public let leastTime: Duration?
    /// Why libtcc compiled the kernel from plain C, which is slow; nil for vector code, and for other compilers.
    public let limitation: String?

    /// Of the machine's limit, 1 being all of it.
    public var fractionOfLimit: Double? { leastTime.flatMap { time > .zero ? $0 / time : nil } }
    public var gigaflopsPerSecond: Double { time.perSecond(flopCount) * 1e-9 }
    public var gigabytesPerSecond: Double { time.perSecond(byteCount) * 1e-9 }
  }

  public let program: String
  public let workers: Int
  /// How many steps were measured.
  public let stepCount: Int
  /// In the order in which they run first.
  public let kernels: [Kernel]
  /// Per step, of worker 0 at barriers.
  public let waiting: Duration

  /// Per step; each kernel as slow as its slowest worker.
  public var total: Duration { kernels.reduce(waiting) { $0 + $1.time } }
}

extension ProgramProfile: CustomStringConvertible {
  /// A table, the kernels that take longest first.
  public var description: String {
    var text = "\(program): \(stepCount) steps of \(total.inMicroseconds) µs in \(kernels.count) kernels, "
    text += "\(workers) worker\(workers == 1 ? "" : "s"), \(waiting.inMicroseconds) µs at barriers\n"
    text += "      time µs  share  GFLOP/s     GB/s  of limit  kernel\n"
    for kernel in kernels.sorted(by: { $0.time > $1.time }) {
      let share = 100 * (kernel.time / max(total, .nanoseconds(1)))
      text += padded(kernel.time.inMicroseconds, 13) + padded(fixed(share, 1), 6) + "%"
      text += padded(fixed(kernel.gigaflopsPerSecond, 1), 9) + padded(fixed(kernel.gigabytesPerSecond, 1), 9)
      text += padded(kernel.fractionOfLimit.map { fixed(100 * $0, 1) + "%" } ?? "-", 10)
      text += "  \(kernel.name)\(kernel.runsPerStep == 1 ? "" : " × \(kernel.runsPerStep)")\n"
      if let limitation = kernel.limitation {
        text += String(repeating: " ", count: 51) + "plain C: \(limitation)\n"
      }
      for line in kernel.origin { text += String(repeating: " ", count: 51) + line + "\n" }
    }
    return text
  }
}

/// Adds up the times of one program's steps.
final class ProfileRecorder: Sendable {
  private let step: CompiledStep
  private let proof: ProofReport
  private let table: ProfileTable
  private let scratch: MemorySegment
  private let startTicks = cinch_ticks()
  private let start = ContinuousClock.now
  private let steps = Atomic<Int>(0)

  /// Whether the engine's compiler leaves vector code to Cinch.
  private let isVectorised: Bool

  init(
    _ step: CompiledStep, _ proof: ProofReport, _ table: ProfileTable, in scratch: MemorySegment, isVectorised: Bool
  ) {
    self.isVectorised = isVectorised
    self.step = step
    self.proof = proof
    self.table = table
    self.scratch = scratch
  }

  func countStep() { steps.add(1, ordering: .relaxed) }

  var profile: ProgramProfile {
    let elapsed = ContinuousClock.now - start
    let ticks = max(cinch_ticks() - startTicks, 1)
    let count = steps.load(ordering: .relaxed)
    let entries = step.loops.kernels.count + 1
    let times = (0..<table.workers).map { worker in
      scratch.read(at: table.byteOffset + worker * table.byteStride, count: entries, as: UInt64.self)
    }
    func duration(_ sum: UInt64) -> Duration { elapsed * (Double(sum) / Double(ticks) / Double(max(count, 1))) }
    let runs = step.loops.runsPerStep
    // Measured once, when the first profile is asked for; a machine that refuses leaves the column empty.
    let alone = (try? MachineLimits.current(workers: 1)) ?? nil
    let together = (try? MachineLimits.current(workers: table.workers)) ?? nil
    let limitations = Dictionary(
      isVectorised ? step.scalarKernels(step.target).map { ($0.kernel, $0.reason.description) } : [], uniquingKeysWith: { $1 })
    let kernels = step.loops.kernels.indices.map { index in
      let (kernel, work) = (step.loops.kernels[index], proof.kernels[index])
      let limits = kernel.isParallel ? together : alone
      return ProgramProfile.Kernel(
        name: kernel.name, origin: kernel.origin, runsPerStep: runs[index],
        time: duration(times.map { $0[index] }.max() ?? 0), flopCount: runs[index] * work.flopCount,
        byteCount: runs[index] * work.byteCount,
        leastTime: limits.map { $0.leastTime(flopCount: work.flopCount, byteCount: work.byteCount) * runs[index] },
        limitation: limitations[kernel.name])
    }
    return ProgramProfile(
      program: step.graph.name, workers: table.workers, stepCount: count, kernels: kernels,
      waiting: duration(times[0][entries - 1]))
  }
}

/// Programs whose profile is printed when the process ends, as `CINCH_PROFILE=1` asks.
enum ProfilesAtExit {
  private static let recorders = Mutex<[ProfileRecorder]>([])

  /// Prints to standard error.
  private static let registration: Void = {
    atexit {
      let recorders = ProfilesAtExit.recorders.withLock { $0 }
      for profile in recorders.map(\.profile) where profile.stepCount > 0 {
        var text = profile.description + "\n"
        text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
      }
    }
  }()

  static func add(_ recorder: ProfileRecorder) {
    _ = registration
    recorders.withLock { $0.append(recorder) }
  }
}

extension LoopProgram {
  /// How often a step runs each kernel.
  var runsPerStep: [Int] {
    var runs = kernels.map { _ in 0 }
    func count(_ items: [ScheduleItem], _ times: Int) {
      for item in items {
        switch item {
        case .run(let kernel): runs[kernel] += times
        case .loop(let repetitions, let body): count(body, times * repetitions)
        case .barrier, .stopIfFailed: break
        }
      }
    }
    count(schedule, 1)
    return runs
  }
}

extension Duration {
  fileprivate var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
  fileprivate var inMicroseconds: String { fixed(inSeconds * 1e6, 2) }
  fileprivate func perSecond(_ count: Int) -> Double { inSeconds > 0 ? Double(count) / inSeconds : 0 }
}
