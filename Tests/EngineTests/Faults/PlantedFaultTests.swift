import TestSupport
import Testing

@testable import CinchCodegen

/// The checkers are checked: each planted fault is noticed, and nothing is where there is none.
@Suite struct PlantedFaultTests {
  @Test func everyFaultIsNoticed() throws {
    var rows: [(fault: String, finder: String, words: String)] = [("planted fault", "noticed by", "which says")]
    for fault in PlantedFault.all {
      let finding = try fault.find()
      rows.append((fault.name, finding?.finder.rawValue ?? "NOBODY", finding?.words ?? ""))
      let isNoticed = finding.map { fault.finders.contains($0.finder) } ?? false
      #expect(isNoticed, "\(fault.name): \(finding?.description ?? "not noticed, or nothing to change")")
    }
    #expect(PlantedFault.all.count >= 12)
    func padded(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(0, width - text.count)) }
    let widths = (rows.map(\.fault.count).max() ?? 0, rows.map(\.finder.count).max() ?? 0)
    let lines = rows.map { "\(padded($0.fault, widths.0)) | \(padded($0.finder, widths.1)) | \($0.words.prefix(110))" }
    print(lines.joined(separator: "\n"))
  }

  /// The same ways without a fault.
  @Test func nothingIsFoundInRightPrograms() throws {
    for bench in [try PlantedFault.step.get(), try PlantedFault.crowded.get(), try PlantedFault.scanning.get()] {
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
