/// What the verifier has proved about a program, and what the program costs.
public struct ProofReport: Sendable, Hashable, CustomStringConvertible {
  /// One run of one kernel.
  public struct Kernel: Sendable, Hashable {
    public var name: String
    /// Loads and stores in its text, each proved to stay in its buffer.
    public var accessCount = 0
    /// Floating-point operations; fma counts as two.
    public var flopCount = 0
    /// Bytes that must come from or go to memory at least once: for each buffer the span it reads, and the span it
    /// writes.
    public var byteCount = 0
  }

  public var kernels: [Kernel]
  public var bufferCount = 0
  public var checkCount = 0
  /// The most scratch in use at one time, and what the plan takes.
  public var peakScratchBytes = 0
  public var scratchBytes = 0
  public var stateBytes = 0
  /// Of the whole step, repeated kernels as often as they run.
  public var accessCount: Int { kernels.reduce(0) { $0 + $1.accessCount } }
  public var flopCount = 0
  public var byteCount = 0

  public var description: String {
    """
    bounds:          \(accessCount) accesses stay in their buffers for all iterations
    initialisation:  every element is written before it is read
    aliasing:        \(bufferCount) buffers; no two that live at the same time share a byte
    threads:         no worker touches what another one writes without a barrier between
    run-time checks: \(checkCount), all before the first write to state
    memory:          \(stateBytes) bytes of state; \(scratchBytes) of scratch, at most \(peakScratchBytes) live
    arithmetic:      \(flopCount) floating-point operations
    traffic:         \(byteCount) bytes moved at least
    """
  }
}
