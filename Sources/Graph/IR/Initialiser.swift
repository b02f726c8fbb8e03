/// How a state variable gets its first value; random ones are keyed by seed and the variable's name, never by order or time.
public enum Initialiser: Sendable, Hashable {
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
