import BenchmarkWorkloads
import Cinch
import Testing

@Suite struct WorkloadMemoryTests {
  /// No plan can do with less than what is alive at once; ours takes at most a fifth more.
  @Test(arguments: (Workload.all + Workload.shrunk).map(\.summary)) func scratchIsNearWhatIsAlive(_ summary: String) throws {
    let workload = try #require((Workload.all + Workload.shrunk).first { $0.summary == summary })
    let memory = try workload.graph().compile().step.memory
    #expect(memory.peakLiveByteCount > 0)
    #expect(memory.scratchByteCount >= memory.peakLiveByteCount)
    #expect(Double(memory.scratchByteCount) <= 1.2 * Double(memory.peakLiveByteCount))
  }

  /// W6 would have 15.8 MiB alive if its attention's probabilities, its GELUs and normalisations waited for the backward half.
  @Test func whatIsCheapDoesNotWait() throws {
    let workload = try #require(Workload.all.first { $0.name == "W6" })
    #expect(try workload.graph().compile().step.memory.peakLiveByteCount < 12 << 20)
  }

  /// The gradient of W5's second convolution, 64·64·24·24 numbers, lies where the convolution's result lay, whose last reader
  /// computes it: at most one of the two is alive. What the first one gave is computed again for the backward half, so that nothing
  /// else of the size of images is alive beside the two.
  @Test func resultsTakeThePlaceOfWhatTheirKernelReadsLast() throws {
    let workload = try #require(Workload.all.first { $0.name == "W5" })
    let memory = try workload.graph().compile().step.memory
    let activations = 64 * (32 * 26 * 26 + 64 * 24 * 24) * 4
    #expect(memory.peakLiveByteCount < activations + 1 << 20)
    #expect(memory.places.count { $0.byteCount == 64 * 64 * 24 * 24 * 4 } == 1)
  }
}
