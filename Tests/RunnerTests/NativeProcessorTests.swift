import CTinyCC
import Testing

@testable import CinchRunner

@Suite struct NativeProcessorTests {
  private let features = ProcessorFeatures.current

  /// The kernel's own list, which leaves out what it does not support.
  private func kernelFlags() throws -> Set<Substring> {
    let lines = try textOfFile("/proc/cpuinfo").split(separator: "\n")
    let flags = try #require(lines.first { $0.hasPrefix("flags") })
    return Set(flags.split(separator: " ").dropFirst())
  }

  @Test func featuresAgreeWithTheKernel() throws {
    let flags = try kernelFlags()
    #expect(features.hasAVX2AndFMA == flags.isSuperset(of: ["avx2", "fma"]))
    let wanted: Set<Substring> = ["avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"]
    #expect(features.hasAVX512 == flags.isSuperset(of: wanted))
  }

  @Test func vectorWidthFollowsFromTheFeatures() {
    var features = ProcessorFeatures()
    #expect(features.vectorByteCount == 4)
    features.hasAVX2AndFMA = true
    #expect(features.vectorByteCount == 32)
    features.hasAVX512 = true
    #expect(features.vectorByteCount == 64)
  }

  @Test func coresAgreeWithTheKernel() throws {
    let status = try textOfFile("/proc/self/status").split(separator: "\n")
    let line = try #require(status.first { $0.hasPrefix("Cpus_allowed:") })
    let mask = try #require(line.split(separator: "\t").last)
    let allowed = mask.split(separator: ",").compactMap { UInt64($0, radix: 16)?.nonzeroBitCount }.reduce(
      0, +)
    #expect(features.availableCores == allowed)
  }

  @Test func cachesGrowWithTheirLevel() throws {
    let sizes = [features.level1DataCache, features.level2Cache, features.level3Cache].compactMap { $0 }
    #expect(sizes == sizes.sorted())
    #expect(sizes.allSatisfy { $0 >= 4_096 && $0 % 1_024 == 0 })
    let path = "/sys/devices/system/cpu/cpu0/cache/index0/size"
    if let text = try? textOfFile(path), let kilobytes = Int(text.prefix { $0.isNumber }),
      let level1 = features.level1DataCache
    {
      #expect(level1 == kilobytes * 1_024)
    }
  }

  @Test func floatingPointModeIsSetAndRead() {
    let former = cinch_get_mxcsr()
    cinch_set_mxcsr(cinch_default_mxcsr | 0x8000)
    let changed = cinch_get_mxcsr()
    cinch_set_mxcsr(former)
    #expect(changed & 0xFFC0 == 0x9F80)
    #expect(cinch_get_mxcsr() & 0xFFC0 == former & 0xFFC0)
  }
}
