/// What training makes small: a number from a prediction and a target.
///
/// ```swift
/// let mine = Loss("absoluteError") { prediction, target in abs(prediction - target).mean() }
/// ```
public struct Loss: Sendable {
  public let name: String
  /// The element type of targets: Int32 for the numbers of classes.
  public let targetType: ElementType
  private let compute: @Sendable (_ prediction: Tensor, _ target: Tensor) -> Tensor
  /// Whether its nodes have no line of the user's own.
  private var isBuiltIn = false
  private let allowsBroadcasting: Bool
  /// What targets must be for the loss to mean something; nil for any numbers.
  package private(set) var targetRange: ClosedRange<Float>?

  /// A loss of one's own: the closure gives one float.
  ///
  /// - Parameter allowsBroadcasting: whether it is meant that each prediction meets each target where their shapes make it so;
  ///   a warning says so otherwise.
  public init(
    _ name: String, targetType: ElementType = .float32, allowsBroadcasting: Bool = false,
    _ compute: @escaping @Sendable (_ prediction: Tensor, _ target: Tensor) -> Tensor
  ) {
    self.name = name
    self.targetType = targetType
    self.compute = compute
    self.allowsBroadcasting = allowsBroadcasting
  }

  /// The loss of a prediction, a scalar; its nodes carry the caller's line where the loss is built in.
  public func callAsFunction(
    _ prediction: Tensor, _ target: Tensor, file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    self(prediction, target, at: CallSite(file, line))
  }

  func callAsFunction(_ prediction: Tensor, _ target: Tensor, at site: CallSite) -> Tensor {
    let builder = prediction.builder
    if isBuiltIn { return builder.withSite(site) { compute(prediction, target) } }
    return builder.watchingBroadcasts(of: prediction, with: target, in: "loss '\(name)'", isAllowed: allowsBroadcasting) {
      compute(prediction, target)
    }
  }

  private static func builtIn(
    _ name: String, targetType: ElementType = .float32, targetRange: ClosedRange<Float>? = nil,
    _ compute: @escaping @Sendable (_ prediction: Tensor, _ target: Tensor) -> Tensor
  ) -> Loss {
    var loss = Loss(name, targetType: targetType, compute)
    loss.isBuiltIn = true
    loss.targetRange = targetRange
    return loss
  }

  /// The mean of (prediction − target)² over all elements.
  public static let meanSquaredError = builtIn("meanSquaredError") { CinchGraph.meanSquaredError($0, $1) }
  /// The mean over the rows of −log softmax(prediction) at the row's label. The prediction is logits; labels are Int32.
  public static let softmaxCrossEntropy = builtIn("softmaxCrossEntropy", targetType: .int32) {
    CinchGraph.softmaxCrossEntropy($0, labels: $1)
  }
  /// The mean of the binary cross-entropies of sigmoid(prediction); targets are probabilities.
  public static let binaryCrossEntropyWithLogits = builtIn("binaryCrossEntropyWithLogits", targetRange: 0...1) {
    CinchGraph.binaryCrossEntropyWithLogits($0, targets: $1)
  }
}

/// The mean of (prediction − target)² over all elements.
public func meanSquaredError(
  _ prediction: Tensor, _ target: Tensor, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  let site = CallSite(file, line)
  // Broadcasting [200, 1] against [200] would quietly compare each prediction with each target.
  guard prediction.type == target.type else {
    return prediction.builder.fail(
      "meanSquaredError needs a target of the prediction's type: \(prediction.type) and \(target.type)",
      operands: [prediction, target], recovered: TensorType(.float32, []), isCertain: true, at: site)
  }
  return prediction.builder.withSite(site) { (prediction - target).squared().mean() }
}

/// The mean over the rows of −log softmax(logits) at the row's label: `(logits [i…, classes], labels i32 [i…]) → []`. A label
/// outside of the classes fails the step.
public func softmaxCrossEntropy(
  _ logits: Tensor, labels: Tensor, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  logits.warnUnlessLogits(of: "softmaxCrossEntropy", CallSite(file, line))
  return logits.builder.withSite(CallSite(file, line)) {
    logits.builder.add(SoftmaxCrossEntropyOp(), [logits, labels], at: logits.site).mean()
  }
}

/// The mean of −t · log sigmoid(a) − (1 − t) · log(1 − sigmoid(a)) over all elements.
public func binaryCrossEntropyWithLogits(
  _ logits: Tensor, targets: Tensor, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  logits.warnUnlessLogits(of: "binaryCrossEntropyWithLogits", CallSite(file, line))
  return logits.builder.withSite(CallSite(file, line)) {
    logits.builder.add(BinaryCrossEntropyOp(), [logits, targets], at: logits.site).mean()
  }
}

extension Tensor {
  /// Warns of what are probabilities already, and of one logit, whose softmax is 1 whatever it is.
  fileprivate func warnUnlessLogits(of loss: String, _ site: CallSite) {
    var origin = self
    while Match(origin).op is Reshape || Match(origin).op is IdentityOp { origin = Match(origin).operand(0) }
    let isOfClasses = loss == "softmaxCrossEntropy"
    let activation = Match(origin).op is SoftmaxOp ? "softmax" : Match(origin).op is Logistic ? "sigmoid" : nil
    if let activation {
      builder.warn(
        Diagnostic(
          "\(loss) takes logits and applies \(isOfClasses ? "softmax" : "sigmoid") itself, but is given the result of a \(activation); leave that out",
          at: site, notes: [.init("the \(activation)", at: origin.site)]), topic: "logits")
    }
    if isOfClasses, shape.extents.last == 1 {
      builder.warn(
        Diagnostic(
          "softmaxCrossEntropy of one class, logits \(shape), is 0 whatever the logit; for two classes by one logit, use binaryCrossEntropyWithLogits",
          at: site), topic: "one class")
    }
  }
}
