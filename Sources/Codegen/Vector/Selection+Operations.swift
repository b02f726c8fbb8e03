import CinchGraph

// The instructions for each operation. Where the families differ, it is mostly in masks: AVX-512 has registers for
// them, AVX2 uses vectors of zeros and ones.

extension Selection {
  mutating func select(_ instruction: VectorInstruction) throws(VectorLimitation) {
    let operands = instruction.operands
    switch instruction.operation {
    case .store(let access):
      try store(access, operands[0], mask: operands.count > 1 ? operands[1] : nil)
      return
    case .storeLane(let access, let lane):
      let source = MachineOperand.register(register(operands[0]))
      let memory = MachineOperand.memory(memory(access))
      emit(
        lane == 0
          ? MachineInstruction(.vmovss, .xmm, memory, source)
          : MachineInstruction(.vextractps, .xmm, memory, source, .immediate(Int32(lane))))
      return
    case .prefetch(let access):
      emit(MachineInstruction(.prefetcht0, wide, .none, .memory(memory(access))))
      return
    case .point(let pointer, let access, let scale):
      point(pointer, at: access, operands[0], scale: scale)
      return
    default: break
    }
    guard let result = instruction.result else { return }
    switch instruction.operation {
    case .apply(let opcode, let from): try apply(opcode, from, operands, result)
    case .rotateLeft(let count):
      let source = MachineOperand.register(register(operands[0]))
      emit(MachineInstruction(.vprold, wide, define(result), source, .immediate(Int32(count))))
    case .within(let bound, let lower, let upper): within(operands[0], bound, lower, upper, result)
    case .load(let access):
      if case .gathered = program[access].shape {
        gather(access, operands[0], mask: operands.count > 1 ? operands[1] : nil, result)
      } else {
        try load(access, mask: operands.first, result)
      }
    case .sliceStart(let factor):
      let offset = code.reserveFrame(8)
      sliceStarts.append((offset, factor))
      emit(MachineInstruction(.vbroadcastss, wide, define(result), frame(offset)))
    case .lanesDown(let distance): lanesDown(operands[0], distance, result)
    case .spread:
      let source = MachineOperand.register(register(operands[0]))
      emit(MachineInstruction(.vbroadcastss, wide, define(result), source))
    case .shuffle(let shuffle): self.shuffle(shuffle, operands[0], operands[1], result)
    case .store, .storeLane, .prefetch, .point: break
    }
  }

  func frame(_ offset: Int) -> MachineOperand { .memory(MachineMemory(base: .frame, displacement: Int32(offset))) }

  // MARK: - Shapes of instructions

  mutating func unary(_ mnemonic: X86Mnemonic, _ a: VectorValue, _ result: VectorValue) {
    let source = operand(a)
    emit(MachineInstruction(mnemonic, wide, define(result), source))
  }

  mutating func binary(
    _ mnemonic: X86Mnemonic, _ a: VectorValue, _ b: VectorValue, _ result: VectorValue, commutes: Bool = false
  ) {
    var (a, b) = (a, b)
    if commutes, isPending(a), !isPending(b) { swap(&a, &b) }
    let first = MachineOperand.register(register(a))
    let second = operand(b)
    var instruction = MachineInstruction(mnemonic, wide, define(result), first, second)
    instruction.commutes = commutes
    emit(instruction)
  }

  private mutating func binary(
    _ mnemonic: X86Mnemonic, _ a: VectorValue, constant: UInt32, _ result: VectorValue, commutes: Bool = false
  ) {
    let first = MachineOperand.register(register(a))
    let second = MachineOperand.register(self.constant(.uniform(constant)))
    var instruction = MachineInstruction(mnemonic, wide, define(result), first, second)
    instruction.commutes = commutes
    emit(instruction)
  }

  private mutating func compare(
    _ mnemonic: X86Mnemonic, _ predicate: UInt8, swapped: UInt8, _ a: VectorValue, _ b: VectorValue,
    _ result: VectorValue
  ) {
    var (a, b, predicate) = (a, b, predicate)
    if isPending(a), !isPending(b) {
      swap(&a, &b)
      predicate = swapped
    }
    let first = MachineOperand.register(register(a))
    let second = operand(b)
    emit(MachineInstruction(mnemonic, wide, define(result), first, second, .immediate(Int32(predicate))))
  }

  // MARK: - Operations by the type of their operands

