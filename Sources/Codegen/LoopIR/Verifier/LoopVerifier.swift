import CinchGraph

extension LoopProgram {
  /// Proves that the program touches only its own memory, in an order that makes sense; see `ProofReport` for what
  /// holds afterwards.
  ///
  /// Knows nothing of how the program was made. `results` are read by the caller after the step. Time is nearly
  /// linear in the program's text, whatever the extents.
  @discardableResult
  public func verify(results: [BufferID] = []) throws(LoopVerificationError) -> ProofReport {
    var issues: [LoopIssue] = []
    verifyBuffers(results, &issues)
    var facts: [KernelFacts] = []
    facts.reserveCapacity(kernels.count)
    for index in kernels.indices {
      var verifier = KernelVerifier(self, index)
      facts.append(verifier.verify())
      issues += verifier.issues
    }
    var report = ProofReport(kernels: zip(kernels, facts).map { $1.report })
    // The order of broken kernels means nothing.
    if issues.isEmpty {
      var verifier = ScheduleVerifier(self, facts, results)
      verifier.verify(&report)
      issues = verifier.issues
    }
    guard issues.isEmpty else { throw LoopVerificationError(issues: issues, program: self) }
    report.bufferCount = buffers.count
    report.checkCount = checks.count
    report.scratchBytes = scratchByteCount
    report.stateBytes = stateByteCount
    return report
  }

  /// The three words that a failed check leaves.
  static let failureByteCount = 24

  private func verifyBuffers(_ results: [BufferID], _ issues: inout [LoopIssue]) {
    func report(_ place: LoopPrinter.Place, _ message: String) {
      issues.append(LoopIssue(place: place, kernel: nil, message: message))
    }
    for count in [stateByteCount, scratchByteCount, workerByteCount] where count < 0 {
      report(.program, "a segment has \(count) bytes")
    }
    for (index, buffer) in buffers.enumerated() {
      let numbers = 0..<Self.numberLimit
      guard numbers.contains(buffer.elementCount), numbers.contains(buffer.byteOffset) else {
        report(.buffer(index), "\(buffer.elementCount) elements at \(buffer.byteOffset)")
        continue
      }
      if let motion = buffer.motion {
        let isSlice =
          buffers.indices.contains(motion.parent.index) && buffers[motion.parent.index].motion == nil
          && buffers[motion.parent.index].segment == buffer.segment
          && buffers[motion.parent.index].elementType == buffer.elementType && buffer.segment != .worker
        if !isSlice { report(.buffer(index), "is no slice of buffer \(motion.parent.raw)") }
        continue
      }
      if buffer.byteOffset % 64 != 0 { report(.buffer(index), "the offset is not a multiple of 64") }
      let size: Int
      switch buffer.segment {
      case .state: size = stateByteCount
      case .scratch: size = scratchByteCount
      case .worker: size = workerByteCount
      case .input(let number):
        if number < 0 { report(.buffer(index), "input \(number)") }
        continue
      }
      if buffer.byteOffset + buffer.byteCount > size {
        report(.buffer(index), "ends at byte \(buffer.byteOffset + buffer.byteCount) of a segment of \(size)")
      }
    }
    for result in results where !buffers.indices.contains(result.index) {
      report(.program, "a result is buffer \(result.raw), which does not exist")
    }
    if !checks.isEmpty,
      failureOffset < 0 || failureOffset % 8 != 0 || failureOffset + Self.failureByteCount > scratchByteCount
    {
      report(.program, "the failed-check record at byte \(failureOffset) is not in scratch")
    }
    // State lives from step to step, so that no two of its buffers may share a byte.
    let state = buffers.indices.filter { buffers[$0].segment == .state && buffers[$0].motion == nil }.sorted {
      (buffers[$0].byteOffset, $0) < (buffers[$1].byteOffset, $1)
    }
    for (before, after) in zip(state, state.dropFirst())
    where buffers[before].byteOffset + buffers[before].byteCount > buffers[after].byteOffset {
      report(.buffer(after), "shares bytes of state with \(buffers[before].name)")
    }
  }
}
