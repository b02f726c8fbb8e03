import CinchGraph

/// Chooses instructions for a vector program. Loads that one instruction uses become its memory operand where the
/// encoding has one.
struct Selection {
  let program: VectorProgram
  let family: VectorFamily
  let wide: VectorWidth
  var code: MachineCode
  var addressing: Addressing
  /// Frame slots that C fills with a factor times the slice's first iteration.
  var sliceStarts: [(offset: Int, factor: Int)] = []

  private var registers: [VirtualRegister?]
  private var pending: [(memory: MachineMemory, note: Int32)?]
  private var usage: ValueUsage
  private var openLoops: [VectorLoopID] = []
  /// The instruction of the vector program that is being selected for, or -1.
  private var note: Int32 = -1

  private init(_ program: VectorProgram, _ family: VectorFamily) {
    self.program = program
    self.family = family
    wide = family.widest
    code = MachineCode(family: family, accesses: program.accesses)
    addressing = Addressing(loopCount: program.loops.count)
    registers = [VirtualRegister?](repeating: nil, count: program.values.count)
    pending = Array(repeating: nil, count: program.values.count)
    usage = ValueUsage(program)
  }

  static func select(
    _ program: VectorProgram, for family: VectorFamily
  ) throws(VectorLimitation) -> Selection {
    var selection = Selection(program, family)
    try selection.select(program.body)
    selection.code.placeConstants()
    return selection
  }

  private mutating func select(_ statements: [VectorStatement]) throws(VectorLimitation) {
    for statement in statements {
      switch statement {
      case .instruction(let id):
        guard usage.isLive(id) else { continue }
        note = id.raw
        try select(program[id])
      case .loop(let loop):
        note = -1
        try select(loop)
      case .cold(let region):
        guard region.results.contains(where: { usage.isUsed($0.value) }) else { continue }
        note = -1
        try select(region)
      }
    }
  }

  private mutating func select(_ loop: VectorLoop) throws(VectorLimitation) {
    var carried: [(register: VirtualRegister, next: VectorValue)] = []
    for item in loop.carried {
      let register = code.makeRegister(isMask: isMask(item.argument))
      emitCopy(item.initial, into: register)
      registers[item.argument.index] = register
      registers[item.result.index] = register
      carried.append((register, item.next))
    }
    code.lines.append(.loopBegin(loop.id))
    openLoops.append(loop.id)
    try select(loop.body)
    note = -1
    // All are read before any is written: a value that is itself carried must be saved first.
    let arguments = Set(carried.map(\.register))
    var sources: [MachineOperand] = []
    for (register, next) in carried {
      let source = self.register(next)
      if source != register, arguments.contains(source) {
        let saved = code.makeRegister(isMask: code[source].isMask)
        emitCopy(source, into: saved)
        sources.append(.register(saved))
      } else {
        sources.append(.register(source))
      }
    }
    for (index, (register, _)) in carried.enumerated() {
      if case .register(let source) = sources[index], source != register {
        emitCopy(source, into: register)
      }
    }
    openLoops.removeLast()
    code.lines.append(.loopEnd(loop.id))
  }

  /// Results start as what they are where no lane is set; the region changes those that are.
  private mutating func select(_ region: ColdRegion) throws(VectorLimitation) {
    var registers: [VirtualRegister] = []
    for result in region.results {
      let register = code.makeRegister(isMask: false)
      emitCopy(result.otherwise, into: register)
      registers.append(register)
    }
    let mask = self.register(region.mask)
    let source = MachineOperand.register(mask)
    var test =
      family == .avx512
      ? MachineInstruction(.kortestw, .xmm, .none, source, source) : MachineInstruction(.vptest, wide, .none, source, source)
    test.kind = .test
    emit(test)
    code.lines.append(.coldBegin)
    coldConstants = ColdConstants()
    try select(region.body.map { .instruction($0) })
    note = -1
    for (result, register) in zip(region.results, registers) {
      let taken = MachineOperand.register(self.register(result.taken))
      emitBlend(mask, taken, .register(register), .register(register))
      self.registers[result.value.index] = register
    }
    coldConstants = nil
    code.lines.append(.coldEnd)
  }

  // MARK: - Emitting

  mutating func emit(_ instruction: MachineInstruction) {
    var instruction = instruction
    instruction.note = note
    code.lines.append(.instruction(instruction))
  }

  private mutating func emitCopy(_ value: VectorValue, into register: VirtualRegister) {
    if let remat = rematerialization(value) {
      emit(code.materialize(remat, into: register))
    } else {
      emitCopy(self.register(value), into: register)
    }
  }

  private mutating func emitCopy(_ source: VirtualRegister, into register: VirtualRegister) {
    emit(code.copy(source, into: register))
  }

