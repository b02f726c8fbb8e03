/// Gives virtual registers numbers by a linear scan over live ranges. Where registers run out, the value that is
/// cheapest to have in memory goes to the frame (constants just stay in their table), and the scan runs again.
struct RegisterAllocation: Sendable {
  /// The number of each virtual register.
  private(set) var numbers: [UInt8]

  func vector(_ register: VirtualRegister) -> VectorRegister { VectorRegister(Int(numbers[register.index])) }
  func mask(_ register: VirtualRegister) -> MaskRegister { MaskRegister(Int(numbers[register.index])) }

  private static let roundLimit = 40

  static func allocate(_ code: inout MachineCode) -> RegisterAllocation {
    // Those made from here on stand for one read or write of a spilled value.
    let firstUnspillable = code.registers.count
    for _ in 0..<roundLimit {
      var scan = LinearScan(code, firstUnspillable: firstUnspillable)
      scan.run()
      if scan.spilled.isEmpty { return RegisterAllocation(numbers: scan.numbers) }
      var spilling = Spilling(scan.spilled, of: code)
      spilling.rewrite(&code)
    }
    preconditionFailure("Cinch bug: register allocation comes to no end")
  }
}

private struct LinearScan {
  private struct Active {
    var register: VirtualRegister
    var end: Int32
  }

  private let code: MachineCode
  private let ranges: LiveRanges
  private let firstUnspillable: Int
  private var free: (vectors: UInt32, masks: UInt32)
  private var active: [Active] = []
  /// The register that a result should share, because it replaces the value there.
  private var hints: [Int32]
  var numbers: [UInt8]
  private(set) var spilled: [VirtualRegister] = []
  private var isSpilled: [Bool]

  init(_ code: MachineCode, firstUnspillable: Int) {
    self.code = code
    ranges = LiveRanges(code)
    self.firstUnspillable = firstUnspillable
    let vectorCount = code.family.registerCount
    free = (vectorCount == 32 ? .max : (1 << UInt32(vectorCount)) - 1, 0b1111_1110)
    numbers = [UInt8](repeating: 0, count: code.registers.count)
    isSpilled = [Bool](repeating: false, count: code.registers.count)
    hints = [Int32](repeating: -1, count: code.registers.count)
    for line in code.lines {
      guard case .instruction(let instruction) = line, let destination = instruction.definition else {
        continue
      }
      if let tied = instruction.tied, tied != destination {
        hints[destination.index] = tied.raw
      } else if instruction.kind == .copy, let source = instruction.first.register {
        if hints[destination.index] < 0 { hints[destination.index] = source.raw }
      }
    }
  }

  mutating func run() {
    // Each line writes one register, so that lines give the order of starts.
    for (index, line) in code.lines.enumerated() {
      guard case .instruction(let instruction) = line, let register = instruction.definition,
        ranges.start[register.index] == Int32(truncatingIfNeeded: 2 * index + 1)
      else { continue }
      place(register)
    }
  }

  private mutating func place(_ register: VirtualRegister) {
    let start = ranges.start[register.index]
    var kept = 0
    for position in active.indices {
      let item = active[position]
      if item.end < start {
        if !isSpilled[item.register.index] { release(item.register) }
      } else {
        active[kept] = item
        kept += 1
      }
    }
    active.removeLast(active.count - kept)

    let isMask = code[register].isMask
    var available = isMask ? free.masks : free.vectors
    if available == 0 {
      guard let victim = cheapest(beside: register, isMask: isMask) else {
        preconditionFailure("Cinch bug: one vector instruction needs more registers than there are")
      }
      isSpilled[victim.index] = true
      spilled.append(victim)
      if victim == register { return }
      release(victim)
      active.removeAll { $0.register == victim }
      available = isMask ? free.masks : free.vectors
    }
    var number = available.trailingZeroBitCount
    let hint = Int(hints[register.index])
    if hint >= 0, !isSpilled[hint] {
      let wanted = Int(numbers[hint])
      if available >> UInt32(wanted) & 1 != 0 { number = wanted }
    }
    numbers[register.index] = UInt8(number)
    if isMask { free.masks &= ~(1 << UInt32(number)) } else { free.vectors &= ~(1 << UInt32(number)) }
    active.append(Active(register: register, end: ranges.end[register.index]))
  }

  private mutating func release(_ register: VirtualRegister) {
    let bit = UInt32(1) << UInt32(numbers[register.index])
    if code[register].isMask { free.masks |= bit } else { free.vectors |= bit }
  }

  /// Which of the values that are alive here, or the new one, is spilled.
  private func cheapest(beside register: VirtualRegister, isMask: Bool) -> VirtualRegister? {
    var best: VirtualRegister?
    var bestCost = Float.infinity
    func consider(_ candidate: VirtualRegister) {
      if candidate.index >= firstUnspillable { return }
      let length = Float(ranges.end[candidate.index] - ranges.start[candidate.index] + 2)
      let factor: Float = code[candidate].remat == nil ? 1 : 0.4
      let cost = ranges.weight[candidate.index] * factor / length
      if cost < bestCost {
        bestCost = cost
        best = candidate
      }
    }
    consider(register)
    for item in active where code[item.register].isMask == isMask { consider(item.register) }
    return best
  }
}

/// Moves values from registers into the frame: each read loads, each write stores.
private struct Spilling {
  private var slots: [VirtualRegister: Int] = [:]
  /// In the order in which the scan gave them up, which decides the places in the frame: code must not depend on hashing.
  private let registers: [VirtualRegister]
  /// By register.
  private var spilled: [Bool]

