public import CinchCodegen
import Glibc
import Synchronization

/// What this machine can do at most, as loops of machine code measure it: the roofline that kernels are held to.
public struct MachineLimits: Sendable {
  /// A cache, or the memory.
  public struct Level: Sendable {
    public let name: String
    /// How many bytes of all workers together find room in it.
    public let capacity: Int
    /// What each worker's loops went over.
    public let measuredBytes: Int
    /// Bytes per second of all workers together: reading, copying (bytes read and bytes written count), and changing in place
    /// (likewise).
    public let read: Double
    public let copy: Double
    public let update: Double

    /// The most bytes per second, read and written, by any of the three.
    public var best: Double { max(read, copy, update) }
  }

  /// How many threads ran the loops at the same time.
  public let workers: Int
  /// Of vectors of floats with one instruction each: `avx2` or `avx512`.
  public let vectorSet: Target.VectorSet
  /// Of all workers together; a multiply-add counts as two.
  public let flopsPerSecond: Double
  /// From the fastest to the memory.
  public let levels: [Level]

  /// Of this process's machine; measured at the first call for a number of workers, which takes some tenths of a second.
  ///
  /// - Returns: nil where the processor has no AVX2, for then there is no vector code to be held to it.
  public static func current(workers: Int = 1) throws -> MachineLimits? {
    try cache.withLock { cache in
      if let known = cache[workers] { return known }
      guard let limits = try measured(workers: workers, rounds: 5, memoryBytes: 128 << 20) else { return nil }
      cache[workers] = limits
      return limits
    }
  }

  private static let cache = Mutex<[Int: MachineLimits]>([:])

  /// The level that so many bytes lie in when a kernel has gone over them.
  public func level(holding byteCount: Int) -> Level? { levels.first { byteCount <= $0.capacity } ?? levels.last }

  /// The least time for so much work, if its data lies where it fits: as if nothing else but the arithmetic or the moving
  /// took time.
  public func leastTime(flopCount: Int, byteCount: Int) -> Duration {
    let bandwidth = level(holding: byteCount)?.best ?? .infinity
    return .seconds(max(Double(flopCount) / flopsPerSecond, Double(byteCount) / bandwidth))
  }
}

// MARK: - Measuring

extension MachineLimits {
  /// - Parameters:
  ///   - rounds: how often each loop is timed; the fastest counts.
  ///   - memoryBytes: the most that is gone over to measure memory: fetching pages takes longer than reading them. Where the last
  ///     cache is larger, part of them lies in it, as far as other processes leave it.
  public static func measured(workers: Int = 1, rounds: Int, memoryBytes: Int = 512 << 20) throws -> MachineLimits? {
    let target = Target.current(workers: workers)
    guard target.vectorSet != .scalar else { return nil }
    let bench = try LimitBench(target, pool: WorkerPools.pool(workers))
    let lanes = target.lanes
    let passes = 10_000
    let flops = try bench.rate(.multiplyAdd, bytes: 0, passes: passes, rounds: rounds)
    var levels: [Level] = []
    // Half of a private cache, for other things lie there too; a smaller part of the shared one, for other cores use it.
    let sizes = [
      ("L1", target.level1Bytes * workers, target.level1Bytes / 2), ("L2", target.level2Bytes * workers, target.level2Bytes / 2),
      ("L3", target.level3Bytes, max(min(target.level3Bytes / 4, 16 << 20), 2 * target.level2Bytes) / workers),
      ("memory", Int.max, min(max(4 * target.level3Bytes, 64 << 20), memoryBytes) / workers),
    ]
    for (name, capacity, bytes) in sizes {
      let bytes = max(bytes / LimitLoops.granularity, 1) * LimitLoops.granularity
      // About a millisecond for each timing, and at least a whole pass.
      let passes = max(1, (1 << 27) / bytes / (name == "L1" ? 1 : 2))
      func rate(_ kind: LimitLoops.Kind) throws -> Double {
        let passRate = try bench.rate(
          kind, bytes: bytes, passes: name == "memory" ? 1 : passes, rounds: name == "memory" ? min(rounds, 8) : rounds)
        return passRate * Double(bytes * (kind == .update ? 2 : 1) * workers)
      }
      levels.append(
        Level(
          name: name, capacity: capacity, measuredBytes: bytes, read: try rate(.read), copy: try rate(.copy),
          update: try rate(.update)))
    }
    return MachineLimits(
      workers: workers, vectorSet: target.vectorSet,
      flopsPerSecond: flops * Double(2 * lanes * LimitLoops.multiplyAddsPerPass * workers), levels: levels)
  }
}

/// The loops with the memory that they go over.
private final class LimitBench {
  private let loops: LimitLoops
  private let pool: WorkerPool
  private var memory: MemorySegment?

  init(_ target: Target, pool: WorkerPool) throws {
    loops = try LimitLoops(target.vectorSet == .avx512 ? .avx512 : .avx2)
    self.pool = pool
  }

  /// Passes per second of each worker, all running at once.
  func rate(_ kind: LimitLoops.Kind, bytes: Int, passes: Int, rounds: Int) throws -> Double {
    let stride = bytes + LimitLoops.granularity
    let memory = try segment(byteCount: stride * pool.workerCount)
    let input = try MemorySegment(byteCount: 24)
    input.write([stride, bytes, passes], at: 0)
    var inputs: [UnsafeMutablePointer<UInt8>?] = [input.baseAddress.assumingMemoryBound(to: UInt8.self)]
    let clock = ContinuousClock()
    var fastest = Duration.seconds(1_000)
    for round in 0...rounds {
      let start = clock.now
      _ = pool.run(loops.function(kind), scratch: memory.baseAddress, inputs: &inputs)
      let time = clock.now - start
      // The first one fetches pages and caches.
      if round > 0 { fastest = min(fastest, time) }
    }
    return Double(passes) / (fastest / .seconds(1))
  }

  private func segment(byteCount: Int) throws -> MemorySegment {
    if let memory, memory.byteCount >= byteCount { return memory }
    let memory = try MemorySegment(byteCount: byteCount, purpose: "measuring the machine")
    // Pages that were never written all show the same zeros.
    memset(memory.baseAddress, 0, byteCount)
    self.memory = memory
    return memory
  }
}
