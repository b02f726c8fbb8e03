import CTinyCC
import Glibc
import Synchronization

/// A compiled step, in the form of every program that Cinch generates (docs/Design.md, *The step ABI*).
///
/// Every worker runs it with its own number; all must call the barrier equally often. It returns 0, or the
/// id of a run-time check that failed.
public typealias StepFunction =
  @Sendable @convention(c) (
    _ state: UnsafeMutablePointer<UInt8>?, _ scratch: UnsafeMutablePointer<UInt8>?,
    _ inputs: UnsafePointer<UnsafeMutablePointer<UInt8>?>?, _ worker: Int, _ workers: Int,
    _ barrier: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?, _ context: UnsafeMutableRawPointer?
  ) -> Int32

/// Threads that run compiled steps together with the calling thread.
///
/// The threads live as long as the pool and sleep between steps. Steps that several threads start on one pool run one after the
/// other; a pool of one worker has no threads, and runs each step on the thread that starts it.
///
/// A pool belongs to the process that made it: the child of a `fork` has none of its threads.
public final class WorkerPool: Sendable {
  /// More threads than this are a mistake on any machine.
  public static let workerLimit = 1_024

  /// How many workers run each step, the caller among them.
  public let workerCount: Int

  private let crew: Mutex<Crew>
  private let turns: Turns?
  private let process = getpid()

  /// What pools share of which one runs a step at a time.
  final class Turns: Sendable {
    fileprivate let turn = Mutex(())
  }

  /// Whether its threads are here.
  var isOfThisProcess: Bool { process == getpid() }

  /// Starts `workerCount - 1` threads.
  ///
  /// Throws `NativeError.workerCountInvalid`, or `.threadRefused` where the system gives no more threads.
  public convenience init(workerCount: Int) throws { try self.init(workerCount: workerCount, turns: nil) }

  /// - Parameter turns: shared with the pools whose steps those of this one wait for, if there is more than one worker.
  init(workerCount: Int, turns: Turns?) throws {
    try Self.check(workerCount: workerCount)
    self.workerCount = workerCount
    self.turns = workerCount > 1 ? turns : nil
    crew = try Mutex(Crew(workerCount: workerCount))
  }

  /// Throws `NativeError.workerCountInvalid` for a number that no pool has.
  static func check(workerCount: Int) throws {
    guard 1...workerLimit ~= workerCount else {
      throw NativeError.workerCountInvalid(workerCount, limit: workerLimit)
    }
  }

  /// Runs `step` on all workers with the floating-point mode of IEEE 754, and returns when all are done.
  ///
  /// The result is 0 if every worker returned 0, and else the smallest other code.
  public func run(
    _ step: StepFunction, state: UnsafeMutableRawPointer? = nil, scratch: UnsafeMutableRawPointer? = nil,
    inputs: UnsafePointer<UnsafeMutablePointer<UInt8>?>? = nil
  ) -> Int32 {
    let job = cinch_job(
      step: step, state: state?.assumingMemoryBound(to: UInt8.self),
      scratch: scratch?.assumingMemoryBound(to: UInt8.self), inputs: inputs)
    if workerCount == 1 { return Self.runAlone(job) }
    guard let turns else { return run(job) }
    return turns.turn.withLock { _ in run(job) }
  }

  /// On the calling thread, beside whatever other threads run.
  private static func runAlone(_ job: cinch_job) -> Int32 {
    var crew = cinch_crew()
    crew.gate.workers = 1
    crew.inner.workers = 1
    return withUnsafeMutablePointer(to: &crew) { cinch_run_crew($0, job) }
  }

  private func run(_ job: cinch_job) -> Int32 {
    crew.withLock { crew in
      // The process is ending, on another thread: whoever still wants a step waits for the end.
      while crew.isStopped { pause() }
      return cinch_run_crew(crew.shared, job)
    }
  }

  /// Ends the threads after the step that is running, and waits for them; no step runs any more.
  func stop() {
    // Else another thread of the parent may have held the lock for ever.
    if isOfThisProcess { crew.withLock { $0.stop() } }
  }

  /// The threads' numbers in the system, for tests to look for; known once a step has run.
  var threadNumbers: [Int] { crew.withLock { $0.threadNumbers } }
}

/// The threads of a pool, and the memory that they share with it.
private final class Crew: @unchecked Sendable {
  let shared: UnsafeMutablePointer<cinch_crew>
  private let workers: UnsafeMutablePointer<cinch_worker>
  private let workerCount: Int
  private var threads: [pthread_t] = []
  private let process = getpid()
  private(set) var isStopped = false

  /// Ticks of the processor's clock that a wait may spin, before it sleeps: 25 to 50 µs, some times what sleeping and waking take.
  /// Where workers share a core, spinning would only take time from the one that is waited for.
  private static func spinTicks(workerCount: Int) -> UInt32 {
    workerCount <= ProcessorFeatures.current.availableCores ? 100_000 : 0
  }

  init(workerCount: Int) throws {
    self.workerCount = workerCount
    var barrier = cinch_barrier()
    barrier.workers = UInt32(workerCount)
    barrier.spin_ticks = Self.spinTicks(workerCount: workerCount)
    var crew = cinch_crew()
    crew.gate = barrier
    crew.inner = barrier
    shared = .allocate(capacity: 1)
    shared.initialize(to: crew)
    workers = .allocate(capacity: workerCount)
    for index in 0..<workerCount {
      (workers + index).initialize(to: cinch_worker(crew: shared, index: index, thread: 0))
    }
    // Signals are for the program's own threads.
    var everySignal = sigset_t()
    var formerMask = sigset_t()
    sigfillset(&everySignal)
    pthread_sigmask(SIG_SETMASK, &everySignal, &formerMask)
    defer { pthread_sigmask(SIG_SETMASK, &formerMask, nil) }
    for index in 1..<workerCount {
      var thread = pthread_t()
      let failure = pthread_create(&thread, nil, cinch_worker_main, workers + index)
      guard failure == 0 else {
        throw NativeError.threadRefused(
          started: threads.count, wanted: workerCount - 1, reason: String(cString: strerror(failure)))
      }
      threads.append(thread)
    }
  }

  /// Also runs when `init` throws, with the threads that were started by then.
  deinit {
    stop()
    shared.deallocate()
    workers.deallocate()
  }

  func stop() {
    // The child of a fork would wait for threads that it doesn't have.
    if isStopped || process != getpid() { return }
    isStopped = true
    cinch_stop_crew(shared, UInt32(threads.count + 1))
    for thread in threads { pthread_join(thread, nil) }
  }

  var threadNumbers: [Int] { (1..<workerCount).map { workers[$0].thread } }
}
