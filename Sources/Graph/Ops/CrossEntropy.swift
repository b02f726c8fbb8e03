// Cross-entropies of logits, in forms that neither overflow nor cancel, with gradients that share the forward pass's exponentials.

public struct SoftmaxCrossEntropyOp: DecomposedOp, AttributeFree {
  public static let mnemonic = "softmax_cross_entropy"
  public static let summary =
    "(logits [i…, c], labels i32 [i…]) → [i…]: −log softmax of the logits at the label; labels are checked."
  public init() {}

  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    guard operands.count == 2 else { throw TypeViolation("softmax_cross_entropy takes logits and labels") }
    let (logits, labels) = (operands[0], operands[1])
    let result = TensorType(logits.elementType, Shape(Array(logits.shape.extents.dropLast())))
    _ = try float32Type([logits.elementType], "softmax_cross_entropy")
    guard logits.shape.rank >= 1 else {
      throw TypeViolation("softmax_cross_entropy needs logits of floats with an axis of classes, not \(logits)")
    }
    guard labels.elementType == .int32 else {
      throw TypeViolation(
        "softmax_cross_entropy needs labels of int32 (the number of the class), not \(labels.elementType.rawValue)",
        recovered: result)
    }
    guard labels.shape == result.shape else {
      throw TypeViolation(
        "softmax_cross_entropy needs one label for each row of logits: logits \(logits.shape) take labels \(result.shape), not \(labels.shape)",
        recovered: result)
    }
    return result
  }

  /// log Σ e^(x − max) − (x − max) at the label: what the mask leaves out is never multiplied, so that an infinite logit of another
  /// class makes no NaN.
  public func decompose(_ x: [Tensor]) -> Tensor {
    let (shifted, axis) = Self.shifted(x[0])
    let mask = Self.mask(x)
    let zero = Tensor.zeros(like: shifted)
    return log(exp(shifted).sum(along: axis)) - select(mask, shifted, zero).sum(along: axis)
  }

  /// g · (softmax − one-hot).
  public func gradients(_ c: GradientContext) -> [Tensor?] {
    let (shifted, axis) = Self.shifted(c.operands[0])
    let exponentials = exp(shifted)
    let scale = (c.gradient / exponentials.sum(along: axis)).expanded(at: [axis], to: shifted.shape)
    let gradient = c.gradient.expanded(at: [axis], to: shifted.shape)
    return [exponentials * scale - select(Self.mask(c.operands), gradient, Tensor.zeros(like: shifted)), nil]
  }

  private static func shifted(_ logits: Tensor) -> (Tensor, axis: Int) {
    let axis = logits.shape.rank - 1
    return (logits - stopGradient(logits.max(along: axis)).expanded(at: [axis], to: logits.shape), axis)
  }

  private static func mask(_ x: [Tensor]) -> Tensor {
    let shape = x[0].shape
    let labels = checkedIndices(x[1], limit: shape[shape.rank - 1], for: mnemonic)
    let columns = labels.builder.add(Iota(shape, axis: shape.rank - 1), [], at: labels.site)
    return columns .== labels.expanded(at: [shape.rank - 1], to: shape)
  }

  public static var samples: [OpSample] {
    [
      OpSample(
        SoftmaxCrossEntropyOp(),
        [(TensorType(.float32, [5, 17]), .uniform(-3...3)), (TensorType(.int32, [5]), .index(limit: 17))]),
      OpSample(
        SoftmaxCrossEntropyOp(),
        [(TensorType(.float32, [3, 2, 5]), .uniform(-3...3)), (TensorType(.int32, [3, 2]), .index(limit: 5))]),
      OpSample(
        SoftmaxCrossEntropyOp(),
        [(TensorType(.float32, [3, 65]), .uniform(-200...200)), (TensorType(.int32, [3]), .index(limit: 65))]),
      OpSample(
        SoftmaxCrossEntropyOp(),
        [(TensorType(.float32, [1]), .uniform(-3...3)), (TensorType(.int32, []), .index(limit: 1))]),
    ]
  }
}

public struct BinaryCrossEntropyOp: DecomposedOp, AttributeFree {
  public static let mnemonic = "binary_cross_entropy"
  public static let summary =
    "(logits a, targets b in [0, 1]) → −b · log sigmoid(a) − (1 − b) · log(1 − sigmoid(a)), element by element."
  public init() {}

  public func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType {
    guard operands.count == 2 else { throw TypeViolation("binary_cross_entropy takes logits and targets") }
    _ = try float32Type([operands[0].elementType], "binary_cross_entropy")
    guard operands[1] == operands[0] else {
      throw TypeViolation(
        "binary_cross_entropy needs targets of the logits' type: \(operands[0]) and \(operands[1])",
        recovered: operands[0])
    }
    return operands[0]
  }

  /// max(a, 0) − a·b + log1p(e^−|a|).
  public func decompose(_ x: [Tensor]) -> Tensor {
    (relu(x[0]) - x[0] * x[1]) + log1p(exp(-abs(x[0])))
  }

  public func gradients(_ c: GradientContext) -> [Tensor?] {
    let (logits, targets) = (c.operands[0], c.operands[1])
    return [c.gradient * (sigmoid(logits) - targets), -(c.gradient * logits)]
  }

  public static var samples: [OpSample] {
    floatSamples(BinaryCrossEntropyOp(), -3...3, 0...1, special: false) + [
      // Where the sigmoid is 0 or 1 to all digits.
      OpSample(
        BinaryCrossEntropyOp(),
        [(TensorType(.float32, [17]), .uniform(-200...200)), (TensorType(.float32, [17]), .uniform(0...1))])
    ]
  }
}
