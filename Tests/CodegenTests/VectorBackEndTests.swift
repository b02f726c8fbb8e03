import CinchCodegen
import CinchGraph
import TestSupport
import Testing

/// Machine code does what the loop IR says, bit for bit.
@Suite struct VectorBackEndTests {
  @Test(arguments: LoopSample.all, VectorRun.targets)
  func samplesGiveTheSameBits(_ sample: LoopSample, _ target: Target) throws {
    try VectorRun.check(sample.program, target, partly: true, sample.name)
  }
}
