/// What a recurrent layer gives to the layer after it.
public enum RecurrentOutput: String, Sendable, Hashable {
  /// The hidden state after each step: `[steps, batch, units]`.
  case sequence
  /// The hidden state after the last step: `[batch, units]`.
  case last
}

/// Long short-term memory (Hochreiter and Schmidhuber 1997; with forget gates, Gers et al. 2000) over a sequence
/// `[steps, batch, inputs]`.
///
/// With the gates i, f, g, o in this order, each of `units` columns: `z = x·W_ih + b_ih + h·W_hh + b_hh`,
/// `c ← sigmoid(f)·c + sigmoid(i)·tanh(g)`, `h ← sigmoid(o)·tanh(c)`. Names and order are those of PyTorch's `nn.LSTM`; weights
/// are [inputs, 4·units], as `Linear` has them, the transposes of PyTorch's.
public struct LSTM: Layer {
  public let identity = LayerIdentity()
  let cell: RecurrentParameters
  public let returns: RecurrentOutput

  /// - Parameters:
  ///   - returns: the hidden states of all steps, or the last one.
  ///   - weights: how weights begin; uniform in ±1/√units, PyTorch's default, unless given.
  ///   - biases: how both biases begin; likewise.
  public init(
    _ inputs: Int, _ units: Int, returns: RecurrentOutput = .sequence, weights: Initialiser? = nil,
    biases: Initialiser? = nil, file: StaticString = #filePath, line: Int = #line
  ) {
    cell = RecurrentParameters(inputs, units, gates: 4, weights, biases, at: CallSite(file, line))
    self.returns = returns
  }

  public var inputs: Int { cell.inputs }
  public var units: Int { cell.units }
  public var configuration: String { cell.configuration(returns) }
  public var parts: [(name: String, value: Any)] { cell.parts }

  public func forward(_ input: Tensor) -> Tensor {
    let (sequence, hidden, _) = states(input)
    return returns == .sequence ? sequence : hidden
  }

  /// All hidden states `[steps, batch, units]`, and the last hidden state and cell state `[batch, units]`.
  ///
  /// - Parameters:
  ///   - hidden: the hidden state before the first step; zeros unless given.
  ///   - cell: the cell state before the first step; zeros unless given.
  public func states(
    _ input: Tensor, hidden: Tensor? = nil, cell memory: Tensor? = nil
  ) -> (sequence: Tensor, hidden: Tensor, cell: Tensor) {
    let mistake = cell.mistake("LSTM(\(configuration))", input, [hidden, memory].compactMap(\.self))
    if let mistake { return (mistake.sequence, mistake.last, mistake.last) }
    let units = units
    // Neither bias depends on the step.
    let projected = cell.projected(input, withBothBiases: true)
    return input.builder.withSite(cell.site) {
      let start = input.builder.constant(.float(0), shape: [input.shape[1], units], at: cell.site)
      let weight = cell.recurrentWeight(input.builder)
      let (carried, stacked) = scan(over: [projected], initial: [hidden ?? start, memory ?? start]) { slices, carried in
        let gates = slices[0] + matmul(carried[0], weight)
        func gate(_ number: Int) -> Tensor { gates.sliced(along: 1, number * units..<(number + 1) * units) }
        let memory = sigmoid(gate(1)) * carried[1] + sigmoid(gate(0)) * tanh(gate(2))
        let hidden = sigmoid(gate(3)) * tanh(memory)
        return (carried: [hidden, memory], outputs: [hidden])
      }
      return (stacked[0], carried[0], carried[1])
    }
  }
}

/// Gated recurrent units (Cho et al. 2014) over a sequence `[steps, batch, inputs]`.
///
/// With the gates r, z, n in this order: `r = sigmoid(x·W_ir + b_ir + h·W_hr + b_hr)`, z likewise,
/// `n = tanh(x·W_in + b_in + r·(h·W_hn + b_hn))`, `h ← (1 − z)·n + z·h`. Names and order are those of PyTorch's `nn.GRU`; weights
/// are [inputs, 3·units], the transposes of PyTorch's.
public struct GRU: Layer {
  public let identity = LayerIdentity()
  let cell: RecurrentParameters
  public let returns: RecurrentOutput

  /// - Parameters:
  ///   - returns: the hidden states of all steps, or the last one.
  ///   - weights: how weights begin; uniform in ±1/√units, PyTorch's default, unless given.
  ///   - biases: how both biases begin; likewise.
  public init(
    _ inputs: Int, _ units: Int, returns: RecurrentOutput = .sequence, weights: Initialiser? = nil,
    biases: Initialiser? = nil, file: StaticString = #filePath, line: Int = #line
  ) {
    cell = RecurrentParameters(inputs, units, gates: 3, weights, biases, at: CallSite(file, line))
    self.returns = returns
  }

  public var inputs: Int { cell.inputs }
  public var units: Int { cell.units }
  public var configuration: String { cell.configuration(returns) }
  public var parts: [(name: String, value: Any)] { cell.parts }

  public func forward(_ input: Tensor) -> Tensor {
    let (sequence, hidden) = states(input)
    return returns == .sequence ? sequence : hidden
  }

