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
}
