// Where the parts of scratch lie: planned buffers first, then each worker's own copy.

extension LoopProgram {
  /// From scratch's start to worker 0's copy of the worker segment.
  public var workerByteOffset: Int { alignedTo64(scratchByteCount) }

  /// From one worker's copy of the worker segment to the next one's.
  public var workerByteStride: Int { alignedTo64(workerByteCount) }

  /// What scratch must hold for `workers` workers.
  public func scratchByteCount(workers: Int) -> Int { workerByteOffset + workers * workerByteStride }
}

/// Where a step that is profiled adds up its times, in ticks of the processor's counter: behind scratch, for each worker
/// one 64-bit word for each kernel and one for waiting at barriers.
public struct ProfileTable: Sendable, Hashable {
  /// From scratch's start.
  public let byteOffset: Int
  /// From one worker's words to the next one's.
  public let byteStride: Int
  public let workers: Int

  public init(of program: LoopProgram, workers: Int) {
    byteOffset = alignedTo64(program.scratchByteCount(workers: workers))
    byteStride = alignedTo64(8 * (program.kernels.count + 1))
    self.workers = workers
  }

  /// What scratch must hold with the table in it.
  public var endByteOffset: Int { byteOffset + workers * byteStride }
}

/// `count` rounded up to the alignment of buffers.
func alignedTo64(_ count: Int) -> Int { (count + 63) & ~63 }
