/// A loss whose backward pass is written by hand: `Loss(MyLoss())` makes it one that a trainer takes.
public protocol CustomGradientLoss: Sendable {
  func forward(_ prediction: Tensor, _ target: Tensor) -> Tensor

  /// The gradient with respect to the prediction, given the one with respect to the loss (1 at the end of a network).
  func backward(prediction: Tensor, target: Tensor, gradient: Tensor) -> Tensor
}

extension CustomGradientLoss {
  public func callAsFunction(_ prediction: Tensor, _ target: Tensor) -> Tensor {
    let builder = prediction.builder
    let value = forward(prediction, target)
    guard value.builder === builder else { return value }
    let end = builder.add(IdentityOp(), [value], at: value.site)
    builder.customGradients[end.id] = CustomGradient(inputs: [prediction]) { gradient in
      [backward(prediction: prediction, target: target, gradient: gradient)]
    }
    return end
  }
}

extension Loss {
  /// A loss with a hand-written backward pass.
  public init(_ loss: some CustomGradientLoss, targetType: ElementType = .float32) {
    self.init(String(describing: type(of: loss)), targetType: targetType) { loss($0, $1) }
  }
}
