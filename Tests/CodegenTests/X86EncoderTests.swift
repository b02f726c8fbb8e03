import CinchCodegen
import Testing

/// The encoder against the GNU assembler, byte for byte.
@Suite struct X86EncoderTests {
  @Test(arguments: VectorFamily.allCases)
  func everyFormEncodesLikeTheGNUAssembler(family: VectorFamily) throws {
    var instructions: [X86Instruction] = []
    var lines: [String] = []
    var reached: Set<Int> = []
    let indices = X86FormTable.all.indices.filter { X86FormTable.all[$0].families.contains(family) }
    for index in indices {
      let form = X86FormTable.all[index]
      for width in form.widths.isEmpty ? [.xmm] : form.widths.members {
        for instruction in X86FormSweep(form: form, family: family, width: width).instructions() {
          if let index = X86FormTable.firstIndex(for: instruction, in: family) { reached.insert(index) }
          instructions.append(instruction)
          lines.append(hint(form) + instruction.assemblyText)
        }
      }
    }
    for index in indices where !reached.contains(index) {
      Issue.record("no instruction gets this form: \(X86FormTable.all[index])")
    }

    let slots = try GNUAssembler.slots(for: lines)
    var failures = 0
    for (index, instruction) in instructions.enumerated() where failures < 20 {
      var bytes: [UInt8] = []
      try instruction.encode(for: family, into: &bytes)
      let padding = [UInt8](repeating: GNUAssembler.filler, count: GNUAssembler.slotBytes - bytes.count)
      if !slots[index].elementsEqual(bytes + padding) {
        failures += 1
        let expected = slots[index].reversed().drop { $0 == GNUAssembler.filler }.reversed()
        Issue.record("\(lines[index])\n  Cinch: \(hex(bytes))\n  as:    \(hex(expected))")
      }
    }
  }

  /// What the GNU assembler has to be told where an instruction has several encodings.
  private func hint(_ form: X86Form) -> String {
    if form.widths.isEmpty { return "" }
    switch form.encoding {
    case .legacy: return ""
    case .evex: return "{evex} "
    // Of a move between registers as would take the store's opcode where that is a byte shorter.
    case .vex: return form.mnemonic.name.hasPrefix("vmov") ? "{vex} {load} " : "{vex} "
    }
  }

  private func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined(separator: " ")
  }
}
