import CinchGraph

/// Verifies the order of kernels: barriers, initialisation, checks, and that buffers that live at the same time lie
/// apart.
struct ScheduleVerifier {
  private struct Touch {
    var buffer: BufferID
    var isWrite: Bool
    /// Worker 0 alone.
    var isAlone: Bool
    /// Counts runs; a kernel in a loop has several.
    var run: Int
    var kernel: Int
    var item: Int
  }

  private struct Life {
    var first: Int
    var last: Int
  }

  private struct Proof {
    var limit: Int
    var elements: [KernelFacts.Read]
    /// How often each of the buffers had been written.
    var versions: [Int]
    /// Counts checks.
    var number: Int
    /// Iterations of the loops around the check, outermost first.
    var counts: [Int]
  }

  /// A loop around what is walked.
  private struct Around {
    var count: Int
    /// The number of the first proof in it.
    var firstProof: Int
    /// What an iteration may find that the one before has written.
    var written: Set<BufferID>
  }

  private let program: LoopProgram
  private let facts: [KernelFacts]
  private let results: [BufferID]
  private(set) var issues: [LoopIssue] = []

  // Barriers.
  private var stretch: [Touch] = []
  private var runCount = 0
  private var reportedItems: Set<Int> = []

  // Everything else, in one walk: `time` counts the kernels' runs, a loop's body once.
  private var time = 0
  private var itemCount = 0
  private var written: [WrittenSlices]
  private var versions: [Int]
  private var lives: [Life?]
  private var loops: [ClosedRange<Int>] = []
  /// Outermost first.
  private var around: [Around] = []
  private var proofs: [IndexOrigin.Computation: [Proof]] = [:]
  private var pendingProofs: [(IndexOrigin.Computation, Proof)] = []
  private var hasPendingCheck = false
  private var hasBarrierSinceCheck = false
  private var writesState = false
  private var flopCount = 0
  private var byteCount = 0

  init(_ program: LoopProgram, _ facts: [KernelFacts], _ results: [BufferID]) {
    self.program = program
    self.facts = facts
    self.results = results
    written = Array(repeating: WrittenSlices(), count: program.buffers.count)
    versions = Array(repeating: 0, count: program.buffers.count)
    lives = Array(repeating: nil, count: program.buffers.count)
  }

  private mutating func report(_ message: String, _ place: LoopPrinter.Place, kernel: Int? = nil) {
    guard issues.count < 20 else { return }
    issues.append(LoopIssue(place: place, kernel: kernel.map { program.kernels[$0].name }, message: message))
  }

  mutating func verify(_ report: inout ProofReport) {
    verify(program.schedule, times: 1)
    guard issues.isEmpty else { return }
    verifyResults()
    if hasPendingCheck { self.report("a check at the end is followed by no stop_if_failed", .program) }
    itemCount = 0
    _ = verifyBarriers(program.schedule, untilBarrier: false)
    closeStretch()
    report.peakScratchBytes = verifyLives()
    report.flopCount = flopCount
    report.byteCount = byteCount
  }

  // MARK: One walk in order

  private mutating func verify(_ items: [ScheduleItem], times: Int) {
    for item in items {
      let number = itemCount
      itemCount += 1
      switch item {
      case .run(let kernel):
        guard facts.indices.contains(kernel) else {
          report("there is no kernel \(kernel)", .schedule(number))
          continue
        }
        run(kernel, number, times)
      case .barrier: hasBarrierSinceCheck = true
      case .stopIfFailed:
        if writesState { report("leaves the step after state has been written", .schedule(number)) }
        if hasPendingCheck, !hasBarrierSinceCheck {
          report("no barrier between the check and here: workers would not agree", .schedule(number))
        }
        hasPendingCheck = false
        for (computation, proof) in pendingProofs { proofs[computation, default: []].append(proof) }
        pendingProofs = []
      case .loop(let count, let body):
        if count < 1 { report("a loop of \(count) iterations", .schedule(number)) }
        let start = time
        let wroteBefore = writesState
        let checksBefore = checkCount
        let replaced = count > 1 ? writtenBuffers(body) : []
        around.append(Around(count: max(1, count), firstProof: proofCount, written: replaced))
        verify(body, times: Saturating.product(times, max(1, count)))
        for index in written.indices { written[index].endLoop(depth: around.count, count: max(1, count)) }
        around.removeLast()
        if time > start { loops.append(start...time - 1) }
        if count > 1, checkCount > checksBefore, writesState, !wroteBefore {
          report("a check in this loop comes after the state that the iteration before wrote", .schedule(number))
        }
      }
    }
  }

