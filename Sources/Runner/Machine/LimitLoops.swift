import CinchCodegen

/// Loops of machine code that do nothing but what is measured: multiply-adds that don't wait for each other, or moving memory.
///
/// Each is a step of the ABI of all programs. It reads three numbers from its only input: the bytes between the workers' parts of
/// scratch, the bytes of one pass, and how many passes to make.
struct LimitLoops {
  enum Kind: String, CaseIterable {
    /// Registers only.
    case multiplyAdd = "multiply_add"
    case read
    /// From the first half of the bytes to the second.
    case copy
    /// x = x + c.
    case update
  }

  /// Of one multiply-add loop's pass.
  static let multiplyAddsPerPass = 96
  /// What lies between the halves of `copy`, so that loads don't look like they need the stores before them: caches compare the
  /// lowest twelve bits of addresses first.
  static let copyGap = 2048
  /// Passes cover multiples of this.
  static let granularity = 1 << 12

  let code: NativeCode
  private let functions: [Kind: StepFunction]

  init(_ family: VectorFamily) throws {
    var source = ""
    for kind in Kind.allCases { source += try Self.function(kind, family) }
    let code = try TinyCCompiler.compile(source)
    self.code = code
    functions = try Dictionary(
      uniqueKeysWithValues: Kind.allCases.map { ($0, try code.function($0.rawValue, as: StepFunction.self)) })
  }

  func function(_ kind: Kind) -> StepFunction {
    guard let function = functions[kind] else { preconditionFailure("no loop for \(kind): a bug in Cinch") }
    return function
  }

  private static func function(_ kind: Kind, _ family: VectorFamily) throws -> String {
    let code = try machineCode(kind, family)
    let bytes = code.bytes.map(String.init).joined(separator: ",")
    let clobbered = code.generalRegisters.registers.filter { $0 != .rax }.map { "\"\($0.name)\"" }
    return """
      int \(kind.rawValue)(unsigned char *state, unsigned char *scratch, unsigned char *const *inputs, long worker, long workers,
                           void (*barrier)(void *), void *context) {
        long frame[3];
        frame[0] = (long)(scratch + worker * ((long *)inputs[0])[0]);
        frame[1] = ((long *)inputs[0])[1];
        frame[2] = ((long *)inputs[0])[2];
        asm volatile(".byte \(bytes)" : : "a"(frame) : \(clobbered.joined(separator: ", ")), "memory");
        return 0;
      }

      """
  }

  /// rax points to base, bytes and passes.
  private static func machineCode(_ kind: Kind, _ family: VectorFamily) throws -> AssembledCode {
    var assembler = Assembler(family: family)
    let width = family.widest
    func word(_ index: Int32) -> X86Operand { .memory(MemoryOperand(.rax, displacement: 8 * index)) }
    func append(_ instruction: X86Instruction) throws { try assembler.append(instruction) }
    try append(X86Instruction(.mov, .general64(.rsi), word(0)))
    try append(X86Instruction(.mov, .general64(.rdx), word(1)))
    try append(X86Instruction(.mov, .general64(.rcx), word(2)))
    for register in 0..<16 {
      try append(X86Instruction(.vxorps, width, .vector(register), .vector(register), .vector(register)))
    }
    if kind == .copy { try append(X86Instruction(.shr, .general64(.rdx), .immediate(1))) }
    let pass = assembler.placeLabel()
    if kind == .multiplyAdd {
      // Twelve sums hide the latency: the unit takes two at a time, and each needs four cycles.
      for index in 0..<multiplyAddsPerPass {
        try append(X86Instruction(.vfmadd231ps, width, .vector(index % 12), .vector(12), .vector(13)))
      }
    } else {
      try append(X86Instruction(.mov, .general64(.rdi), .general64(.rsi)))
      let end = MemoryOperand(.rsi, index: .rdx, scale: .one)
      try append(X86Instruction(.lea, .general64(.r8), .memory(end)))
      let inner = assembler.placeLabel()
      try appendMoves(kind, family, to: &assembler)
      try append(X86Instruction(.cmp, .general64(.rdi), .general64(.r8)))
      assembler.jump(if: .below, to: inner)
    }
    try append(X86Instruction(.sub, .general64(.rcx), .immediate(1)))
    assembler.jump(if: .notEqual, to: pass)
    try append(X86Instruction(.vzeroupper))
    return assembler.finish()
  }

  /// Moves sixteen vectors at rdi, and rdi beyond them.
  private static func appendMoves(_ kind: Kind, _ family: VectorFamily, to assembler: inout Assembler) throws {
    let width = family.widest
    let bytes = family == .avx512 ? 64 as Int32 : 32
    for index in 0..<16 as Range<Int32> {
      let register = X86Operand.vector(Int(index % 12))
      let place = X86Operand.memory(MemoryOperand(.rdi, displacement: index * bytes))
      switch kind {
      case .multiplyAdd: break
      case .read: try assembler.append(X86Instruction(.vmovups, width, register, place))
      case .copy:
        try assembler.append(X86Instruction(.vmovups, width, register, place))
        let target = MemoryOperand(.rdi, index: .rdx, scale: .one, displacement: index * bytes + Int32(copyGap))
        try assembler.append(X86Instruction(.vmovups, width, .memory(target), register))
      case .update:
        try assembler.append(X86Instruction(.vaddps, width, register, .vector(12), place))
        try assembler.append(X86Instruction(.vmovups, width, place, register))
      }
    }
    try assembler.append(X86Instruction(.add, .general64(.rdi), .immediate(Int64(16 * bytes))))
  }
}
