import CinchGraph

/// Orders the instructions of each straight line. What one result needs stands together, which keeps few registers
/// busy; where it would have to wait for itself, the next independent result is begun, as long as registers last.
struct Scheduling {
  private let buffers: [Buffer]
  private let lanes: Int
  private let registerLimit: Int

  /// How many of the ready instructions are looked at.
  private static let window = 24
  /// Instructions that start per cycle.
  private static let width = 2

  static func schedule(_ code: inout MachineCode, lanes: Int, buffers: [Buffer]) {
    let scheduling = Scheduling(
      buffers: buffers, lanes: lanes, registerLimit: code.family.registerCount - 1)
    let throughBlocks = LiveThrough(code)
    var lines: [MachineLine] = []
    lines.reserveCapacity(code.lines.count)
    var block: [MachineInstruction] = []
    var blockNumber = 0
    for line in code.lines {
      switch line {
      case .instruction(let instruction): block.append(instruction)
      case .loopBegin, .loopEnd:
        var isEnd = false
        if case .loopEnd = line { isEnd = true }
        scheduling.flush(&block, isLoopEnd: isEnd, code, throughBlocks, blockNumber, into: &lines)
        lines.append(line)
        blockNumber += 1
      }
    }
    scheduling.flush(&block, isLoopEnd: false, code, throughBlocks, blockNumber, into: &lines)
    code.lines = lines
  }

  private func flush(
    _ block: inout [MachineInstruction], isLoopEnd: Bool, _ code: MachineCode, _ through: LiveThrough,
    _ number: Int, into lines: inout [MachineLine]
  ) {
    // The copies into carried registers stay last.
    var tail = block.count
    while isLoopEnd, tail > 0, block[tail - 1].kind == .copy { tail -= 1 }
    let body = Array(block[..<tail])
    for index in order(body, code, through, number) { lines.append(.instruction(body[index])) }
    for instruction in block[tail...] { lines.append(.instruction(instruction)) }
    block.removeAll(keepingCapacity: true)
  }

  // MARK: - One block

  private func order(
    _ block: [MachineInstruction], _ code: MachineCode, _ through: LiveThrough, _ number: Int
  ) -> [Int] {
    if block.count < 3 { return Array(block.indices) }
    var graph = DependenceGraph(count: block.count)
    var readyAt = [Int](repeating: 0, count: block.count)
    for (index, instruction) in block.enumerated() {
      instruction.forEachUse { graph.use($0, by: index) }
      if let register = instruction.definition { graph.define(register, by: index) }
    }
    addMemoryOrder(block, to: &graph)
    let base = graph.depthFirstOrder()
    var rank = [Int](repeating: 0, count: block.count)
    for (position, index) in base.enumerated() { rank[index] = position }

    var usesLeft: [VirtualRegister: Int] = [:]
    for instruction in block { instruction.forEachUse { usesLeft[$0, default: 0] += 1 } }
    func isTracked(_ register: VirtualRegister) -> Bool {
      !code[register].isMask && code[register].remat == nil
    }
    var live = through.count(in: number)
    for register in usesLeft.keys
    where isTracked(register) && graph.definition(of: register) == nil && !through.passes(register, number) {
      live += 1
    }

    var waiting = graph.predecessorCounts
    // Ready instructions, by rank.
    var ready = base.filter { waiting[$0] == 0 }
    var result: [Int] = []
    result.reserveCapacity(block.count)
    var clock = 0
    while !ready.isEmpty {
      let cycle = clock / Self.width
      var choice = 0
      let isFull = live >= registerLimit
      if !isFull || readyAt[ready[0]] > cycle {
        var best = Int.max
        for position in 0..<min(ready.count, Self.window) {
          let index = ready[position]
          if isFull, growth(block[index], usesLeft, through, number, isTracked) > 0 { continue }
          let wait = max(readyAt[index], cycle)
          if wait < best {
            best = wait
            choice = position
            if wait == cycle { break }
          }
        }
      }
      let index = ready.remove(at: choice)
      live += growth(block[index], usesLeft, through, number, isTracked)
      block[index].forEachUse { usesLeft[$0, default: 0] -= 1 }
      let started = max(clock, readyAt[index] * Self.width)
      clock = started + 1
      let done = started / Self.width + Self.latency(block[index])
      graph.forEachSuccessor(of: index) { successor in
        readyAt[successor] = max(readyAt[successor], done)
        waiting[successor] -= 1
        if waiting[successor] == 0 {
          var place = ready.count
          while place > 0, rank[ready[place - 1]] > rank[successor] { place -= 1 }
          ready.insert(successor, at: place)
        }
      }
      result.append(index)
    }
    precondition(result.count == block.count, "Cinch bug: vector instructions depend on each other in a circle")
    return result
  }

