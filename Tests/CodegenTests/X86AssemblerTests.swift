import CinchCodegen
import Testing

@Suite struct X86AssemblerTests {
  /// The code as the GNU assembler makes it from the listing. Forward jumps are always of the far kind, and
  /// those back take the near kind where it reaches, which is `as`'s own rule.
  private func bytesOfGNUAssembler(_ code: AssembledCode) throws -> [UInt8] {
    var source = ".intel_syntax noprefix\n.text\n"
    var placed: Set<Assembler.Label> = []
    for line in code.lines {
      switch line.content {
      case .label(let label): placed.insert(label)
      case .jump(_, let label) where !placed.contains(label): source += "{disp32} "
      case .jump, .instruction: break
      }
      source += line.text + "\n"
    }
    return try GNUAssembler.assemble(source)
  }

  @Test(arguments: X86Condition.allCases.map { $0 as X86Condition? } + [nil])
  func jumpsReachTheirLabels(condition: X86Condition?) throws {
    let filler = X86Instruction(.add, .general64(.rax), .immediate(0x1234))
    // A near jump takes two bytes and the filler six: the distance back crosses -128 within the range.
    for fillers in [0, 1, 20, 21, 22, 400] {
      var assembler = Assembler(family: .avx2)
      let end = assembler.makeLabel()
      let start = assembler.placeLabel()
      assembler.jump(if: condition, to: end)
      for _ in 0..<fillers { try assembler.append(filler) }
      assembler.jump(if: condition, to: start)
      try assembler.append(filler)
      assembler.place(end)
      assembler.jump(if: condition, to: end)
      let code = assembler.finish()
      #expect(try code.bytes == bytesOfGNUAssembler(code), "\(fillers) instructions between")
    }
  }

  @Test func backwardJumpsAreNearToTheLastByteThatIsNear() throws {
    // These take three bytes and four: 126 in all, then 127.
    let three = X86Instruction(.vzeroupper)
    let four = X86Instruction(.add, .general64(.rax), .immediate(1))
    for (last, expected) in [(three, 2), (four, 5)] {
      var assembler = Assembler(family: .avx2)
      let start = assembler.placeLabel()
      for _ in 0..<41 { try assembler.append(three) }
      try assembler.append(last)
      assembler.jump(to: start)
      #expect(assembler.lines.last?.length == expected)
      let code = assembler.finish()
      #expect(try code.bytes == bytesOfGNUAssembler(code))
    }
  }

  @Test func theListingAccountsForEveryByte() throws {
    var assembler = Assembler(family: .avx512)
    try assembler.append(
      X86Instruction(.vxorps, .zmm, .vector(0), .vector(0), .vector(0)))
    let loop = assembler.placeLabel()
    let address = MemoryOperand(.rsi, index: .rcx, scale: .four)
    try assembler.append(X86Instruction(.vaddps, .zmm, .vector(0), .vector(0), .memory(address)))
    try assembler.append(X86Instruction(.sub, .general64(.rcx), .immediate(16)))
    assembler.jump(if: .notEqual, to: loop)
    #expect(assembler.usesWideVectors)
    #expect(assembler.generalRegisters.registers == [.rcx, .rsi])
    let code = assembler.finish()
    #expect(
      code.lines.map(\.text) == [
        "vxorps zmm0, zmm0, zmm0", "L0:", "vaddps zmm0, zmm0, [rsi + rcx*4]", "sub rcx, 16", "jne L0",
      ])
    var offset = 0
    for line in code.lines {
      #expect(line.offset == offset)
      offset += line.length
    }
    #expect(offset == code.bytes.count)
  }

  @Test(arguments: [GeneralRegister.rsp, .rbp])
  func registersOfTheCCompilerAreRefused(register: GeneralRegister) throws {
    let uses = [
      X86Instruction(.mov, .general64(register), .general64(.rax)),
      X86Instruction(.mov, .general64(.rax), .general64(register)),
      X86Instruction(.mov, .general64(.rax), .memory(MemoryOperand(register))),
    ]
    var assembler = Assembler(family: .avx2)
    for instruction in uses {
      let error = #expect(throws: X86EncodingError.self) { try assembler.append(instruction) }
      #expect(error?.reason == .reservedRegister)
    }
    #expect(assembler.bytes.isEmpty && assembler.lines.isEmpty)
    #expect(!register.isAllocatable && !GeneralRegister.allocatable.contains(register))
  }

  @Test func aRegisterReadBeforeItIsWrittenIsFound() throws {
    let rsi = GeneralRegisterSet(.rsi)
    let load = X86Instruction(.vmovups, .ymm, .vector(1), .memory(MemoryOperand(.rsi)))
    let add = X86Instruction(.vaddps, .ymm, .vector(2), .vector(1), .vector(2))
    let zero = X86Instruction(.vxorps, .ymm, .vector(2), .vector(2), .vector(2))
    func firstMistake(_ instructions: [X86Instruction], _ inputs: GeneralRegisterSet) throws -> String? {
      var assembler = Assembler(family: .avx2)
      for instruction in instructions { try assembler.append(instruction) }
      return assembler.finish().firstUseOfUndefinedRegister(inputs: inputs)?.text
    }
    #expect(try firstMistake([load, zero, add], rsi) == nil)
    #expect(try firstMistake([load, add], rsi) == add.assemblyText)
    #expect(try firstMistake([zero, load, add], []) == load.assemblyText)
  }
}
