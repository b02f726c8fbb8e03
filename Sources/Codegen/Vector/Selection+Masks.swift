import CinchGraph

extension Selection {
  // MARK: - Selecting lanes

  /// `mask ? a : b`.
  mutating func emitBlend(
    _ mask: VirtualRegister, _ a: MachineOperand, _ b: MachineOperand, _ destination: MachineOperand
  ) {
    if family == .avx512 {
      var blend = MachineInstruction(.vblendmps, wide, destination, b, a)
      blend.mask = mask
      emit(blend)
    } else {
      emit(MachineInstruction(.vblendvps, wide, destination, b, a, .register(mask)))
    }
  }

  mutating func select(_ operands: VectorOperands, _ result: VectorValue) {
    let mask = register(operands[0])
    if uniformBits(operands[2]) == 0 {
      let source = operand(operands[1])
      keepWhere(mask, source, result)
      return
    }
    let otherwise = MachineOperand.register(register(operands[2]))
    let source = operand(operands[1])
    emitBlend(mask, source, otherwise, define(result))
  }

  /// The value where the mask is set, zero elsewhere.
  private mutating func keepWhere(_ mask: VirtualRegister, _ source: MachineOperand, _ result: VectorValue) {
    let destination = define(result)
    guard family == .avx512 else {
      emit(MachineInstruction(.vandps, wide, destination, .register(mask), source))
      return
    }
    var isBroadcast = false
    var plain = source
    if case .memory(var memory) = source {
      isBroadcast = memory.broadcast
      memory.broadcast = false
      plain = .memory(memory)
    }
    var move = MachineInstruction(isBroadcast ? .vbroadcastss : .vmovups, wide, destination, plain)
    move.mask = mask
    move.zeroing = true
    emit(move)
  }

  mutating func convertMask(_ a: VectorValue, one: UInt32, _ result: VectorValue) {
    let mask = register(a)
    let ones = MachineOperand.register(constant(.uniform(one)))
    keepWhere(mask, ones, result)
  }

  // MARK: - Logic

  private struct Logic {
    var and: X86Mnemonic, andNot: X86Mnemonic, or: X86Mnemonic, exclusiveOr: X86Mnemonic
  }

  private var logic: Logic {
    family == .avx512
      ? Logic(and: .kandw, andNot: .kandnw, or: .korw, exclusiveOr: .kxorw)
      : Logic(and: .vandps, andNot: .vandnps, or: .vorps, exclusiveOr: .vxorps)
  }

  private var maskWidth: VectorWidth { family == .avx512 ? .xmm : wide }

  mutating func emitMask(
    _ mnemonic: X86Mnemonic, _ a: MachineOperand, _ b: MachineOperand, _ destination: MachineOperand
  ) {
    emit(MachineInstruction(mnemonic, maskWidth, destination, a, b))
  }

  mutating func emitAnd(_ a: MachineOperand, _ b: MachineOperand, _ destination: MachineOperand) {
    emitMask(logic.and, a, b, destination)
  }

  mutating func emitNot(_ a: MachineOperand, _ destination: MachineOperand) {
    if family == .avx512 {
      emit(MachineInstruction(.knotw, .xmm, destination, a))
    } else {
      let ones = MachineOperand.register(constant(.mask(program.fullMask)))
      emit(MachineInstruction(.vxorps, wide, destination, a, ones))
    }
  }

  mutating func applyMask(
    _ opcode: ScalarOpcode, _ operands: VectorOperands, _ result: VectorValue
  ) throws(VectorLimitation) {
    let a = MachineOperand.register(register(operands[0]))
    let b = MachineOperand.register(register(operands[operands.count > 1 ? 1 : 0]))
    switch opcode {
    case .not: emitNot(a, define(result))
    case .and: emitAnd(a, b, define(result))
    case .or: emitMask(logic.or, a, b, define(result))
    case .exclusiveOr, .notEqual: emitMask(logic.exclusiveOr, a, b, define(result))
    case .equal:
      let different = MachineOperand.register(temporary(isMask: family == .avx512))
      emitMask(logic.exclusiveOr, a, b, different)
      emitNot(different, define(result))
    case .less: emitMask(logic.andNot, a, b, define(result))
    case .lessOrEqual:
      let greater = MachineOperand.register(temporary(isMask: family == .avx512))
      emitMask(logic.andNot, b, a, greater)
      emitNot(greater, define(result))
    default: throw .operation("\(opcode.rawValue) of bool")
    }
  }

  /// `condition ? a : b` on masks.
  mutating func selectMask(_ operands: VectorOperands, _ result: VectorValue) {
    let condition = MachineOperand.register(register(operands[0]))
    let a = MachineOperand.register(register(operands[1]))
    let b = MachineOperand.register(register(operands[2]))
    let isMask = family == .avx512
    let chosen = MachineOperand.register(temporary(isMask: isMask))
    let other = MachineOperand.register(temporary(isMask: isMask))
    emitMask(logic.and, condition, a, chosen)
    emitMask(logic.andNot, condition, b, other)
    emitMask(logic.or, chosen, other, define(result))
  }
}
