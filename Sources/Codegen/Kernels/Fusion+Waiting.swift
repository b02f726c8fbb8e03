import CinchGraph

/// Values that only wait while most memory is taken, in a training step between its halves: what an activation or a normalisation
/// gave is needed again for the gradient by the next layer's weights. They are computed a second time instead.
extension Fusion {
  /// Opcodes for one element that cost no more than to store and load it.
  private static let cheap = 4

  /// Of values with so many elements.
  mutating func recomputeWaitingValues(from leastCount: Int) {
    let waiting = table.reasons.filter { node, reason in
      guard case .repeated = reason, case .elementwise = table.meanings[node.index] else { return false }
      return table.shape(node).elementCount >= leastCount
    }
    if waiting.isEmpty { return }
    var lives = Lives(self)
    let costs = subtreeCosts()
    var pending = waiting.keys.sorted()
    // Without what waits at the peak, the peak may be elsewhere.
    while !pending.isEmpty {
      let peak = lives.peak
      let chosen = pending.filter { recompute($0, cost: costs[$0.index], at: peak, &lives) }
      if chosen.isEmpty { break }
      pending.removeAll(where: chosen.contains)
    }
  }

  /// Whether the one contraction that reads the node after the peak now has it from elsewhere.
  private mutating func recompute(_ node: NodeID, cost: Int, at peak: Int, _ lives: inout Lives) -> Bool {
    let slot = table.slotOf[node.index]
    let late = lives.readers[Int(slot)].filter { $0 > peak }
    guard lives.writer[Int(slot)] < peak, late.count == 1, !lives.readers[Int(slot)].contains(peak) else { return false }
    let reader = late[0]
    guard contractionAloneReads(node, in: reader) else { return false }
    if cost <= Self.cheap, let candidate = inPackedRows(node, of: reader, at: peak, lives) {
      replace(.init(node: node, slot: -1), in: reader, inner: candidate.inner)
      lives.note(candidate.reads, by: reader)
    } else if let (host, again) = besideOtherUses(of: node, for: reader, after: peak, lives) {
      replace(.init(node: node, slot: again), in: reader, inner: kernels[reader].stages[0].inner)
      lives.add(table.type(node).byteCount, from: host, to: reader)
    } else {
      return false
    }
    lives.readers[Int(slot)].removeLast()
    return true
  }

  /// The kernel's contraction computing a node itself, if that is done while rows of its first factor are packed, about once for
  /// each element, and from what is there at the peak anyway. What has to stay longer for it may take no more room than the node.
  private func inPackedRows(_ node: NodeID, of number: Int, at peak: Int, _ lives: Lives) -> Candidate? {
    let kernel = kernels[number]
    let index = kernel.stages[0].roots[0]
    var root = roots[index]
    guard kernel.extents == root.axes, kernel.extents.count == 2,
      Domain.count(kernel.stages[0].inner) >= ContractionSchedule.leastPackedDepth
    else { return nil }
    root.replacement = .init(node: node, slot: -1)
    guard let candidate = try? candidate(index, root), candidate.kept == kernel.extents else { return nil }
    var staying: Set<Int32> = []
    for read in candidate.reads where table.slots[Int(read.slot)].isResult {
      let last = lives.readers[Int(read.slot)].last ?? -1
      if last < peak { return nil }
      if last < number { staying.insert(read.slot) }
    }
    let stayingBytes = staying.reduce(0) { $0 + table.slots[Int($1)].type.byteCount }
    let row = LoopVariable(raw: 0)
    let isInRows = candidate.reads.allSatisfy { !$0.isPartial && (0...1).contains($0.index.coefficient(of: row)) }
    return isInRows && stayingBytes <= table.type(node).byteCount ? candidate : nil
  }

  /// A kernel that now computes the node again, since it reads the same operands shortly before the node's reader does, as that of
  /// an activation's derivative.
  private mutating func besideOtherUses(
    of node: NodeID, for reader: Int, after peak: Int, _ lives: Lives
  ) -> (kernel: Int, slot: Int32)? {
    let byteCount = table.type(node).byteCount
    for operand in operandSlots(of: node) where table.slots[Int(operand)].type.byteCount == byteCount {
      for host in lives.readers[Int(operand)].reversed() where peak < host && host < reader {
        if let slot = computeAgain(node, in: host) { return (host, slot) }
      }
    }
    return nil
  }

  /// Whether a kernel's contraction reads a node, and nothing else there does.
  private func contractionAloneReads(_ node: NodeID, in number: Int) -> Bool {
    let kernel = kernels[number]
    let contraction = kernel.stages[0].roots[0]
    guard kernel.form == .tile, roots[contraction].replacement == nil else { return false }
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

  /// Which kernels write and read the results, as far as memory goes.
  private struct Lives {
    /// By slot; negative for what takes no scratch.
    private(set) var writer: [Int]
    /// By slot, ascending.
    var readers: [[Int]]
    private var byteCounts: [Int]
    private let kernelCount: Int

    init(_ fusion: Fusion) {
      let table = fusion.table
      kernelCount = fusion.kernels.count
      byteCounts = table.slots.map(\.type.byteCount)
      writer = [Int](repeating: -1, count: table.slots.count)
      readers = [[Int]](repeating: [], count: table.slots.count)
      for (number, kernel) in fusion.kernels.enumerated() {
        for root in kernel.roots where fusion.roots[root].slot >= 0 {
          if case .update = table.reasons[fusion.roots[root].node] { continue }
          writer[Int(fusion.roots[root].slot)] = number
        }
        for read in fusion.evaluated(number).reads where readers[Int(read.slot)].last != number {
          readers[Int(read.slot)].append(number)
        }
      }
    }

    /// Another result, from one kernel for another.
    mutating func add(_ byteCount: Int, from kernel: Int, to reader: Int) {
      byteCounts.append(byteCount)
      writer.append(kernel)
      readers.append([reader])
    }

    /// A kernel reads that too.
    mutating func note(_ reads: [Read], by kernel: Int) {
      for slot in Set(reads.map { Int($0.slot) }) where !readers[slot].contains(kernel) {
        readers[slot].insert(kernel, at: readers[slot].firstIndex { $0 > kernel } ?? readers[slot].endIndex)
      }
    }

    /// The first kernel at which the results that are needed then or later take most.
    var peak: Int {
      var changes = [Int](repeating: 0, count: kernelCount + 1)
      for slot in writer.indices where writer[slot] >= 0 {
        changes[writer[slot]] += byteCounts[slot]
        changes[max(writer[slot], readers[slot].last ?? 0) + 1] -= byteCounts[slot]
      }
      var best = (kernel: 0, byteCount: 0)
      var byteCount = 0
      for kernel in 0..<kernelCount {
        byteCount += changes[kernel]
        if byteCount > best.byteCount { best = (kernel, byteCount) }
      }
      return best.kernel
    }
  }
}
