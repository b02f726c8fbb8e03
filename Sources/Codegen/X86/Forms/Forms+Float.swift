extension X86Form {
  /// Arithmetic, logic, comparison, selection and rounding on Float32 and Float64.
  static var floatArithmetic: [[X86Form]] {
    var forms: [[X86Form]] = []
    let arithmetic: [(UInt8, X86Mnemonic, X86Mnemonic, X86Mnemonic, X86Mnemonic)] = [
      (0x58, .vaddps, .vaddpd, .vaddss, .vaddsd),
      (0x59, .vmulps, .vmulpd, .vmulss, .vmulsd),
      (0x5C, .vsubps, .vsubpd, .vsubss, .vsubsd),
      (0x5D, .vminps, .vminpd, .vminss, .vminsd),
      (0x5E, .vdivps, .vdivpd, .vdivss, .vdivsd),
      (0x5F, .vmaxps, .vmaxpd, .vmaxss, .vmaxsd),
    ]
    for (byte, single, double, scalarSingle, scalarDouble) in arithmetic {
      forms += [
        both(single, X86Opcode(.none, .map0F, byte), .twoSources, broadcastBytes: 4),
        both(double, X86Opcode(.p66, .map0F, byte, .evexW1), .twoSources, broadcastBytes: 8),
        both(
          scalarSingle, X86Opcode(.pF3, .map0F, byte), .twoScalarSources(.bytes4), widths: .scalar),
        both(
          scalarDouble, X86Opcode(.pF2, .map0F, byte, .evexW1), .twoScalarSources(.bytes8),
          widths: .scalar),
      ]
    }
    forms += [
      both(.vsqrtps, X86Opcode(.none, .map0F, 0x51), .oneSource, broadcastBytes: 4),
      both(.vsqrtpd, X86Opcode(.p66, .map0F, 0x51, .evexW1), .oneSource, broadcastBytes: 8),
      both(.vsqrtss, X86Opcode(.pF3, .map0F, 0x51), .twoScalarSources(.bytes4), widths: .scalar),
      both(
        .vsqrtsd, X86Opcode(.pF2, .map0F, 0x51, .evexW1), .twoScalarSources(.bytes8), widths: .scalar),
    ]
    let logic: [(UInt8, X86Mnemonic, X86Mnemonic)] = [
      (0x54, .vandps, .vandpd), (0x55, .vandnps, .vandnpd), (0x56, .vorps, .vorpd),
      (0x57, .vxorps, .vxorpd),
    ]
    for (byte, single, double) in logic {
      forms += [
        both(single, X86Opcode(.none, .map0F, byte), .twoSources, broadcastBytes: 4),
        both(double, X86Opcode(.p66, .map0F, byte, .evexW1), .twoSources, broadcastBytes: 8),
      ]
    }
    return forms + comparisons + selections + rounding
  }

  private static var comparisons: [[X86Form]] {
    let rows: [(X86Mnemonic, X86Opcode, OperandPattern.Extent, VectorWidths, Int)] = [
      (.vcmpps, X86Opcode(.none, .map0F, 0xC2), .full, .all, 4),
      (.vcmppd, X86Opcode(.p66, .map0F, 0xC2, .evexW1), .full, .all, 8),
      (.vcmpss, X86Opcode(.pF3, .map0F, 0xC2), .bytes4, .scalar, 0),
      (.vcmpsd, X86Opcode(.pF2, .map0F, 0xC2, .evexW1), .bytes8, .scalar, 0),
    ]
    return rows.map { mnemonic, opcode, memory, widths, broadcastBytes in
      let sources: [OperandPattern] = [.vvvv(.vector), .rm(.vectorOrMemory, memory), .byte]
      return avx2(mnemonic, opcode, [.reg(.vector)] + sources, widths: widths)
        + avx512(
          mnemonic, opcode, [.reg(.mask)] + sources, widths: widths, broadcastBytes: broadcastBytes,
          masking: .merging)
    }
  }

  private static var selections: [[X86Form]] {
    let withSelector: [OperandPattern] =
      .twoSources + [OperandPattern(slot: .is4, kind: .vector, extent: .full)]
    return [
      avx2(.vblendvps, X86Opcode(.p66, .map0F3A, 0x4A), withSelector),
      avx2(.vblendvpd, X86Opcode(.p66, .map0F3A, 0x4B), withSelector),
      avx2(.vpblendvb, X86Opcode(.p66, .map0F3A, 0x4C), withSelector),
      avx2(.vblendps, X86Opcode(.p66, .map0F3A, 0x0C), .twoSourcesAndByte),
      avx2(.vpblendd, X86Opcode(.p66, .map0F3A, 0x02), .twoSourcesAndByte),
      avx512(.vblendmps, X86Opcode(.p66, .map0F38, 0x65), .twoSources, broadcastBytes: 4),
      avx512(.vblendmpd, X86Opcode(.p66, .map0F38, 0x65, .w1), .twoSources, broadcastBytes: 8),
      avx512(.vpblendmd, X86Opcode(.p66, .map0F38, 0x64), .twoSources, broadcastBytes: 4),
      avx512(.vpblendmq, X86Opcode(.p66, .map0F38, 0x64, .w1), .twoSources, broadcastBytes: 8),
    ]
  }

  private static var rounding: [[X86Form]] {
    let single: [OperandPattern] = .twoScalarSources(.bytes4) + [.byte]
    let double: [OperandPattern] = .twoScalarSources(.bytes8) + [.byte]
    return [
      avx2(.vroundps, X86Opcode(.p66, .map0F3A, 0x08), .oneSourceAndByte),
      avx2(.vroundpd, X86Opcode(.p66, .map0F3A, 0x09), .oneSourceAndByte),
      avx2(.vroundss, X86Opcode(.p66, .map0F3A, 0x0A), single, widths: .scalar),
      avx2(.vroundsd, X86Opcode(.p66, .map0F3A, 0x0B), double, widths: .scalar),
      avx512(.vrndscaleps, X86Opcode(.p66, .map0F3A, 0x08), .oneSourceAndByte, broadcastBytes: 4),
      avx512(.vrndscalepd, X86Opcode(.p66, .map0F3A, 0x09, .w1), .oneSourceAndByte, broadcastBytes: 8),
      avx512(.vrndscaless, X86Opcode(.p66, .map0F3A, 0x0A), single, widths: .scalar),
      avx512(.vrndscalesd, X86Opcode(.p66, .map0F3A, 0x0B, .w1), double, widths: .scalar),
    ]
  }

  static var floatConversions: [[X86Form]] {
    let narrowing: [OperandPattern] = [.reg(.vector, .half), .rm(.vectorOrMemory)]
    let widening: [OperandPattern] = [.reg(.vector), .rm(.vectorOrMemory, .half)]
    return [
      both(.vcvtps2pd, X86Opcode(.none, .map0F, 0x5A), widening, broadcastBytes: 4),
      both(
        .vcvtpd2ps, X86Opcode(.p66, .map0F, 0x5A, .evexW1), narrowing, broadcastBytes: 8,
        spellsMemorySize: true),
      both(.vcvtss2sd, X86Opcode(.pF3, .map0F, 0x5A), .twoScalarSources(.bytes4), widths: .scalar),
      both(
        .vcvtsd2ss, X86Opcode(.pF2, .map0F, 0x5A, .evexW1), .twoScalarSources(.bytes8),
        widths: .scalar),
      both(.vcvttps2dq, X86Opcode(.pF3, .map0F, 0x5B), .oneSource, broadcastBytes: 4),
      both(.vcvtps2dq, X86Opcode(.p66, .map0F, 0x5B), .oneSource, broadcastBytes: 4),
      both(.vcvtdq2ps, X86Opcode(.none, .map0F, 0x5B), .oneSource, broadcastBytes: 4),
      both(
        .vcvttpd2dq, X86Opcode(.p66, .map0F, 0xE6, .evexW1), narrowing, broadcastBytes: 8,
        spellsMemorySize: true),
      both(.vcvtdq2pd, X86Opcode(.pF3, .map0F, 0xE6), widening, broadcastBytes: 4),
    ]
  }
}