  private var checkCount = 0
  private var proofCount = 0

  private var counts: [Int] { around.map(\.count) }

  private func writtenBuffers(_ items: [ScheduleItem]) -> Set<BufferID> {
    var result: Set<BufferID> = []
    for item in items {
      switch item {
      case .run(let kernel): if facts.indices.contains(kernel) { result.formUnion(facts[kernel].written.keys.map(parent)) }
      case .loop(_, let body): result.formUnion(writtenBuffers(body))
      case .barrier, .stopIfFailed: break
      }
    }
    return result
  }

  /// Whoever runs the step reads all of its results, and state keeps nothing of what a step replaces.
  private mutating func verifyResults() {
    let states = program.buffers.indices.filter { program.buffers[$0].segment == .state && versions[$0] > 0 }
    let scratch = results.map { parent($0).index }.filter { program.buffers[$0].segment == .scratch }
    for index in Set(states + scratch).sorted() {
      let buffer = program.buffers[index]
      if !written[index].contains(IndexSet(from: 0, count: buffer.elementCount)) {
        report("not all of \(buffer.name) is written", .buffer(index))
      }
    }
  }

  // MARK: Slices

  private func parent(_ id: BufferID) -> BufferID { program.buffers[id.index].motion?.parent ?? id }

  /// Elements of a slice as elements of what it is a slice of, in the first iterations, and how far they go on with each
  /// iteration of the loops around.
  private func placed(_ read: KernelFacts.Read) -> (read: KernelFacts.Read, steps: [Int]) {
    let slice = program.buffers[read.buffer.index]
    guard let motion = slice.motion else { return (read, []) }
    let size = slice.elementType.byteCount
    var result = read
    result.buffer = motion.parent
    result.elements.first += (slice.byteOffset - program.buffers[motion.parent.index].byteOffset) / size
    return (result, motion.steps.prefix(around.count).map { $0 / size })
  }

  /// Elements of a slice, in all iterations of the loops around, as elements of what it is a slice of.
  private func whole(_ read: KernelFacts.Read) -> KernelFacts.Read {
    var (result, steps) = placed(read)
    for (step, count) in zip(steps, counts) { result.elements.repeatBlocks(step, count) }
    return result
  }

  /// A slice moves with loops that are around, in its parent; and a kernel that stores to one touches nothing else there.
  /// False if nothing can be said of where they lie.
  private mutating func verifySlices(_ fact: KernelFacts, _ kernel: Int) -> Bool {
    var isPlaced = true
    for id in Set(fact.read.keys).union(fact.written.keys).sorted(by: { $0.raw < $1.raw }) {
      let buffer = program.buffers[id.index]
      guard let motion = buffer.motion else { continue }
      let size = buffer.elementType.byteCount
      let largest = LoopProgram.numberLimit.magnitude
      guard motion.steps.count <= around.count, motion.steps.allSatisfy({ $0 % size == 0 && $0.magnitude < largest }),
        buffer.byteOffset % size == 0
      else {
        report("\(buffer.name) moves with loops that are not around", .buffer(id.index), kernel: kernel)
        isPlaced = false
        continue
      }
      let all = whole(KernelFacts.Read(buffer: id, elements: IndexSet(from: 0, count: buffer.elementCount), statement: 0))
      if all.elements.first < 0 || all.elements.last >= program.buffers[motion.parent.index].elementCount {
        report("\(buffer.name) leaves \(program.buffers[motion.parent.index].name)", .buffer(id.index), kernel: kernel)
      }
    }
    for (id, _) in fact.written {
      let others = Set(fact.read.keys).union(fact.written.keys).filter { $0 != id && parent($0) == parent(id) }
      if let other = others.min(by: { $0.raw < $1.raw }) {
        report(
          "stores to \(program.buffers[id.index].name) and touches \(program.buffers[other.index].name), which it may be part of",
          .buffer(id.index), kernel: kernel)
      }
    }
    return isPlaced
  }

