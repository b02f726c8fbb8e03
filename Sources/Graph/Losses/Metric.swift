/// A number that training reports beside the loss, and does not differentiate.
///
/// ```swift
/// let mine = Metric("bias") { prediction, target in (prediction - target).mean() }
/// let rms = Metric("rms") { prediction, target in
///   [(prediction - target).squared().mean()]
/// } finish: { means in means[0].squareRoot() }
/// ```
///
/// Over several batches, means are weighted by their batches' rows, and `finish` is asked once, at the end: so the number is that of
/// all rows, whatever the batches were.
public struct Metric: Sendable {
  public let name: String
  /// How many means it keeps.
  package let meanCount: Int
  /// The number, from the means over all rows.
  package let finish: @Sendable (_ means: [Double]) -> Double
  private let compute: @Sendable (_ prediction: Tensor, _ target: Tensor) -> [Tensor]
  /// Whether its nodes have no line of the user's own.
  private var isBuiltIn = false
  private let allowsBroadcasting: Bool

  /// A metric of one's own: the closure gives one float, a mean over the rows of a batch.
  ///
  /// - Parameter allowsBroadcasting: whether it is meant that each prediction meets each target where their shapes make it so;
  ///   a warning says so otherwise.
  public init(
    _ name: String, allowsBroadcasting: Bool = false,
    _ compute: @escaping @Sendable (_ prediction: Tensor, _ target: Tensor) -> Tensor
  ) {
    self.init(name, means: 1, allowsBroadcasting: allowsBroadcasting, { [compute($0, $1)] }, finish: { $0[0] })
  }

  /// A metric that is no mean itself but follows from means over all rows, as the root of a mean square does.
  ///
  /// - Parameters:
  ///   - means: how many floats the closure gives; each is a mean over the rows of a batch.
  ///   - allowsBroadcasting: as above.
  ///   - finish: the number, given the means over all rows in the order in which the closure gives them.
  public init(
    _ name: String, means: Int = 1, allowsBroadcasting: Bool = false,
    _ compute: @escaping @Sendable (_ prediction: Tensor, _ target: Tensor) -> [Tensor],
    finish: @escaping @Sendable (_ means: [Double]) -> Double
  ) {
    self.name = name
    meanCount = means
    self.finish = finish
    self.compute = compute
    self.allowsBroadcasting = allowsBroadcasting
  }

  /// What the graphs of a model call the means.
  package var outputNames: [String] { meanCount == 1 ? [name] : (0..<meanCount).map { "\(name).\($0)" } }

  func callAsFunction(_ prediction: Tensor, _ target: Tensor, at site: CallSite) -> [Tensor] {
    let builder = prediction.builder
    if isBuiltIn { return builder.withSite(site) { compute(prediction, target) } }
    return builder.watchingBroadcasts(of: prediction, with: target, in: "metric '\(name)'", isAllowed: allowsBroadcasting) {
      compute(prediction, target)
    }
  }

  /// - Parameter takesLabels: whether targets are the numbers of classes, one for each row of logits.
  private static func builtIn(
    _ name: String, takesLabels: Bool = false, finish: @escaping @Sendable (Double) -> Double = { $0 },
    _ compute: @escaping @Sendable (_ prediction: Tensor, _ target: Tensor) -> Tensor
  ) -> Metric {
    var metric = Metric(name) { prediction, target in
      let expected =
        takesLabels ? TensorType(.int32, Shape(Array(prediction.shape.extents.dropLast()))) : prediction.type
      // Broadcasting [200, 1] against [200] would quietly compare each prediction with each target.
      guard target.type == expected, !takesLabels || prediction.shape.rank >= 1 else {
        return [
          prediction.builder.fail(
            "\(name) of a prediction \(prediction.type) needs \(takesLabels ? "labels" : "a target") of type \(expected), not \(target.type)",
            operands: [prediction, target], recovered: TensorType(.float32, []), isCertain: true, at: target.site)
        ]
      }
      return [compute(prediction, target)]
    } finish: {
      finish($0[0])
    }
    metric.isBuiltIn = true
    return metric
  }

  /// The share of rows whose largest logit stands at the label.
  public static let accuracy = builtIn("accuracy", takesLabels: true) { logits, labels in
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
  /// The root of the mean of (prediction − target)² over all elements.
  public static let rootMeanSquaredError = builtIn("rootMeanSquaredError", finish: { $0.squareRoot() }) { prediction, target in
    (prediction - target).squared().mean()
  }
}
