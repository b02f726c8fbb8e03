public import Cinch

/// Where a benchmark's data and initial weights come from: a counter-based generator (splitmix64 on seed and element) that
/// any language reproduces bit for bit, so that all frameworks train on the same numbers.
public enum TensorGenerator: Sendable, Hashable {
  /// In ±bound.
  case uniform(bound: Double)
  /// Int32 in `0..<limit`.
  case index(limit: Int)
  case constant(Float)
  /// Evenly spaced, both ends included.
  case linearSpace(from: Double, to: Double)
  /// The squares of another input.
  case square(of: String)

  public func tensor(_ shape: Shape, seed: UInt64, others: [String: HostTensor] = [:]) -> HostTensor {
    let count = shape.elementCount
    switch self {
    case .uniform(let bound):
      let scale = Float(bound)
      return HostTensor(
        .float32((0..<count).map { (2 * (Float(Self.bits(seed, $0)) * 0x1p-24) - 1) * scale }), shape: shape)
    case .index(let limit):
      return HostTensor(.int32((0..<count).map { Int32((Self.bits(seed, $0) * UInt64(limit)) >> 24) }), shape: shape)
    case .constant(let value):
      return HostTensor(.float32([Float](repeating: value, count: count)), shape: shape)
    case .linearSpace(let low, let high):
      return HostTensor(
        .float32((0..<count).map { Float(low + (high - low) * Double($0) / Double(count - 1)) }), shape: shape)
    case .square(let name):
      return others[name]?.map { $0 * $0 } ?? HostTensor.zeros(shape)
    }
  }

  /// 24 random bits.
  static func bits(_ seed: UInt64, _ index: Int) -> UInt64 {
    var z = seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(index + 1) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    z ^= z >> 31
    return z >> 40
  }
}