  private mutating func apply(
    _ opcode: ScalarOpcode, _ from: ElementType, _ operands: VectorOperands, _ result: VectorValue
  ) throws(VectorLimitation) {
    let type = program[result].type
    switch (opcode, from) {
    case (.select, .bool), (.selectRarely, .bool): selectMask(operands, result)
    case (.select, _), (.selectRarely, _): select(operands, result)
    case (.convert, _): try convert(operands[0], from: from, to: type, result)
    case (.bitcast, .float32) where type == .int32, (.bitcast, .int32) where type == .float32:
      alias(result, to: register(operands[0]))
    case (_, .float32): try applyFloat(opcode, operands, result)
    case (_, .int32): try applyInteger(opcode, operands, result)
    case (_, .bool): try applyMask(opcode, operands, result)
    case (_, .float64): throw .elementType(from)
    }
  }

  private mutating func applyFloat(
    _ opcode: ScalarOpcode, _ operands: VectorOperands, _ result: VectorValue
  ) throws(VectorLimitation) {
    let a = operands[0]
    let b = operands[operands.count > 1 ? 1 : 0]
    switch opcode {
    case .add: binary(.vaddps, a, b, result, commutes: true)
    case .subtract: binary(.vsubps, a, b, result)
    case .multiply: binary(.vmulps, a, b, result, commutes: true)
    case .divide: binary(.vdivps, a, b, result)
    case .squareRoot: unary(.vsqrtps, a, result)
    case .negate: binary(.vxorps, a, constant: 0x8000_0000, result, commutes: true)
    case .absolute: binary(.vandps, a, constant: 0x7fff_ffff, result, commutes: true)
    case .maximum: extremum(.vmaxps, a, b, result)
    case .minimum: extremum(.vminps, a, b, result)
    case .fusedMultiplyAdd: fusedMultiplyAdd(operands, result)
    case .equal: compareFloat(.equal, .equal, a, b, result)
    case .notEqual: compareFloat(.notEqualOrUnordered, .notEqualOrUnordered, a, b, result)
    case .less: compareFloat(.less, .greater, a, b, result)
    case .lessOrEqual: compareFloat(.lessOrEqual, .greaterOrEqual, a, b, result)
    default: throw .operation("\(opcode.rawValue) of f32")
    }
  }

  private mutating func compareFloat(
    _ predicate: FloatPredicate, _ swapped: FloatPredicate, _ a: VectorValue, _ b: VectorValue,
    _ result: VectorValue
  ) {
    compare(.vcmpps, predicate.rawValue, swapped: swapped.rawValue, a, b, result)
  }

  private mutating func fusedMultiplyAdd(_ operands: VectorOperands, _ result: VectorValue) {
    // One of the three may come from memory.
    let inMemory = operands.firstIndex { isPending($0) }
    var instruction = MachineInstruction(.vfmadd231ps, wide, .none)
    instruction.first = source(operands[0], mayBeMemory: inMemory == 0)
    instruction.second = source(operands[1], mayBeMemory: inMemory == 1)
    instruction.third = source(operands[2], mayBeMemory: inMemory == 2)
    instruction.destination = define(result)
    instruction.kind = .fusedMultiplyAdd
    instruction.commutes = true
    emit(instruction)
  }

  private mutating func source(_ value: VectorValue, mayBeMemory: Bool) -> MachineOperand {
    mayBeMemory ? operand(value) : .register(register(value))
  }

  /// `vmaxps` is `a > b ? a : b`: right but for a NaN in `a`, which it has to be given back.
  private mutating func extremum(
    _ mnemonic: X86Mnemonic, _ a: VectorValue, _ b: VectorValue, _ result: VectorValue
  ) {
    if let bits = uniformBits(a), !Float(bitPattern: bits).isNaN {
      binary(mnemonic, a, b, result)
      return
    }
    if let bits = uniformBits(b), !Float(bitPattern: bits).isNaN, bits != 0x8000_0000 {
      // Swapped, it gives `a` if `a` is NaN, and also if both are equal: then the zeros' signs may differ.
      if bits != 0 {
        binary(mnemonic, b, a, result)
        return
      }
      let zero = MachineOperand.register(register(b))
      let extreme = MachineOperand.register(temporary())
      emit(MachineInstruction(mnemonic, wide, extreme, zero, operand(a)))
      emit(MachineInstruction(.vaddps, wide, define(result), extreme, zero))
      return
    }
    let first = MachineOperand.register(register(a))
    let extreme = MachineOperand.register(temporary())
    let unordered = temporary(isMask: family == .avx512)
    emit(MachineInstruction(mnemonic, wide, extreme, first, operand(b)))
    emit(
      MachineInstruction(
        .vcmpps, wide, .register(unordered), first, first,
        .immediate(Int32(FloatPredicate.unordered.rawValue))))
    emitBlend(unordered, first, extreme, define(result))
  }

