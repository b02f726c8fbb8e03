import Cinch
import Foundation
import TestSupport
import Testing

@testable import CinchCodegen
@testable import CinchRunner

/// Convolutions and pools of any geometry compile, with first and second gradients, and give the exact numbers.
@Suite struct RandomGeometryTests {
  /// `CINCH_RANDOM_GEOMETRIES` from `CINCH_RANDOM_SEED` on.
  private static func seeds(_ count: UInt64) -> Range<UInt64> {
    let count = ProcessInfo.processInfo.environment["CINCH_RANDOM_GEOMETRIES"].flatMap(UInt64.init) ?? count
    return RandomSuiteOptions.environment.firstSeed..<RandomSuiteOptions.environment.firstSeed + count
  }

  @Test(arguments: [false, true])
  func everyGeometryIsProvedForAnyTarget(isLarge: Bool) throws {
    for seed in Self.seeds(isLarge ? 60 : 240) {
      let geometry = RandomGeometry(seed: seed, isLarge: isLarge)
      let target = Target.current(seed % 2 == 0 ? .avx512 : .avx2, workers: seed % 3 == 0 ? 3 : 1)
      do {
        _ = try lower(geometry.program.graph.optimised(), target: target, options: .testing).verified()
      } catch {
        Issue.record("\(geometry.description): \(error)")
      }
    }
  }

  @Test func everyGeometryGivesTheExactNumbers() throws {
    let engine = try #require(TestedEngine.available.first)
    for seed in Self.seeds(24) {
      let geometry = RandomGeometry(seed: seed)
      do {
        let tested = try TestedProgram(geometry.description, geometry.program)
        if let name = try nameOfWrongNumbers(tested) { Issue.record("\(geometry.description): '\(name)' isn't exact") }
        for failure in engine.failures(of: [tested]).values { Issue.record("\(geometry.description): \(failure)") }
      } catch {
        Issue.record("\(geometry.description): \(error)")
      }
    }
  }

  /// The first output that differs from that of real numbers, but for the signs of zeros.
  private func nameOfWrongNumbers(_ tested: TestedProgram) throws -> String? {
    try tested.independentMeaning().first { name, exact in
      guard case .float64(let numbers) = exact, let found = tested.expected[name]?.floats else { return true }
      return numbers.map { Float($0) } != found
    }?.key
  }
}
