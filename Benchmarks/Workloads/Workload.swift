public import Cinch

/// One benchmark: a training step with its data and initial weights, the same numbers in every framework.
public struct Workload: Sendable {
  /// A tensor by the name that the golden file gives it.
  public struct Source: Sendable {
    public let name: String
    public let shape: Shape
    public let generator: TensorGenerator

    public init(_ name: String, _ shape: Shape, _ generator: TensorGenerator) {
      self.name = name
      self.shape = shape
      self.generator = generator
    }
  }

  public let name: String
  public let summary: String
  let inputs: [Source]
  /// In the order of their seeds.
  let parameters: [Source]
  /// The seed of the first input; parameters start 100 later.
  let seed: UInt64
  /// The state variable that holds each parameter.
  let stateNames: [String]
  /// What the program is given beside the data: learning rate and the like.
  let hyperparameters: [(name: String, value: HostTensor)]
  /// How the program's inputs follow from the data; nil gives them as they are.
  let prepare: (@Sendable ([String: HostTensor]) -> [String: HostTensor])?
  /// The whole step: forward, loss, gradients, update.
  public let graph: @Sendable () -> Graph

  public static let all: [Workload] = [.w1, .w2, .w3, .w4, .w5, .w6, .w7, .w8]

  /// The same networks with sizes that no vector, tile or number of workers divides, small enough for the slowest engine.
  public static let shrunk: [Workload] = [
    perceptron1(sizes: [1, 37, 1], batch: 53), perceptron2(sizes: [33, 67, 35, 7], batch: 29),
    perceptron3(sizes: [261, 71, 37, 7], batch: 31), perceptron4(width: 65, batch: 31),
    convolutional(batch: 3, image: 13, channels: (5, 19), hidden: 37),
    transformer(batch: 3, context: 17, symbols: 29, width: 36, heads: 3, layers: 2), elementwise(count: 10_007),
    recurrent(steps: 5, batch: 7, inputs: 9, units: 35),
  ]

  public static func named(_ name: String) -> Workload? { all.first { $0.name == name } }
}

/// The numbers of a workload.
public struct WorkloadData: Sendable {
  /// By the program's names, hyperparameters included.
  public let inputs: [String: HostTensor]
  /// By the names of state variables.
  public let parameters: [(name: String, value: HostTensor)]
}

extension Workload {
  public func data() -> WorkloadData {
    var inputs: [String: HostTensor] = [:]
    for (index, source) in self.inputs.enumerated() {
      inputs[source.name] = source.generator.tensor(source.shape, seed: seed + UInt64(index), others: inputs)
    }
    if let prepare { inputs = prepare(inputs) }
    for (name, value) in hyperparameters { inputs[name] = value }
    let parameters = zip(parameters, stateNames).enumerated().map { index, pair in
      let (source, name) = pair
      return (name: name, value: source.generator.tensor(source.shape, seed: seed + 100 + UInt64(index)))
    }
    return WorkloadData(inputs: inputs, parameters: parameters)
  }

  /// A model trained by an optimizer, whose parameters have the given names in the model.
  init(
    _ number: UInt64, _ summary: String, inputs: [Source], parameters: [Source], stateNames: [String],
    loss: Loss, optimizer: Optimizer, seed: UInt64? = nil,
    prepare: (@Sendable ([String: HostTensor]) -> [String: HostTensor])? = nil,
    input: TensorType, target: TensorType, model: @escaping @Sendable () -> any Module
  ) {
    self.init(
      name: "W\(number)", summary: summary, inputs: inputs, parameters: parameters, seed: seed ?? number * 1000,
      stateNames: stateNames,
      hyperparameters: optimizer.hyperparameters.map { hyperparameter in
        let value: ElementArray =
          hyperparameter.type == .float64 ? .float64([hyperparameter.value]) : .float32([Float(hyperparameter.value)])
        return (hyperparameter.name, HostTensor(value, shape: []))
      },
      prepare: prepare,
      graph: { TrainingStep(model(), loss: loss, optimizer: optimizer).training(input, target: target) })
  }
}
