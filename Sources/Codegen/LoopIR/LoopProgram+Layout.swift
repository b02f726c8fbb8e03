// Where the parts of scratch lie: planned buffers first, then each worker's own copy.

extension LoopProgram {
  /// From scratch's start to worker 0's copy of the worker segment.
  public var workerByteOffset: Int { alignedTo64(scratchByteCount) }

  /// From one worker's copy of the worker segment to the next one's.
  public var workerByteStride: Int { alignedTo64(workerByteCount) }

  /// What scratch must hold for `workers` workers.
  public func scratchByteCount(workers: Int) -> Int { workerByteOffset + workers * workerByteStride }
}

/// `count` rounded up to the alignment of buffers.
func alignedTo64(_ count: Int) -> Int { (count + 63) & ~63 }
