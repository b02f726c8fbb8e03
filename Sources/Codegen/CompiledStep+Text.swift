import CinchGraph

extension CompiledStep {
  /// Proves the loops right, by a checker that shares no code with the planner; runs on every compile.
  ///
  /// - Throws: `InternalError` with what is wrong, drawn inside the loops' text.
  public func verified() throws -> ProofReport {
    do {
      return try loops.verify(results: outputs.map(\.buffer))
    } catch {
      throw InternalError(stage: "lowering", message: "\(error)")
    }
  }

  /// The kernels in the order in which they run: nodes, domain, buffers, and why each starts where it does.
  public var kernelListing: String {
    kernels.map { "\($0)\n" }.joined(separator: "\n")
  }

  /// Where everything lives.
  public var memoryListing: String {
    var text = "state: \(stateLayout.byteCount) bytes\n"
    for entry in stateLayout.entries {
      text += "  \(entry.byteOffset): \(entry.variable.name) \(entry.variable.type) (\(entry.variable.role.rawValue))\n"
    }
    text += "scratch: \(memory.scratchByteCount) bytes; at most \(memory.peakLiveByteCount) are alive at once\n"
    for place in memory.places {
      text += "  \(place.byteOffset): \(place.name), \(place.byteCount) bytes, "
      text += "kernels \(place.lifetime.lowerBound) to \(place.lifetime.upperBound)\n"
    }
    return text
  }
}
