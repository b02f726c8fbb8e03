/// A memory operand: `[base + index * scale + displacement]`.
package struct MemoryOperand: Hashable, Sendable {
  package enum Index: Hashable, Sendable {
    case none
    case general(GeneralRegister)
    /// One index per lane, for gathers only.
    case vector(VectorRegister)
  }

  package enum Scale: UInt8, Hashable, Sendable, CaseIterable {
    case one, two, four, eight

    package var factor: Int { 1 << Int(rawValue) }

    /// The scale that steps over elements of so many bytes; nil unless they are 1, 2, 4 or 8.
    package init?(factor: Int) {
      switch factor {
      case 1: self = .one
      case 2: self = .two
      case 4: self = .four
      case 8: self = .eight
      default: return nil
      }
    }
  }

  package var base: GeneralRegister
  package var index: Index
  package var scale: Scale
  package var displacement: Int32
  /// Reads one element and repeats it in all lanes: `{1to16}` and the like, AVX-512 only.
  package var broadcast: Bool

  package init(
    _ base: GeneralRegister, index: Index = .none, scale: Scale = .one, displacement: Int32 = 0,
    broadcast: Bool = false
  ) {
    self.base = base
    self.index = index
    self.scale = scale
    self.displacement = displacement
    self.broadcast = broadcast
  }

  package init(
    _ base: GeneralRegister, index: GeneralRegister, scale: Scale, displacement: Int32 = 0,
    broadcast: Bool = false
  ) {
    self.init(
      base, index: .general(index), scale: scale, displacement: displacement, broadcast: broadcast)
  }

  /// The same address further on by a constant; nil if the displacement leaves 32 bits.
  package func advanced(by bytes: Int) -> MemoryOperand? {
    guard let displacement = Int32(exactly: Int(displacement) + bytes) else { return nil }
    var result = self
    result.displacement = displacement
    return result
  }
}

/// One operand of an instruction.
package enum X86Operand: Hashable, Sendable {
  case none
  case vector(VectorRegister)
  case mask(MaskRegister)
  case general64(GeneralRegister)
  /// The low half of a general register; writing it clears the high half.
  case general32(GeneralRegister)
  case memory(MemoryOperand)
  case immediate(Int64)

  /// Shorthand for a vector register by its number.
  package static func vector(_ number: Int) -> X86Operand { .vector(VectorRegister(number)) }

  /// Shorthand for a mask register by its number.
  package static func mask(_ number: Int) -> X86Operand { .mask(MaskRegister(number)) }
}
