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

  @Test(arguments: 0..<40 as Range<UInt64>, VectorRun.targets)
  func randomKernelsGiveTheSameBits(_ seed: UInt64, _ target: Target) throws {
    let program = RandomKernel.program(seed: seed)
    try VectorRun.check(program, target, seeds: seed..<seed + 1, "seed \(seed)")
    try VectorRun.check(program, target, workers: 3, seeds: seed..<seed + 1, "seed \(seed), three workers")
  }
}
