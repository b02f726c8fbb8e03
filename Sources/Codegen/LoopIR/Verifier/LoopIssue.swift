/// One thing that is wrong with a loop program.
public struct LoopIssue: Sendable, Hashable, CustomStringConvertible {
  let place: LoopPrinter.Place
  /// The kernel's name, if it lies in a kernel.
  let kernel: String?
  public let message: String

  public var description: String { (kernel.map { "kernel \($0): " } ?? "") + message }
}

/// What the verifier found: a bug in Cinch, never in a user's graph.
public struct LoopVerificationError: Error, Sendable, CustomStringConvertible {
  public let issues: [LoopIssue]
  private let program: LoopProgram

  init(issues: [LoopIssue], program: LoopProgram) {
    self.issues = issues
    self.program = program
  }

  /// The issues, then the program with each of them under its line.
  public var description: String {
    var text = "error: a bug in Cinch: the loop program is wrong\n"
    for issue in issues { text += "  \(issue)\n" }
    let notes = Dictionary(grouping: issues, by: \.place).mapValues { $0.map(\.message) }
    return text + LoopPrinter.text(of: program, notes: notes)
  }
}
