extension X86Form {
  /// Integer arithmetic, logic and shifts.
  static var integerArithmetic: [[X86Form]] {
    func dwords(
      _ mnemonic: X86Mnemonic, _ map: X86Opcode.Map, _ byte: UInt8, _ operands: [OperandPattern] = .twoSources
    ) -> [X86Form] {
      both(mnemonic, X86Opcode(.p66, map, byte), operands, broadcastBytes: 4)
    }
    func qwords(_ mnemonic: X86Mnemonic, _ map: X86Opcode.Map, _ byte: UInt8) -> [X86Form] {
      both(mnemonic, X86Opcode(.p66, map, byte, .evexW1), .twoSources, broadcastBytes: 8)
    }
    func logic(_ avx2Name: X86Mnemonic, _ avx512Name: X86Mnemonic, _ byte: UInt8) -> [X86Form] {
      avx2(avx2Name, X86Opcode(.p66, .map0F, byte), .twoSources)
        + avx512(avx512Name, X86Opcode(.p66, .map0F, byte), .twoSources, broadcastBytes: 4)
    }
    return [
      dwords(.vpaddd, .map0F, 0xFE), dwords(.vpsubd, .map0F, 0xFA),
      qwords(.vpaddq, .map0F, 0xD4), qwords(.vpsubq, .map0F, 0xFB),
      dwords(.vpmulld, .map0F38, 0x40), qwords(.vpmuludq, .map0F, 0xF4),
      dwords(.vpabsd, .map0F38, 0x1E, .oneSource),
      dwords(.vpminsd, .map0F38, 0x39), dwords(.vpmaxsd, .map0F38, 0x3D),
      dwords(.vpminud, .map0F38, 0x3B), dwords(.vpmaxud, .map0F38, 0x3F),
      logic(.vpand, .vpandd, 0xDB), logic(.vpandn, .vpandnd, 0xDF),
      logic(.vpor, .vpord, 0xEB), logic(.vpxor, .vpxord, 0xEF),
      avx512(
        .vpternlogd, X86Opcode(.p66, .map0F3A, 0x25), .twoSourcesAndByte, broadcastBytes: 4,
        firstOperand: .readWrite),
      shift(.vpslld, X86Opcode(.p66, .map0F, 0x72, digit: 6), 4),
      shift(.vpsrld, X86Opcode(.p66, .map0F, 0x72, digit: 2), 4),
      shift(.vpsrad, X86Opcode(.p66, .map0F, 0x72, digit: 4), 4),
      shift(.vpsllq, X86Opcode(.p66, .map0F, 0x73, .evexW1, digit: 6), 8),
      shift(.vpsrlq, X86Opcode(.p66, .map0F, 0x73, .evexW1, digit: 2), 8),
      avx512(
        .vprold, X86Opcode(.p66, .map0F, 0x72, digit: 1), [.vvvv(.vector), .rm(.vectorOrMemory), .byte],
        broadcastBytes: 4),
      dwords(.vpsllvd, .map0F38, 0x47), dwords(.vpsrlvd, .map0F38, 0x45),
      dwords(.vpsravd, .map0F38, 0x46),
      both(.vpsllvq, X86Opcode(.p66, .map0F38, 0x47, .w1), .twoSources, broadcastBytes: 8),
      both(.vpsrlvq, X86Opcode(.p66, .map0F38, 0x45, .w1), .twoSources, broadcastBytes: 8),
    ]
  }

  /// A shift by a constant; only EVEX can take what is shifted from memory.
  private static func shift(
    _ mnemonic: X86Mnemonic, _ opcode: X86Opcode, _ elementBytes: Int
  ) -> [X86Form] {
    avx2(mnemonic, opcode, [.vvvv(.vector), .rm(.vector), .byte])
      + avx512(
        mnemonic, opcode, [.vvvv(.vector), .rm(.vectorOrMemory), .byte], broadcastBytes: elementBytes)
  }

  /// Comparisons and tests, and moves between masks in vector registers and elsewhere.
  static var integerComparisons: [[X86Form]] {
    let toMask: [OperandPattern] = [.reg(.mask), .vvvv(.vector), .rm(.vectorOrMemory)]
    func compare(_ mnemonic: X86Mnemonic, _ byte: UInt8, _ wide: X86Opcode.Wide, _ bytes: Int) -> [X86Form] {
      avx512(
        mnemonic, X86Opcode(.p66, .map0F3A, byte, wide), toMask + [.byte], broadcastBytes: bytes,
        masking: .merging)
    }
    func move(
      _ mnemonic: X86Mnemonic, _ byte: UInt8, _ operands: [OperandPattern]
    ) -> [X86Form] {
      avx512(mnemonic, X86Opcode(.pF3, .map0F38, byte), operands, masking: .none)
    }
    return [
      avx2(.vpcmpeqd, X86Opcode(.p66, .map0F, 0x76), .twoSources),
      avx2(.vpcmpgtd, X86Opcode(.p66, .map0F, 0x66), .twoSources),
      avx2(.vpcmpeqq, X86Opcode(.p66, .map0F38, 0x29), .twoSources),
      avx2(.vpcmpgtq, X86Opcode(.p66, .map0F38, 0x37), .twoSources),
      compare(.vpcmpd, 0x1F, .w0, 4), compare(.vpcmpud, 0x1E, .w0, 4),
      compare(.vpcmpq, 0x1F, .w1, 8), compare(.vpcmpuq, 0x1E, .w1, 8),
      compare(.vpcmpb, 0x3F, .w0, 0), compare(.vpcmpub, 0x3E, .w0, 0),
      avx512(
        .vptestmd, X86Opcode(.p66, .map0F38, 0x27), toMask, broadcastBytes: 4, masking: .merging),
      avx512(
        .vptestnmd, X86Opcode(.pF3, .map0F38, 0x27), toMask, broadcastBytes: 4, masking: .merging),
      avx512(.vptestmb, X86Opcode(.p66, .map0F38, 0x26), toMask, masking: .merging),
      avx2(.vptest, X86Opcode(.p66, .map0F38, 0x17), .oneSource, firstOperand: .read),
      move(.vpmovd2m, 0x39, [.reg(.mask), .rm(.vector)]),
      move(.vpmovb2m, 0x29, [.reg(.mask), .rm(.vector)]),
      move(.vpmovm2d, 0x38, [.reg(.vector), .rm(.mask)]),
      move(.vpmovm2b, 0x28, [.reg(.vector), .rm(.mask)]),
      avx2(.vmovmskps, X86Opcode(.none, .map0F, 0x50), [.reg(.general32), .rm(.vector)]),
      avx2(.vmovmskpd, X86Opcode(.p66, .map0F, 0x50), [.reg(.general32), .rm(.vector)]),
      avx2(.vpmovmskb, X86Opcode(.p66, .map0F, 0xD7), [.reg(.general32), .rm(.vector)]),
    ]
  }
}
