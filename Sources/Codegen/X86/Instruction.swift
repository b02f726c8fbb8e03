/// One instruction, jumps excepted (`Assembler` makes those).
///
/// Operands stand in the order of Intel's manuals, destination first. An instruction does not say how it is
/// encoded: the `VectorFamily` given to `encode` does.
package struct X86Instruction: Hashable, Sendable {
  package var mnemonic: X86Mnemonic
  /// The width that the instruction computes with: for one that changes widths, the wider side. Scalar forms,
  /// and those without vector operands, have xmm.
  package var width: VectorWidth
  package var operand0: X86Operand
  package var operand1: X86Operand
  package var operand2: X86Operand
  package var operand3: X86Operand
  /// The lanes that are written, AVX-512 only.
  package var mask: MaskRegister?
  /// Whether lanes outside `mask` become zero; otherwise they keep their value.
  package var zeroing: Bool

  package init(
    _ mnemonic: X86Mnemonic, _ width: VectorWidth, _ operand0: X86Operand = .none,
    _ operand1: X86Operand = .none, _ operand2: X86Operand = .none, _ operand3: X86Operand = .none,
    mask: MaskRegister? = nil, zeroing: Bool = false
  ) {
    self.mnemonic = mnemonic
    self.width = width
    self.operand0 = operand0
    self.operand1 = operand1
    self.operand2 = operand2
    self.operand3 = operand3
    self.mask = mask
    self.zeroing = zeroing
  }

  /// A scalar instruction, or one on general or mask registers.
  package init(
    _ mnemonic: X86Mnemonic, _ operand0: X86Operand = .none, _ operand1: X86Operand = .none,
    _ operand2: X86Operand = .none, _ operand3: X86Operand = .none,
    mask: MaskRegister? = nil, zeroing: Bool = false
  ) {
    self.init(
      mnemonic, .xmm, operand0, operand1, operand2, operand3, mask: mask, zeroing: zeroing)
  }

  package static let maximumOperandCount = 4

  package subscript(operand index: Int) -> X86Operand {
    get {
      switch index {
      case 0: operand0
      case 1: operand1
      case 2: operand2
      case 3: operand3
      default: preconditionFailure("Cinch bug: an instruction has no operand \(index)")
      }
    }
    set {
      switch index {
      case 0: operand0 = newValue
      case 1: operand1 = newValue
      case 2: operand2 = newValue
      case 3: operand3 = newValue
      default: preconditionFailure("Cinch bug: an instruction has no operand \(index)")
      }
    }
  }

  package var memory: MemoryOperand? {
    for index in 0..<Self.maximumOperandCount {
      if case .memory(let memory) = self[operand: index] { return memory }
    }
    return nil
  }
}