  private mutating func applyInteger(
    _ opcode: ScalarOpcode, _ operands: VectorOperands, _ result: VectorValue
  ) throws(VectorLimitation) {
    let a = operands[0]
    let b = operands[operands.count > 1 ? 1 : 0]
    let isAVX2 = family == .avx2
    switch opcode {
    case .add: binary(.vpaddd, a, b, result, commutes: true)
    case .subtract: binary(.vpsubd, a, b, result)
    case .multiply: binary(.vpmulld, a, b, result, commutes: true)
    case .negate:
      let zero = MachineOperand.register(constant(.uniform(0)))
      let source = operand(a)
      emit(MachineInstruction(.vpsubd, wide, define(result), zero, source))
    case .absolute: unary(.vpabsd, a, result)
    case .maximum: binary(.vpmaxsd, a, b, result, commutes: true)
    case .minimum: binary(.vpminsd, a, b, result, commutes: true)
    case .and: binary(isAVX2 ? .vpand : .vpandd, a, b, result, commutes: true)
    case .or: binary(isAVX2 ? .vpor : .vpord, a, b, result, commutes: true)
    case .exclusiveOr: binary(isAVX2 ? .vpxor : .vpxord, a, b, result, commutes: true)
    case .not: binary(isAVX2 ? .vpxor : .vpxord, a, constant: .max, result, commutes: true)
    case .shiftLeft: shift(.vpslld, .vpsllvd, a, b, result)
    case .shiftRightLogical: shift(.vpsrld, .vpsrlvd, a, b, result)
    case .shiftRightArithmetic: shift(.vpsrad, .vpsravd, a, b, result)
    case .equal, .notEqual, .less, .lessOrEqual: compareInteger(opcode, a, b, result)
    default: throw .operation("\(opcode.rawValue) of i32")
    }
  }

  /// Only the low five bits of a count are used; the processor would shift everything out.
  private mutating func shift(
    _ byConstant: X86Mnemonic, _ byLanes: X86Mnemonic, _ a: VectorValue, _ count: VectorValue,
    _ result: VectorValue
  ) {
    let first = MachineOperand.register(register(a))
    if let bits = uniformBits(count) {
      emit(
        MachineInstruction(byConstant, wide, define(result), first, .immediate(Int32(bits & 31))))
      return
    }
    let masked = MachineOperand.register(temporary())
    let five = MachineOperand.register(constant(.uniform(31)))
    let source = MachineOperand.register(register(count))
    var and = MachineInstruction(family == .avx2 ? .vpand : .vpandd, wide, masked, source, five)
    and.commutes = true
    emit(and)
    emit(MachineInstruction(byLanes, wide, define(result), first, masked))
  }

  private mutating func compareInteger(
    _ opcode: ScalarOpcode, _ a: VectorValue, _ b: VectorValue, _ result: VectorValue
  ) {
    guard family == .avx2 else {
      let predicates: (IntegerPredicate, IntegerPredicate) =
        switch opcode {
        case .equal: (.equal, .equal)
        case .notEqual: (.notEqual, .notEqual)
        case .less: (.less, .greater)
        default: (.lessOrEqual, .greaterOrEqual)
        }
      compare(.vpcmpd, predicates.0.rawValue, swapped: predicates.1.rawValue, a, b, result)
      return
    }
    switch opcode {
    case .equal: binary(.vpcmpeqd, a, b, result, commutes: true)
    case .less: binary(.vpcmpgtd, b, a, result)
    default:
      let first = MachineOperand.register(register(a))
      let second = operand(b)
      let opposite = MachineOperand.register(temporary())
      emit(MachineInstruction(opcode == .notEqual ? .vpcmpeqd : .vpcmpgtd, wide, opposite, first, second))
      emitNot(opposite, define(result))
    }
  }

  // MARK: - Conversions

  private mutating func convert(
    _ a: VectorValue, from: ElementType, to type: ElementType, _ result: VectorValue
  ) throws(VectorLimitation) {
    switch (from, type) {
    case (.int32, .float32): unary(.vcvtdq2ps, a, result)
    case (.float32, .int32): truncate(a, result)
    case (.bool, .float32): convertMask(a, one: Float(1).bitPattern, result)
    case (.bool, .int32): convertMask(a, one: 1, result)
    case (.float32, .bool):
      let first = MachineOperand.register(register(a))
      let zero = MachineOperand.register(constant(.uniform(0)))
      let predicate = FloatPredicate.notEqualOrUnordered
      emit(
        MachineInstruction(.vcmpps, wide, define(result), first, zero, .immediate(Int32(predicate.rawValue))))
    case (.int32, .bool):
      let first = MachineOperand.register(register(a))
      if family == .avx512 {
        emit(MachineInstruction(.vptestmd, wide, define(result), first, first))
      } else {
        let zero = MachineOperand.register(constant(.uniform(0)))
        let opposite = MachineOperand.register(temporary())
        emit(MachineInstruction(.vpcmpeqd, wide, opposite, first, zero))
        emitNot(opposite, define(result))
      }
    default: throw .operation("convert \(from.rawValue) to \(type.rawValue)")
    }
  }

