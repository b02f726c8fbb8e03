/// Why an instruction can't be encoded. Code generation should never make such an instruction, so that each
/// of these is a bug in Cinch and not in a user's graph.
package struct X86EncodingError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Reason: Hashable, Sendable {
    case noSuchForm(VectorFamily)
    case registerOutOfReach
    case indexIsStackPointer
    case maskNotAllowed
    case maskRequired
    case zeroingNotAllowed
    case gatherRegistersOverlap
    case reservedRegister
  }

  package var instruction: X86Instruction
  package var reason: Reason

  package var description: String {
    let why =
      switch reason {
      case .noSuchForm(let family): "\(family) has no such form"
      case .registerOutOfReach: "VEX encodings reach vector registers 0 to 15 only"
      case .indexIsStackPointer: "rsp can't be an index"
      case .maskNotAllowed: "it takes no such write mask"
      case .maskRequired: "it needs a write mask"
      case .zeroingNotAllowed: "it can't zero the lanes outside its mask"
      case .gatherRegistersOverlap: "a gather's destination, index and mask must be distinct registers"
      case .reservedRegister: "rsp and rbp belong to the C compiler"
      }
    return "Cinch bug: can't encode '\(instruction.assemblyText)': \(why)"
  }
}