  // MARK: - Operands

  /// On AVX2, masks are vectors.
  func isMask(_ value: VectorValue) -> Bool { family == .avx512 && program[value].type == .bool }

  /// The register that takes a result.
  mutating func define(_ value: VectorValue) -> MachineOperand {
    let register = code.makeRegister(isMask: isMask(value))
    registers[value.index] = register
    return .register(register)
  }

  /// Lets a value be another one's register.
  mutating func alias(_ value: VectorValue, to register: VirtualRegister) {
    registers[value.index] = register
  }

  mutating func temporary(isMask: Bool = false) -> VirtualRegister {
    code.makeRegister(isMask: isMask)
  }

  mutating func register(_ value: VectorValue) -> VirtualRegister {
    if let register = registers[value.index] { return register }
    if let remat = rematerialization(value) {
      if let known = coldConstants?.values[value] { return known }
      let register = code.makeRegister(isMask: isMask(value), remat: remat)
      if coldConstants == nil { registers[value.index] = register }
      coldConstants?.values[value] = register
      return register
    }
    if let (memory, ownNote) = pending[value.index] {
      pending[value.index] = nil
      let destination = define(value)
      var plain = memory
      plain.broadcast = false
      let usersNote = note
      note = ownNote
      emit(MachineInstruction(memory.broadcast ? .vbroadcastss : .vmovups, wide, destination, .memory(plain)))
      note = usersNote
      if let register = destination.register { return register }
    }
    preconditionFailure("Cinch bug: vector value \(value.raw) is used before it is computed")
  }

  func isPending(_ value: VectorValue) -> Bool { pending[value.index] != nil }

  /// The value as a source that may be memory.
  mutating func operand(_ value: VectorValue) -> MachineOperand {
    if let (memory, _) = pending[value.index] {
      pending[value.index] = nil
      return .memory(memory)
    }
    return .register(register(value))
  }

  /// Leaves a load to the instruction that uses it, if there is just one and no store comes between.
  mutating func deferLoad(_ value: VectorValue, _ memory: MachineMemory) -> Bool {
    guard usage.isUsedOnceNear(value, loadedAt: VectorInstructionID(Int(note))) else { return false }
    pending[value.index] = (memory, note)
    return true
  }

  mutating func memory(_ access: VectorAccessID, index: VirtualRegister? = nil) -> MachineMemory {
    let (group, displacement) = addressing.place(program[access], inside: openLoops)
    return MachineMemory(
      base: .group(Int32(group)), displacement: Int32(displacement), index: index, access: access)
  }

  // MARK: - Constants

  func uniformBits(_ value: VectorValue) -> UInt32? {
    if case .uniform(let bits) = program[value].constant { return bits }
    return nil
  }

  func maskBits(_ value: VectorValue) -> UInt32? {
    if case .mask(let bits) = program[value].constant { return bits }
    return nil
  }

  private mutating func rematerialization(_ value: VectorValue) -> Rematerialization? {
    program[value].constant.map { rematerialization($0) }
  }

  mutating func rematerialization(_ constant: LaneConstant) -> Rematerialization {
    switch constant {
    case .uniform(0): return .zero
    case .uniform(let bits):
      // AVX2 has no broadcasts inside instructions, so whole vectors stand in its pool.
      let copies = family == .avx2 ? program.lanes : 1
      return .broadcast(pool: code.pool.offset(of: [UInt32](repeating: bits, count: copies)))
    case .lanes(let lanes): return .vector(pool: code.pool.offset(of: lanes))
    case .mask(let bits):
      if family == .avx512 {
        return bits == program.fullMask ? .fullMask : .mask(pool: code.pool.offset(of: [bits]))
      }
      if bits == 0 { return .zero }
      let lanes = (0..<program.lanes).map { bits >> UInt32($0) & 1 == 0 ? UInt32(0) : .max }
      return .vector(pool: code.pool.offset(of: lanes))
    }
  }

  /// A register with a constant that selection itself needs; the same one for the same constant.
  mutating func constant(_ constant: LaneConstant) -> VirtualRegister {
    if let known = ownConstants[constant] ?? coldConstants?.own[constant] { return known }
    let remat = rematerialization(constant)
    var isMask = false
    if case .mask = constant { isMask = family == .avx512 }
    let register = code.makeRegister(isMask: isMask, remat: remat)
    if coldConstants == nil { ownConstants[constant] = register }
    coldConstants?.own[constant] = register
    return register
  }

  private var ownConstants: [LaneConstant: VirtualRegister] = [:]

  /// Constants of the open cold region: nothing outside may count on what may have been skipped.
  private struct ColdConstants {
    var values: [VectorValue: VirtualRegister] = [:]
    var own: [LaneConstant: VirtualRegister] = [:]
  }

