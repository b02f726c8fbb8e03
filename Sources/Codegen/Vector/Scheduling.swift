import CinchGraph

/// Orders the instructions of each straight line. What one result needs stands together, which keeps few registers
/// busy; where it would have to wait for itself, the next independent result is begun, as long as registers last.
struct Scheduling {
  private let places: [AccessPlace]
  private let registerLimit: Int
  /// By register: its number among those of the current block, or -1.
  private var localNumbers: [Int32]

  /// How many of the ready instructions are looked at.
  private static let window = 24
  /// Instructions that start per cycle.
  private static let width = 2

  static func schedule(_ code: inout MachineCode, lanes: Int, buffers: [Buffer]) {
    var scheduling = Scheduling(
      places: code.accesses.map { AccessPlace($0, lanes: lanes, buffers) },
      registerLimit: code.family.registerCount - 1,
      localNumbers: [Int32](repeating: -1, count: code.registers.count))
    let throughBlocks = LiveThrough(code)
    var lines: [MachineLine] = []
    lines.reserveCapacity(code.lines.count)
    var block: [MachineInstruction] = []
    var blockNumber = 0
    for line in code.lines {
      switch line {
      case .instruction(let instruction): block.append(instruction)
      case .loopBegin, .loopEnd, .coldBegin, .coldEnd:
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

  private mutating func flush(
    _ block: inout [MachineInstruction], isLoopEnd: Bool, _ code: MachineCode, _ through: LiveThrough,
    _ number: Int, into lines: inout [MachineLine]
  ) {
    // The copies into carried registers stay last, and so does the test of a cold region's mask.
    var tail = block.count
    while isLoopEnd, tail > 0, block[tail - 1].kind == .copy { tail -= 1 }
    if tail > 0, block[tail - 1].kind == .test { tail -= 1 }
    let body = Array(block[..<tail])
    for index in order(body, code, through, number) { lines.append(.instruction(body[index])) }
    for instruction in block[tail...] { lines.append(.instruction(instruction)) }
    block.removeAll(keepingCapacity: true)
  }

  // MARK: - One block

  private mutating func order(
    _ block: [MachineInstruction], _ code: MachineCode, _ through: LiveThrough, _ number: Int
  ) -> [Int] {
    if block.count < 3 { return Array(block.indices) }
    let registers = numberRegisters(block, code, through, number)
    defer { for register in registers { localNumbers[register.id.index] = -1 } }
    var graph = DependenceGraph(count: block.count, registerCount: registers.count)
    var readyAt = [Int](repeating: 0, count: block.count)
    var usesLeft = [Int32](repeating: 0, count: registers.count)
    for (index, instruction) in block.enumerated() {
      instruction.forEachUse { register in
        let local = Int(localNumbers[register.index])
        graph.use(local, by: index)
        usesLeft[local] += 1
      }
      if let register = instruction.definition { graph.define(Int(localNumbers[register.index]), by: index) }
      // Other uses of a value that is destroyed here come before.
      if let register = instruction.clobbered { graph.define(Int(localNumbers[register.index]), by: index) }
    }
    addMemoryOrder(block, to: &graph)
    let successors = graph.successors
    let predecessors = graph.predecessors
    let base = DependenceGraph.depthFirstOrder(count: block.count, predecessors, successors)
    var rank = [Int](repeating: 0, count: block.count)
    for (position, index) in base.enumerated() { rank[index] = position }

    var live = through.count(in: number)
    for (local, register) in registers.enumerated()
    where register.isTracked && usesLeft[local] > 0 && !graph.isDefined(local) && !through.passes(register.id, number) {
      live += 1
    }

    var waiting = block.indices.map { predecessors.count(of: $0) }
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
          if isFull, growth(block[index], usesLeft, registers) > 0 { continue }
          let wait = max(readyAt[index], cycle)
          if wait < best {
            best = wait
            choice = position
            if wait == cycle { break }
          }
        }
      }
      let index = ready.remove(at: choice)
      live += growth(block[index], usesLeft, registers)
      block[index].forEachUse { usesLeft[Int(localNumbers[$0.index])] -= 1 }
      let started = max(clock, readyAt[index] * Self.width)
      clock = started + 1
      let done = started / Self.width + Self.latency(block[index])
      for position in successors.range(index) {
        let successor = successors[position]
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

  /// A register that a block mentions.
  private struct LocalRegister {
    var id: VirtualRegister
    /// Whether it counts towards the vector registers in use.
    var isTracked: Bool
    /// Whether a definition takes one more, and the last use frees one.
    var growsAtDefinition: Bool
    var shrinksAtLastUse: Bool
  }

  /// Numbers the registers that a block mentions.
  private mutating func numberRegisters(
    _ block: [MachineInstruction], _ code: MachineCode, _ through: LiveThrough, _ blockNumber: Int
  ) -> [LocalRegister] {
    var registers: [LocalRegister] = []
    registers.reserveCapacity(2 * block.count)
    for instruction in block {
      instruction.forEachUse { number($0, code, through, blockNumber, &registers) }
      if let register = instruction.definition { number(register, code, through, blockNumber, &registers) }
    }
    return registers
  }

  private mutating func number(
    _ register: VirtualRegister, _ code: MachineCode, _ through: LiveThrough, _ blockNumber: Int,
    _ registers: inout [LocalRegister]
  ) {
    guard localNumbers[register.index] < 0 else { return }
    localNumbers[register.index] = Int32(truncatingIfNeeded: registers.count)
    let isTracked = !code[register].isMask && code[register].remat == nil
    registers.append(
      LocalRegister(
        id: register, isTracked: isTracked,
        growsAtDefinition: isTracked && !through.enters(register, blockNumber),
        shrinksAtLastUse: isTracked && !through.outlives(register, blockNumber)))
  }

  /// How many more registers are taken after an instruction than before.
  private func growth(_ instruction: MachineInstruction, _ usesLeft: [Int32], _ registers: [LocalRegister]) -> Int {
    var growth = 0
    if let register = instruction.definition, registers[Int(localNumbers[register.index])].growsAtDefinition {
      growth += 1
    }
    instruction.forEachUse { register in
      let local = Int(localNumbers[register.index])
      if usesLeft[local] == 1, registers[local].shrinksAtLastUse { growth -= 1 }
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
    var points: [Int32: Int] = [:]
    for (index, instruction) in block.enumerated() {
      guard let memory = instruction.memory else { continue }
      if instruction.kind == .point {
        points[instruction.pointer] = index
        continue
      }
      guard let access = memory.access else { continue }
      if let point = points[places[access.index].pointer] { graph.order(point, before: index) }
      for earlier in accesses where earlier.isStore || instruction.isStore {
        if mayOverlap(earlier.memory, memory) { graph.order(earlier.index, before: index) }
      }
      accesses.append((index, memory, instruction.isStore))
    }
  }

  private func mayOverlap(_ a: MachineMemory, _ b: MachineMemory) -> Bool {
    guard let own = a.access, let other = b.access else { return false }
    let (first, second) = (places[own.index], places[other.index])
    guard first.segment == second.segment else { return false }
    if a.base == b.base, first.byteCount >= 0, second.byteCount >= 0 {
      let distance = Int(b.displacement) - Int(a.displacement)
      return -second.byteCount < distance && distance < first.byteCount
    }
    return first.buffer == second.buffer || first.lower < second.upper && second.lower < first.upper
  }
}

/// What is known about where an access goes, as plain numbers.
private struct AccessPlace {
  var segment: Segment
  var buffer: BufferID
  /// Bytes from the first to the last element, or -1 if only running code knows.
  var byteCount: Int
  /// The buffer's place in its segment: of what it is a slice of, if it is one, since slices may be anywhere in that.
  var lower: Int
  var upper: Int
  /// The computed pointer, or -1.
  var pointer: Int32

  init(_ access: VectorAccess, lanes: Int, _ buffers: [Buffer]) {
    segment = access.segment
    buffer = access.buffer
    byteCount = access.byteCount(lanes: lanes) ?? -1
    let whole = buffers[(buffers[access.buffer.index].motion?.parent ?? access.buffer).index]
    lower = whole.byteOffset
    upper = whole.byteOffset + whole.byteCount
    pointer = access.pointer.map { Int32($0) } ?? -1
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
