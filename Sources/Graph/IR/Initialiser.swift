/// How a state variable gets its first value; random ones are keyed by seed and the variable's name, never by order or time.
public enum Initialiser: Sendable {
  case zeros
  case constant(Float)
  /// Uniform in ±bound.
  case uniform(bound: Float)
  case normal(standardDeviation: Float)
  /// Uniform in ±√(6 / (fanIn + fanOut)) (Glorot and Bengio 2010).
  case xavierUniform
  /// Normal with variance 2 / (fanIn + fanOut).
  case xavierNormal
  /// Uniform in ±√(6 / fanIn), for ReLU (He et al. 2015).
  case kaimingUniform
  /// Normal with variance 2 / fanIn.
  case kaimingNormal
  /// `randn / √fanIn`: the seed text's own.
  case scaledNormal
  /// Uniform in ±1/√fanIn: PyTorch's default for the weights and biases of linear layers.
  case fanInUniform(fanIn: Int)
  /// The program's seed itself, for the key of a random stream.
  case seed
}

/// Numbers are equal if their bits are: 0 and -0 are two initial values.
extension Initialiser: Hashable {
  private var key: [Int] {
    switch self {
    case .zeros: [0]
    case .constant(let value): [1, Int(value.bitPattern)]
    case .uniform(let bound): [2, Int(bound.bitPattern)]
    case .normal(let standardDeviation): [3, Int(standardDeviation.bitPattern)]
    case .xavierUniform: [4]
    case .xavierNormal: [5]
    case .kaimingUniform: [6]
    case .kaimingNormal: [7]
    case .scaledNormal: [8]
    case .fanInUniform(let fanIn): [9, fanIn]
    case .seed: [10]
    }
  }

  public static func == (a: Initialiser, b: Initialiser) -> Bool { a.key == b.key }
  public func hash(into hasher: inout Hasher) { hasher.combine(key) }
}
