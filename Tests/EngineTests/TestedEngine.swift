import Cinch
import TestSupport

@testable import CinchCodegen
@testable import CinchRunner

/// Every way to machine code.
enum TestedEngine: String, Sendable, CaseIterable, CustomStringConvertible {
  case avx512 = "tinycc-avx512"
  case avx2 = "tinycc-avx2"
  case scalar = "tinycc-scalar"
  case gcc, clang

  var description: String { rawValue }

  var vectorSet: Target.VectorSet {
    switch self {
    case .avx512: .avx512
    case .avx2: .avx2
    case .scalar, .gcc, .clang: .scalar
    }
  }

  var isSystemCompiler: Bool { compiler != nil }

  /// Nil for libtcc.
  private var compiler: SystemCompiler? {
    switch self {
    case .gcc, .clang: SystemCompiler(executable: rawValue)
    case .avx512, .avx2, .scalar: nil
    }
  }

  /// The engine's own flags, or those without its optimisations.
  private static func flags(optimised: Bool) -> [String] {
    SystemCompiler.defaultFlags.map { $0 == "-O3" && !optimised ? "-O0" : $0 }
  }

  func target(workers: Int) -> Target { Target.current(vectorSet, workers: workers) }

  /// Those that this machine has.
  static let available = allCases.filter { engine in
    if engine.compiler != nil { return SystemCompiler.installed.contains { $0.executable == engine.rawValue } }
    return engine.target(workers: 1).isSupported
  }

  /// Runs each program with 1 and with 3 workers; gives what differs from the interpreter, or goes wrong, by the program's
  /// position. Compilers that take long to start get all the programs in one file.
  func failures(of programs: [TestedProgram], optimised: Bool = true) -> [Int: String] {
    var failures: [Int: String] = [:]
    var lowered: [(position: Int, program: LoweredProgram)] = []
    for (position, program) in programs.enumerated() {
      do {
        // Made for either number of workers; any number may run it.
        lowered.append((position, try LoweredProgram(program, target(workers: position % 2 == 0 ? 3 : 1))))
      } catch {
        failures[position] = "\(self): \(error)"
      }
    }
    if var compiler {
      compiler.flags = Self.flags(optimised: optimised)
      let source = CPrinter().print(lowered.map { (functionName: "step\($0.position)", program: $0.program.step.loops) })
      do {
        let code = try compiler.compile(source)
        for (position, program) in lowered {
          failures[position] = failure(of: programs[position], program, code, "step\(position)")
        }
      } catch {
        for (position, _) in lowered { failures[position] = "\(self): \(error)" }
      }
      return failures
    }
    for (position, program) in lowered {
      do {
        let code = try TinyCCompiler.compile(program.step.tinyccC(target(workers: 1), isExplained: false))
        failures[position] = failure(of: programs[position], program, code, "step")
      } catch {
        failures[position] = "\(self): \(error)"
      }
    }
    return failures
  }

  private func failure(
    of tested: TestedProgram, _ program: LoweredProgram, _ code: NativeCode, _ functionName: String
  ) -> String? {
    for workers in [1, 3] {
      do {
        let difference = tested.difference(of: try program.run(tested, code, functionName, workers: workers))
        if let difference { return "\(self) with \(workers) workers: \(difference)" }
      } catch {
        return "\(self) with \(workers) workers: \(error)"
      }
    }
    return nil
  }
}