  /// The processor gives 0x80000000 for all that doesn't fit: right only where it is too small.
  private mutating func truncate(_ a: VectorValue, _ result: VectorValue) {
    let source = MachineOperand.register(register(a))
    let limit = MachineOperand.register(constant(.uniform(Float(0x1p31).bitPattern)))
    let ordered = temporary(isMask: family == .avx512)
    let large = temporary(isMask: family == .avx512)
    let whole = MachineOperand.register(temporary())
    emit(
      MachineInstruction(
        .vcmpps, wide, .register(ordered), source, source, .immediate(Int32(FloatPredicate.ordered.rawValue))))
    emit(
      MachineInstruction(
        .vcmpps, wide, .register(large), source, limit,
        .immediate(Int32(FloatPredicate.greaterOrEqual.rawValue))))
    var conversion = MachineInstruction(.vcvttps2dq, wide, whole, source)
    if family == .avx512 {
      conversion.mask = ordered
      conversion.zeroing = true
      emit(conversion)
      emitBlend(large, .register(constant(.uniform(0x7fff_ffff))), whole, define(result))
    } else {
      let saturated = MachineOperand.register(temporary())
      emit(conversion)
      emit(MachineInstruction(.vpxor, wide, saturated, whole, .register(large)))
      emit(MachineInstruction(.vpand, wide, define(result), saturated, .register(ordered)))
    }
  }

  // MARK: - Lanes

  private mutating func within(
    _ index: VectorValue, _ bound: Int, _ testsLower: Bool, _ testsUpper: Bool, _ result: VectorValue
  ) {
    let source = MachineOperand.register(register(index))
    let limit = UInt32(bitPattern: Int32(clamping: bound))
    if family == .avx512 {
      // Unsigned, a negative index is a large one.
      let bound = MachineOperand.register(constant(.uniform(limit)))
      let less = MachineOperand.immediate(Int32(IntegerPredicate.less.rawValue))
      emit(MachineInstruction(.vpcmpud, wide, define(result), source, bound, less))
      return
    }
    var lower = MachineOperand.none
    if testsLower {
      lower = .register(temporary())
      let minusOne = MachineOperand.register(constant(.uniform(.max)))
      emit(MachineInstruction(.vpcmpgtd, wide, testsUpper ? lower : define(result), source, minusOne))
    }
    guard testsUpper else { return }
    let bound = MachineOperand.register(constant(.uniform(limit)))
    let upper = testsLower ? MachineOperand.register(temporary()) : define(result)
    emit(MachineInstruction(.vpcmpgtd, wide, upper, bound, source))
    if testsLower { emit(MachineInstruction(.vpand, wide, define(result), lower, upper)) }
  }

  private mutating func shuffle(_ shuffle: Shuffle, _ a: VectorValue, _ b: VectorValue, _ result: VectorValue) {
    switch shuffle {
    case .interleave(1, let isHigh): binary(isHigh ? .vunpckhps : .vunpcklps, a, b, result)
    case .interleave(_, let isHigh): binary(isHigh ? .vunpckhpd : .vunpcklpd, a, b, result)
    case .evenLanes:
      let first = MachineOperand.register(register(a))
      let second = operand(b)
      emit(MachineInstruction(.vshufps, wide, define(result), first, second, .immediate(0b10_00_10_00)))
    case .everyOtherPart(let isOdd):
      // The immediate has two bits for each of four parts, or four for each of two.
      let (mnemonic, even, odd): (X86Mnemonic, Int32, Int32) =
        family == .avx512 ? (.vshuff32x4, 0b10_00_10_00, 0b11_01_11_01) : (.vperm2f128, 0x20, 0x31)
      let first = MachineOperand.register(register(a))
      let second = operand(b)
      emit(MachineInstruction(mnemonic, wide, define(result), first, second, .immediate(isOdd ? odd : even)))
    }
  }

  private mutating func lanesDown(_ value: VectorValue, _ distance: Int, _ result: VectorValue) {
    let source = MachineOperand.register(register(value))
    let destination = define(result)
    switch distance {
    case 8: emit(MachineInstruction(.vextractf32x8, .zmm, destination, source, .immediate(1)))
    case 4:
      let mnemonic: X86Mnemonic = family == .avx512 ? .vextractf32x4 : .vextractf128
      emit(MachineInstruction(mnemonic, wide, destination, source, .immediate(1)))
    case 2: emit(MachineInstruction(.vpermilps, .xmm, destination, source, .immediate(0b1110)))
    default: emit(MachineInstruction(.vmovshdup, .xmm, destination, source))
    }
  }
}
