extension X86Form {
  /// The fused forms: four signs, three orders of operands, four element kinds, all from one pattern of
  /// opcodes.
  static var fusedMultiplyAdd: [[X86Form]] {
    let singles: [[X86Mnemonic]] = [
      [.vfmadd132ps, .vfmsub132ps, .vfnmadd132ps, .vfnmsub132ps],
      [.vfmadd213ps, .vfmsub213ps, .vfnmadd213ps, .vfnmsub213ps],
      [.vfmadd231ps, .vfmsub231ps, .vfnmadd231ps, .vfnmsub231ps],
    ]
    let doubles: [[X86Mnemonic]] = [
      [.vfmadd132pd, .vfmsub132pd, .vfnmadd132pd, .vfnmsub132pd],
      [.vfmadd213pd, .vfmsub213pd, .vfnmadd213pd, .vfnmsub213pd],
      [.vfmadd231pd, .vfmsub231pd, .vfnmadd231pd, .vfnmsub231pd],
    ]
    let scalarSingles: [[X86Mnemonic]] = [
      [.vfmadd132ss, .vfmsub132ss, .vfnmadd132ss, .vfnmsub132ss],
      [.vfmadd213ss, .vfmsub213ss, .vfnmadd213ss, .vfnmsub213ss],
      [.vfmadd231ss, .vfmsub231ss, .vfnmadd231ss, .vfnmsub231ss],
    ]
    let scalarDoubles: [[X86Mnemonic]] = [
      [.vfmadd132sd, .vfmsub132sd, .vfnmadd132sd, .vfnmsub132sd],
      [.vfmadd213sd, .vfmsub213sd, .vfnmadd213sd, .vfnmsub213sd],
      [.vfmadd231sd, .vfmsub231sd, .vfnmadd231sd, .vfnmsub231sd],
    ]
    var forms: [[X86Form]] = []
    for (order, firstByte) in [UInt8(0x98), 0xA8, 0xB8].enumerated() {
      for sign in 0..<4 {
        // Scalar forms have the odd opcodes.
        let packed = firstByte + 2 * UInt8(sign)
        forms += [
          both(
            singles[order][sign], X86Opcode(.p66, .map0F38, packed), .twoSources, broadcastBytes: 4,
            firstOperand: .readWrite),
          both(
            doubles[order][sign], X86Opcode(.p66, .map0F38, packed, .w1), .twoSources,
            broadcastBytes: 8, firstOperand: .readWrite),
          both(
            scalarSingles[order][sign], X86Opcode(.p66, .map0F38, packed + 1),
            .twoScalarSources(.bytes4), widths: .scalar, firstOperand: .readWrite),
          both(
            scalarDoubles[order][sign], X86Opcode(.p66, .map0F38, packed + 1, .w1),
            .twoScalarSources(.bytes8), widths: .scalar, firstOperand: .readWrite),
        ]
      }
    }
    return forms
  }
}
