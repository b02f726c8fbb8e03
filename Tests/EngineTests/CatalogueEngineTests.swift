import Cinch
import Foundation
import TestSupport
import Testing

/// Every sample of every op, and its gradient: all engines give the interpreter's bits.
@Suite struct CatalogueEngineTests {
  /// `y` and the gradient of a weighted sum of its elements.
  static func program(_ sample: SampleProgram) -> RandomProgram {
    let graph = sample.graph { g, operands, y in
      guard y.elementType == .float32 else { return }
      // Weights that differ from element to element, so that none can take another's place.
      let weights = g.iota(y.shape).cast(to: .float32) * 0.03125 + 0.5
      let floats = operands.filter(\.elementType.isFloatingPoint)
      for (number, gradient) in gradients(of: (y * weights).sum(), withRespectTo: floats).enumerated() {
        g.output("x\(number).g", gradient)
      }
    }
    return RandomProgram(seed: 0, graph: graph, inputs: sample.inputs, state: [:])
  }

  static let programs: [Result<TestedProgram, any Error>] = SampleProgram.all
    .map { sample in Result { try TestedProgram(sample.description, program(sample)) } }

  @Test(arguments: TestedEngine.available)
  func everySampleAndItsGradient(_ engine: TestedEngine) throws {
    let programs = try Self.programs.map { try $0.get() }
    for start in stride(from: 0, to: programs.count, by: 40) {
      let batch = Array(programs[start..<min(start + 40, programs.count)])
      for (position, failure) in engine.failures(of: batch).sorted(by: { $0.key < $1.key }) {
        Issue.record("\(batch[position].name): \(failure)\n\(batch[position].program.graph)")
      }
    }
  }
}
