import CinchGraph

/// Which kernels write and read the results, as far as memory goes, and when: what the plan of a step will come to, as far as that can
/// be told from kernels. If it tells it wrong, a step takes more memory, and no bit changes.
struct ResultLives {
  /// By slot; negative for what takes no scratch.
  private(set) var writer: [Int]
  /// By slot.
  private(set) var readers: [[Int]]
  /// By kernel: the first ones run in the order of their numbers, and what is added runs with one of those.
  private(set) var time: [Int] = []
  private var byteCounts: [Int]
  /// By kernel, the slots in whose place a result of its own may lie: it reads them at its own points.
  private var replaceable: [[Int]] = []
  /// By kernel.
  private var written: [[Int]] = []

  /// From here on a place that is taken over is worth a barrier.
  static let largeByteCount = 1 << 20

  init(_ fusion: Fusion) {
    let slots = fusion.table.slots
    byteCounts = slots.map(\.type.byteCount)
    writer = [Int](repeating: -1, count: slots.count)
    readers = [[Int]](repeating: [], count: slots.count)
    for kernel in fusion.kernels.indices { add(kernel, of: fusion, at: kernel) }
  }

  /// A kernel, with the slots that it writes.
  mutating func add(_ number: Int, of fusion: Fusion, at time: Int) {
    let kernel = fusion.kernels[number]
    let slots = fusion.table.slots
    for slot in slots.indices.dropFirst(byteCounts.count) {
      byteCounts.append(slots[slot].type.byteCount)
      writer.append(-1)
      readers.append([])
    }
    self.time.append(time)
    var own: [Int] = []
    /// Those that are in a register where the kernel itself reads them.
    var held: [(slot: Int32, until: Int32)] = []
    for (position, stage) in kernel.stages.enumerated() {
      for root in stage.roots.map({ fusion.roots[$0] }) where root.slot >= 0 {
        if case .update = fusion.table.reasons[root.node] { continue }
        writer[Int(root.slot)] = number
        own.append(Int(root.slot))
        held.append((root.slot, root.isReduction || stage.inner.isEmpty ? .max : Int32(position)))
      }
    }
    written.append(own)
    let rest = kernel.stages.flatMap(\.inner)
    var elsewhere: Set<Int> = []
    var reads: [Int] = []
    for read in fusion.evaluated(number).reads where !held.contains(where: { $0.slot == read.slot && read.stage <= $0.until }) {
      let slot = Int(read.slot)
      if !reads.contains(slot) { reads.append(slot) }
      let count = slots[slot].type.shape.elementCount
      if read.isPartial || !Fusion.isAtOwnPoint(read.index, of: count, kernel.extents, rest) { elsewhere.insert(slot) }
    }
    for slot in reads { note(slot, readBy: number) }
    replaceable.append(reads.filter { !elsewhere.contains($0) })
  }

  /// Another result of a kernel, for another one.
  mutating func add(_ slot: Int32, of byteCount: Int, from kernel: Int, to reader: Int) {
    byteCounts.append(byteCount)
    writer.append(kernel)
    readers.append([reader])
    written[kernel].append(Int(slot))
  }

  /// A kernel reads that too.
  mutating func note(_ slot: Int, readBy kernel: Int) {
    if !readers[slot].contains(kernel) { readers[slot].append(kernel) }
  }

  /// A kernel reads another slot instead; or none, if it is given none.
  mutating func move(_ kernel: Int, from slot: Int, to other: Int?) {
    readers[slot].removeAll { $0 == kernel }
    let position = replaceable[kernel].firstIndex(of: slot)
    guard let other else {
      if let position { replaceable[kernel].remove(at: position) }
      return
    }
    note(other, readBy: kernel)
    if let position { replaceable[kernel][position] = other }
  }

  /// A kernel that was added runs earlier.
  mutating func advance(_ kernel: Int, to time: Int) { self.time[kernel] = min(self.time[kernel], time) }

  /// When a slot is read for the last time; negative if never.
  func end(_ slot: Int) -> Int { readers[slot].reduce(-1) { max($0, time[$1]) } }

  /// What reads a slot after some time, as it runs.
  func readers(of slot: Int32, after start: Int) -> [Int] {
    readers[Int(slot)].filter { time[$0] > start }.sorted { (time[$0], $0) < (time[$1], $1) }
  }

  /// Whether a kernel is the last to read a slot, as it is or once others run before it, for which `StepPlan` sees to it.
  private func canReplace(_ slot: Int, in kernel: Int) -> Bool {
    guard writer[slot] >= 0, writer[slot] != kernel else { return false }
    let later = readers[slot].filter { time[$0] > time[kernel] }
    if later.isEmpty { return true }
    return byteCounts[slot] >= Self.largeByteCount
      && later.allSatisfy { reader in !written[kernel].contains { readers[$0].contains(reader) } }
  }

  /// When the results that are needed then or later take most, for the first time, and how much.
  var peak: (time: Int, byteCount: Int) {
    let count = (time.max() ?? 0) + 1
    var changes = [Int](repeating: 0, count: count + 1)
    func take(_ byteCount: Int, _ times: ClosedRange<Int>) {
      changes[times.lowerBound] += byteCount
      changes[times.upperBound + 1] -= byteCount
    }
    for slot in writer.indices where writer[slot] >= 0 && !readers[slot].isEmpty {
      let start = time[writer[slot]]
      take(byteCounts[slot], start...max(start, end(slot)))
    }
    for kernel in time.indices {
      var old = replaceable[kernel].filter { canReplace($0, in: kernel) }
      for slot in written[kernel] where !readers[slot].isEmpty {
        guard let position = old.firstIndex(where: { byteCounts[$0] == byteCounts[slot] }) else { continue }
        take(-byteCounts[slot], time[kernel]...max(time[kernel], end(old[position])))
        old.remove(at: position)
      }
    }
    var best = (time: 0, byteCount: 0)
    var byteCount = 0
    for time in 0..<count {
      byteCount += changes[time]
      if byteCount > best.byteCount { best = (time, byteCount) }
    }
    return best
  }
}
