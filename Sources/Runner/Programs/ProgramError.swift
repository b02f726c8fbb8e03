/// What can be wrong with the use of a compiled program.
public enum ProgramError: Error, Sendable, Hashable, CustomStringConvertible {
  case badVariable(String, String, expected: String)
  case missingInputs([String])
  case unknownInput(String, known: [String])
  case wrongInput(name: String, expected: String, given: String)
  case unknownOutput(String, known: [String])
  case unknownState(String, known: [String])
  case wrongState(name: String, expected: String, given: String)
  case foreignState
  case alreadyRunning
  case dumpRefused(String, reason: String)
  case unsupportedProcessor(String)

  public var description: String {
    switch self {
    case .badVariable(let name, let value, let expected):
      "error: the environment variable \(name) is '\(value)'; it must be \(expected)"
    case .missingInputs(let names):
      "error: the program needs \(names.map { "'\($0)'" }.joined(separator: ", ")), which the call doesn't give"
    case .unknownInput(let name, let known):
      "error: the program has no input '\(name)'; its inputs are \(known.map { "'\($0)'" }.joined(separator: ", "))"
    case .wrongInput(let name, let expected, let given):
      "error: input '\(name)' must be \(expected), not \(given)"
    case .unknownOutput(let name, let known):
      "error: the program has no output '\(name)'; its outputs are \(known.map { "'\($0)'" }.joined(separator: ", "))"
    case .unknownState(let name, let known):
      "error: there is no state variable '\(name)'; there are \(known.map { "'\($0)'" }.joined(separator: ", "))"
    case .wrongState(let name, let expected, let given):
      "error: state variable '\(name)' must be \(expected), not \(given)"
    case .foreignState:
      "error: the state belongs to a model with other variables than the program's"
    case .dumpRefused(let path, let reason):
      "error: the dump '\(path)' can't be written: \(reason)"
    case .alreadyRunning:
      "error: a program can't run while it is running; compile one for each thread"
    case .unsupportedProcessor(let engine):
      "error: this processor lacks the instructions of \(engine)"
    }
  }
}
