import CinchCodegen
import Testing

@Suite struct X86InstructionTests {
  private let address = MemoryOperand(.rdi, index: .rcx, scale: .four, displacement: -64)

  @Test func textIsIntelSyntax() {
    let memory = X86Operand.memory(address)
    let element = X86Operand.memory(MemoryOperand(.r13, displacement: 8, broadcast: true))
    let expectations: [(X86Instruction, String)] = [
      (
        X86Instruction(.vaddps, .zmm, .vector(1), .vector(2), memory, mask: MaskRegister(3), zeroing: true),
        "vaddps zmm1{k3}{z}, zmm2, [rdi + rcx*4 - 64]"
      ),
      (
        X86Instruction(.vfmadd231ps, .ymm, .vector(9), .vector(30), element),
        "vfmadd231ps ymm9, ymm30, [r13 + 8]{1to8}"
      ),
      (X86Instruction(.vpmovzxbd, .zmm, .vector(1), .vector(2)), "vpmovzxbd zmm1, xmm2"),
      (
        X86Instruction(.vcmpps, .zmm, .mask(1), .vector(2), .vector(3), FloatPredicate.less.operand),
        "vcmpps k1, zmm2, zmm3, 17"
      ),
      (X86Instruction(.mov, .general32(.r9), .immediate(7)), "mov r9d, 7"),
      (X86Instruction(.add, .general64(.rsi), .immediate(-128)), "add rsi, -128"),
      (X86Instruction(.vzeroupper), "vzeroupper"),
    ]
    for (instruction, text) in expectations { #expect(instruction.assemblyText == text) }
  }

  @Test func whatCanNotBeEncodedIsRefused() {
    let k0 = MaskRegister(0)
    let k1 = MaskRegister(1)
    let broadcast = X86Operand.memory(MemoryOperand(.rax, broadcast: true))
    let lanes = X86Operand.memory(MemoryOperand(.rax, index: .vector(VectorRegister(2))))
    let refusals: [(VectorFamily, X86Instruction, X86EncodingError.Reason)] = [
      (.avx2, X86Instruction(.vaddps, .zmm, .vector(1), .vector(2), .vector(3)), .noSuchForm(.avx2)),
      (.avx2, X86Instruction(.vpxord, .ymm, .vector(1), .vector(2), .vector(3)), .noSuchForm(.avx2)),
      (.avx512, X86Instruction(.vpxor, .ymm, .vector(1), .vector(2), .vector(3)), .noSuchForm(.avx512)),
      (.avx2, X86Instruction(.vaddps, .ymm, .vector(1), .vector(2), broadcast), .noSuchForm(.avx2)),
      (.avx512, X86Instruction(.vmovss, .vector(1), broadcast), .noSuchForm(.avx512)),
      (.avx512, X86Instruction(.vaddps, .zmm, .vector(1), .vector(2)), .noSuchForm(.avx512)),
      (.avx512, X86Instruction(.vsqrtps, .zmm, .vector(1), .vector(2), .vector(3)), .noSuchForm(.avx512)),
      (.avx512, X86Instruction(.vaddps, .zmm, .vector(1), .vector(2), lanes), .noSuchForm(.avx512)),
      (.avx512, X86Instruction(.add, .general64(.rax), .general32(.rcx)), .noSuchForm(.avx512)),
      (.avx512, X86Instruction(.add, .general64(.rax), .immediate(0x8000_0000)), .noSuchForm(.avx512)),
      (
        .avx512, X86Instruction(.vpslld, .zmm, .vector(1), .vector(2), .immediate(256)), .noSuchForm(.avx512)
      ),
      (.avx2, X86Instruction(.vaddps, .ymm, .vector(16), .vector(2), .vector(3)), .registerOutOfReach),
      (.avx2, X86Instruction(.vaddps, .ymm, .vector(1), .vector(2), .vector(31)), .registerOutOfReach),
      (.avx2, X86Instruction(.vaddps, .ymm, .vector(1), .vector(2), .vector(3), mask: k1), .maskNotAllowed),
      (
        .avx512, X86Instruction(.vaddps, .zmm, .vector(1), .vector(2), .vector(3), mask: k0), .maskNotAllowed
      ),
      (
        .avx512, X86Instruction(.vaddps, .zmm, .vector(1), .vector(2), .vector(3), zeroing: true),
        .zeroingNotAllowed
      ),
      (
        .avx512, X86Instruction(.vmovups, .zmm, .memory(address), .vector(3), mask: k1, zeroing: true),
        .zeroingNotAllowed
      ),
      (.avx512, X86Instruction(.vgatherdps, .zmm, .vector(1), lanes), .maskRequired),
      (.avx512, X86Instruction(.vgatherdps, .zmm, .vector(2), lanes, mask: k1), .gatherRegistersOverlap),
      (.avx2, X86Instruction(.vgatherdps, .ymm, .vector(1), lanes, .vector(2)), .gatherRegistersOverlap),
      (.avx2, X86Instruction(.vgatherdps, .ymm, .vector(1), lanes, .vector(1)), .gatherRegistersOverlap),
      (
        .avx512,
        X86Instruction(.lea, .general64(.rax), .memory(MemoryOperand(.rcx, index: .rsp, scale: .one))),
        .indexIsStackPointer
      ),
    ]
    for (family, instruction, reason) in refusals {
      var bytes: [UInt8] = []
      let error = #expect(throws: X86EncodingError.self) {
        try instruction.encode(for: family, into: &bytes)
      }
      #expect(error?.reason == reason, "\(instruction)")
      #expect(bytes.isEmpty, "a refused instruction leaves no bytes")
    }
  }

