// Logarithms of sums of exponentials, which overflow only where the result does.

/// As `logsumexp` in PyTorch and JAX.
public struct LogSumExpOp: DecomposedOp {
  public static let mnemonic = "log_sum_exp"
  public static let summary = "log Σ eᵃ over some axes, with the largest element subtracted first."
  public let axes: [Int]
  public init(axes: [Int]) { self.axes = axes }
  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    axes = try attributes.integers("axes")
  }
  public var attributes: [Attribute] { [Attribute("axes", .integers(axes))] }

  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    _ = try float32Type(operands.map(\.elementType), Self.mnemonic)
    return TensorType(operands[0].elementType, try removing(axes, from: operands[0].shape, Self.mnemonic))
  }

  public func decompose(_ x: [Tensor]) -> Tensor {
    let (largest, exponentials) = parts(x[0])
    return largest + log(sum(exponentials))
  }

  /// g · softmax, of the exponentials that the forward pass has.
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    let (_, exponentials) = parts(c.operands[0])
    return [exponentials * (c.gradient / sum(exponentials)).expanded(at: axes, to: exponentials.shape)]
  }

  /// The largest elements and e^(a − largest). An infinite one is not subtracted, for ∞ − ∞ is no number.
  private func parts(_ x: Tensor) -> (largest: Tensor, exponentials: Tensor) {
    let max = stopGradient(x.builder.add(Max(axes: axes), [x], at: x.site))
    let zero = Tensor.zeros(like: max)
    let largest = select((max - max) .== zero, max, zero)
    return (largest, exp(x - largest.expanded(at: axes, to: x.shape)))
  }

  private func sum(_ x: Tensor) -> Tensor { x.builder.add(Sum(axes: axes), [x], at: x.site) }

  public static var samples: [OpSample] {
    func sample(_ axes: [Int], _ shape: Shape, _ range: ClosedRange<Float> = -3...3) -> OpSample {
      OpSample(LogSumExpOp(axes: axes), [(TensorType(.float32, shape), .uniform(range))])
    }
    return [
      sample([1], [5, 17]), sample([0], [15, 3]), sample([0, 2], [3, 5, 16]), sample([0], [1]), sample([0, 1], [3, 65]),
      // The exponentials alone would overflow, or vanish.
      sample([1], [3, 5], 80...200), sample([1], [3, 5], -200 ... -120),
    ]
  }
}

/// As `logaddexp` in PyTorch and JAX.
public struct LogAddExpOp: DecomposedOp, AttributeFree {
  public static let mnemonic = "log_add_exp"
  public static let summary = "log(eᵃ + eᵇ), as max(a, b) + log1p(e^−|a − b|)."
  public init() {}

  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    _ = try float32Type(operands.map(\.elementType), Self.mnemonic, count: 2)
    guard operands[0].shape == operands[1].shape else {
      throw TypeViolation("\(Self.mnemonic) needs equal shapes: \(operands[0].shape) and \(operands[1].shape)")
    }
    return operands[0]
  }

  public func decompose(_ x: [Tensor]) -> Tensor { maximum(x[0], x[1]) + log1p(exp(-abs(difference(x)))) }

  public func gradients(_ c: GradientContext) -> [Tensor?] {
    let difference = difference(c.operands)
    return [c.gradient * sigmoid(difference), c.gradient * sigmoid(-difference)]
  }

  /// 0 between equal infinities.
  private func difference(_ x: [Tensor]) -> Tensor { select(x[0] .== x[1], Tensor.zeros(like: x[0]), x[0] - x[1]) }

  public static var samples: [OpSample] { floatSamples(LogAddExpOp(), -3...3, -2...2) }
}

/// What keeps 0 · ∞ out of gradients. Differentiated, it is its first operand.
public struct WhereNonzero: DecomposedOp, AttributeFree {
  public static let mnemonic = "where_nonzero"
  public static let summary = "(a, b) → a where b is not 0, else 0: a part of a gradient, where the gradient that came in is b."
  public init() {}

  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    _ = try floatType(operands.map(\.elementType), Self.mnemonic, count: 2)
    guard operands[0].shape == operands[1].shape else {
      throw TypeViolation("\(Self.mnemonic) needs equal shapes: \(operands[0].shape) and \(operands[1].shape)")
    }
    return operands[0]
  }

  public func decompose(_ x: [Tensor]) -> Tensor {
    let zero = Tensor.zeros(like: x[0])
    return select(x[1] .== zero, zero, x[0])
  }

  /// Where b is 0, a is b times something, and has a slope all the same.
  public func gradients(_ c: GradientContext) -> [Tensor?] { [c.gradient, nil] }

  public static var samples: [OpSample] { floatSamples(WhereNonzero(), -2...2, 0.5...3) }
}

extension GradientContext {
  /// A share of the gradient that is proportional to the one that came in, and 0 where that is: nothing flows there, though the slope
  /// be infinite.
  func flowing(_ share: Tensor) -> Tensor { share.builder.add(WhereNonzero(), [share, gradient], at: share.site) }
}