  /// All hidden states `[steps, batch, units]`, and the last one `[batch, units]`.
  ///
  /// - Parameter hidden: the hidden state before the first step; zeros unless given.
  public func states(_ input: Tensor, hidden: Tensor? = nil) -> (sequence: Tensor, hidden: Tensor) {
    let mistake = cell.mistake("GRU(\(configuration))", input, [hidden].compactMap(\.self))
    if let mistake { return (mistake.sequence, mistake.last) }
    let units = units
    let projected = cell.projected(input, withBothBiases: false)
    return input.builder.withSite(cell.site) {
      let start = input.builder.constant(.float(0), shape: [input.shape[1], units], at: cell.site)
      let weight = cell.recurrentWeight(input.builder)
      let bias = cell.recurrentBias(input.builder)
      let (carried, stacked) = scan(over: [projected], initial: [hidden ?? start]) { slices, carried in
        let recurrent = matmul(carried[0], weight) + bias
        func gate(_ gates: Tensor, _ number: Int) -> Tensor { gates.sliced(along: 1, number * units..<(number + 1) * units) }
        let reset = sigmoid(gate(slices[0], 0) + gate(recurrent, 0))
        let update = sigmoid(gate(slices[0], 1) + gate(recurrent, 1))
        let candidate = tanh(gate(slices[0], 2) + reset * gate(recurrent, 2))
        let hidden = candidate + update * (carried[0] - candidate)
        return (carried: [hidden], outputs: [hidden])
      }
      return (stacked[0], carried[0])
    }
  }
}

/// What recurrent layers with gates share: four parameters, and the part of the gates that does not depend on the step before.
struct RecurrentParameters: Sendable {
  let inputWeight: Parameter
  let hiddenWeight: Parameter
  let inputBias: Parameter
  let hiddenBias: Parameter
  let inputs: Int
  let units: Int
  let gates: Int
  let site: CallSite

  init(
    _ inputs: Int, _ units: Int, gates: Int, _ weights: Initialiser?, _ biases: Initialiser?, at site: CallSite
  ) {
    let standard = Initialiser.fanInUniform(fanIn: units)
    // Units that no tensor has are reported when the layer is called.
    let columns = gates * Swift.min(Swift.max(units, -1), Shape.maximumElementCount)
    inputWeight = Parameter([inputs, columns], weights ?? standard, at: site)
    hiddenWeight = Parameter([units, columns], weights ?? standard, at: site)
    inputBias = Parameter([columns], biases ?? standard, at: site)
    hiddenBias = Parameter([columns], biases ?? standard, at: site)
    self.inputs = inputs
    self.units = units
    self.gates = gates
    self.site = site
  }

  /// The keys of PyTorch's state dictionaries.
  var parts: [(name: String, value: Any)] {
    [
      ("weight_ih_l0", inputWeight), ("weight_hh_l0", hiddenWeight), ("bias_ih_l0", inputBias), ("bias_hh_l0", hiddenBias),
    ]
  }

  func configuration(_ returns: RecurrentOutput) -> String {
    "\(inputs), \(units)" + (returns == .last ? ", returns=last" : "")
  }

  /// Stands for the results where the layer's sizes make no sense or the operands don't fit.
  func mistake(_ what: String, _ input: Tensor, _ states: [Tensor]) -> (sequence: Tensor, last: Tensor)? {
    let builder = input.builder
    func failed(_ message: String, _ operands: [Tensor], batch: Int, steps: Int) -> (sequence: Tensor, last: Tensor) {
      let sequence = builder.fail(
        message, operands: operands, recovered: TensorType(.float32, [steps, batch, units]), at: site)
      return (sequence, builder.poison(recovered: TensorType(.float32, [batch, units]), site: site))
    }
    guard inputs >= 1, units >= 1, [inputWeight, hiddenWeight].allSatisfy({ $0.shape.elementCount <= Shape.maximumElementCount })
    else {
      return failed(
        "\(what) can't have \(inputs) inputs and \(units) units: each is at least 1, and weights have at most 2³⁸ elements",
        [input], batch: 1, steps: 1)
    }
    guard input.shape.rank == 3, input.shape[2] == inputs, input.elementType == .float32 else {
      return failed("\(what) needs float32 [steps, batch, \(inputs)], not \(input.type)", [input], batch: 1, steps: 1)
    }
    let batch = input.shape[1]
    for state in states where state.builder === builder && state.type != TensorType(.float32, [batch, units]) {
      return failed(
        "\(what) on a batch of \(batch) starts from float32[\(batch), \(units)], not \(state.type)", [state, input], batch: batch,
        steps: input.shape[0])
    }
    return nil
  }

  /// `x·W_ih + b_ih` of all steps as one product of two matrices: `[steps, batch, gates · units]`.
  func projected(_ input: Tensor, withBothBiases: Bool) -> Tensor {
    let builder = input.builder
    let weight = builder.parameter(inputWeight, hint: "weight_ih_l0", at: site)
    var bias = builder.parameter(inputBias, hint: "bias_ih_l0", at: site)
    return builder.withSite(site) {
      if withBothBiases { bias = bias + builder.parameter(hiddenBias, hint: "bias_hh_l0", at: site) }
      let rows = input.shape[0] * input.shape[1]
      return (matmul(input.reshaped(to: [rows, inputs]), weight) + bias)
        .reshaped(to: [input.shape[0], input.shape[1], gates * units])
    }
  }

  func recurrentWeight(_ builder: GraphBuilder) -> Tensor {
    builder.parameter(hiddenWeight, hint: "weight_hh_l0", at: site)
  }

  func recurrentBias(_ builder: GraphBuilder) -> Tensor {
    builder.parameter(hiddenBias, hint: "bias_hh_l0", at: site)
  }
}
