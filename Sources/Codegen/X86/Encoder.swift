extension X86Instruction {
  /// Appends the instruction's bytes.
  package func encode(for family: VectorFamily, into bytes: inout [UInt8]) throws(X86EncodingError) {
    guard let form = X86Form.first(for: self, in: family) else {
      throw X86EncodingError(instruction: self, reason: .noSuchForm(family))
    }
    if let reason = violation(of: form) {
      throw X86EncodingError(instruction: self, reason: reason)
    }
    let fields = EncodingFields(self, form)
    switch form.encoding {
    case .legacy: fields.appendLegacyPrefix(form.opcode, to: &bytes)
    case .vex: fields.appendVEXPrefix(form.opcode, to: &bytes)
    case .evex: fields.appendEVEXPrefix(form.opcode, self, to: &bytes)
    }
    bytes.append(form.opcode.byte | fields.opcodeLowBits)
    if fields.hasModRM { fields.appendModRM(to: &bytes) }
    fields.appendImmediate(to: &bytes)
  }

  /// What the processor or the family forbids although the operands have the right kinds.
  private func violation(of form: X86Form) -> X86EncodingError.Reason? {
    if memory?.index == .general(.rsp) { return .indexIsStackPointer }
    if form.encoding != .evex && namesHighVectorRegister { return .registerOutOfReach }
    if form.pattern(1).kind == .gathered && gatherRegistersOverlap {
      return .gatherRegistersOverlap
    }
    guard let mask else {
      if form.masking == .required { return .maskRequired }
      return zeroing ? .zeroingNotAllowed : nil
    }
    if form.masking == .none || mask.number == 0 { return .maskNotAllowed }
    if zeroing && form.masking != .mergingOrZeroing { return .zeroingNotAllowed }
    return nil
  }

  private var namesHighVectorRegister: Bool {
    for index in 0..<Self.maximumOperandCount {
      switch self[operand: index] {
      case .vector(let register) where register.number >= 16: return true
      case .memory(let memory):
        if case .vector(let register) = memory.index, register.number >= 16 { return true }
      default: break
      }
    }
    return false
  }

  private var gatherRegistersOverlap: Bool {
    var seen: UInt32 = 0
    for index in 0..<Self.maximumOperandCount {
      let register: VectorRegister
      switch self[operand: index] {
      case .vector(let named): register = named
      case .memory(let memory):
        guard case .vector(let lanes) = memory.index else { continue }
        register = lanes
      default: continue
      }
      let bit = UInt32(1) << UInt32(register.number)
      if seen & bit != 0 { return true }
      seen |= bit
    }
    return false
  }
}

/// An instruction's operands, sorted into the fields of its encoding. Register numbers have up to five bits.
struct EncodingFields {
  /// ModRM's reg field: a register, or a part of the opcode.
  var reg: UInt8 = 0
  var vvvv: UInt8 = 0
  /// ModRM's rm field, if it is a register.
  var rm: UInt8 = 0
  var memory: MemoryOperand?
  var hasModRM = false
  var opcodeLowBits: UInt8 = 0
  /// Bit 3 of the register in the opcode's low bits.
  var opcodeRegisterExtension: UInt8 = 0
  var immediate: Int64 = 0
  var immediateBytes = 0
  /// Bits 2–0 of EVEX's and VEX's vector length.
  var vectorLength: UInt8 = 0
  /// By how much EVEX divides displacements of one byte; 1 elsewhere.
  var displacementUnit: Int32 = 1

  init(_ instruction: X86Instruction, _ form: X86Form) {
    vectorLength = form.opcode.fixedLength ?? instruction.width.rawValue
    if let digit = form.opcode.digit {
      reg = digit
      hasModRM = true
    }
    for index in 0..<form.operandCount {
      let pattern = form.pattern(index)
      let operand = instruction[operand: index]
      if case .memory(let memory) = operand {
        self.memory = memory
        hasModRM = true
        if form.encoding == .evex {
          displacementUnit = Self.displacementUnit(memory, pattern, instruction.width, form)
        }
        continue
      }
      if case .immediate(let value) = operand {
        if pattern.slot == .immediate {
          immediate = value
          immediateBytes = pattern.kind.immediateBytes
        }
        continue
      }
      let number = operand.registerNumber
      switch pattern.slot {
      case .reg:
        reg = number
        hasModRM = true
      case .vvvv: vvvv = number
      case .rm:
        rm = number
        hasModRM = true
      case .is4:
        immediate = Int64(number << 4)
        immediateBytes = 1
      case .opcodeLowBits:
        opcodeLowBits = number & 7
        opcodeRegisterExtension = number >> 3
      case .immediate, .implied: break
      }
    }
  }

  private static func displacementUnit(
    _ memory: MemoryOperand, _ pattern: OperandPattern, _ width: VectorWidth, _ form: X86Form
  ) -> Int32 {
    if memory.broadcast { return Int32(form.broadcastBytes) }
    // A gather's extent is that of its indices; what it loads are elements of 32 bits.
    if pattern.kind == .gathered { return 4 }
    return Int32(pattern.extent.bytes(width))
  }

  // The bits that extend three-bit register fields.

  var regBit3: UInt8 { (reg >> 3) & 1 }
  var regBit4: UInt8 { (reg >> 4) & 1 }

  /// The bit named B: it extends the base, the register in rm, or the one in the opcode.
  var baseBit3: UInt8 {
    if let memory { return memory.base.rawValue >> 3 }
    return ((rm >> 3) & 1) | opcodeRegisterExtension
  }

  /// The bit named X: it extends the index; in EVEX, where rm is a register, it is that register's bit 4.
  var indexBit3: UInt8 {
    guard let memory else { return (rm >> 4) & 1 }
    switch memory.index {
    case .none: return 0
    case .general(let register): return register.rawValue >> 3
    case .vector(let register): return (register.number >> 3) & 1
    }
  }

  /// The bit named V′: bit 4 of vvvv, or of a vector index.
  var vvvvBit4: UInt8 {
    if let memory, case .vector(let register) = memory.index { return register.number >> 4 }
    return vvvv >> 4
  }
}

extension X86Operand {
  var registerNumber: UInt8 {
    switch self {
    case .vector(let register): register.number
    case .mask(let register): register.number
    case .general32(let register), .general64(let register): register.rawValue
    case .none, .memory, .immediate: 0
    }
  }
}

extension OperandPattern.Kind {
  var immediateBytes: Int {
    switch self {
    case .signedImmediate8, .unsignedImmediate8: 1
    case .signedImmediate32, .unsignedImmediate32: 4
    default: 0
    }
  }
}
