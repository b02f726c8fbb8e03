/// One form of an instruction: which operands it takes, and how they are encoded. The tables beside this file
/// are lists of forms, and the encoder, the printer and the tests against the GNU assembler all read them.
package struct X86Form: Sendable {
  package enum Encoding: UInt8, Hashable, Sendable { case legacy, vex, evex }

  /// What an instruction does with its first operand; the others are read.
  package enum Access: UInt8, Hashable, Sendable { case read, write, readWrite }

  /// Which write masks an EVEX form takes.
  package enum Masking: UInt8, Hashable, Sendable {
    case none
    /// Lanes outside the mask keep their value; there is no zeroing.
    case merging
    case mergingOrZeroing
    /// Like `merging`, and the mask can't be left out.
    case required
  }

  package var mnemonic: X86Mnemonic
  package var encoding: Encoding
  package var families: VectorFamilies
  package var opcode: X86Opcode
  /// The widths that the form exists in; empty for a form on general or mask registers.
  package var widths: VectorWidths
  package var operandCount: Int
  /// A pattern for each operand, and unused ones up to four. Stored in place, so that forms are copied
  /// without counting references: the encoder looks one up per instruction.
  private var patterns: InlineArray<4, OperandPattern>
  /// The bytes of a broadcast element, or 0 where a memory operand can't be broadcast.
  package var broadcastBytes: Int
  package var masking: Masking
  package var firstOperand: Access

  init(
    _ mnemonic: X86Mnemonic, _ encoding: Encoding, _ families: VectorFamilies, _ opcode: X86Opcode,
    _ operands: [OperandPattern], widths: VectorWidths = [], broadcastBytes: Int = 0,
    masking: Masking = .none, firstOperand: Access = .write
  ) {
    self.mnemonic = mnemonic
    self.encoding = encoding
    self.families = families
    self.opcode = opcode
    operandCount = operands.count
    patterns = InlineArray { $0 < operands.count ? operands[$0] : .unused }
    self.widths = widths
    self.broadcastBytes = broadcastBytes
    self.masking = masking
    self.firstOperand = firstOperand
  }
}

extension X86Form {
  package func pattern(_ index: Int) -> OperandPattern { patterns[index] }

  /// The patterns of all operands.
  package var operands: [OperandPattern] { (0..<operandCount).map { patterns[$0] } }
}

/// The bytes that name an operation in an encoding.
package struct X86Opcode: Sendable {
  /// The value of `pp` in VEX and EVEX prefixes.
  package enum Prefix: UInt8, Sendable { case none, p66, pF3, pF2 }

  /// The value of `mmm` in VEX and EVEX prefixes.
  package enum Map: UInt8, Sendable { case primary, map0F, map0F38, map0F3A }

  package enum Wide: UInt8, Sendable {
    case w0, w1
    /// 1 in EVEX; VEX ignores it and gets 0.
    case evexW1
  }

  package var prefix: Prefix
  package var map: Map
  package var byte: UInt8
  package var wide: Wide
  /// The part of the operation in ModRM's reg field.
  package var digit: UInt8?
  /// The vector length bits, where they do not follow from the instruction's width.
  package var fixedLength: UInt8?

  init(
    _ prefix: Prefix, _ map: Map, _ byte: UInt8, _ wide: Wide = .w0, digit: UInt8? = nil,
    fixedLength: UInt8? = nil
  ) {
    self.prefix = prefix
    self.map = map
    self.byte = byte
    self.wide = wide
    self.digit = digit
    self.fixedLength = fixedLength
  }
}

