extension Optimizer {
  /// Counts the steps taken, for people and checkpoints.
  static let stepName = "optimizer.step"

  /// What the optimizer remembers of the given parameters, in a fixed order.
  func state(for parameters: [StateVariable]) -> [StateVariable] {
    var list: [StateVariable] = []
    for parameter in parameters {
      for suffix in suffixes {
        list.append(
          StateVariable(
            name: "\(parameter.name).\(suffix)", type: parameter.type, role: .optimizer, initialiser: .zeros,
            site: parameter.site))
      }
    }
    for name in powerNames {
      list.append(
        StateVariable(
          name: name, type: TensorType(.float64, []), role: .optimizer, initialiser: .constant(1)))
    }
    list.append(
      StateVariable(name: Self.stepName, type: TensorType(.int32, []), role: .counter, initialiser: .zeros))
    return list
  }

  private var suffixes: [String] {
    switch method {
    case .sgd(let momentum, _): momentum == 0 ? [] : ["momentum"]
    case .adam: ["m", "v"]
    }
  }

  /// β₁ᵗ and β₂ᵗ are kept as running products in Float64: exact enough for every t, and a loop of many steps
  /// needs no help from the host.
  private var powerNames: [String] {
    if case .adam = method { ["optimizer.beta1Power", "optimizer.beta2Power"] } else { [] }
  }

  /// Adds the update of each parameter that has a gradient, and of what the optimizer remembers.
  func update(
    _ parameters: [(variable: StateVariable, value: Tensor, gradient: Tensor)], in builder: GraphBuilder,
    at site: CallSite
  ) {
    let method = Step(self, builder, site)
    for (variable, value, gradient) in parameters {
      builder.withScope(variable.name) {
        builder.withSite(variable.site) { method.update(variable, value, gradient) }
      }
    }
    builder.withSite(site) { method.advance() }
  }
}

/// One step of an optimizer: its inputs as tensors, and the formulas.
private struct Step {
  let optimizer: Optimizer
  let builder: GraphBuilder
  let site: CallSite
  let inputs: [String: Tensor]
  var adam: AdamScalars?

  init(_ optimizer: Optimizer, _ builder: GraphBuilder, _ site: CallSite) {
    self.optimizer = optimizer
    self.builder = builder
    self.site = site
    var inputs: [String: Tensor] = [:]
    for hyperparameter in optimizer.hyperparameters {
      inputs[hyperparameter.name] = builder.input(hyperparameter.name, [], type: hyperparameter.type, at: site)
    }
    self.inputs = inputs
    if case .adam = optimizer.method { adam = builder.withSite(site) { adamScalars() } }
  }

  private func input(_ name: String) -> Tensor {
    guard let tensor = inputs[name] else {
      preconditionFailure("optimizer without its input '\(name)': a bug in Cinch")
    }
    return tensor
  }

  /// A variable that `Optimizer.state(for:)` lists, and so has been declared.
  private func state(_ name: String, _ type: TensorType) -> Tensor {
    builder.state(
      StateVariable(name: name, type: type, role: .optimizer, initialiser: .zeros, site: site), at: site)
  }

  func update(_ variable: StateVariable, _ value: Tensor, _ gradient: Tensor) {
    var (value, gradient) = (value, gradient)
    let read = value
    if let decay = inputs["weightDecay"] {
      if let kept = adam?.kept { value = value * kept } else { gradient = gradient + decay * value }
    }
    let change: Tensor
    switch optimizer.method {
    case .sgd(let momentum, let nesterov):
      var direction = gradient
      if momentum != 0 {
        let memory = state("\(variable.name).momentum", variable.type)
        let velocity = input("momentum") * memory + gradient
        builder.update(memory, to: velocity, at: site)
        direction = nesterov ? gradient + input("momentum") * velocity : velocity
      }
      change = input("learningRate") * direction
    case .adam:
      guard let adam else { preconditionFailure("Adam without its scalars: a bug in Cinch") }
      let (m, v) = (state("\(variable.name).m", variable.type), state("\(variable.name).v", variable.type))
      // β·m + (1 − β)·g in the form that needs only 1 − β: Float32's nearest to 0.999 is far off in 1 − 0.999. Each product is
      // bounded by what it changes; g² alone would overflow where its share of v doesn't, and what has overflowed is kept.
      let mean = m + (adam.rest1 * gradient - adam.rest1 * m)
      let bounded = minimum(v, Tensor.scalar(Double(Float.greatestFiniteMagnitude), like: v))
      let square = v + ((adam.rest2 * gradient) * gradient - adam.rest2 * bounded)
      builder.update(m, to: mean, at: site)
      builder.update(v, to: square, at: site)
      change = adam.rate * (mean / (sqrt(square) + adam.epsilon))
    }
    builder.update(read, to: value - change, at: site)
  }

  /// The counter and the powers of β.
  func advance() {
    if let adam {
      for (read, next) in adam.powers { builder.update(read, to: next, at: site) }
    }
    let step = state(Optimizer.stepName, TensorType(.int32, []))
    builder.update(step, to: step + 1, at: site)
  }

  /// What all parameters share in Adam. Float32 would lose 1 − β₂ᵗ to cancellation, so these few numbers are computed in
  /// Float64 and rounded once.
  struct AdamScalars {
    /// 1 − β₁ and 1 − β₂.
    let rest1, rest2: Tensor
    /// lr · √(1 − β₂ᵗ) / (1 − β₁ᵗ), with which `m / (√v + ε·√(1 − β₂ᵗ))` is multiplied: the same as the formula of the paper, for one
    /// division less for each element.
    let rate: Tensor
    let epsilon: Tensor
    /// 1 − lr·λ, for decoupled weight decay.
    let kept: Tensor?
    let powers: [(read: Tensor, next: Tensor)]
  }

  private func adamScalars() -> AdamScalars {
    let (beta1, beta2) = (input("beta1"), input("beta2"))
    let scalar = TensorType(.float64, [])
    let read1 = state("optimizer.beta1Power", scalar)
    let read2 = state("optimizer.beta2Power", scalar)
    let (power1, power2) = (read1 * beta1, read2 * beta2)
    let root = sqrt(1 - power2)
    let rate = input("learningRate").cast(to: .float64)
    var kept: Tensor?
    if case .adam(_, _, _, true) = optimizer.method, let decay = inputs["weightDecay"] {
      kept = (1 - rate * decay.cast(to: .float64)).cast(to: .float32)
    }
    return AdamScalars(
      rest1: (1 - beta1).cast(to: .float32), rest2: (1 - beta2).cast(to: .float32),
      rate: (rate * root / (1 - power1)).cast(to: .float32),
      epsilon: (input("epsilon").cast(to: .float64) * root).cast(to: .float32), kept: kept,
      powers: [(read1, power1), (read2, power2)])
  }
}
