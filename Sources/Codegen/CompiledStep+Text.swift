extension CompiledStep {
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
