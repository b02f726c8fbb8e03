import CinchGraph

/// Encodes a nest: pointers and counters get general registers, loops get labels, and every instruction its bytes.
struct Emission {
  private let code: MachineCode
  private let addressing: Addressing
  private let allocation: RegisterAllocation
  private let loops: [VectorProgram.LoopInfo]
  private let plan: GeneralRegisterPlan
  private var assembler: Assembler
  /// For each assembled line, the vector instruction that it belongs to.
  private var notes: [Int32] = []
  /// By how much each pointer is ahead of where its loops' iterations put it.
  private var ahead: [Int]
  /// The group whose pointer the scratch register holds.
  private var inScratch: Int?
  /// Where the open cold region ends.
  private var coldEnd: Assembler.Label?
  private var openLoops: [(id: VectorLoopID, label: Assembler.Label, ahead: [Int])] = []

  /// Frame offsets.
  private let groupSlots: [Int]
  private let poolSlot: Int
  private let counterSlots: [Int]
  /// Where C puts the number of a sliced loop's iterations.
  private let countSlot: Int

  private init(_ code: MachineCode, _ selection: Selection, _ allocation: RegisterAllocation) {
    self.allocation = allocation
    addressing = selection.addressing
    loops = selection.program.loops
    var depth = 0
    var deepest = 0
    var poolWeight = 0.0
    var cost = 1.0
    for line in code.lines {
      switch line {
      case .loopBegin:
        depth += 1
        cost *= 8
        deepest = max(deepest, depth)
      case .loopEnd:
        depth -= 1
        cost /= 8
      case .coldBegin: cost *= Double(MachineLine.coldCost)
      case .coldEnd: cost /= Double(MachineLine.coldCost)
      case .instruction(let instruction):
        if instruction.memory?.base == .pool { poolWeight += cost }
      }
    }
    plan = GeneralRegisterPlan(
      groupWeights: addressing.groups.map(\.weight), loopDepth: deepest, poolWeight: poolWeight)
    var code = code
    groupSlots = addressing.groups.map { _ in code.reserveFrame(8) }
    poolSlot = poolWeight > 0 ? code.reserveFrame(8) : -1
    counterSlots = plan.counters.map { $0 == .frame ? code.reserveFrame(8) : -1 }
    let isSliced = loops.contains { if case .slice = $0.tripCount { true } else { false } }
    countSlot = isSliced ? code.reserveFrame(8) : -1
    self.code = code
    assembler = Assembler(family: code.family)
    ahead = [Int](repeating: 0, count: addressing.groups.count)
  }

  static func emit(
    _ code: MachineCode, _ selection: Selection, _ allocation: RegisterAllocation
  ) throws(X86EncodingError) -> AsmBlock {
    var emission = Emission(code, selection, allocation)
    try emission.emitAll()
    return AsmBlock(
      code: emission.assembler.finish(), notes: emission.notes, frameByteCount: emission.code.frameByteCount,
      groups: Array(zip(emission.addressing.groups, emission.groupSlots)).map { ($0, $1) },
      poolSlot: emission.poolSlot < 0 ? nil : emission.poolSlot,
      countSlot: emission.countSlot < 0 ? nil : emission.countSlot, sliceStarts: selection.sliceStarts,
      pool: code.pool.words, spillCount: code.spillCount, program: selection.program)
  }

  private mutating func emitAll() throws(X86EncodingError) {
    for (index, home) in plan.groups.enumerated() {
      guard case .register(let register) = home, case .segment = addressing.groups[index].start else { continue }
      try append(.mov, .general64(register), .memory(slot(groupSlots[index])))
    }
    if case .register(let register) = plan.pool {
      try append(.mov, .general64(register), .memory(slot(poolSlot)))
    }
    for line in code.lines {
      switch line {
      case .instruction(let instruction): try emit(instruction)
      case .loopBegin(let id): try beginLoop(id)
      case .loopEnd(let id): try endLoop(id)
      case .coldBegin: beginCold()
      case .coldEnd: endCold()
      }
    }
    if assembler.usesWideVectors { try append(X86Instruction(.vzeroupper)) }
  }