  private var coldConstants: ColdConstants?
}

/// Where the values of a vector program are used.
struct ValueUsage {
  private var useCount: [Int32]
  private var user: [Int32]
  /// By instruction.
  private var live: [Bool]
  private var block: [Int32]
  private var storesBefore: [Int32]
  private var blockCount: Int32 = 0
  private var storeCount: Int32 = 0

  init(_ program: VectorProgram) {
    useCount = [Int32](repeating: 0, count: program.values.count)
    user = [Int32](repeating: -1, count: program.values.count)
    live = [Bool](repeating: false, count: program.instructions.count)
    block = [Int32](repeating: 0, count: program.instructions.count)
    storesBefore = [Int32](repeating: 0, count: program.instructions.count)
    number(program.body, program)
    count(program.body, program)
  }

  func isLive(_ instruction: VectorInstructionID) -> Bool { live[instruction.index] }

  func isUsed(_ value: VectorValue) -> Bool { useCount[value.index] > 0 }

  func isUsedOnceNear(_ value: VectorValue, loadedAt load: VectorInstructionID) -> Bool {
    let user = Int(user[value.index])
    return useCount[value.index] == 1 && user >= 0 && block[user] == block[load.index]
      && storesBefore[user] == storesBefore[load.index]
  }

  private mutating func number(_ statements: [VectorStatement], _ program: VectorProgram) {
    for statement in statements {
      switch statement {
      case .instruction(let id):
        block[id.index] = blockCount
        storesBefore[id.index] = storeCount
        switch program[id].operation {
        case .store, .storeLane: storeCount += 1
        default: break
        }
      case .loop(let loop):
        blockCount += 1
        number(loop.body, program)
        blockCount += 1
      case .cold(let region):
        blockCount += 1
        number(region.body.map { .instruction($0) }, program)
        blockCount += 1
      }
    }
  }

  private mutating func count(_ statements: [VectorStatement], _ program: VectorProgram) {
    for statement in statements.reversed() {
      switch statement {
      case .instruction(let id):
        let instruction = program[id]
        if let result = instruction.result, useCount[result.index] == 0 {
          if case .point = instruction.operation {} else { continue }
        }
        live[id.index] = true
        for operand in instruction.operands {
          useCount[operand.index] += 1
          user[operand.index] = id.raw
        }
      case .loop(let loop):
        for carried in loop.carried {
          useCount[carried.next.index] += 2
          useCount[carried.initial.index] += 2
        }
        count(loop.body, program)
      case .cold(let region):
        guard region.results.contains(where: { useCount[$0.value.index] > 0 }) else { continue }
        useCount[region.mask.index] += 2
        for result in region.results {
          useCount[result.taken.index] += 2
          useCount[result.otherwise.index] += 2
        }
        count(region.body.map { .instruction($0) }, program)
      }
    }
  }
}

extension MachineCode {
  func copy(_ source: VirtualRegister, into register: VirtualRegister) -> MachineInstruction {
    var copy =
      self[register].isMask
      ? MachineInstruction(.kmovw, .xmm, .register(register), .register(source))
      : MachineInstruction(.vmovaps, family.widest, .register(register), .register(source))
    copy.kind = .copy
    return copy
  }

  /// Puts the instruction for each constant that is used before the outermost loop around its first use.
  mutating func placeConstants() {
    var isPlaced = [Bool](repeating: false, count: registers.count)
    var placements: [(line: Int, register: VirtualRegister)] = []
    var depth = 0
    var outermost = 0
    var isCold = false
    for (index, line) in lines.enumerated() {
      switch line {
      case .loopBegin:
        if depth == 0 { outermost = index }
        depth += 1
      case .loopEnd: depth -= 1
      case .coldBegin: isCold = true
      case .coldEnd: isCold = false
      case .instruction(let instruction):
        instruction.forEachUse { register in
          if registers[register.index].remat != nil, !isPlaced[register.index] {
            isPlaced[register.index] = true
            // A constant whose first use is in a cold region has no use outside.
            placements.append((depth == 0 || isCold ? index : outermost, register))
          }
        }
      }
    }
    guard !placements.isEmpty else { return }
    placements.sort { $0.line < $1.line }
    var result: [MachineLine] = []
    result.reserveCapacity(lines.count + placements.count)
    var next = 0
    for (index, line) in lines.enumerated() {
      while next < placements.count, placements[next].line == index {
        let register = placements[next].register
        if let remat = registers[register.index].remat {
          result.append(.instruction(materialize(remat, into: register)))
        }
        next += 1
      }
      result.append(line)
    }
    lines = result
  }
}
