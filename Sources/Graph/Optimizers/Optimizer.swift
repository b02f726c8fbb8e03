/// How parameters follow their gradients.
///
/// A value: the learning rate and the like are inputs of the compiled step, so that they can change without compiling
/// again. What an optimizer remembers (momentum, moving averages, the step) is state beside the parameters.
public struct Optimizer: Sendable, Hashable {
  public enum Method: Sendable, Hashable {
    /// `v = μ·v + g; p −= lr·v` from v = 0; with Nesterov, `p −= lr·(g + μ·v)` (Sutskever et al. 2013).
    case sgd(momentum: Double, nesterov: Bool)
    /// `p −= lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)` with the moving averages m of g and v of g², t from 1
    /// (Kingma and Ba 2015). Decoupled weight decay shrinks p by 1 − lr·λ instead of adding λ·p to g
    /// (Loshchilov and Hutter 2019).
    case adam(beta1: Double, beta2: Double, epsilon: Double, decoupledDecay: Bool)
  }

  public var method: Method
  public var learningRate: Double
  public var weightDecay: Double

  public init(_ method: Method, learningRate: Double, weightDecay: Double = 0) {
    self.method = method
    self.learningRate = learningRate
    self.weightDecay = weightDecay
  }

  /// Stochastic gradient descent.
  ///
  /// - Parameter weightDecay: λ, of which λ·p is added to the gradient.
  public static func sgd(
    learningRate: Double, momentum: Double = 0, nesterov: Bool = false, weightDecay: Double = 0
  ) -> Optimizer {
    Optimizer(.sgd(momentum: momentum, nesterov: nesterov), learningRate: learningRate, weightDecay: weightDecay)
  }

  /// Adam; weight decay λ adds λ·p to the gradient.
  public static func adam(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0
  ) -> Optimizer {
    Optimizer(
      .adam(beta1: beta1, beta2: beta2, epsilon: epsilon, decoupledDecay: false), learningRate: learningRate,
      weightDecay: weightDecay)
  }

  /// Adam with decoupled weight decay.
  public static func adamW(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0.01
  ) -> Optimizer {
    Optimizer(
      .adam(beta1: beta1, beta2: beta2, epsilon: epsilon, decoupledDecay: true), learningRate: learningRate,
      weightDecay: weightDecay)
  }
}

extension Optimizer {
  /// A number that a compiled step is given with each call.
  public struct Hyperparameter: Sendable, Hashable {
    public let name: String
    public let value: Double
    /// Float64 where 1 − value must be accurate in Float32.
    public let type: ElementType
  }

  /// The inputs of the compiled step, with their values.
  public var hyperparameters: [Hyperparameter] {
    var list = [Hyperparameter(name: "learningRate", value: learningRate, type: .float32)]
    switch method {
    case .sgd(let momentum, _):
      if momentum != 0 { list.append(Hyperparameter(name: "momentum", value: momentum, type: .float32)) }
    case .adam(let beta1, let beta2, let epsilon, _):
      list.append(Hyperparameter(name: "beta1", value: beta1, type: .float64))
      list.append(Hyperparameter(name: "beta2", value: beta2, type: .float64))
      list.append(Hyperparameter(name: "epsilon", value: epsilon, type: .float32))
    }
    if weightDecay != 0 { list.append(Hyperparameter(name: "weightDecay", value: weightDecay, type: .float32)) }
    return list
  }

  /// Whether a step compiled for one serves the other: they differ in numbers only.
  public func hasSameStep(as other: Optimizer) -> Bool {
    guard hyperparameters.map(\.name) == other.hyperparameters.map(\.name) else { return false }
    return switch (method, other.method) {
    case (.sgd(_, let a), .sgd(_, let b)): a == b
    case (.adam(_, _, _, let a), .adam(_, _, _, let b)): a == b
    default: false
    }
  }

  /// What is wrong with the numbers, a sentence each.
  public var mistakes: [String] {
    var mistakes: [String] = []
    func require(_ isRight: Bool, _ sentence: @autoclosure () -> String) {
      if !isRight { mistakes.append(sentence()) }
    }
    require(
      Float(learningRate).isFinite && learningRate >= 0,
      "the learning rate must be a number from 0 on that Float32 holds, not \(learningRate)")
    require(
      Float(weightDecay).isFinite && weightDecay >= 0,
      "the weight decay must be a number from 0 on that Float32 holds, not \(weightDecay)")
    switch method {
    case .sgd(let momentum, let nesterov):
      require(momentum.isFinite && momentum >= 0, "the momentum must be a number from 0 on, not \(momentum)")
      require(!nesterov || momentum > 0, "Nesterov's method needs a momentum above 0")
    case .adam(let beta1, let beta2, let epsilon, _):
      require(beta1 >= 0 && beta1 < 1, "beta1 must be in 0..<1, not \(beta1)")
      require(beta2 >= 0 && beta2 < 1, "beta2 must be in 0..<1, not \(beta2)")
      require(epsilon.isFinite && epsilon >= 0, "epsilon must be a number from 0 on, not \(epsilon)")
    }
    return mistakes
  }
}

extension Optimizer: CustomStringConvertible {
  /// As it is written: `adam(learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-08)`.
  public var description: String {
    var numbers = [("learningRate", learningRate)]
    var name = "sgd"
    var isNesterov = false
    switch method {
    case .sgd(let momentum, let nesterov):
      isNesterov = nesterov
      if momentum != 0 { numbers.append(("momentum", momentum)) }
    case .adam(let beta1, let beta2, let epsilon, let decoupledDecay):
      name = decoupledDecay ? "adamW" : "adam"
      numbers += [("beta1", beta1), ("beta2", beta2), ("epsilon", epsilon)]
    }
    if weightDecay != 0 { numbers.append(("weightDecay", weightDecay)) }
    let words = numbers.map { "\($0): \($1)" } + (isNesterov ? ["nesterov: true"] : [])
    return "\(name)(\(words.joined(separator: ", ")))"
  }
}
