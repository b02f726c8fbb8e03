import Glibc
import Synchronization

/// One pool of threads for each number of workers, shared by all programs. Programs on several workers take turns, step by step,
/// instead of fighting over cores. When the process ends, the threads end before it; the child of a `fork` starts threads of its own.
enum WorkerPools {
  private struct Table {
    var pools: [Int: WorkerPool] = [:]
    var turns = WorkerPool.Turns()
    var process = getpid()
  }

  private static let table = Mutex(Table())
  private static let registration: Void = { atexit { WorkerPools.stopAll() } }()

  static func pool(_ workers: Int) throws -> WorkerPool {
    _ = registration
    return try table.withLock { table in
      if table.process != getpid() { table = Table() }
      if let pool = table.pools[workers] { return pool }
      let pool = try WorkerPool(workerCount: workers, turns: table.turns)
      table.pools[workers] = pool
      return pool
    }
  }

  private static func stopAll() {
    let pools = table.withLock { $0.pools }
    for pool in pools.values { pool.stop() }
  }
}
