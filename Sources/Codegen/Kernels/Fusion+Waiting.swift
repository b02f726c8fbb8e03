import CinchGraph

/// Values that only wait while most memory is taken, in a training step between its halves: what an activation, a normalisation or
/// a softmax gave is needed again for gradients. They are computed a second time instead: by the one contraction that reads them
/// as it packs its rows, by a kernel that reads the same operands shortly before, or by the same kernels as the first time.
extension Fusion {
  /// Opcodes for one element that cost no more than to store and load it.
  private static let cheap = 4

  /// Of values with so many elements.
  mutating func recomputeWaitingValues(from leastCount: Int) {
    var pending = table.reasons.keys.filter { mayWait($0) && table.shape($0).elementCount >= leastCount }.sorted()
    if pending.isEmpty { return }
    var lives = ResultLives(self)
    var again: [NodeID: Int32] = [:]
    let costs = subtreeCosts()
    /// Before each of the steps.
    var before: [(peak: Int, fusion: Fusion)] = []
    // Without what waits at the peak, the peak may be elsewhere.
    while true {
      let peak = lives.peak
      before.append((peak.byteCount, self))
      let waiting = pending.filter { waits($0, at: peak.time, lives) }
      let done =
        waiting.first { recompute($0, cost: costs[$0.index], at: peak.time, &lives) }
        ?? waiting.first { runAgain($0, at: peak.time, &again, &lives) }
      guard let done else { break }
      pending.removeAll { $0 == done }
    }
    // What has come to next to nothing isn't done.
    let most = before.map(\.peak).min().map { $0 + $0 / 256 } ?? 0
    if let enough = before.first(where: { $0.peak <= most }) { self = enough.fusion }
  }

  /// Whether a node is stored for the step's own sake.
  private func mayWait(_ node: NodeID) -> Bool {
    switch table.reasons[node] {
    case .output, .update, .loop, nil: false
    default: true
    }
  }

  private func waits(_ node: NodeID, at peak: Int, _ lives: ResultLives) -> Bool {
    let slot = Int(table.slotOf[node.index])
    let writer = lives.writer[slot]
    return writer >= 0 && lives.time[writer] < peak && lives.end(slot) > peak
      && !lives.readers[slot].contains { lives.time[$0] == peak }
  }

  /// Whether the one contraction that reads the node after the peak now has it from elsewhere.
  private mutating func recompute(_ node: NodeID, cost: Int, at peak: Int, _ lives: inout ResultLives) -> Bool {
    guard case .repeated = table.reasons[node], case .elementwise = table.meanings[node.index] else { return false }
    let slot = Int(table.slotOf[node.index])
    let late = lives.readers(of: Int32(slot), after: peak)
    guard late.count == 1, contractionAloneReads(node, in: late[0]) else { return false }
    let reader = late[0]
    if cost <= Self.cheap, let candidate = inPackedRows(node, of: reader, at: peak, lives) {
      replace(.init(node: node, slot: -1), in: reader, inner: candidate.inner)
      for read in candidate.reads { lives.note(Int(read.slot), readBy: reader) }
      lives.move(reader, from: slot, to: nil)
    } else if let (host, again) = besideOtherUses(of: node, for: reader, after: peak, lives) {
      replace(.init(node: node, slot: again), in: reader)
      lives.add(again, of: table.type(node).byteCount, from: host, to: reader)
      lives.move(reader, from: slot, to: Int(again))
    } else {
      return false
    }
    return true
  }

  /// The kernel's contraction computing a node itself, if that is done while rows of its first factor are packed, about once for
  /// each element, and from what is there at the peak anyway. What has to stay longer for it may take no more room than the node.
  private func inPackedRows(_ node: NodeID, of number: Int, at peak: Int, _ lives: ResultLives) -> Candidate? {
    let kernel = kernels[number]
    let index = kernel.stages[0].roots[0]
    var root = roots[index]
    guard kernel.extents == root.axes, kernel.extents.count == 2,
      Domain.count(kernel.stages[0].inner) >= ContractionSchedule.leastPackedDepth
    else { return nil }
    root.replacements.append(.init(node: node, slot: -1))
    guard let candidate = try? candidate(index, root), candidate.kept == kernel.extents else { return nil }
    var staying: Set<Int32> = []
    for read in candidate.reads where table.slots[Int(read.slot)].isResult {
      let last = lives.end(Int(read.slot))
      if last < peak { return nil }
      if last < lives.time[number] { staying.insert(read.slot) }
    }
    let stayingBytes = staying.reduce(0) { $0 + table.slots[Int($1)].type.byteCount }
    let row = LoopVariable(raw: 0)
    let isInRows = candidate.reads.allSatisfy { !$0.isPartial && (0...1).contains($0.index.coefficient(of: row)) }
    return isInRows && stayingBytes <= table.type(node).byteCount ? candidate : nil
  }

  /// A kernel that now computes the node again, since it reads the same operands shortly before the node's reader does, as that of
  /// an activation's derivative.
  private mutating func besideOtherUses(
    of node: NodeID, for reader: Int, after peak: Int, _ lives: ResultLives
  ) -> (kernel: Int, slot: Int32)? {
    let byteCount = table.type(node).byteCount
    for operand in operandSlots(of: node) where table.slots[Int(operand)].type.byteCount == byteCount {
      for host in lives.readers[Int(operand)].reversed()
      where peak < lives.time[host] && lives.time[host] < lives.time[reader] {
        if let slot = computeAgain(node, in: host) { return (host, slot) }
      }
    }
    return nil
  }

  /// Whether a kernel's contraction reads a node, and nothing else there does.
  private func contractionAloneReads(_ node: NodeID, in number: Int) -> Bool {
    let kernel = kernels[number]
    let contraction = kernel.stages[0].roots[0]
    guard kernel.form == .tile, roots[contraction].replacements.isEmpty else { return false }
    let slot = table.slotOf[node.index]
    return kernel.stages.allSatisfy { stage in
      stage.roots.allSatisfy { root in
        root == contraction
          || (try? candidate(root, kernel.extents, stage.inner))?.reads.allSatisfy { $0.slot != slot } ?? false
      }
    }
  }

  /// What a stored node is computed from.
  private func operandSlots(of node: NodeID) -> [Int32] {
    let reads = (try? candidate(-1, table.definition(of: node, slot: -1)))?.reads ?? []
    return Set(reads.map(\.slot)).sorted()
  }
}
