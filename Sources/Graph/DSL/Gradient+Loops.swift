extension GraphBuilder {
  /// The gradients with respect to a loop's operands, given those with respect to some of its results.
  ///
  /// - Parameter leads: for each node before the loop, whether its gradient is wanted.
  func loopContributions(to loop: Tensor, gradients: [Int: Tensor], _ leads: [Bool]) -> [(Tensor, Tensor)] {
    let node = graph[loop.id]
    guard let op = node.op as? Repeat, let trace = loops[loop.id] else {
      record(Diagnostic("a loop that was not made by scan has no gradient", at: node.site))
      return []
    }
    scopes.append(node.name)
    defer { scopes.removeLast() }
    return insideBodies {
      LoopGradient(self, loop, op.iteration, trace, gradients: gradients, leads: leads).contributions()
    }
  }
}

/// The gradient of a loop: a loop in the other direction, whose body is the pullback of the first one's body.
///
/// It carries the gradients with respect to what the first loop carries. What it needs of the first loop's values is
/// stacked there (`LoopResiduals`). The gradients with respect to tensors that are the same in each iteration are
/// sums over the iterations (`IterationSum`).
struct LoopGradient {
  let builder: GraphBuilder
  let loop: Tensor
  let iteration: Iteration
  let trace: LoopTrace
  /// With respect to the results, by their numbers.
  let gradients: [Int: Tensor]
  let leads: [Bool]
  let site: CallSite

  init(
    _ builder: GraphBuilder, _ loop: Tensor, _ iteration: Iteration, _ trace: LoopTrace, gradients: [Int: Tensor],
    leads: [Bool]
  ) {
    self.builder = builder
    self.loop = loop
    self.iteration = iteration
    self.trace = trace
    self.gradients = gradients
    self.leads = leads
    site = loop.site
  }

  private func tensor(_ id: NodeID) -> Tensor { Tensor(builder: builder, id: id) }
  private func isWanted(_ id: NodeID) -> Bool { leads[id.index] && builder.graph.type(of: id).elementType.isFloatingPoint }

  func contributions() -> [(Tensor, Tensor)] {
    let operands = builder.graph[loop.id].operands
    let captured = operands.dropFirst(trace.inputs.count).filter(isWanted)
    let slices = (0..<iteration.sliced).filter { isWanted(operands[iteration.carried + $0]) }
    let variables = slices.map { trace.inputs[iteration.carried + $0] } + captured
    let carried = differentiableCarried(operands, variables)

    // The gradients with respect to the body's outputs: carried ones, and slices of those that are stacked.
    var seeds: [(tensor: Tensor, gradient: Tensor)] = []
    let carriedSeeds = carried.map { position in
      let seed = builder.loopVariable(builder.graph.type(of: trace.inputs[position]), at: site)
      seeds.append((tensor(trace.outputs[position]), seed))
      return seed
    }
    var sliced: [(variable: NodeID, source: Tensor)] = []
    for position in iteration.carried..<trace.outputs.count {
      guard let gradient = gradients[position] else { continue }
      let seed = builder.loopVariable(builder.graph.type(of: trace.outputs[position]), at: site)
      seeds.append((tensor(trace.outputs[position]), seed))
      sliced.append((seed.id, gradient))
    }
    let targets = carried.map { trace.inputs[$0] } + variables
    let stops = Set(trace.inputs).union(operands.dropFirst(trace.inputs.count))
    let found = builder.pullback(of: seeds, to: targets.map(tensor), stops: stops)
    let ofCarried = zip(carried, found).map { position, gradient in
      gradient
        ?? builder.constant(
          Tensor.literal(0, builder.graph.type(of: trace.inputs[position]).elementType),
          shape: builder.graph.type(of: trace.inputs[position]).shape, at: site)
    }
    let ofSlices = zip(slices, found.dropFirst(carried.count)).compactMap { slice, gradient in gradient.map { (slice, $0) } }
    let ofCaptured = zip(captured, found.dropFirst(carried.count + slices.count)).compactMap { id, gradient in
      gradient.map { (id, $0) }
    }

    var residuals = LoopResiduals(builder, loop, iteration, trace, seeds: seeds.map(\.gradient.id))
    var sums = IterationSums(residuals, stacked: ofSlices.map(\.1.id))
    // Twice, because what one sum stacks another may use.
    for (_, gradient) in ofCaptured { _ = sums.plan(gradient.id) }
    let plans = ofCaptured.map { sums.plan($0.1.id) }
    let accumulated = plans.flatMap(\.accumulated)
    residuals = sums.residuals
    let stacked = sums.stacked
    residuals.need(ofCarried.map(\.id) + accumulated + stacked)
    sliced += residuals.sources()

    // What is added up goes from iteration to iteration beside the gradients.
    var starts = zip(carried, carriedSeeds).map { gradients[$0] ?? Tensor.zeros(like: $1) }
    var inputs = carriedSeeds.map(\.id)
    var outputs = ofCarried.map(\.id)
    let running = RunningSums(of: accumulated.map(tensor), iterations: iteration.count, builder, site)
    running.carry(&starts, &inputs, &outputs)
    if inputs.isEmpty {
      let unused = builder.loopVariable(TensorType(.float32, []), at: site)
      starts.append(Tensor.zeros(like: unused))
      inputs.append(unused.id)
      outputs.append(unused.id)
    }
    let backward = Iteration(
      count: iteration.count, carried: starts.count, sliced: sliced.count, stacked: stacked.count,
      isReversed: !iteration.isReversed)
    let results = builder.addLoop(
      LoopTrace(inputs: inputs + sliced.map(\.variable), outputs: outputs + stacked), backward,
      operands: starts + sliced.map(\.source), at: site)

    var contributions = zip(carried, results).filter { leads[operands[$0.0].index] }.map { (tensor(operands[$0]), $1) }
    let stacks = Dictionary(uniqueKeysWithValues: zip(stacked, results.dropFirst(starts.count)))
    for (slice, gradient) in ofSlices {
      guard let stack = stacks[gradient.id] else { continue }
      contributions.append((tensor(operands[iteration.carried + slice]), stack))
    }
    let totals = Dictionary(
      zip(accumulated, running.totals(of: Array(results.dropFirst(carried.count)))).map { ($0, $1) },
      uniquingKeysWith: { first, _ in first })
    for ((id, _), plan) in zip(ofCaptured, plans) {
      let value = plan.value(in: builder, site) {
        stacks[$0] ?? residuals.stack(of: $0)
      } total: {
        totals[$0]
      }
      if let value { contributions.append((tensor(id), value)) }
    }
    return contributions
  }

  /// The carried values whose gradients matter: floats that depend on something whose gradient is wanted, be it through
  /// other carried values.
  private func differentiableCarried(_ operands: [NodeID], _ variables: [NodeID]) -> [Int] {
    let top = trace.outputs.map(\.index).max() ?? 0
    let stops = Set(trace.inputs).union(operands.dropFirst(trace.inputs.count))
    var found = (0..<iteration.carried).filter { isWanted(operands[$0]) }
    while true {
      let depends = builder.dependents(of: variables + found.map { trace.inputs[$0] }, upTo: top, stops: stops)
      let all = (0..<iteration.carried).filter { position in
        let output = trace.outputs[position]
        return builder.graph.type(of: output).elementType.isFloatingPoint
          && (found.contains(position) || depends[output.index])
      }
      if all == found { return found }
      found = all
    }
  }
}
