/// In training, zeros for a share of the elements and the rest scaled up so that the mean stays; otherwise the identity
/// (Srivastava et al. 2014).
public struct Dropout: Layer {
  public let identity = LayerIdentity()
  public let rate: Float
  let site: CallSite

  /// - Parameter rate: the probability that an element becomes 0, in `0..<1`.
  public init(_ rate: Float = 0.5, file: StaticString = #filePath, line: Int = #line) {
    self.rate = rate
    site = CallSite(file, line)
  }

  public var configuration: String { "p=\(rate), inplace=False" }

  public func forward(_ input: Tensor) -> Tensor {
    let builder = input.builder
    guard rate >= 0, rate < 1 else {
      return builder.fail(
        "Dropout drops a share in 0..<1 of the elements, not \(rate)", operands: [input], recovered: input.type, isCertain: true,
        at: site)
    }
    guard builder.isTraining, rate > 0 else { return input }
    return builder.withSite(site) {
      let chance = builder.random(.uniform, input.shape, ofStream: builder.stream(forLayer: builder.scope), at: site)
      return select(chance .>= rate, input * (1 / (1 - rate)), Tensor.zeros(like: input))
    }
  }
}

extension GraphBuilder {
  /// A random stream for a layer, which depends on the layer's path alone: the training step for a full batch and the one
  /// for the last, partial batch draw from the same stream.
  func stream(forLayer path: String) -> Int32 {
    // Streams from 2²⁴ on are those of layers, so that they don't meet the small numbers of other random tensors.
    func hashed(_ repetition: Int) -> Int32 {
      let hash = StableHash.of(repetition == 0 ? path : "\(path)#\(repetition)")
      return Int32(truncatingIfNeeded: hash & 0x7EFF_FFFF) + 0x0100_0000
    }
    // A layer called twice draws twice.
    var repetition = 0
    while usedStreams.contains(hashed(repetition)) { repetition += 1 }
    usedStreams.insert(hashed(repetition))
    return hashed(repetition)
  }
}

/// FNV-1a, 64 bits: the same on every machine and in every process, which `Hasher` isn't.
public enum StableHash {
  public static func of(_ text: String) -> UInt64 { of(text.utf8) }

  public static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return hash
  }
}
