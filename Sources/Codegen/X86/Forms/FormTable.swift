/// All forms that the encoder knows, those of one mnemonic side by side.
package enum X86FormTable {
  package static let all: [X86Form] = built.forms

  /// The positions in `all` of a mnemonic's forms; earlier forms are preferred.
  static func indices(of mnemonic: X86Mnemonic) -> Range<Int> {
    let starts = built.starts
    return starts[Int(mnemonic.rawValue)]..<starts[Int(mnemonic.rawValue) + 1]
  }

  /// The position in `all` of the form that an instruction gets.
  package static func firstIndex(for instruction: X86Instruction, in family: VectorFamily?) -> Int? {
    for index in indices(of: instruction.mnemonic) {
      if let family, !all[index].families.contains(family) { continue }
      if all[index].accepts(instruction) { return index }
    }
    return nil
  }

  private static let built: (forms: [X86Form], starts: [Int]) = {
    let families: [[[X86Form]]] = [
      X86Form.vectorMoves, X86Form.floatArithmetic, X86Form.fusedMultiplyAdd, X86Form.floatConversions,
      X86Form.integerArithmetic, X86Form.integerComparisons, X86Form.widthChanges, X86Form.shuffles,
      X86Form.maskRegisters, X86Form.generalRegisters, X86Form.control,
    ]
    // A counting sort by mnemonic, which keeps the order of the tables within one.
    var buckets = [[X86Form]](repeating: [], count: X86Mnemonic.allCases.count)
    for family in families {
      for forms in family {
        for form in forms { buckets[Int(form.mnemonic.rawValue)].append(form) }
      }
    }
    var forms: [X86Form] = []
    var starts: [Int] = []
    for bucket in buckets {
      starts.append(forms.count)
      forms += bucket
    }
    starts.append(forms.count)
    return (forms, starts)
  }()
}