/// Which operands fit at one position of a form, and which field they are encoded in.
package struct OperandPattern: Sendable {
  package enum Kind: UInt8, Hashable, Sendable {
    case vector, vectorOrMemory, memory
    /// Memory indexed by a vector register.
    case gathered
    case mask, maskOrMemory
    case general32, general64, general64OrMemory
    case accumulator64
    case signedImmediate8, unsignedImmediate8, signedImmediate32, unsignedImmediate32
    case one
    case unused
  }

  /// How much of the instruction's width the operand has, or a fixed number of bytes. The bytes of a memory
  /// operand are also the unit of its compressed displacement in EVEX.
  package enum Extent: UInt8, Hashable, Sendable {
    case full, quarter
    case bytes32, bytes16, bytes8, bytes4, bytes2, bytes1

    package func bytes(_ width: VectorWidth) -> Int {
      switch self {
      case .full: width.bytes
      case .quarter: width.bytes / 4
      case .bytes32: 32
      case .bytes16: 16
      case .bytes8: 8
      case .bytes4: 4
      case .bytes2: 2
      case .bytes1: 1
      }
    }

    /// The name for a register with this extent: the smallest that holds it.
    package func register(_ width: VectorWidth) -> VectorWidth {
      switch bytes(width) {
      case 64: .zmm
      case 32: .ymm
      default: .xmm
      }
    }
  }

  /// The field of the encoding that takes the operand.
  package enum Slot: UInt8, Sendable {
    case reg, vvvv, rm
    /// The high half of a trailing byte.
    case is4
    case opcodeLowBits
    case immediate
    case implied
  }

  package var slot: Slot
  package var kind: Kind
  package var extent: Extent

  static func reg(_ kind: Kind, _ extent: Extent = .full) -> OperandPattern {
    OperandPattern(slot: .reg, kind: kind, extent: extent)
  }

  static func vvvv(_ kind: Kind, _ extent: Extent = .full) -> OperandPattern {
    OperandPattern(slot: .vvvv, kind: kind, extent: extent)
  }

  static func rm(_ kind: Kind, _ extent: Extent = .full) -> OperandPattern {
    OperandPattern(slot: .rm, kind: kind, extent: extent)
  }

  /// An immediate of one byte, taken as it is.
  static let byte = OperandPattern(slot: .immediate, kind: .unsignedImmediate8, extent: .bytes1)

  static func immediate(_ kind: Kind) -> OperandPattern {
    OperandPattern(slot: .immediate, kind: kind, extent: .bytes1)
  }

  static let unused = OperandPattern(slot: .implied, kind: .unused, extent: .bytes1)

  func accepts(_ operand: X86Operand) -> Bool {
    switch operand {
    case .none: return kind == .unused
    case .vector: return kind == .vector || kind == .vectorOrMemory
    case .mask: return kind == .mask || kind == .maskOrMemory
    case .general64(let register):
      return kind == .general64 || kind == .general64OrMemory
        || (kind == .accumulator64 && register == .rax)
    case .general32: return kind == .general32
    case .memory(let memory):
      if case .vector = memory.index { return kind == .gathered }
      switch kind {
      case .memory, .vectorOrMemory, .maskOrMemory, .general64OrMemory: return true
      default: return false
      }
    case .immediate(let value):
      switch kind {
      case .signedImmediate8: return Int8(exactly: value) != nil
      case .unsignedImmediate8: return UInt8(exactly: value) != nil
      case .signedImmediate32: return Int32(exactly: value) != nil
      case .unsignedImmediate32: return UInt32(exactly: value) != nil
      case .one: return value == 1
      default: return false
      }
    }
  }
}

extension X86Form {
  /// Whether the instruction has this form, as far as its width and the kinds of its operands go.
  func accepts(_ instruction: X86Instruction) -> Bool {
    if !widths.isEmpty && !widths.contains(instruction.width) { return false }
    if broadcastBytes == 0, instruction.memory?.broadcast == true { return false }
    return patterns[0].accepts(instruction.operand0) && patterns[1].accepts(instruction.operand1)
      && patterns[2].accepts(instruction.operand2) && patterns[3].accepts(instruction.operand3)
  }

  /// The first form in the tables that fits the instruction, in one family or, for printing, in any.
  static func first(for instruction: X86Instruction, in family: VectorFamily?) -> X86Form? {
    X86FormTable.firstIndex(for: instruction, in: family).map { X86FormTable.all[$0] }
  }
}
