import CTinyCC

/// What the processor of this machine can do, as far as code generation may use it.
///
/// A feature counts only if the operating system also saves its registers.
public struct ProcessorFeatures: Equatable, Sendable {
  /// AVX2 and FMA: vectors of 32 bytes.
  public var hasAVX2AndFMA = false
  /// AVX-512 F, BW, DQ and VL, beside AVX2 and FMA: vectors of 64 bytes, masks, 32 registers.
  public var hasAVX512 = false
  /// Sizes in bytes of the caches that one core sees; nil where the processor does not tell.
  public var level1DataCache: Int?
  public var level2Cache: Int?
  public var level3Cache: Int?
  /// How many processors this process may run on.
  public var availableCores = 1

  public init() {}

  /// The machine that runs this process.
  public static let current = ProcessorFeatures.detected()

  /// The widest vectors to use: 64 or 32 bytes, or 4 where only scalar code will run.
  public var vectorByteCount: Int { hasAVX512 ? 64 : hasAVX2AndFMA ? 32 : 4 }
}

extension ProcessorFeatures {
  private static func detected() -> ProcessorFeatures {
    var features = ProcessorFeatures()
    features.availableCores = Int(cinch_available_cores())
    let lastLeaf = cinch_cpuid(0, 0).eax
    guard lastLeaf >= 1 else { return features }
    features.readVectorFeatures(lastLeaf: lastLeaf)
    features.readCaches(lastLeaf: lastLeaf)
    return features
  }

  private mutating func readVectorFeatures(lastLeaf: UInt32) {
    let basic = cinch_cpuid(1, 0)
    let hasFMA = basic.ecx.hasBits([12])
    let hasXGETBVAndAVX = basic.ecx.hasBits([27, 28])
    guard hasXGETBVAndAVX, lastLeaf >= 7 else { return }
    let saved = cinch_xgetbv()
    let extended = cinch_cpuid(7, 0)
    let savesYmm = saved.hasBits([1, 2])
    let savesZmmAndMasks = saved.hasBits([5, 6, 7])
    let hasAVX2 = extended.ebx.hasBits([5])
    let hasFoundationDoublewordByteAndVectorLength = extended.ebx.hasBits([16, 17, 30, 31])
    hasAVX2AndFMA = savesYmm && hasAVX2 && hasFMA
    hasAVX512 = hasAVX2AndFMA && savesZmmAndMasks && hasFoundationDoublewordByteAndVectorLength
  }

  /// Intel lists its caches in leaf 4, AMD in leaf 0x8000001D, in the same form.
  private mutating func readCaches(lastLeaf: UInt32) {
    let isAMD =
      cinch_cpuid(0x8000_0000, 0).eax >= 0x8000_001D && cinch_cpuid(0x8000_0001, 0).ecx.hasBits([22])
    guard isAMD || lastLeaf >= 4 else { return }
    for index in 0..<16 as Range<UInt32> {
      let cache = cinch_cpuid(isAMD ? 0x8000_001D : 4, index)
      let kind = cache.eax & 31
      guard kind != 0 else { break }
      let isInstructionCache = kind == 2
      let ways = Int(cache.ebx >> 22) + 1
      let partitions = Int(cache.ebx >> 12 & 1023) + 1
      let lineByteCount = Int(cache.ebx & 4095) + 1
      let byteCount = ways * partitions * lineByteCount * (Int(cache.ecx) + 1)
      switch cache.eax >> 5 & 7 {
      case 1 where !isInstructionCache: level1DataCache = byteCount
      case 2: level2Cache = byteCount
      case 3: level3Cache = byteCount
      default: break
      }
    }
  }
}

extension BinaryInteger {
  fileprivate func hasBits(_ bits: [Int]) -> Bool { bits.allSatisfy { self >> Self($0) & 1 == 1 } }
}
