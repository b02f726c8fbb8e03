import CinchCodegen

/// Generates instructions of one form in which each operand in turn runs through all that it can be, while
/// the others stay what they are.
struct X86FormSweep {
  let form: X86Form
  let family: VectorFamily
  let width: VectorWidth

  /// One choice of "the others": registers with low, middle or high numbers, and a register or memory where
  /// both fit.
  private struct Background: Hashable {
    var firstRegister: Int
    var memory: MemoryOperand?

    /// Whether addresses vary too. They don't depend on other operands, so that one background is enough for
    /// them.
    var sweepsAddresses: Bool { firstRegister == 9 }
  }

  func instructions() -> [X86Instruction] {
    var result: [X86Instruction] = []
    for background in backgrounds {
      let base = form.operands.indices.map { operand(at: $0, background) }
      result += variants(of: base)
      for position in form.operands.indices {
        for alternative in alternatives(at: position, background) {
          var operands = base
          operands[position] = alternative
          result += variants(of: operands)
        }
      }
      result += maskings(of: base)
    }
    return result
  }

  private var backgrounds: [Background] {
    let takesMemory = form.operands.contains {
      [.vectorOrMemory, .maskOrMemory, .general64OrMemory].contains($0.kind)
    }
    let firstRegisters = form.encoding == .evex ? [1, 9, 17, 25] : [1, 9]
    var backgrounds = firstRegisters.map { Background(firstRegister: $0) }
    if takesMemory {
      backgrounds += firstRegisters.map { Background(firstRegister: $0, memory: MemoryOperand(.rdi)) }
    }
    return backgrounds
  }

  private func make(_ operands: [X86Operand]) -> X86Instruction {
    var instruction = X86Instruction(form.mnemonic, width)
    for (index, operand) in operands.enumerated() { instruction[operand: index] = operand }
    if form.masking == .required { instruction.mask = MaskRegister(3) }
    return instruction
  }

  /// The instruction with these operands; none if it would be a gather with overlapping registers.
  private func variants(of operands: [X86Operand]) -> [X86Instruction] {
    let vectors = operands.compactMap { operand -> VectorRegister? in
      switch operand {
      case .vector(let register): return register
      case .memory(let memory):
        if case .vector(let register) = memory.index { return register }
        return nil
      default: return nil
      }
    }
    let gathers = form.operands.contains { $0.kind == .gathered }
    if gathers && Set(vectors).count < vectors.count { return [] }
    return [make(operands)]
  }

  private func maskings(of operands: [X86Operand]) -> [X86Instruction] {
    guard form.masking != .none else { return [] }
    let zeroings = form.masking == .mergingOrZeroing ? [false, true] : [false]
    var choices = variants(of: operands)
    if form.broadcastBytes > 0 {
      choices += choices.compactMap { instruction in
        guard var memory = instruction.memory else { return nil }
        memory.broadcast = true
        var broadcasting = instruction
        for index in operands.indices {
          if case .memory = operands[index] { broadcasting[operand: index] = .memory(memory) }
        }
        return broadcasting
      }
    }
    return choices.flatMap { instruction in
      MaskRegister.writeMasks.flatMap { mask in
        zeroings.map { zeroing in
          var masked = instruction
          masked.mask = mask
          masked.zeroing = zeroing
          return masked
        }
      }
    }
  }

  private func operand(at position: Int, _ background: Background) -> X86Operand {
    let number = background.firstRegister + position
    // Skips rsp and rbp, which the tests of addressing cover.
    let general = [GeneralRegister.rcx, .rdx, .rbx, .rsi, .rdi, .r8, .r9, .r10, .r11, .r12][number % 10]
    switch form.operands[position].kind {
    case .vector: return .vector(number)
    case .vectorOrMemory: return background.memory.map { .memory($0) } ?? .vector(number)
    case .memory: return .memory(background.memory ?? MemoryOperand(.rsi, displacement: 64))
    case .gathered: return .memory(MemoryOperand(.rsi, index: .vector(VectorRegister(number)), scale: .four))
    case .mask: return .mask(number % 8)
    case .maskOrMemory: return background.memory.map { .memory($0) } ?? .mask(number % 8)
    case .general32: return .general32(general)
    case .general64: return .general64(general)
    case .general64OrMemory: return background.memory.map { .memory($0) } ?? .general64(general)
    case .accumulator64: return .general64(.rax)
    case .signedImmediate8, .unsignedImmediate8: return .immediate(5)
    case .signedImmediate32: return .immediate(0x1234)
    case .unsignedImmediate32: return .immediate(0x9234_5678)
    case .one: return .immediate(1)
    case .unused: return .none
    }
  }

