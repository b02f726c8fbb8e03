/// The gradients of a scalar with respect to any tensors of its graph, intermediate ones, inputs and parameters alike, as
/// further nodes of the same graph; so a gradient has gradients. Zero where the scalar does not depend on the tensor.
///
/// A tensor of integers or Booleans has none: asking for it is a mistake of the graph.
public func gradients(
  of scalar: Tensor, withRespectTo tensors: [Tensor], file: StaticString = #filePath, line: Int = #line
) -> [Tensor] {
  let site = CallSite(file, line)
  let builder = scalar.builder
  // One mistake, however many gradients follow from it.
  func mistake(_ message: String, about operand: Tensor) -> [Tensor] {
    _ = builder.fail(message, operands: [operand], recovered: operand.type, at: site)
    return tensors.map { builder.poison(recovered: $0.type, site: site) }
  }
  guard scalar.shape.elementCount == 1, scalar.elementType.isFloatingPoint else {
    return mistake("a gradient is that of one float, not of \(scalar.type); reduce it by sum() or mean()", about: scalar)
  }
  for tensor in tensors where tensor.builder !== builder {
    builder.record(
      Diagnostic(
        "a gradient mixes tensors of two graphs", at: site,
        notes: [.init("this tensor belongs to another graph", at: tensor.site)]))
    return tensors.map { builder.poison(recovered: $0.type, site: site) }
  }
  if let tensor = tensors.first(where: { !$0.elementType.isFloatingPoint }) {
    return mistake("a gradient is with respect to floats, not to \(tensor.type); cast before what it goes into", about: tensor)
  }
  if ([scalar] + tensors).contains(where: { builder.isLeaked($0, by: "a gradient", at: site) }) {
    return tensors.map { builder.poison(recovered: $0.type, site: site) }
  }
  let one = builder.constant(Tensor.literal(1, scalar.elementType), shape: scalar.shape, at: scalar.site)
  let found = builder.pullback(of: scalar, gradient: one, to: tensors)
  return zip(tensors, found).map { tensor, gradient in gradient ?? Tensor.zeros(like: tensor) }
}

/// The gradient of a scalar with respect to one tensor.
public func gradient(
  of scalar: Tensor, withRespectTo tensor: Tensor, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  gradients(of: scalar, withRespectTo: [tensor], file: file, line: line)[0]
}

extension GraphBuilder {
  /// Reverse mode: from the result down to the first node of interest, each node hands its gradient to its operands.
  /// The gradients with respect to one tensor are added in descending order of the nodes that use it.
  func pullback(of result: Tensor, gradient: Tensor, to targets: [Tensor]) -> [Tensor?] {
    pullback(of: [(result, gradient)], to: targets)
  }

  /// - Parameters:
  ///   - results: tensors with the gradients with respect to them.
  ///   - stops: tensors that count as variables of their own, whatever they were computed from.
  func pullback(
    of results: [(tensor: Tensor, gradient: Tensor)], to targets: [Tensor], stops: Set<NodeID> = []
  ) -> [Tensor?] {
    guard let lowest = targets.map(\.id.index).min(), let top = results.map(\.tensor.id.index).max(), lowest <= top else {
      return targets.map { _ in nil }
    }
    let leadsToTarget = dependents(of: targets.map(\.id), upTo: top, stops: stops)
    var gradients = [Tensor?](repeating: nil, count: top + 1)
    func add(_ gradient: Tensor, to id: NodeID) {
      gradients[id.index] = gradients[id.index].map { $0 + gradient } ?? gradient
    }
    for (tensor, gradient) in results { add(gradient, to: tensor.id) }
    // Of loops, by the number of the result.
    var ofResults: [NodeID: [Int: Tensor]] = [:]
    let isTarget = Set(targets.map(\.id.index))

    for index in (lowest...top).reversed() {
      let id = NodeID(index)
      guard leadsToTarget[index], gradients[index] != nil || ofResults[id] != nil, !stops.contains(id) else { continue }
      // A target's own operands matter only if they lead to another target.
      let node = graph.nodes[index]
      guard node.operands.contains(where: { leadsToTarget[$0.index] }) || customGradients[id] != nil else { continue }
      var found: [(Tensor, Tensor)] = []
      if node.op is Repeat {
        var ofLoop = ofResults.removeValue(forKey: id) ?? [:]
        ofLoop[0] = gradients[index]
        found = loopContributions(to: Tensor(builder: self, id: id), gradients: ofLoop, leadsToTarget)
      } else if let gradient = gradients[index] {
        if let projection = node.op as? Projection {
          let known = ofResults[node.operands[0], default: [:]][projection.index]
          ofResults[node.operands[0], default: [:]][projection.index] = known.map { $0 + gradient } ?? gradient
        } else {
          found = contributions(to: id, node, gradient) { isTarget.contains($0.index) || stops.contains($0) }
        }
      }
      for (operand, contribution) in found where operand.id.index <= top && leadsToTarget[operand.id.index] {
        add(contribution, to: operand.id)
      }
      if !isTarget.contains(index) { gradients[index] = nil }
    }
    return targets.map { $0.id.index <= top ? gradients[$0.id.index] : nil }
  }

