import Testing

@testable import CinchRunner

/// libtcc accepts vector instructions as `.byte` lines: the ground that the vector back end stands on.
@Suite struct NativeInlineAssemblyTests {
  /// `sum[i] = left[i] + right[i]` for one vector, the instructions given as their encodings.
  private func addVectors(_ instructions: [(bytes: [UInt8], text: String)], lanes: Int) throws {
    let lines = instructions.map { instruction in
      let bytes = instruction.bytes.map { "0x" + String($0, radix: 16) }.joined(separator: ", ")
      return "\".byte \(bytes)\\n\" /* \(instruction.text) */"
    }
    let code = try TinyCCompiler.compile(
      """
      int step(unsigned char *state, unsigned char *scratch, unsigned char *const *inputs, long worker,
               long workers, void (*barrier)(void *), void *context) {
        __asm__ volatile(
          \(lines.joined(separator: "\n    "))
          : : "a"(state), "c"(scratch), "d"(inputs[0]) : "memory", "rbx", "r12");
        return 0;
      }
      """)
    let left = (0..<lanes).map { Float($0) + 0.5 }
    let right = (0..<lanes).map { Float($0 * $0) }
    let segments = try (0..<3).map { _ in try MemorySegment(byteCount: 4 * lanes) }
    segments[1].write(left, at: 0)
    segments[2].write(right, at: 0)
    var inputs: [UnsafeMutablePointer<UInt8>?] = [segments[2].baseAddress.assumingMemoryBound(to: UInt8.self)]
    let pool = try WorkerPool(workerCount: 1)
    let step = try code.function("step", as: StepFunction.self)
    let result = pool.run(
      step, state: segments[0].baseAddress, scratch: segments[1].baseAddress, inputs: &inputs)
    #expect(result == 0)
    #expect(segments[0].read(at: 0, count: lanes, as: Float.self) == zip(left, right).map(+))
    #expect(code.warnings == [])
  }

  @Test(.enabled(if: ProcessorFeatures.current.hasAVX2AndFMA))
  func vectorsOf32BytesAreAdded() throws {
    try addVectors(
      [
        ([0xC5, 0xFC, 0x10, 0x01], "vmovups ymm0, [rcx]"),
        ([0xC5, 0xFC, 0x58, 0x02], "vaddps ymm0, ymm0, [rdx]"),
        ([0xC5, 0xFC, 0x11, 0x00], "vmovups [rax], ymm0"),
        ([0xC5, 0xF8, 0x77], "vzeroupper"),
      ], lanes: 8)
  }

  @Test(.enabled(if: ProcessorFeatures.current.hasAVX512))
  func vectorsOf64BytesAreAdded() throws {
    try addVectors(
      [
        ([0x62, 0xF1, 0x7C, 0x48, 0x10, 0x01], "vmovups zmm0, [rcx]"),
        ([0x62, 0xF1, 0x7C, 0x48, 0x58, 0x02], "vaddps zmm0, zmm0, [rdx]"),
        ([0x62, 0xF1, 0x7C, 0x48, 0x11, 0x00], "vmovups [rax], zmm0"),
        ([0xC5, 0xF8, 0x77], "vzeroupper"),
      ], lanes: 16)
  }

  @Test func unknownInstructionIsAnErrorAtItsBlock() throws {
    let error = try #require(throws: NativeError.self) {
      try TinyCCompiler.compile("int f(int x) {\n  __asm__ volatile(\"bogus\");\n  return x;\n}")
    }
    #expect(error.description.contains("unknown opcode 'bogus'"))
    #expect(error.description.contains("> 2 |   __asm__"))
  }
}
