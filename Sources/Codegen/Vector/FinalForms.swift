/// Settles which operand an instruction overwrites, once it is known where values die: a fused multiply-add can
/// replace any of its three, a gather the zeros it starts from.
enum FinalForms {
  static func settle(_ code: inout MachineCode) {
    let ranges = LiveRanges(code)
    var lines: [MachineLine] = []
    lines.reserveCapacity(code.lines.count + 8)
    for (index, line) in code.lines.enumerated() {
      guard case .instruction(var instruction) = line else {
        lines.append(line)
        continue
      }
      if instruction.kind == .fusedMultiplyAdd { chooseForm(&instruction, at: index, code, ranges) }
      if let tied = instruction.tied, let destination = instruction.definition, tied != destination,
        !isLastUse(tied, at: index, code, ranges) || ranges.start[destination.index] < 2 * index
      {
        tie(instruction, to: tied, destination, &code, &lines)
      } else {
        lines.append(.instruction(instruction))
      }
    }
    code.lines = lines
  }

  /// Copies the tied value to where the instruction can overwrite it.
  private static func tie(
    _ original: MachineInstruction, to tied: VirtualRegister, _ destination: VirtualRegister,
    _ code: inout MachineCode, _ lines: inout [MachineLine]
  ) {
    var instruction = original
    var isRead = false
    instruction.tied = nil
    instruction.forEachUse { if $0 == destination { isRead = true } }
    // A carried value may be an operand and the result.
    let target = isRead ? code.makeRegister(isMask: false) : destination
    if let remat = code[tied].remat {
      lines.append(.instruction(code.materialize(remat, into: target)))
    } else {
      lines.append(.instruction(code.copy(tied, into: target)))
    }
    instruction.tied = target
    instruction.destination = .register(target)
    lines.append(.instruction(instruction))
    if isRead { lines.append(.instruction(code.copy(target, into: destination))) }
  }

  private static func isLastUse(
    _ register: VirtualRegister, at line: Int, _ code: MachineCode, _ ranges: LiveRanges
  ) -> Bool {
    ranges.dies(register, at: line) && code[register].remat == nil
  }

  /// `first · second + third` as the form whose overwritten operand is the destination, or dies here.
  private static func chooseForm(
    _ instruction: inout MachineInstruction, at line: Int, _ code: MachineCode, _ ranges: LiveRanges
  ) {
    let (a, b, c) = (instruction.first, instruction.second, instruction.third)
    func suits(_ operand: MachineOperand) -> Int {
      guard let register = operand.register else { return -1 }
      if register == instruction.definition { return 2 }
      return isLastUse(register, at: line, code, ranges) ? 1 : 0
    }
    let scores = (suits(a), suits(b), suits(c))
    instruction.kind = .plain
    instruction.commutes = false
    instruction.third = .none
    if scores.2 >= scores.0 && scores.2 >= scores.1 {
      // c = a · b + c; memory stands last.
      instruction.mnemonic = .vfmadd231ps
      instruction.tied = c.register
      if case .memory = a { (instruction.first, instruction.second) = (b, a) }
      instruction.commutes = instruction.memory == nil
      return
    }
    let (tied, other) = scores.0 >= scores.1 ? (a, b) : (b, a)
    instruction.tied = tied.register
    if case .memory = other {
      // a = a · memory + c
      instruction.mnemonic = .vfmadd132ps
      (instruction.first, instruction.second) = (c, other)
    } else {
      // a = b · a + c
      instruction.mnemonic = .vfmadd213ps
      (instruction.first, instruction.second) = (other, c)
    }
  }
}
