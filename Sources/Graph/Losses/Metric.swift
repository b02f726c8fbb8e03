/// A number that training reports beside the loss, and does not differentiate: its mean over the batch's rows.
public struct Metric: Sendable {
  public let name: String
  private let compute: @Sendable (_ prediction: Tensor, _ target: Tensor) -> Tensor
  /// Whether its nodes have no line of the user's own.
  private var isBuiltIn = false

  /// A metric of one's own: the closure gives one float, a mean over the rows.
  public init(
    _ name: String, _ compute: @escaping @Sendable (_ prediction: Tensor, _ target: Tensor) -> Tensor
  ) {
    self.name = name
    self.compute = compute
  }

  func callAsFunction(_ prediction: Tensor, _ target: Tensor, at site: CallSite) -> Tensor {
    isBuiltIn ? prediction.builder.withSite(site) { compute(prediction, target) } : compute(prediction, target)
  }

  private static func builtIn(
    _ name: String, _ compute: @escaping @Sendable (_ prediction: Tensor, _ target: Tensor) -> Tensor
  ) -> Metric {
    var metric = Metric(name, compute)
    metric.isBuiltIn = true
    return metric
  }

  /// The share of rows whose largest logit stands at the label.
  public static let accuracy = builtIn("accuracy") { logits, labels in
    (logits.argMax(along: -1) .== labels).cast(to: .float32).mean()
  }
  /// The share of logits on the target's side of 0.
  public static let binaryAccuracy = builtIn("binaryAccuracy") { logits, targets in
    ((logits .> 0) .== (targets .> 0.5)).cast(to: .float32).mean()
  }
  /// The mean of |prediction − target|.
  public static let meanAbsoluteError = builtIn("meanAbsoluteError") { prediction, target in
    abs(prediction - target).mean()
  }
}
