/// Self-attention with several heads (Vaswani et al. 2017): `[batch…, t, width] → [batch…, t, width]`.
///
/// One weight makes query, key and value of each position, `[q | k | v]` of `width` columns each; the heads are runs of
/// `width / heads` consecutive columns. With scores scaled by 1/√(width / heads), each head gives softmax(q · kᵀ) · v,
/// and a last weight mixes the heads.
public struct MultiHeadAttention: Layer {
  public let identity = LayerIdentity()
  public let width: Int
  public let heads: Int
  /// Whether a position sees only itself and those before it.
  public let isCausal: Bool
  /// [width, 3 · width].
  public let qkv: Linear
  /// [width, width].
  public let output: Linear
  let site: CallSite

  /// - Parameters:
  ///   - isCausal: whether a position sees only itself and those before it.
  ///   - bias: whether both projections add a bias.
  ///   - weights: how both weights begin; uniform in ±1/√width unless given.
  ///   - biases: how the biases begin; as zeros unless given.
  public init(
    _ width: Int, heads: Int, isCausal: Bool = false, bias: Bool = true, weights: Initialiser? = nil,
    biases: Initialiser = .zeros, file: StaticString = #filePath, line: Int = #line
  ) {
    self.width = width
    self.heads = heads
    self.isCausal = isCausal
    site = CallSite(file, line)
    // A width that no tensor has is reported as the weight's shape.
    let columns = 3 * min(max(width, -1), Shape.maximumElementCount)
    qkv = Linear(width, columns, bias: bias, weights: weights, biases: biases, file: file, line: line)
    output = Linear(width, width, bias: bias, weights: weights, biases: biases, file: file, line: line)
  }

  public var configuration: String { "\(width), heads=\(heads), causal=\(isCausal ? "True" : "False")" }

  public func forward(_ input: Tensor) -> Tensor {
    let builder = input.builder
    guard width >= 1, heads >= 1, width % heads == 0 else {
      return builder.fail(
        "MultiHeadAttention(\(configuration)) can't divide \(width) columns evenly among \(heads) heads",
        operands: [input], recovered: input.type, isCertain: input.elementType == .float32, at: site)
    }
    let rank = input.shape.rank
    guard rank >= 2, input.shape[rank - 1] == width, input.elementType == .float32 else {
      return builder.fail(
        "MultiHeadAttention(\(configuration)) needs float32 [batch…, positions, \(width)], not \(input.type)",
        operands: [input], recovered: input.type, isCertain: input.elementType == .float32, at: site)
    }
    let length = input.shape[rank - 2]
    let batch = input.shape.elementCount / (length * width)
    let columns = qkv(input)
    let mixed = builder.withSite(site) {
      let columns = columns.reshaped(to: [batch, length, 3, heads, width / heads])
      func part(_ number: Int) -> Tensor {
        columns.sliced(along: 2, number..<(number + 1)).reshaped(to: [batch, length, heads, width / heads])
          .transposed(to: [0, 2, 1, 3])
      }
      return attention(query: part(0), key: part(1), value: part(2), isCausal: isCausal)
        .transposed(to: [0, 2, 1, 3]).reshaped(to: input.shape)
    }
    return output(mixed)
  }
}

/// softmax(query · keyᵀ / √d) · value: `([batch…, t, d], [batch…, s, d], [batch…, s, e]) → [batch…, t, e]`.
///
/// - Parameter isCausal: whether position i of the queries sees positions 0…i of the keys alone.
public func attention(
  query: Tensor, key: Tensor, value: Tensor, isCausal: Bool = false, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  query.builder.withSite(CallSite(file, line)) {
    let depth = query.shape.extents.last ?? 1
    var scores = matmul(query, key.transposedMatrix()) * Float(1 / Double(depth).squareRoot())
    if isCausal, scores.shape.rank >= 2 {
      let square = Shape(Array(scores.shape.extents.suffix(2)))
      let builder = scores.builder
      let isSeen = builder.iota(square, along: 1) .<= builder.iota(square, along: 0)
      scores = select(isSeen, scores, builder.constant(-.infinity))
    }
    return matmul(softmax(scores), value)
  }
}
