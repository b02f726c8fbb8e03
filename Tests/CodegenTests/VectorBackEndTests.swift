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

  @Test(arguments: VectorRun.targets)
  func wordsHoldTheBytesOfTheListing(_ target: Target) throws {
    for sample in LoopSample.all {
      let program = try sample.program
      for kernel in program.kernels {
        guard let lowered = try? VectorBackEnd.lower(kernel, in: program, target: target).get() else { continue }
        let listing = Self.bytes(in: lowered.functionBody)
        #expect(listing.count == lowered.codeByteCount)
        #expect(Self.bytes(in: lowered.functionBody(hasListing: false)) == listing, "\(sample.name), \(kernel.name)")
      }
    }
  }

  /// What an assembler makes of `.byte` and `.long`.
  private static func bytes(in text: String) -> [UInt8] {
    text.split(separator: "\n").flatMap { line -> [UInt8] in
      let parts = line.split(separator: "\"")
      guard let code = parts.first(where: { $0.hasPrefix(".byte ") || $0.hasPrefix(".long ") }) else { return [] }
      let size = code.hasPrefix(".byte") ? 1 : 4
      return code.dropFirst(6).dropLast(2).split(separator: ",").flatMap { number -> [UInt8] in
        let value = UInt32(number.dropFirst(2), radix: 16) ?? 0
        return (0..<size).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
      }
    }
  }
}
