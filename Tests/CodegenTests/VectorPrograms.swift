import CinchCodegen
import CinchGraph
import CinchRunner
import TestSupport
import Testing

/// Runs loop programs with their kernels in machine code, and literally.
enum VectorRun {
  /// The vector sets that this machine can run.
  static let targets: [Target] = {
    var targets: [Target] = []
    if ProcessorFeatures.current.hasAVX2AndFMA { targets.append(Target(vectorSet: .avx2)) }
    if ProcessorFeatures.current.hasAVX512 { targets.append(Target(vectorSet: .avx512)) }
    return targets
  }()

  struct Compiled {
    var library: StepLibrary
    var kernels: [VectorKernel]
    var limitations: [VectorLimitation]
    var source: String
  }

  static func compile(_ program: LoopProgram, _ target: Target) throws -> Compiled {
    var kernels: [VectorKernel] = []
    var limitations: [VectorLimitation] = []
    let printer = CPrinter(dialect: .tinycc(target))
    let source = printer.print(program) { kernel, program in
      switch VectorBackEnd.lower(kernel, in: program, target: target) {
      case .success(let lowered):
        kernels.append(lowered)
        return lowered.functionBody()
      case .failure(let limitation):
        limitations.append(limitation)
        return nil
      }
    }
    return Compiled(
      library: try StepLibrary(source, with: .tinycc), kernels: kernels, limitations: limitations, source: source)
  }

  /// Compares machine code with the literal execution, for some contents of memory; every kernel must be in
  /// machine code unless `partly`.
  @discardableResult
  static func check(
    _ program: LoopProgram, _ target: Target, workers: Int = 1, seeds: Range<UInt64> = 0..<2, partly: Bool = false,
    _ comment: String = "", sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> [VectorKernel] {
    let compiled = try compile(program, target)
    if !partly { #expect(compiled.limitations == [], "\(comment)", sourceLocation: sourceLocation) }
    for seed in seeds {
      let start = sampleMemory(for: program, workers: workers, seed: seed)
      var expected = start
      let expectedResult = try LoopEvaluator.run(program, on: &expected)
      var memory = start
      #expect(
        compiled.library.run(&memory, workers: workers) == expectedResult, "\(comment)",
        sourceLocation: sourceLocation)
      let wrong = differences(program, memory, expected)
      #expect(
        wrong == [], "\(target.vectorSet) \(comment)\n\(compiled.kernels.map(\.description).joined())",
        sourceLocation: sourceLocation)
    }
    return compiled.kernels
  }
}
