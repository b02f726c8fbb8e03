/// What code generation may know of the machine it generates for; the machine itself is never asked here.
public struct Target: Sendable, Hashable {
  /// Which encoding vector instructions take.
  public enum VectorSet: String, Sendable, Hashable, CaseIterable {
    /// No vector instructions: loops are plain C.
    case scalar
    /// 16 registers of 32 bytes, VEX.
    case avx2
    /// 32 registers of 64 bytes and mask registers, EVEX (F, BW, DQ, VL).
    case avx512
  }

  public var vectorSet: VectorSet
  /// Bytes per core.
  public var level1Bytes: Int
  public var level2Bytes: Int
  /// Shared.
  public var level3Bytes: Int
  /// How many workers the schedule is made for; any number may run it.
  public var workers: Int

  public init(
    vectorSet: VectorSet, level1Bytes: Int = 32 << 10, level2Bytes: Int = 1 << 20,
    level3Bytes: Int = 16 << 20, workers: Int = 1
  ) {
    self.vectorSet = vectorSet
    self.level1Bytes = level1Bytes
    self.level2Bytes = level2Bytes
    self.level3Bytes = level3Bytes
    self.workers = workers
  }

  /// For dumps and goldens: text that does not depend on the machine.
  public static let generic = Target(vectorSet: .scalar)

  /// The bytes of one vector register; 64 without vector instructions, so that scalar schedules tile alike.
  public var vectorByteCount: Int { vectorSet == .avx2 ? 32 : 64 }
  /// Elements of 32 bits in one vector register.
  public var lanes: Int { vectorByteCount / 4 }
  public var vectorRegisterCount: Int { vectorSet == .avx2 ? 16 : 32 }
}