  /// How many more registers are taken after an instruction than before.
  private func growth(
    _ instruction: MachineInstruction, _ usesLeft: [VirtualRegister: Int], _ through: LiveThrough,
    _ number: Int, _ isTracked: (VirtualRegister) -> Bool
  ) -> Int {
    var growth = 0
    if let register = instruction.definition, isTracked(register), !through.enters(register, number) {
      growth += 1
    }
    instruction.forEachUse { register in
      if usesLeft[register] == 1, isTracked(register), !through.outlives(register, number) { growth -= 1 }
    }
    return growth
  }

  /// Cycles until the result can be used. Loads count as fast: the processor runs far enough ahead.
  private static func latency(_ instruction: MachineInstruction) -> Int {
    switch instruction.mnemonic {
    case .vdivps: 11
    case .vsqrtps: 12
    case .vaddps, .vsubps, .vmulps, .vmaxps, .vminps, .vfmadd231ps, .vcmpps, .vcvtdq2ps, .vcvttps2dq: 4
    case .vpmulld: 10
    case .vpcmpd, .vpcmpud, .vptestmd, .vptestmb: 3
    case .vgatherdps: 20
    case .vextractf32x8, .vextractf32x4, .vextractf128: 3
    default: 1
    }
  }

  // MARK: - Memory

  private func addMemoryOrder(_ block: [MachineInstruction], to graph: inout DependenceGraph) {
    guard block.contains(where: { $0.isStore || $0.kind == .point }) else { return }
    var accesses: [(index: Int, memory: MachineMemory, isStore: Bool)] = []
    var points: [Int: Int] = [:]
    for (index, instruction) in block.enumerated() {
      guard let memory = instruction.memory else { continue }
      if instruction.kind == .point {
        points[instruction.pointer] = index
        continue
      }
      guard let access = memory.access else { continue }
      if let pointer = access.pointer, let point = points[pointer] { graph.order(point, before: index) }
      for earlier in accesses where earlier.isStore || instruction.isStore {
        if mayOverlap(earlier.memory, memory) { graph.order(earlier.index, before: index) }
      }
      accesses.append((index, memory, instruction.isStore))
    }
  }

  private func mayOverlap(_ a: MachineMemory, _ b: MachineMemory) -> Bool {
    guard let first = a.access, let second = b.access, first.segment == second.segment else { return false }
    if a.base == b.base, let firstCount = first.byteCount(lanes: lanes),
      let secondCount = second.byteCount(lanes: lanes)
    {
      return a.displacement < b.displacement + secondCount && b.displacement < a.displacement + firstCount
    }
    if first.buffer == second.buffer { return true }
    // Slices may be anywhere in what they are slices of.
    let one = buffers[(buffers[first.buffer.index].motion?.parent ?? first.buffer).index]
    let other = buffers[(buffers[second.buffer.index].motion?.parent ?? second.buffer).index]
    return one.byteOffset < other.byteOffset + other.byteCount
      && other.byteOffset < one.byteOffset + one.byteCount
  }
}

/// Which vector registers hold values across whole blocks.
private struct LiveThrough {
  private var counts: [Int]
  private var firstBlock: [Int32]
  private var lastBlock: [Int32]

  init(_ code: MachineCode) {
    let ranges = LiveRanges(code)
    var blockOfLine = [Int32](repeating: 0, count: code.lines.count + 1)
    var block: Int32 = 0
    for (index, line) in code.lines.enumerated() {
      blockOfLine[index] = block
      if case .instruction = line { continue }
      block += 1
    }
    var changes = [Int](repeating: 0, count: Int(block) + 3)
    firstBlock = [Int32](repeating: 0, count: code.registers.count)
    lastBlock = [Int32](repeating: -1, count: code.registers.count)
    for (index, register) in code.registers.enumerated() where ranges.start[index] >= 0 {
      let start = Int(ranges.start[index])
      let end = Int(ranges.end[index])
      firstBlock[index] = blockOfLine[start / 2]
      // What ends with a loop is alive in all of the loop's last block.
      lastBlock[index] = blockOfLine[end / 2] + (end & 1 == 1 && end > start ? 1 : 0)
      if register.isMask || register.remat != nil { continue }
      let first = Int(firstBlock[index]) + 1
      let last = Int(lastBlock[index])
      if first < last {
        changes[first] += 1
        changes[last] -= 1
      }
    }
    counts = []
    var sum = 0
    for change in changes {
      sum += change
      counts.append(sum)
    }
  }

  /// Registers that are alive all through the block.
  func count(in block: Int) -> Int { counts[block] }

  func passes(_ register: VirtualRegister, _ block: Int) -> Bool {
    firstBlock[register.index] < block && lastBlock[register.index] > block
  }

  /// Whether the register holds a value before the block, as those do that loops carry.
  func enters(_ register: VirtualRegister, _ block: Int) -> Bool { firstBlock[register.index] < block }

  func outlives(_ register: VirtualRegister, _ block: Int) -> Bool { lastBlock[register.index] > block }
}
