/// The vector instructions that code may use, and how they are encoded.
///
/// `avx2` encodes with VEX prefixes only; `avx512` encodes vector instructions with EVEX prefixes only, and
/// takes F, VL, DQ and BW for granted.
package enum VectorFamily: UInt8, Hashable, Sendable, CaseIterable {
  case avx2, avx512

  /// How many vector registers instructions can name.
  package var registerCount: Int { self == .avx2 ? 16 : 32 }

  package var widest: VectorWidth { self == .avx2 ? .ymm : .zmm }

  /// Numbers of 32 bits in the widest vectors.
  package var lanes: Int { widest.bytes / 4 }
}

/// A set of families.
package struct VectorFamilies: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let avx2 = VectorFamilies(rawValue: 1)
  package static let avx512 = VectorFamilies(rawValue: 2)
  package static let all: VectorFamilies = [avx2, avx512]

  package func contains(_ family: VectorFamily) -> Bool { rawValue >> family.rawValue & 1 != 0 }
}

/// A 64-bit general register, by its number in instruction encodings.
package enum GeneralRegister: UInt8, Hashable, Sendable, CaseIterable {
  case rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi
  case r8, r9, r10, r11, r12, r13, r14, r15

  /// Whether generated code may hold a value in this register.
  ///
  /// The stack and frame pointers belong to the C compiler: libtcc silently does not save rbp around an asm
  /// block.
  package var isAllocatable: Bool { self != .rsp && self != .rbp }

  package static let allocatable: [GeneralRegister] = allCases.filter(\.isAllocatable)

  /// The name of all 64 bits, as in `rax` and `r8`.
  package var name: String { Self.names64[Int(rawValue)] }

  /// The name of the low 32 bits, as in `eax` and `r8d`.
  package var name32: String { Self.names32[Int(rawValue)] }

  private static let names64 = [
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
  ]
  private static let names32 = [
    "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi",
    "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d",
  ]
}

/// A set of general registers.
package struct GeneralRegisterSet: OptionSet, Hashable, Sendable {
  package let rawValue: UInt16

  package init(rawValue: UInt16) { self.rawValue = rawValue }

  package init(_ register: GeneralRegister) { rawValue = 1 << UInt16(register.rawValue) }

  /// The members in the order of their numbers.
  package var registers: [GeneralRegister] {
    GeneralRegister.allCases.filter { contains(GeneralRegisterSet($0)) }
  }
}

/// A vector register, number 0–31; its width belongs to the instruction.
package struct VectorRegister: Hashable, Sendable {
  package let number: UInt8

  package init(_ number: Int) {
    precondition(
      (0..<32).contains(number), "Cinch bug: vector register \(number) does not exist")
    self.number = UInt8(truncatingIfNeeded: number)
  }
}

/// A mask register, k0–k7. As a write mask, k0 means "no mask", so that it can't be one.
package struct MaskRegister: Hashable, Sendable {
  package let number: UInt8

  package init(_ number: Int) {
    precondition((0..<8).contains(number), "Cinch bug: mask register k\(number) does not exist")
    self.number = UInt8(truncatingIfNeeded: number)
  }

  /// The registers that can mask a write.
  package static let writeMasks: [MaskRegister] = (1..<8).map { MaskRegister($0) }
}

package enum VectorWidth: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable, Comparable {
  case xmm, ymm, zmm

  package var bytes: Int { 16 << Int(rawValue) }

  package static func < (left: VectorWidth, right: VectorWidth) -> Bool {
    left.rawValue < right.rawValue
  }

  package var name: String {
    switch self {
    case .xmm: "xmm"
    case .ymm: "ymm"
    case .zmm: "zmm"
    }
  }
}

/// A set of widths.
package struct VectorWidths: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let xmm = VectorWidths(rawValue: 1)
  package static let ymm = VectorWidths(rawValue: 2)
  package static let zmm = VectorWidths(rawValue: 4)
  package static let all: VectorWidths = [xmm, ymm, zmm]
  /// For forms that move data between 16-byte lanes.
  package static let multipleLanes: VectorWidths = [ymm, zmm]
  package static let scalar = xmm

  package func contains(_ width: VectorWidth) -> Bool { rawValue >> width.rawValue & 1 != 0 }

  package var members: [VectorWidth] { VectorWidth.allCases.filter { contains($0) } }
}