  private func alternatives(at position: Int, _ background: Background) -> [X86Operand] {
    let vectors = (0..<(form.encoding == .evex ? 32 : 16)).map { X86Operand.vector($0) }
    let masks = (0..<8).map { X86Operand.mask($0) }
    let generals32 = GeneralRegister.allCases.map { X86Operand.general32($0) }
    let generals64 = GeneralRegister.allCases.map { X86Operand.general64($0) }
    let memory = background.memory != nil
    let addresses = background.sweepsAddresses ? addresses(at: position) : []
    switch form.operands[position].kind {
    case .vector: return vectors
    case .vectorOrMemory: return memory ? addresses : vectors
    case .memory: return addresses
    case .gathered: return background.sweepsAddresses ? gathers(at: position) : []
    case .mask: return masks
    case .maskOrMemory: return memory ? addresses : masks
    case .general32: return generals32
    case .general64: return generals64
    case .general64OrMemory: return memory ? addresses : generals64
    case .accumulator64, .one, .unused: return []
    case .signedImmediate8: return [-128, -1, 0, 1, 2, 127].map { .immediate($0) }
    case .unsignedImmediate8: return [0, 1, 2, 3, 127, 128, 255].map { .immediate($0) }
    case .signedImmediate32:
      return [-0x8000_0000, -129, 128, 0x7FFF_FFFF].map { .immediate($0) }
    case .unsignedImmediate32: return [0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF].map { .immediate($0) }
    }
  }

  private func displacements(at position: Int, broadcast: Bool) -> [Int32] {
    let element = Int32(max(form.broadcastBytes, 1))
    let unit = broadcast ? element : Int32(form.operands[position].extent.bytes(width))
    var result: Set<Int32> = [
      0, 1, -1, 127, 128, 129, -127, -128, -129, 0x12345, -0x12345, 0x12340, Int32.max, Int32.min,
    ]
    for multiple: Int32 in [1, 8, 127, 128] {
      for nudge: Int32 in [-1, 0, 1] {
        result.insert(multiple * unit + nudge)
        result.insert(-multiple * unit + nudge)
        // The unit of a gather is its element, whatever the width of its indices.
        result.insert(multiple * 4 + nudge)
        result.insert(-multiple * 8 + nudge)
      }
    }
    result.insert(-129 * unit)
    return result.sorted()
  }

  private func addresses(at position: Int) -> [X86Operand] {
    var result: [MemoryOperand] = []
    for broadcast in form.broadcastBytes > 0 ? [false, true] : [false] {
      let displacements = displacements(at: position, broadcast: broadcast)
      for base in GeneralRegister.allCases {
        for displacement: Int32 in [0, 64, 0x12345] {
          result.append(MemoryOperand(base, displacement: displacement, broadcast: broadcast))
        }
      }
      for displacement in displacements {
        result.append(MemoryOperand(.rax, displacement: displacement, broadcast: broadcast))
        result.append(MemoryOperand(.r13, displacement: displacement, broadcast: broadcast))
      }
      for index in GeneralRegister.allCases where index != .rsp {
        for (scale, base) in zip(MemoryOperand.Scale.allCases, [.rbx, .r13, .r12, .rbp] as [GeneralRegister]) {
          result.append(
            MemoryOperand(base, index: index, scale: scale, broadcast: broadcast))
          result.append(
            MemoryOperand(base, index: index, scale: scale, displacement: -64, broadcast: broadcast))
        }
      }
    }
    return result.map { .memory($0) }
  }

  private func gathers(at position: Int) -> [X86Operand] {
    var result: [MemoryOperand] = []
    for number in 0..<(form.encoding == .evex ? 32 : 16) {
      for (scale, base) in zip(MemoryOperand.Scale.allCases, [.rbx, .r13, .r12, .rbp] as [GeneralRegister]) {
        result.append(
          MemoryOperand(
            base, index: .vector(VectorRegister(number)), scale: scale, displacement: Int32(4 * number)))
      }
    }
    let index = MemoryOperand.Index.vector(VectorRegister(6))
    for base in GeneralRegister.allCases { result.append(MemoryOperand(base, index: index)) }
    for displacement in displacements(at: position, broadcast: false) {
      result.append(MemoryOperand(.rax, index: index, scale: .four, displacement: displacement))
    }
    return result.map { .memory($0) }
  }
}
