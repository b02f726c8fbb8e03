/// One step, or one iteration of a loop's body.
struct Evaluation {
  let mode: Interpreter.Mode
  /// By number of the state variable.
  let state: [ElementArray]

  /// The values of the nodes; those of roots are there, others only as long as they were needed.
  func values(of program: InterpretedGraph, inputs: [ElementArray]) throws -> [ElementArray?] {
    let graph = program.graph
    var values = [ElementArray?](repeating: nil, count: graph.nodes.count)
    var further: [Int: [ElementArray]] = [:]
    var nextInput = 0
    for index in graph.nodes.indices {
      let operands = graph.nodes[index].operands.map { operand in
        guard let value = values[operand.index] else { preconditionFailure("\(operand) is gone: a bug in Cinch") }
        return value
      }
      let node = NodeInEvaluation(
        node: graph.nodes[index], types: graph.operandTypes(of: graph.nodes[index]), operands: operands)
      switch program.meanings[index] {
      case .input:
        values[index] = inputs[nextInput]
        nextInput += 1
      case .state(let id): values[index] = state[id.index]
      case .loop(let iteration):
        guard let body = program.bodies[index]?.first else { preconditionFailure("a loop without body: a bug in Cinch") }
        let results = try loop(body, operands, iteration)
        values[index] = results[0]
        further[index] = Array(results.dropFirst())
      case .projection(let number):
        values[index] = further[graph.nodes[index].operands[0].index]?[number - 1]
      case let meaning:
        let value = try self.value(of: node, meaning: meaning)
        precondition(
          value.count == node.type.shape.elementCount && value.elementType == storedType(node.type.elementType),
          "\(graph.line(of: NodeID(index))) gave \(value.count) elements of \(value.elementType): a bug in Cinch")
        values[index] = value
      }
      for dead in program.lastUses[index] { values[dead] = nil }
    }
    return values
  }

  private func loop(
    _ body: InterpretedGraph, _ operands: [ElementArray], _ iteration: Iteration
  ) throws -> [ElementArray] {
    var carried = Array(operands.prefix(iteration.carried))
    let sliced = operands.dropFirst(iteration.carried).prefix(iteration.sliced)
    let invariant = operands.dropFirst(iteration.carried + iteration.sliced)
    // By slice, because a reversed loop gives the last one first.
    var slices = [[ElementArray]](repeating: [], count: iteration.stacked == 0 ? 0 : iteration.count)
    for number in 0..<iteration.count {
      let slice = iteration.slice(of: number)
      let seen = sliced.map { operand in
        let length = operand.count / iteration.count
        return operand.elements((slice * length)..<((slice + 1) * length))
      }
      let values = try Evaluation(mode: mode, state: []).values(of: body, inputs: carried + seen + invariant)
      let outputs = body.graph.outputs.map { output in
        guard let value = values[output.node.index] else { preconditionFailure("an output is gone: a bug in Cinch") }
        return value
      }
      carried = Array(outputs.prefix(iteration.carried))
      if iteration.stacked > 0 { slices[slice] = Array(outputs.dropFirst(iteration.carried)) }
    }
    return carried + (0..<iteration.stacked).map { position in ElementArray(joining: slices.map { $0[position] }) }
  }

  /// The type in which elements are kept: mode `float64` has one kind of float.
  private func storedType(_ type: ElementType) -> ElementType {
    mode == .float64 && type == .float32 ? .float64 : type
  }

  private func value(of node: NodeInEvaluation, meaning: Meaning) throws -> ElementArray {
    let shape = node.type.shape
    switch meaning {
    case .constant(let data): return stored(node.constant(data))
    case .iota(let axis): return node.iota(axis: axis)
    case .elementwise(let function):
      return mode == .float32 ? function.evaluate(node.operands) : try node.elementwiseReference(function)
    case .view(let map, let fill): return node.view(map, fill: fill)
    case .reshape: return node.operands[0]
    case .reduce(let reduction):
      return mode == .float32 ? node.reduction(reduction) : node.reductionReference(reduction)
    case .argMax(let axis): return node.argMax(axis: axis)
    case .contract(let order):
      return mode == .float32 ? node.contraction(order: order) : node.contractionReference()
    case .concatenate(let axis): return node.concatenation(axis: axis)
    case .gather:
      try node.checkIndices(node.operands[1], limit: node.types[0].shape[0])
      return node.gather()
    case .scatterAdd(let count):
      try node.checkIndices(node.operands[0], limit: count)
      return mode == .float32 ? node.scatterAdd() : node.scatterAddReference(count: count)
    case .checkIndex(let limit):
      try node.checkIndices(node.operands[0], limit: limit)
      return node.operands[0]
    case .decomposition, .input, .state, .loop, .projection:
      preconditionFailure("\(shape): a meaning that was dealt with before: a bug in Cinch")
    }
  }

  private func stored(_ array: ElementArray) -> ElementArray { mode == .float64 ? array.widened : array }
}

/// A node with the values of its operands: what the meanings are computed from.
struct NodeInEvaluation {
  let node: Node
  /// Of the operands, as the graph declares them.
  let types: [TensorType]
  let operands: [ElementArray]

  var type: TensorType { node.type }

  /// Throws for the first element that is not in `0..<limit`.
  func checkIndices(_ indices: ElementArray, limit: Int) throws {
    for (number, value) in indices.int32s.enumerated() where value < 0 || Int(value) >= limit {
      throw RuntimeCheckError(
        operation: node.checkName, position: node.type.shape.coordinates(of: number), value: Int(value), limit: limit,
        site: node.site)
    }
  }
}

extension ElementArray {
  /// The elements of an Int32 array.
  var int32s: [Int32] {
    guard case .int32(let elements) = self else { preconditionFailure("\(elementType) as indices: a bug in Cinch") }
    return elements
  }
}
