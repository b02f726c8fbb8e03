/// A model with what it takes to train it, and the graphs that follow: one training step (forward, backward and update),
/// evaluation, and prediction.
///
/// All its graphs declare the same state in the same order, for any batch size: programs compiled from them
/// share one state without a copy.
public struct TrainingStep: Sendable {
  public let model: any Module
  public let loss: Loss
  public let optimizer: Optimizer
  public let metrics: [Metric]
  /// Where the user made it.
  public let site: CallSite

  /// Names of the graphs' inputs and outputs.
  public static let inputName = "x"
  public static let targetName = "y"
  public static let lossName = "loss"
  public static let predictionName = "prediction"

  public init(
    _ model: any Module, loss: Loss, optimizer: Optimizer, metrics: [Metric] = [], file: StaticString = #filePath,
    line: Int = #line
  ) {
    self.init(model, loss: loss, optimizer: optimizer, metrics: metrics, at: CallSite(file, line))
  }

  public init(_ model: any Module, loss: Loss, optimizer: Optimizer, metrics: [Metric], at site: CallSite) {
    self.model = model
    self.loss = loss
    self.optimizer = optimizer
    self.metrics = metrics
    self.site = site
  }

  /// Inputs `x`, `y` and the optimizer's hyperparameters; outputs `loss` and the metrics, of before the update.
  public func training(_ input: TensorType, target: TensorType) -> Graph {
    build("training_step") { builder, parameters in
      builder.isTraining = true
      for mistake in optimizer.mistakes { builder.record(Diagnostic(mistake, at: site)) }
      let value = outputs(builder, input, target)
      guard value.shape.elementCount == 1, value.elementType == .float32 else {
        builder.record(
          Diagnostic("a loss is one float32, but '\(loss.name)' gives \(value.type); reduce it by mean()", at: site))
        return
      }
      warnOfIdleLayers(builder)
      // A parameter that the model never reads has no gradient, and stays as it is.
      let used = parameters.filter { builder.isRead($0.id) }.map {
        (variable: $0.variable, value: builder.read($0.id, at: $0.variable.site))
      }
      let one = builder.constant(.float(1), shape: value.shape, at: site)
      let gradients = builder.pullback(of: value, gradient: one, to: used.map(\.value))
      let known = zip(used, gradients).compactMap { used, gradient in
        gradient.map { (variable: used.variable, value: used.value, gradient: $0) }
      }
      optimizer.update(known, in: builder, at: site)
    }
  }

  /// Inputs `x` and `y`; outputs `loss` and the metrics.
  public func evaluation(_ input: TensorType, target: TensorType) -> Graph {
    build("evaluation", isOutsideTraining: true) { builder, _ in _ = outputs(builder, input, target) }
  }

  /// Input `x`, output `prediction`.
  public func prediction(_ input: TensorType) -> Graph {
    build("prediction", isOutsideTraining: true) { builder, _ in
      builder.output(Self.predictionName, model(self.input(builder, Self.inputName, input)), at: site)
    }
  }

  private func outputs(_ builder: GraphBuilder, _ input: TensorType, _ target: TensorType) -> Tensor {
    let prediction = model(self.input(builder, Self.inputName, input))
    let expected = self.input(builder, Self.targetName, target)
    let mistakes = builder.graph.diagnostics.count
    let value = builder.withScope("loss") { loss(prediction, expected, at: site) }
    builder.output(Self.lossName, value, at: site)
    // Where the loss takes no such targets, metrics would say the same again.
    let metrics = builder.graph.diagnostics.count == mistakes ? metrics : []
    for metric in metrics {
      let values = builder.withScope(metric.name) { metric(prediction, expected, at: site) }
      if values.count != metric.meanCount {
        builder.record(
          Diagnostic("metric '\(metric.name)' keeps \(metric.meanCount) means (means:), but gives \(values.count)", at: site))
      }
      for (name, value) in zip(metric.outputNames, values) {
        if value.shape.elementCount != 1 || value.elementType != .float32 {
          builder.record(
            Diagnostic("a metric is one float32, but '\(metric.name)' gives \(value.type); reduce it by mean()", at: site))
        }
        builder.output(name, value, at: site)
      }
    }
    return value
  }

  private func input(_ builder: GraphBuilder, _ name: String, _ type: TensorType) -> Tensor {
    builder.input(name, type.shape, type: type.elementType, at: site)
  }

  /// A layer with parameters, none of which is read, has been forgotten.
  private func warnOfIdleLayers(_ builder: GraphBuilder) {
    let idle = ModuleTree(model).outermostLayers { parameter in
      builder.stateByIdentity[parameter.identity].map { !builder.isRead($0) } ?? true
    }
    for (path, typeName, first) in idle {
      builder.warn(
        Diagnostic(
          "the layer '\(path)' (\(typeName)) is never called in training, so its parameters stay as they begin",
          at: first.site), topic: "idle layer \(path)")
    }
  }

  private typealias Declared = (variable: StateVariable, id: StateID)

  /// The state that all graphs of the model share.
  ///
  /// - Throws: `GraphError` for parameters that can't be, for numbers of the optimizer that make no sense, and for metrics of one
  ///   name.
  public func state() throws -> [StateVariable] {
    let builder = GraphBuilder(name: "state")
    for mistake in optimizer.mistakes + metricMistakes { builder.record(Diagnostic(mistake, at: site)) }
    let parameters = declareState(builder)
    if parameters.isEmpty {
      builder.record(Diagnostic("the model has no parameters, so there is nothing to train", at: site))
    }
    guard builder.graph.diagnostics.isEmpty else { throw GraphError(builder.graph.diagnostics) }
    return builder.graph.state
  }

  private var metricMistakes: [String] {
    var names: Set = [Self.lossName]
    return metrics.map(\.name).filter { !names.insert($0).inserted }.map {
      "a metric is named '\($0)' like \($0 == Self.lossName ? "the loss" : "another"); give it a name of its own"
    }
  }

  private func declareState(_ builder: GraphBuilder) -> [Declared] {
    let tree = ModuleTree(model)
    builder.register(tree)
    let parameters = tree.parameters.compactMap { path, parameter -> Declared? in
      builder.declare(parameter, named: path).map { (builder.graph.state[$0.index], $0) }
    }
    for variable in optimizer.state(for: parameters.map(\.variable)) + Self.randomState {
      _ = builder.declare(variable, at: site)
    }
    return parameters
  }

  private func build(
    _ name: String, isOutsideTraining: Bool = false, _ body: (GraphBuilder, [Declared]) -> Void
  ) -> Graph {
    let builder = GraphBuilder(name: name)
    builder.isOutsideTraining = isOutsideTraining
    let parameters = declareState(builder)
    let count = builder.graph.state.count
    body(builder, parameters)
    for variable in builder.graph.state[count...] where variable.role == .parameter {
      builder.record(
        Diagnostic(
          "the model uses a parameter '\(variable.name)' that is not found among its stored properties, so it could be neither trained nor saved; keep it, or the module that has it, in a stored property",
          at: variable.site))
    }
    return builder.finished()
  }

  private static let randomState = GraphBuilder.randomState(at: .unknown)
}
