import BenchmarkWorkloads
import Cinch
import CinchCodegen
import Testing

/// The benchmark's training steps are vector code, but for what runs on a few elements: tests of labels, and the powers of
/// Adam's decay rates, in Float64.
@Suite struct WorkloadVectorTests {
  @Test(arguments: Workload.shrunk.map(\.name)) func stepsAreVectorCode(_ name: String) throws {
    let graph = try #require(Workload.shrunk.first { $0.name == name }).graph().optimised()
    for set in [Target.VectorSet.avx512, .avx2] {
      let target = Target(vectorSet: set)
      let scalar = try lower(graph, target: target).scalarKernels(target).filter {
        $0.reason != .check && $0.reason != .elementType(.float64)
      }
      #expect(scalar.isEmpty, "\(name), \(set.rawValue): \(scalar)")
    }
  }
}
