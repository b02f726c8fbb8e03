extension X86Form {
  /// Integer arithmetic, logic and shifts.
  static var integerArithmetic: [[X86Form]] {
    func dwords(
      _ mnemonic: X86Mnemonic, _ map: X86Opcode.Map, _ byte: UInt8, _ operands: [OperandPattern] = .twoSources
    ) -> [X86Form] {
      both(mnemonic, X86Opcode(.p66, map, byte), operands, broadcastBytes: 4)
    }
    func logic(_ avx2Name: X86Mnemonic, _ avx512Name: X86Mnemonic, _ byte: UInt8) -> [X86Form] {
      avx2(avx2Name, X86Opcode(.p66, .map0F, byte), .twoSources)
        + avx512(avx512Name, X86Opcode(.p66, .map0F, byte), .twoSources, broadcastBytes: 4)
    }
    return [
      dwords(.vpaddd, .map0F, 0xFE), dwords(.vpsubd, .map0F, 0xFA), dwords(.vpmulld, .map0F38, 0x40),
      dwords(.vpabsd, .map0F38, 0x1E, .oneSource),
      dwords(.vpminsd, .map0F38, 0x39), dwords(.vpmaxsd, .map0F38, 0x3D),
      logic(.vpand, .vpandd, 0xDB), logic(.vpor, .vpord, 0xEB), logic(.vpxor, .vpxord, 0xEF),
      shift(.vpslld, digit: 6), shift(.vpsrld, digit: 2), shift(.vpsrad, digit: 4),
      evexShift(.vprold, digit: 1),
      dwords(.vpsllvd, .map0F38, 0x47), dwords(.vpsrlvd, .map0F38, 0x45), dwords(.vpsravd, .map0F38, 0x46),
    ]
  }

  /// A shift by a constant; only EVEX can take what is shifted from memory.
  private static func shift(_ mnemonic: X86Mnemonic, digit: UInt8) -> [X86Form] {
    let opcode = X86Opcode(.p66, .map0F, 0x72, digit: digit)
    return avx2(mnemonic, opcode, [.vvvv(.vector), .rm(.vector), .byte]) + evexShift(mnemonic, digit: digit)
  }

  private static func evexShift(_ mnemonic: X86Mnemonic, digit: UInt8) -> [X86Form] {
    avx512(
      mnemonic, X86Opcode(.p66, .map0F, 0x72, digit: digit), [.vvvv(.vector), .rm(.vectorOrMemory), .byte],
      broadcastBytes: 4)
  }

  /// Comparisons and tests.
  static var integerComparisons: [[X86Form]] {
    let toMask: [OperandPattern] = [.reg(.mask), .vvvv(.vector), .rm(.vectorOrMemory)]
    func compare(_ mnemonic: X86Mnemonic, _ byte: UInt8) -> [X86Form] {
      avx512(
        mnemonic, X86Opcode(.p66, .map0F3A, byte), toMask + [.byte], broadcastBytes: 4, masking: .merging)
    }
    return [
      avx2(.vpcmpeqd, X86Opcode(.p66, .map0F, 0x76), .twoSources),
      avx2(.vpcmpgtd, X86Opcode(.p66, .map0F, 0x66), .twoSources),
      avx2(.vptest, X86Opcode(.p66, .map0F38, 0x17), .oneSource, firstOperand: .read),
      compare(.vpcmpd, 0x1F), compare(.vpcmpud, 0x1E),
      avx512(
        .vptestmd, X86Opcode(.p66, .map0F38, 0x27), toMask, broadcastBytes: 4, masking: .merging),
      avx512(.vptestmb, X86Opcode(.p66, .map0F38, 0x26), toMask, masking: .merging),
    ]
  }
}
