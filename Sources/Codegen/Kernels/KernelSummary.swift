public import CinchGraph

/// A kernel as people read it: what it computes, over which axes, from and to which buffers, and why it stands alone.
public struct KernelSummary: Sendable, CustomStringConvertible {
  public struct Stage: Sendable, Hashable {
    /// Empty where the stage runs once at each point of the domain.
    public let inner: [Int]
    public let nodes: [NodeID]
    public let text: String
  }

  public let name: String
  public let domain: [Int]
  public let stages: [Stage]
  public let reads: [String]
  public let writes: [String]
  public let schedule: String
  public let boundary: String
  public let isParallel: Bool

  public var description: String {
    var text = "\(name) over \(Shape(domain)), \(schedule)\n"
    text += "  starts here: \(boundary)\n"
    for stage in stages { text += "  \(stage.text)\n" }
    text += "  reads \(reads.isEmpty ? "nothing" : reads.joined(separator: ", "))\n"
    text += "  writes \(writes.isEmpty ? "nothing" : writes.joined(separator: ", "))"
    return text
  }
}

extension CompiledStep {
  /// The kernel list: one paragraph per kernel, in the order in which they run, then memory.
  public var kernelList: String {
    kernels.map { $0.description + "\n" }.joined()
      + "scratch \(memory.scratchByteCount) bytes, at most \(memory.peakLiveByteCount) alive; "
      + "state \(loops.stateByteCount) bytes\n"
  }
}