  // MARK: - Instructions

  private mutating func append(_ instruction: X86Instruction, note: Int32 = -1) throws(X86EncodingError) {
    try assembler.append(instruction)
    notes.append(note)
  }

  private mutating func append(
    _ mnemonic: X86Mnemonic, _ a: X86Operand, _ b: X86Operand = .none, _ c: X86Operand = .none
  ) throws(X86EncodingError) {
    try append(X86Instruction(mnemonic, a, b, c))
  }

  private func slot(_ offset: Int) -> MemoryOperand {
    MemoryOperand(GeneralRegisterPlan.frame, displacement: Int32(offset))
  }

  private mutating func emit(_ instruction: MachineInstruction) throws(X86EncodingError) {
    if instruction.kind == .point {
      try emitPoint(instruction)
      return
    }
    if instruction.kind == .copy, let destination = instruction.definition,
      let source = instruction.first.register,
      allocation.numbers[destination.index] == allocation.numbers[source.index]
    {
      return
    }
    var encoded = X86Instruction(instruction.mnemonic, instruction.width)
    var position = 0
    try put(instruction.destination, into: &encoded, &position)
    try put(instruction.first, into: &encoded, &position)
    try put(instruction.second, into: &encoded, &position)
    try put(instruction.third, into: &encoded, &position)
    if let mask = instruction.mask {
      encoded.mask = allocation.mask(mask)
      encoded.zeroing = instruction.zeroing
    }
    try append(encoded, note: instruction.note)
  }

  /// Operands stand without gaps.
  private mutating func put(
    _ operand: MachineOperand, into instruction: inout X86Instruction, _ position: inout Int
  ) throws(X86EncodingError) {
    if case .none = operand { return }
    instruction[operand: position] = try self.operand(operand)
    position += 1
  }

  private mutating func operand(_ operand: MachineOperand) throws(X86EncodingError) -> X86Operand {
    switch operand {
    case .none: return .none
    case .immediate(let value): return .immediate(Int64(value))
    case .register(let register):
      return code[register].isMask
        ? .mask(allocation.mask(register)) : .vector(allocation.vector(register))
    case .memory(let memory): return .memory(try address(memory))
    }
  }

  private mutating func address(_ memory: MachineMemory) throws(X86EncodingError) -> MemoryOperand {
    let base: GeneralRegister
    var displacement = Int(memory.displacement)
    switch memory.base {
    case .frame: base = GeneralRegisterPlan.frame
    case .pool: base = try register(plan.pool, slot: poolSlot, key: -1)
    case .group(let number):
      let group = Int(number)
      base = try register(plan.groups[group], slot: groupSlots[group], key: group)
      displacement -= ahead[group]
    }
    guard let short = Int32(exactly: displacement) else {
      preconditionFailure("Cinch bug: displacement \(displacement) does not fit into 32 bits")
    }
    var operand = MemoryOperand(base, displacement: short, broadcast: memory.broadcast)
    if let index = memory.index {
      operand.index = .vector(allocation.vector(index))
      operand.scale = .four
    }
    return operand
  }

  /// The register that has a pointer; the scratch register if it lives in the frame.
  private mutating func register(
    _ home: GeneralRegisterPlan.Home, slot offset: Int, key: Int
  ) throws(X86EncodingError) -> GeneralRegister {
    if case .register(let register) = home { return register }
    if inScratch != key {
      try append(.mov, .general64(plan.scratch), .memory(slot(offset)))
      inScratch = key
    }
    return plan.scratch
  }

