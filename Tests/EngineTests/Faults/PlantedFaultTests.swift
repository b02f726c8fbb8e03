import TestSupport
import Testing

@testable import CinchCodegen

/// The checkers are checked: each planted fault is noticed, and nothing is where there is none.
@Suite struct PlantedFaultTests {
  @Test func everyFaultIsNoticed() throws {
    var list = ""
    for fault in PlantedFault.all {
      let finding = try fault.find()
      list += "  \(fault.name): \(finding.map(\.description) ?? "NOT NOTICED")\n"
      let isNoticed = finding.map { fault.finders.contains($0.finder) } ?? false
      #expect(isNoticed, "\(fault.name): \(finding?.description ?? "not noticed, or nothing to change")")
    }
    #expect(PlantedFault.all.count >= 12)
    print("\(PlantedFault.all.count) planted faults, each noticed by\n\(list)")
  }

  /// The same ways without a fault.
  @Test func nothingIsFoundInRightPrograms() throws {
    for bench in [try PlantedFault.step.get(), try PlantedFault.crowded.get()] {
      #expect(try bench.finding(bench.tested.optimised)?.description == nil)
      #expect(try bench.finding(codeFor: bench.tested.optimised)?.description == nil)
      #expect(try bench.finding(bench.scalar.step.loops)?.description == nil)
      for set in [Target.VectorSet.avx2, .avx512] where Target(vectorSet: set).isSupportedHere {
        #expect(try bench.finding(set) { _, _ in true }?.description == nil)
      }
    }
  }
}

extension Target {
  fileprivate var isSupportedHere: Bool {
    TestedEngine.available.contains { $0.vectorSet == vectorSet }
  }
}