  private mutating func run(_ kernel: Int, _ item: Int, _ times: Int) {
    let fact = facts[kernel]
    if !fact.checked.isEmpty {
      checkCount += 1
      if writesState { report("checks after state has been written", .schedule(item)) }
      hasPendingCheck = true
      hasBarrierSinceCheck = false
    }
    for origin in fact.indirect { verify(origin, kernel) }
    guard verifySlices(fact, kernel) else { return }
    for exposed in fact.exposed {
      let (first, steps) = placed(exposed)
      if written[first.buffer.index].contains(first.elements, moving: steps, in: counts) { continue }
      let read = whole(exposed)
      report(
        "reads elements \(read.elements.first) to \(read.elements.last) of \(program.buffers[read.buffer.index].name), "
          + "not all of which have been written",
        .statement(kernel: kernel, read.statement), kernel: kernel)
      // Once is enough.
      written[read.buffer.index].insert(
        IndexSet(from: 0, count: program.buffers[read.buffer.index].elementCount))
    }
    for origin in fact.checked {
      pendingProofs.append(
        (
          origin.computation,
          Proof(
            limit: origin.limit, elements: origin.elements, versions: origin.elements.map { versions[parent($0.buffer).index] },
            number: proofCount, counts: counts)
        ))
      proofCount += 1
    }
    for (id, _) in fact.written {
      versions[parent(id).index] += 1
      guard program.buffers[id.index].segment == .state else { continue }
      if hasPendingCheck { report("writes state before failed checks have stopped the step", .schedule(item)) }
      writesState = true
    }
    for write in fact.writes where [.scratch, .state].contains(program.buffers[write.buffer.index].segment) {
      let (place, steps) = placed(KernelFacts.Read(buffer: write.buffer, elements: write.elements, statement: 0))
      written[place.buffer.index].insert(place.elements, moving: steps)
    }
    for touched in [fact.read, fact.written] {
      for (id, _) in touched {
        let index = parent(id).index
        lives[index] = Life(first: lives[index]?.first ?? time, last: time)
      }
    }
    flopCount = Saturating.sum(flopCount, Saturating.product(times, fact.report.flopCount))
    byteCount = Saturating.sum(byteCount, Saturating.product(times, fact.report.byteCount))
    time += 1
  }

  /// Whether an earlier check has looked at the same computation of all the elements that the index starts from.
  private mutating func verify(_ origin: IndexOrigin, _ kernel: Int) {
    let isProved = proofs[origin.computation, default: []].contains { proof in
      proof.limit <= origin.limit && proof.elements.count == origin.elements.count
        && zip(proof.elements, origin.elements).allSatisfy {
          $0.buffer == $1.buffer && $0.elements.contains($1.elements)
        }
        && zip(proof.elements, proof.versions).allSatisfy { versions[parent($0.buffer).index] == $1 }
        && proof.elements.allSatisfy { holds(proof, for: $0.buffer) }
    }
    if isProved { return }
    report(
      "no check puts the index into 0..<\(origin.limit)", .statement(kernel: kernel, origin.statement), kernel: kernel)
  }

  /// Whether what has been checked of a buffer is still there in later iterations of the loops around, and all that they look at.
  private func holds(_ proof: Proof, for buffer: BufferID) -> Bool {
    if around.contains(where: { proof.number < $0.firstProof && $0.written.contains(parent(buffer)) }) { return false }
    guard let motion = program.buffers[buffer.index].motion else { return true }
    return motion.steps.indices.allSatisfy { loop in
      motion.steps[loop] == 0 || around.indices.contains(loop) && proof.counts.indices.contains(loop)
        && around[loop].count <= proof.counts[loop]
    }
  }

  // MARK: Barriers

  /// Whether a barrier came; the rest is not walked then if it `untilBarrier`.
  private mutating func verifyBarriers(_ items: [ScheduleItem], untilBarrier: Bool) -> Bool {
    var hasBarrier = false
    for item in items {
      let number = itemCount
      itemCount += 1
      switch item {
      case .run(let kernel): touch(kernel, number)
      case .barrier:
        closeStretch()
        hasBarrier = true
        if untilBarrier { return true }
      case .stopIfFailed: break
      case .loop(let count, let body):
        if verifyBarriers(body, untilBarrier: untilBarrier) { hasBarrier = true }
        if untilBarrier, hasBarrier { return true }
        if count > 1, !untilBarrier {
          // The next iteration's start follows this one's end.
          let tail = stretch
          let end = itemCount
          itemCount = number + 1
          let closed = verifyBarriers(body, untilBarrier: true)
          itemCount = end
          if closed { stretch = tail }
        }
      }
    }
    return hasBarrier
  }

