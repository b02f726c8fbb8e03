/// The name of an instruction that this project emits; its forms stand in the tables under Forms/.
package enum X86Mnemonic: UInt16, Hashable, Sendable, BitwiseCopyable, CaseIterable {
  // Vector moves
  case vmovups, vmovaps, vmovss, vmovd, vmovq, vmovdqu8
  case vmaskmovps, vbroadcastss, vpbroadcastb, vgatherdps

  // Float arithmetic
  case vaddps, vsubps, vmulps, vdivps, vminps, vmaxps, vsqrtps
  case vandps, vandnps, vorps, vxorps
  case vcmpps, vblendvps, vblendmps
  case vcvttps2dq, vcvtdq2ps

  // Fused multiply and add: the digits name the operands as (multiplied, multiplied, added)
  case vfmadd132ps, vfmadd213ps, vfmadd231ps

  // Integer arithmetic
  case vpaddd, vpsubd, vpmulld, vpabsd, vpminsd, vpmaxsd
  case vpand, vpor, vpxor, vpandd, vpord, vpxord
  case vpslld, vpsrld, vpsrad, vpsllvd, vpsrlvd, vpsravd, vprold
  case vpcmpeqd, vpcmpgtd, vpcmpd, vpcmpud, vptestmd, vptestmb, vptest
  case vpblendd

  // Width changes and lane shuffles
  case vpmovzxbd, vpackssdw, vpacksswb, vpextrb, vextractps
  case vpermilps, vshufps, vshuff32x4, vperm2f128
  case vunpcklps, vunpckhps, vunpcklpd, vunpckhpd, vmovshdup
  case vextractf128, vextractf32x4, vextractf32x8

  // Mask registers
  case kmovw, kandw, kandnw, korw, kxorw, kxnorw, knotw, kortestw

  // General registers, memory and control
  case mov, lea, add, sub, cmp, imul, shr, dec
  case prefetcht0, vzeroupper

  package var name: String { Self.names[Int(rawValue)] }

  private static let names: [String] = allCases.map { "\($0)" }
}
