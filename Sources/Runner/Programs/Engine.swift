public import CinchCodegen

/// What executes a program. All engines give the same bits.
public enum Engine: Sendable, Hashable, CustomStringConvertible {
  /// In-process libtcc with innermost loops as vector instructions; nil takes the widest that the processor has.
  case tinycc(Target.VectorSet?)
  /// A C compiler on PATH, for the portable C.
  case systemCompiler(String)
  /// The reference: slow and obvious.
  case interpreter

  /// `tinycc`, or one of `tinycc-scalar`, `tinycc-avx2`, `tinycc-avx512`, `gcc`, `clang`, `interpreter`.
  public init?(name: String) {
    switch name {
    case "tinycc": self = .tinycc(nil)
    case "gcc", "clang": self = .systemCompiler(name)
    case "interpreter": self = .interpreter
    default:
      guard name.hasPrefix("tinycc-"), let set = Target.VectorSet(rawValue: String(name.dropFirst(7))) else { return nil }
      self = .tinycc(set)
    }
  }

  public var description: String {
    switch self {
    case .tinycc(nil): "tinycc"
    case .tinycc(let set?): "tinycc-\(set.rawValue)"
    case .systemCompiler(let name): name
    case .interpreter: "interpreter"
    }
  }

  public static let names = ["tinycc", "tinycc-avx512", "tinycc-avx2", "tinycc-scalar", "gcc", "clang", "interpreter"]
}

extension Target {
  /// The machine that this process runs on.
  public static func current(_ vectorSet: VectorSet? = nil, workers: Int = 1) -> Target {
    let processor = ProcessorFeatures.current
    let best: VectorSet = processor.hasAVX512 ? .avx512 : processor.hasAVX2AndFMA ? .avx2 : .scalar
    var target = Target(vectorSet: vectorSet ?? best, workers: workers)
    target.level1Bytes = processor.level1DataCache ?? target.level1Bytes
    target.level2Bytes = processor.level2Cache ?? target.level2Bytes
    target.level3Bytes = processor.level3Cache ?? target.level3Bytes
    return target
  }

  /// Whether this processor can execute the target's instructions.
  public var isSupported: Bool {
    switch vectorSet {
    case .scalar: true
    case .avx2: ProcessorFeatures.current.hasAVX2AndFMA
    case .avx512: ProcessorFeatures.current.hasAVX512
    }
  }
}
