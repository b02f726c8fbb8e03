/// The registers that an instruction reads and writes. Flags and memory are not part of it.
package struct X86Effects: Hashable, Sendable {
  package struct Registers: Hashable, Sendable {
    package var general: GeneralRegisterSet = []
    /// One bit for each vector register.
    package var vectors: UInt32 = 0
    /// One bit for each mask register.
    package var masks: UInt8 = 0

    package init() {}

    package mutating func insert(_ operand: X86Operand) {
      switch operand {
      case .vector(let register): vectors |= 1 << UInt32(register.number)
      case .mask(let register): masks |= 1 << register.number
      case .general32(let register), .general64(let register): general.insert(GeneralRegisterSet(register))
      case .none, .memory, .immediate: break
      }
    }

    package mutating func formUnion(_ other: Registers) {
      general.formUnion(other.general)
      vectors |= other.vectors
      masks |= other.masks
    }

    package func isSubset(of other: Registers) -> Bool {
      general.isSubset(of: other.general) && vectors & ~other.vectors == 0 && masks & ~other.masks == 0
    }
  }

  package var reads = Registers()
  package var writes = Registers()
}

extension X86Instruction {
  /// What the instruction reads and writes; nil if it has no form.
  package var effects: X86Effects? {
    guard let form = X86Form.first(for: self, in: nil) else { return nil }
    var effects = X86Effects()
    for index in 0..<form.operandCount {
      let operand = self[operand: index]
      if case .memory(let memory) = operand {
        effects.reads.insert(.general64(memory.base))
        switch memory.index {
        case .none: break
        case .general(let register): effects.reads.insert(.general64(register))
        case .vector(let register): effects.reads.insert(.vector(register))
        }
        continue
      }
      guard index == 0 else {
        effects.reads.insert(operand)
        continue
      }
      if form.firstOperand != .read { effects.writes.insert(operand) }
      // Merging keeps the lanes outside the mask; a comparison into a mask register clears them.
      let keepsLanes = mask != nil && !zeroing && form.pattern(0).kind != .mask
      if form.firstOperand != .write || keepsLanes { effects.reads.insert(operand) }
    }
    if let mask { effects.reads.insert(.mask(mask)) }
    if form.pattern(1).kind == .gathered {
      // A gather clears its mask.
      if let mask { effects.writes.insert(.mask(mask)) } else { effects.writes.insert(operand2) }
    }
    if isConstantIdiom { effects.reads = X86Effects.Registers() }
    return effects
  }

  /// Whether the result is all zeros or all ones, whatever the register held that all operands name.
  private var isConstantIdiom: Bool {
    if mask != nil || memory != nil { return false }
    switch mnemonic {
    case .vxorps, .vpxor, .vpxord, .vpcmpeqd, .kxorw, .kxnorw: return operand1 == operand2
    default: return false
    }
  }
}

extension AssembledCode {
  /// The first line that reads a register which no line above it writes, if there is one.
  ///
  /// Nothing lives in vector or mask registers when an asm block is entered, and loops are entered from
  /// above, so that such a line shows a mistake in register allocation.
  ///
  /// - Parameter inputs: the general registers that hold the block's operands on entry.
  package func firstUseOfUndefinedRegister(inputs: GeneralRegisterSet) -> AssembledLine? {
    var defined = X86Effects.Registers()
    defined.general = inputs
    for line in lines {
      guard case .instruction(let instruction) = line.content else { continue }
      guard let effects = instruction.effects, effects.reads.isSubset(of: defined) else { return line }
      defined.formUnion(effects.writes)
    }
    return nil
  }
}