  private mutating func touch(_ kernel: Int, _ item: Int) {
    runCount += 1
    let isAlone = !program.kernels[kernel].isParallel
    for (touched, isWrite) in [(facts[kernel].read, false), (facts[kernel].written, true)] {
      for (id, _) in touched {
        let id = parent(id)
        switch program.buffers[id.index].segment {
        case .state, .scratch:
          stretch.append(
            Touch(buffer: id, isWrite: isWrite, isAlone: isAlone, run: runCount, kernel: kernel, item: item))
        case .input, .worker: break
        }
      }
    }
  }

  /// No two kernels of a stretch without barriers may touch the same bytes, unless worker 0 runs both, or both only
  /// read.
  private mutating func closeStretch() {
    defer { stretch.removeAll(keepingCapacity: true) }
    guard stretch.contains(where: \.isWrite) else { return }
    func key(_ touch: Touch) -> (Int, Int, Int, Int) {
      let buffer = program.buffers[touch.buffer.index]
      return (buffer.segment == .state ? 0 : 1, buffer.byteOffset, touch.run, touch.isWrite ? 1 : 0)
    }
    stretch.sort { key($0) < key($1) }
    for (position, a) in stretch.enumerated() {
      let buffer = program.buffers[a.buffer.index]
      for b in stretch[(position + 1)...] {
        let other = program.buffers[b.buffer.index]
        guard other.segment == buffer.segment, other.byteOffset < buffer.byteOffset + buffer.byteCount else { break }
        guard a.run != b.run, a.isWrite || b.isWrite, !(a.isAlone && b.isAlone) else { continue }
        let (earlier, later) = a.run < b.run ? (a, b) : (b, a)
        guard reportedItems.insert(later.item).inserted else { continue }
        let what = earlier.isWrite ? "writes" : "reads"
        report(
          "\(program.kernels[later.kernel].name) touches \(program.buffers[later.buffer.index].name) without a "
            + "barrier after \(program.kernels[earlier.kernel].name), which \(what) "
            + (earlier.buffer == later.buffer ? "it" : "\(program.buffers[earlier.buffer.index].name) there"),
          .schedule(later.item))
      }
    }
  }

  // MARK: Lives

  /// The most bytes of scratch that live at one time.
  private mutating func verifyLives() -> Int {
    for id in results.map(parent) where program.buffers[id.index].segment == .scratch {
      lives[id.index] = Life(first: lives[id.index]?.first ?? 0, last: time)
    }
    var order = program.buffers.indices.filter { program.buffers[$0].segment == .scratch && lives[$0] != nil }
    for index in order {
      // What lives at a loop's edge lives through all of it.
      for loop in loops {
        guard let life = lives[index], life.first <= loop.upperBound, life.last >= loop.lowerBound else { continue }
        if life.first >= loop.lowerBound, life.last <= loop.upperBound { continue }
        lives[index] = Life(first: min(life.first, loop.lowerBound), last: max(life.last, loop.upperBound))
      }
    }
    order.sort { (lives[$0]!.first, program.buffers[$0].byteOffset) < (lives[$1]!.first, program.buffers[$1].byteOffset) }

    // Live buffers by offset; all of them lie apart.
    var live: [(start: Int, end: Int, last: Int, index: Int)] = []
    if !program.checks.isEmpty {
      live.append((program.failureOffset, program.failureOffset + LoopProgram.failureByteCount, Int.max, -1))
    }
    var peak = 0
    var now = -1
    for index in order {
      let life = lives[index]!
      if life.first > now {
        now = life.first
        live.removeAll { $0.last < now }
      }
      let buffer = program.buffers[index]
      let entry = (start: buffer.byteOffset, end: buffer.byteOffset + buffer.byteCount, last: life.last, index: index)
      if entry.start == entry.end { continue }
      var low = 0
      var high = live.count
      while low < high {
        let middle = (low + high) / 2
        if live[middle].start < entry.start { low = middle + 1 } else { high = middle }
      }
      let clash =
        low > 0 && live[low - 1].end > entry.start
        ? live[low - 1].index : low < live.count && live[low].start < entry.end ? live[low].index : -2
      if clash != -2 {
        let other = clash < 0 ? "the failed-check record" : program.buffers[clash].name
        report("lies over \(other), which lives at the same time", .buffer(index))
        continue
      }
      live.insert(entry, at: low)
      peak = max(peak, live.reduce(0) { $0 + $1.end - $1.start })
    }
    return peak
  }
}

extension IndexSet {
  init(from first: Int, count: Int) {
    self.init(AffineExpression(constant: first), [], extents: [])
    block = count
  }
}
