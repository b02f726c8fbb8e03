import Cinch
import TestSupport

@testable import CinchCodegen

/// What is wrong with a random program, and who says so.
struct RandomFailure: CustomStringConvertible {
  enum Finder: Sendable, Hashable, CustomStringConvertible {
    /// The passes, or the interpreter.
    case graph
    /// The meaning in Float64 of the graph as it was built.
    case meaning
    case engine(TestedEngine, optimised: Bool)

    var description: String {
      switch self {
      case .graph: "passes and interpreter"
      case .meaning: "the meaning in Float64"
      case .engine(let engine, _): "\(engine)"
      }
    }
  }

  let program: RandomProgram
  let finder: Finder
  let words: String

  init(_ program: RandomProgram, _ finder: Finder, _ words: String) {
    self.program = program
    self.finder = finder
    self.words = Self.withoutLoops(words)
  }

  var description: String { "seed \(program.seed), \(finder): \(words)" }

  /// Of a proof that failed, what is wrong, and not the loops in which it is.
  private static func withoutLoops(_ words: String) -> String {
    words.split(separator: "\n").prefix { !$0.hasPrefix("program ") }.joined(separator: "\n")
  }

  /// What a finder says of a program; nil if it finds nothing wrong.
  static func words(of finder: Finder, on program: RandomProgram) -> String? {
    let tested: TestedProgram
    do {
      tested = try TestedProgram("seed \(program.seed)", program)
    } catch {
      return finder == .graph ? "\(error)" : nil
    }
    switch finder {
    case .graph: return nil
    case .meaning: return meaning(of: tested)
    case .engine(let engine, let isOptimised): return engine.failures(of: [tested], optimised: isOptimised)[0]
    }
  }

  /// How the interpreter's result lies outside of its bound.
  static func meaning(of tested: TestedProgram) -> String? {
    guard !tested.program.isWild else { return nil }
    do {
      let furthest = try RealBound(tested).furthest
      return furthest.ratio > 1 ? "\(furthest.ratio) times what is allowed: \(furthest.text)" : nil
    } catch {
      return "\(error)"
    }
  }

  /// The program made as small as the failure allows, as text, and how to see it again.
  func shrunk(attempts: Int = 2000) -> String {
    let small = ProgramShrinker.shrunk(program, attempts: attempts) { Self.words(of: finder, on: $0) != nil }
    return """
      \(self)
      shrunk: \(Self.words(of: finder, on: small).map(Self.withoutLoops) ?? "the failure doesn't come again")
      \(small.listing)
      CINCH_RANDOM_SEED=\(program.seed) CINCH_RANDOM_PROGRAMS=1 scripts/test --filter RandomProgramTests shows it again.
      """
  }
}
