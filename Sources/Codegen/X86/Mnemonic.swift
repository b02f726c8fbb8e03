/// The name of an instruction; its forms stand in the tables under Forms/.
package enum X86Mnemonic: UInt16, Hashable, Sendable, BitwiseCopyable, CaseIterable {
  // Vector moves
  case vmovups, vmovaps, vmovupd, vmovapd, vmovss, vmovsd, vmovd, vmovq, vmovntps
  case vmovdqu, vmovdqa, vmovdqu8, vmovdqu16, vmovdqu32, vmovdqu64, vmovdqa32
  case vmaskmovps, vmaskmovpd, vpmaskmovd, vpmaskmovq
  case vbroadcastss, vbroadcastsd, vpbroadcastb, vpbroadcastd, vpbroadcastq
  case vgatherdps, vgatherdpd, vpgatherdd

  // Float arithmetic
  case vaddps, vsubps, vmulps, vdivps, vminps, vmaxps, vsqrtps
  case vaddpd, vsubpd, vmulpd, vdivpd, vminpd, vmaxpd, vsqrtpd
  case vaddss, vsubss, vmulss, vdivss, vminss, vmaxss, vsqrtss
  case vaddsd, vsubsd, vmulsd, vdivsd, vminsd, vmaxsd, vsqrtsd
  case vandps, vandnps, vorps, vxorps, vandpd, vandnpd, vorpd, vxorpd
  case vcmpps, vcmppd, vcmpss, vcmpsd
  case vblendvps, vblendvpd, vblendps, vblendmps, vblendmpd
  case vroundps, vroundpd, vroundss, vroundsd, vrndscaleps, vrndscalepd, vrndscaless, vrndscalesd
  case vcvtps2pd, vcvtpd2ps, vcvtss2sd, vcvtsd2ss
  case vcvttps2dq, vcvtps2dq, vcvtdq2ps, vcvttpd2dq, vcvtdq2pd

  // Fused multiply and add: the digits name the operands as (multiplied, multiplied, added)
  case vfmadd132ps, vfmadd213ps, vfmadd231ps, vfmsub132ps, vfmsub213ps, vfmsub231ps
  case vfnmadd132ps, vfnmadd213ps, vfnmadd231ps, vfnmsub132ps, vfnmsub213ps, vfnmsub231ps
  case vfmadd132pd, vfmadd213pd, vfmadd231pd, vfmsub132pd, vfmsub213pd, vfmsub231pd
  case vfnmadd132pd, vfnmadd213pd, vfnmadd231pd, vfnmsub132pd, vfnmsub213pd, vfnmsub231pd
  case vfmadd132ss, vfmadd213ss, vfmadd231ss, vfmsub132ss, vfmsub213ss, vfmsub231ss
  case vfnmadd132ss, vfnmadd213ss, vfnmadd231ss, vfnmsub132ss, vfnmsub213ss, vfnmsub231ss
  case vfmadd132sd, vfmadd213sd, vfmadd231sd, vfmsub132sd, vfmsub213sd, vfmsub231sd
  case vfnmadd132sd, vfnmadd213sd, vfnmadd231sd, vfnmsub132sd, vfnmsub213sd, vfnmsub231sd

  // Integer arithmetic
  case vpaddd, vpsubd, vpaddq, vpsubq, vpmulld, vpmuludq, vpabsd
  case vpminsd, vpmaxsd, vpminud, vpmaxud
  case vpand, vpandn, vpor, vpxor, vpandd, vpandnd, vpord, vpxord
  case vpternlogd
  case vpslld, vpsrld, vpsrad, vpsllq, vpsrlq, vprold
  case vpsllvd, vpsrlvd, vpsravd, vpsllvq, vpsrlvq
  case vpcmpeqd, vpcmpgtd, vpcmpeqq, vpcmpgtq
  case vpcmpd, vpcmpud, vpcmpq, vpcmpuq, vpcmpb, vpcmpub
  case vptestmd, vptestnmd, vptestmb, vptest
  case vpmovd2m, vpmovm2d, vpmovb2m, vpmovm2b, vmovmskps, vmovmskpd, vpmovmskb
  case vpblendvb, vpblendd, vpblendmd, vpblendmq

  // Width changes and lane shuffles
  case vpmovzxbd, vpmovsxbd, vpmovzxwd, vpmovsxwd, vpmovzxbq, vpmovzxdq, vpmovdb, vpmovdw, vpmovqb, vpmovqd
  case vpackssdw, vpacksswb, vpackusdw, vpackuswb, vpextrb
  case vpermq, vpermd, vpermps, vpermt2ps, vpermi2ps, vpermilps, vpermilpd
  case vshufps, vshufpd, vpshufd, vshuff32x4, vshuff64x2, vshufi32x4
  case vunpcklps, vunpckhps, vunpcklpd, vunpckhpd
  case vpunpckldq, vpunpckhdq, vpunpcklqdq, vpunpckhqdq
  case vmovhlps, vmovlhps, vmovshdup, vmovsldup
  case vextractf128, vextracti128, vextractf32x4, vextracti32x4, vextractf32x8, vextractf64x4
  case vinsertf128, vinserti128, vinsertf32x4, vinserti32x4, vinsertf32x8, vinsertf64x4
  case vperm2f128, vperm2i128

  // Mask registers
  case kmovb, kmovw, kmovd, kmovq
  case kandw, kandnw, korw, kxorw, kxnorw, knotw, kortestw
  case kandq, kandnq, korq, kxorq, kxnorq, knotq, kortestq
  case kshiftlw, kshiftrw, kshiftlq, kshiftrq

  // General registers, memory and control
  case mov, movsxd, movzx, lea
  case add, sub, and, or, xor, cmp, test, imul, shl, shr, sar, inc, dec, neg, not
  case prefetcht0, prefetcht1, prefetchnta, sfence, vzeroupper, ret

  package var name: String { Self.names[Int(rawValue)] }

  private static let names: [String] = allCases.map { "\($0)" }
}