  /// - Parameter isVariable: which nodes are targets or stops, whose own gradients are asked for.
  private func contributions(
    to id: NodeID, _ node: Node, _ gradient: Tensor, isVariable: (NodeID) -> Bool
  ) -> [(Tensor, Tensor)] {
    // Gradient nodes belong to the line and layer of the node that they differentiate.
    scopes.append(node.name)
    let first = graph.nodes.count
    defer {
      scopes.removeLast()
      graph.setSite(node.site, of: first..<graph.nodes.count)
    }
    if let custom = customGradients[id] {
      return zip(custom.inputs, custom.backward(gradient)).compactMap { input, contribution in
        guard let contribution else { return nil }
        guard contribution.type == input.type else {
          let bad = fail(
            "a hand-written backward returned a gradient of type \(contribution.type) for an input of type \(input.type)",
            operands: [contribution], recovered: input.type, at: node.site)
          return (input, bad)
        }
        return (input, contribution)
      }
    }
    guard case .differentiable = node.op.differentiability else { return [] }
    let operands = node.operands.map { Tensor(builder: self, id: $0) }
    let form = stableForm(of: node.op, operands) { isVariable($0) || customGradients[$0] != nil }
    if let form { return contributions(through: form, addedFrom: first, gradient) }
    let context = GradientContext(
      operands: operands, result: Tensor(builder: self, id: id), gradient: gradient)
    return zip(operands, node.op.gradients(context)).compactMap { operand, contribution in
      contribution.map { (operand, $0) }
    }
  }

  /// A stable form is differentiated in place of the node, down to the tensors that it was made from.
  private func contributions(through form: Tensor, addedFrom first: Int, _ gradient: Tensor) -> [(Tensor, Tensor)] {
    guard form.id.index >= first else { return [(form, gradient)] }
    var origins: Set<NodeID> = []
    for node in graph.nodes[first...] { origins.formUnion(node.operands.lazy.filter { $0.index < first }) }
    let variables = origins.sorted().map { Tensor(builder: self, id: $0) }
    let found = pullback(of: [(form, gradient)], to: variables, stops: origins)
    return zip(variables, found).compactMap { variable, contribution in contribution.map { (variable, $0) } }
  }

  /// For each node up to `top`, whether it is a target or depends on one; a stop depends on nothing but itself.
  func dependents(of targets: [NodeID], upTo top: Int, stops: Set<NodeID> = []) -> [Bool] {
    var depends = [Bool](repeating: false, count: top + 1)
    for target in targets where target.index <= top { depends[target.index] = true }
    guard let lowest = targets.map(\.index).min(), lowest <= top else { return depends }
    for index in lowest...top where !depends[index] && !stops.contains(NodeID(index)) {
      depends[index] =
        graph.nodes[index].operands.contains { depends[$0.index] }
        || (customGradients[NodeID(index)]?.inputs.contains { depends[$0.id.index] } ?? false)
    }
    return depends
  }
}

extension GradientContext {
  /// The gradients of an op that is other ops: those are written into the graph (where they merge with the forward
  /// pass's own) and differentiated.
  func gradientsThrough(_ decompose: ([Tensor]) -> Tensor) -> [Tensor?] {
    let builder = result.builder
    let expansion = decompose(operands)
    // An operand may have been computed from another one; that is for the caller's way back.
    return builder.pullback(of: [(expansion, gradient)], to: operands, stops: Set(operands.map(\.id)))
  }
}