  @Test func effectsNameTheRegistersReadAndWritten() throws {
    func registers(
      _ general: GeneralRegisterSet = [], vectors: [Int] = [], masks: [Int] = []
    ) -> X86Effects.Registers {
      var result = X86Effects.Registers()
      result.general = general
      for number in vectors { result.insert(.vector(number)) }
      for number in masks { result.insert(.mask(number)) }
      return result
    }
    let k1 = MaskRegister(1)
    let rdiAndRcx: GeneralRegisterSet = [GeneralRegisterSet(.rdi), GeneralRegisterSet(.rcx)]
    let lanes = X86Operand.memory(MemoryOperand(.rdi, index: .vector(VectorRegister(5))))
    let rdi = GeneralRegisterSet(.rdi)
    let expectations: [(X86Instruction, X86Effects.Registers, X86Effects.Registers)] = [
      (
        X86Instruction(.vaddps, .ymm, .vector(1), .vector(2), .vector(3)),
        registers(vectors: [2, 3]), registers(vectors: [1])
      ),
      (
        X86Instruction(.vfmadd231ps, .ymm, .vector(1), .vector(2), .memory(address)),
        registers(rdiAndRcx, vectors: [1, 2]), registers(vectors: [1])
      ),
      (
        X86Instruction(.vmovups, .zmm, .memory(address), .vector(3), mask: k1),
        registers(rdiAndRcx, vectors: [3], masks: [1]), registers()
      ),
      (
        X86Instruction(.vmovups, .zmm, .vector(3), .memory(address), mask: k1),
        registers(rdiAndRcx, vectors: [3], masks: [1]), registers(vectors: [3])
      ),
      (
        X86Instruction(.vmovups, .zmm, .vector(3), .memory(address), mask: k1, zeroing: true),
        registers(rdiAndRcx, masks: [1]), registers(vectors: [3])
      ),
      (
        X86Instruction(.vcmpps, .zmm, .mask(2), .vector(3), .vector(4), .immediate(0), mask: k1),
        registers(vectors: [3, 4], masks: [1]), registers(masks: [2])
      ),
      (
        X86Instruction(.vgatherdps, .zmm, .vector(3), lanes, mask: k1),
        registers(rdi, vectors: [3, 5], masks: [1]), registers(vectors: [3], masks: [1])
      ),
      (
        X86Instruction(.vgatherdps, .ymm, .vector(3), lanes, .vector(7)),
        registers(rdi, vectors: [3, 5, 7]), registers(vectors: [3, 7])
      ),
      (
        X86Instruction(.vpxor, .ymm, .vector(3), .vector(4), .vector(4)), registers(), registers(vectors: [3])
      ),
      (X86Instruction(.cmp, .general64(.rdi), .immediate(3)), registers(rdi), registers()),
      (X86Instruction(.add, .general64(.rdi), .immediate(3)), registers(rdi), registers(rdi)),
      (X86Instruction(.mov, .general32(.rdi), .immediate(3)), registers(), registers(rdi)),
    ]
    for (instruction, reads, writes) in expectations {
      let effects = try #require(instruction.effects)
      #expect(effects.reads == reads, "\(instruction)")
      #expect(effects.writes == writes, "\(instruction)")
    }
  }
}
