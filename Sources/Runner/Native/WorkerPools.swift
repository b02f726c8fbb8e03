import Glibc
import Synchronization

/// One pool of threads for each number of workers, shared by all programs. Programs on several workers take turns, step by step,
/// instead of fighting over cores. When the process ends, the threads end before it.
enum WorkerPools {
  private static let pools = Mutex<[Int: WorkerPool]>([:])
  private static let registration: Void = { atexit { WorkerPools.stopAll() } }()

  static func pool(_ workers: Int) throws -> WorkerPool {
    _ = registration
    return try pools.withLock { pools in
      if let pool = pools[workers] { return pool }
      let pool = try WorkerPool(workerCount: workers, takesTurns: true)
      pools[workers] = pool
      return pool
    }
  }

  private static func stopAll() {
    let pools = pools.withLock { $0 }
    for pool in pools.values { pool.stop() }
  }
}