  /// A computed pointer: where the access goes, plus `scale` times lane 0.
  private mutating func emitPoint(_ instruction: MachineInstruction) throws(X86EncodingError) {
    guard let group = addressing.groups.firstIndex(where: { $0.start == .computed(Int(instruction.pointer)) }),
      case .memory(let memory) = instruction.second, case .group(let number) = memory.base
    else { return }
    let from = Int(number)
    let displacement = Int(memory.displacement) - ahead[from]
    let source = try operand(instruction.first)
    let scratch = plan.scratch
    inScratch = nil
    try append(X86Instruction(.vmovd, .xmm, .general32(scratch), source), note: instruction.note)
    try append(.imul, .general64(scratch), .general64(scratch), .immediate(Int64(instruction.scale)))
    switch plan.groups[from] {
    case .register(let register): try append(.add, .general64(scratch), .general64(register))
    case .frame: try append(.add, .general64(scratch), .memory(slot(groupSlots[from])))
    }
    try add(displacement, to: scratch)
    switch plan.groups[group] {
    case .register(let register): try append(.mov, .general64(register), .general64(scratch))
    case .frame: try append(.mov, .memory(slot(groupSlots[group])), .general64(scratch))
    }
    ahead[group] = 0
  }

  // MARK: - Loops

  private mutating func beginLoop(_ id: VectorLoopID) throws(X86EncodingError) {
    inScratch = nil
    let depth = openLoops.count
    let counter: GeneralRegister
    if case .register(let register) = plan.counters[depth] { counter = register } else { counter = plan.scratch }
    switch loops[id.index].tripCount {
    case .constant(let count): try append(.mov, .general32(counter), .immediate(Int64(count)))
    case .slice: try append(.mov, .general64(counter), .memory(slot(countSlot)))
    }
    if plan.counters[depth] == .frame {
      try append(.mov, .memory(slot(counterSlots[depth])), .general64(counter))
    }
    let label = assembler.placeLabel()
    notes.append(-1)
    openLoops.append((id, label, ahead))
  }

  private mutating func endLoop(_ id: VectorLoopID) throws(X86EncodingError) {
    let loop = openLoops.removeLast()
    let depth = openLoops.count
    for group in addressing.groups.indices {
      guard let step = addressing.groups[group].steps[id.index] else { continue }
      try advance(group, by: step + loop.ahead[group] - ahead[group])
    }
    inScratch = nil
    switch plan.counters[depth] {
    case .register(let counter): try append(.dec, .general64(counter))
    case .frame:
      let counter = slot(counterSlots[depth])
      try append(.mov, .general64(plan.scratch), .memory(counter))
      try append(.dec, .general64(plan.scratch))
      try append(.mov, .memory(counter), .general64(plan.scratch))
    }
    assembler.jump(if: .notEqual, to: loop.label)
    notes.append(-1)
    guard case .constant(let count) = loops[id.index].tripCount else { return }
    for group in addressing.groups.indices {
      guard let step = addressing.groups[group].steps[id.index] else { continue }
      ahead[group] = loop.ahead[group] + count * step
      if ahead[group].magnitude >= Addressing.reach {
        try advance(group, by: -ahead[group])
        ahead[group] = 0
      }
    }
  }

  private mutating func beginCold() {
    let label = assembler.makeLabel()
    assembler.jump(if: .equal, to: label)
    notes.append(-1)
    coldEnd = label
  }

  private mutating func endCold() {
    guard let label = coldEnd else { return }
    assembler.place(label)
    notes.append(-1)
    coldEnd = nil
    // Who has jumped doesn't have what the region has loaded.
    inScratch = nil
  }

  private mutating func advance(_ group: Int, by amount: Int) throws(X86EncodingError) {
    guard amount != 0 else { return }
    switch plan.groups[group] {
    case .register(let register): try add(amount, to: register)
    case .frame:
      let pointer = slot(groupSlots[group])
      try append(.mov, .general64(plan.scratch), .memory(pointer))
      try add(amount, to: plan.scratch)
      try append(.mov, .memory(pointer), .general64(plan.scratch))
      inScratch = nil
    }
  }

  private mutating func add(_ amount: Int, to register: GeneralRegister) throws(X86EncodingError) {
    var rest = amount
    while rest != 0 {
      let part = max(-Addressing.reach, min(Addressing.reach, rest))
      try append(.add, .general64(register), .immediate(Int64(part)))
      rest -= part
    }
  }
}