  init(_ registers: [VirtualRegister], of code: MachineCode) {
    self.registers = registers
    spilled = [Bool](repeating: false, count: code.registers.count)
    for register in registers { spilled[register.index] = true }
  }

  private func isSpilled(_ register: VirtualRegister) -> Bool {
    register.index < spilled.count && spilled[register.index]
  }

  mutating func rewrite(_ code: inout MachineCode) {
    let lines = code.lines
    code.lines.removeAll(keepingCapacity: true)
    code.lines.reserveCapacity(lines.count + 4 * registers.count)
    for register in registers where code[register].remat == nil {
      slots[register] = code.reserveFrame(code[register].isMask ? 8 : code.family.widest.bytes)
      code.spillCount += 1
    }
    for line in lines {
      if case .instruction(let instruction) = line { rewrite(instruction, &code) } else { code.lines.append(line) }
    }
  }

  private mutating func rewrite(_ original: MachineInstruction, _ code: inout MachineCode) {
    var instruction = original
    if let destination = instruction.definition, isSpilled(destination), code[destination].remat != nil,
      instruction.kind == .constant
    {
      return
    }
    foldOperand(&instruction, code)
    var renamed: [(register: VirtualRegister, temporary: VirtualRegister)] = []
    func name(_ register: VirtualRegister) -> VirtualRegister? {
      renamed.first { $0.register == register }?.temporary
    }
    var loads: [VirtualRegister] = []
    instruction.forEachUse { register in
      if isSpilled(register), !loads.contains(register) { loads.append(register) }
    }
    for register in loads {
      let temporary = makeTemporary(for: register, &code)
      renamed.append((register, temporary))
      if let remat = code[register].remat {
        code.lines.append(.instruction(code.materialize(remat, into: temporary)))
      } else {
        let load: X86Mnemonic = code[register].isMask ? .kmovw : .vmovups
        code.lines.append(
          .instruction(
            MachineInstruction(
              load, width(register, code), .register(temporary), .memory(slot(register)))))
      }
    }
    var stored: VirtualRegister?
    if let destination = instruction.definition, isSpilled(destination) {
      stored = destination
      if name(destination) == nil { renamed.append((destination, makeTemporary(for: destination, &code))) }
    }
    if !renamed.isEmpty { instruction.rename { name($0) ?? $0 } }
    code.lines.append(.instruction(instruction))
    if let stored, let temporary = name(stored) {
      let store: X86Mnemonic = code[stored].isMask ? .kmovw : .vmovups
      code.lines.append(
        .instruction(
          MachineInstruction(
            store, width(stored, code), .memory(slot(stored)), .register(temporary))))
    }
  }

  private func width(_ register: VirtualRegister, _ code: MachineCode) -> VectorWidth {
    code[register].isMask ? .xmm : code.family.widest
  }

  private func slot(_ register: VirtualRegister) -> MachineMemory {
    guard let offset = slots[register] else {
      preconditionFailure("Cinch bug: a constant is stored")
    }
    return MachineMemory(base: .frame, displacement: Int32(offset))
  }

  private mutating func makeTemporary(
    for register: VirtualRegister, _ code: inout MachineCode
  ) -> VirtualRegister {
    code.makeRegister(isMask: code[register].isMask)
  }

  /// Reads a spilled source from memory within the instruction, if its encoding can.
  private func foldOperand(_ instruction: inout MachineInstruction, _ code: MachineCode) {
    guard instruction.kind == .plain, instruction.memory == nil, instruction.width == code.family.widest,
      let position = instruction.mnemonic.memorySource
    else { return }
    if position == 2, instruction.commutes, let first = instruction.first.register, isSpilled(first) {
      let second = instruction.second.register
      if second.map({ !isSpilled($0) }) ?? false { instruction.swapSources() }
    }
    let operand = position == 1 ? instruction.first : instruction.second
    guard let register = operand.register, isSpilled(register), !code[register].isMask,
      register != instruction.tied, let memory = memory(register, code)
    else { return }
    var count = 0
    instruction.forEachUse { if $0 == register { count += 1 } }
    guard count == 1 else { return }
    if position == 1 { instruction.first = .memory(memory) } else { instruction.second = .memory(memory) }
  }

  private func memory(_ register: VirtualRegister, _ code: MachineCode) -> MachineMemory? {
    switch code[register].remat {
    case nil: return slot(register)
    case .broadcast(let offset):
      var memory = MachineMemory(base: .pool, displacement: Int32(offset))
      memory.broadcast = code.family == .avx512
      return memory
    case .vector(let offset): return MachineMemory(base: .pool, displacement: Int32(offset))
    case .zero, .mask, .fullMask: return nil
    }
  }
}

extension X86Mnemonic {
  /// Which source may be memory, counted from 1, of those instructions that read whole vectors of 32-bit elements.
  var memorySource: Int? {
    switch self {
    case .vaddps, .vsubps, .vmulps, .vdivps, .vmaxps, .vminps, .vandps, .vandnps, .vorps, .vxorps, .vcmpps,
      .vblendmps, .vblendvps, .vpaddd, .vpsubd, .vpmulld, .vpmaxsd, .vpminsd, .vpand, .vpor, .vpxor, .vpandd,
      .vpord, .vpxord, .vpcmpeqd, .vpcmpgtd, .vpcmpd, .vpcmpud, .vptestmd, .vpsllvd, .vpsrlvd, .vpsravd,
      .vfmadd132ps, .vfmadd213ps, .vfmadd231ps:
      2
    case .vsqrtps, .vcvtdq2ps, .vcvttps2dq, .vpabsd: 1
    default: nil
    }
  }
}
