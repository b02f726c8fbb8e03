// Loops under construction. A body is written as nodes of the graph around it, with stand-ins for what differs from iteration to
// iteration; the loop's body graph is cut out of them. They stay until the graph is finished, so that the body can be
// differentiated like the rest, backward passes written by hand included.

/// Where a loop's body stands among the nodes of the graph around.
struct LoopTrace {
  /// The nodes that stand for the body's inputs: carried values, then slices. Nothing below them belongs to the body.
  var inputs: [NodeID]
  /// Carried values, then those that are stacked.
  var outputs: [NodeID]
}

/// A scan whose body is being written.
struct OpenScan {
  let count: Int
  /// Tensors of the graph around that the body has come to take slices of, with what stands for the slice.
  var slices: [(variable: Tensor, source: Tensor)] = []
}

extension GraphBuilder {
  /// A stand-in for an input of a loop's body.
  func loopVariable(_ type: TensorType, at site: CallSite) -> Tensor {
    let tensor = append(
      Node(op: Input("loop variable \(loopVariables.count)", type), operands: [], type: type, site: site, name: scope))
    loopVariables.append(tensor.id)
    return tensor
  }

  /// From here on, what depends on the body's variables is out of the user's reach.
  func closeBody(from first: Int, variables: [Tensor], at site: CallSite) {
    let depends = dependents(of: variables.map(\.id), upTo: graph.nodes.count - 1)
    for index in first..<graph.nodes.count where depends[index] { closedBodies[NodeID(index)] = site }
  }

  /// What `body` adds may use tensors of closed bodies: for differentiation, which walks through them.
  func insideBodies<Result>(_ body: () -> Result) -> Result {
    depthInsideBodies += 1
    defer { depthInsideBodies -= 1 }
    return body()
  }

  /// Reports a tensor of a scan's body that is used where the body has ended.
  func isLeaked(_ tensor: Tensor, by what: String, at site: CallSite) -> Bool {
    guard depthInsideBodies == 0, let scan = closedBodies[tensor.id] else { return false }
    record(
      Diagnostic(
        "\(what) uses a tensor of a scan's body after the scan; the body returns what is wanted outside, as a carried value or an output",
        at: site, notes: [.init("the tensor was made here", at: tensor.site), .init("in the body of this scan", at: scan)]))
    return true
  }

  /// A loop with the body that the trace describes.
  ///
  /// - Parameter operands: the initial values of what is carried, and what slices are taken of.
  /// - Returns: the loop's results.
  func addLoop(_ trace: LoopTrace, _ iteration: Iteration, operands: [Tensor], at site: CallSite) -> [Tensor] {
    let (body, captured) = body(of: trace)
    let types = iteration.resultTypes(body.outputs.map { body.type(of: $0.node) })
    let loop = add(
      Repeat(iteration), operands + captured.map { Tensor(builder: self, id: $0) }, at: site, bodies: [body])
    guard graph[loop.id].op is Repeat else { return types.map { poison(recovered: $0, site: site) } }
    graph[loop.id].furtherTypes = Array(types.dropFirst())
    loops[loop.id] = trace
    return types.indices.map { result($0, of: loop) }
  }

  private func result(_ position: Int, of loop: Tensor) -> Tensor {
    if position == 0 { return loop }
    let node = graph[loop.id]
    return add(Projection(index: position, type: node.furtherTypes[position - 1]), [loop], at: node.site)
  }

  /// Has a loop stack further values of its body, none of which uses anything that comes after the loop.
  func stack(_ nodes: [NodeID], in loop: Tensor) -> [Tensor] {
    guard var trace = loops[loop.id], let op = graph[loop.id].op as? Repeat else { return [] }
    var iteration = op.iteration
    let positions = nodes.map { node in
      if let known = trace.outputs.dropFirst(iteration.carried).firstIndex(of: node) { return known }
      trace.outputs.append(node)
      return trace.outputs.count - 1
    }
    iteration.stacked = trace.outputs.count - iteration.carried
    let (body, captured) = body(of: trace)
    graph[loop.id].op = Repeat(iteration)
    graph[loop.id].operands.removeSubrange((iteration.carried + iteration.sliced)...)
    graph[loop.id].operands += captured
    graph[loop.id].bodies = [body]
    graph[loop.id].furtherTypes = Array(iteration.resultTypes(trace.outputs.map { graph.type(of: $0) }).dropFirst())
    loops[loop.id] = trace
    return positions.map { result($0, of: loop) }
  }

  /// The body graph that a trace describes, and the tensors of the graph around that it uses, ascending.
  private func body(of trace: LoopTrace) -> (graph: Graph, captured: [NodeID]) {
    let top = trace.outputs.map(\.index).max() ?? 0
    let depends = dependents(of: trace.inputs, upTo: top)
    let variables = Set(trace.inputs)
    var seen: Set<NodeID> = []
    var captured: [NodeID] = []
    var inside: [NodeID] = []
    var pending = trace.outputs
    while let id = pending.popLast() {
      guard !variables.contains(id), seen.insert(id).inserted else { continue }
      if depends[id.index] || belongsInside(id) {
        inside.append(id)
        pending += graph[id].operands
      } else {
        captured.append(id)
      }
    }
    captured.sort()

    var body = Graph(name: "body")
    var renumbered: [NodeID: NodeID] = [:]
    for (position, id) in (trace.inputs + captured).enumerated() {
      let type = graph.type(of: id)
      renumbered[id] = NodeID(body.nodes.count)
      body.nodes.append(
        Node(op: Input("input \(position)", type), operands: [], type: type, site: graph[id].site, name: graph[id].name))
    }
    for id in inside.sorted() {
      var node = graph[id]
      node.operands = node.operands.map { renumbered[$0] ?? $0 }
      renumbered[id] = NodeID(body.nodes.count)
      body.nodes.append(node)
    }
    for (position, id) in trace.outputs.enumerated() {
      body.outputs.append(Graph.Output(name: "output \(position)", node: renumbered[id] ?? id))
    }
    return (body, captured)
  }

  /// Whether a body has its own copy of a node that is the same in each iteration, because memory for its elements would cost more
  /// than to make them again.
  func belongsInside(_ id: NodeID) -> Bool {
    let node = graph[id]
    if let constant = node.op as? Constant {
      if case .splat = constant.data { return true }
      return false
    }
    return node.op is Iota || node.op is Broadcast
  }

  /// The graph without the nodes that only bodies were cut out of.
  func graphWithoutTraces() -> Graph {
    guard let last = graph.nodes.indices.last, !loopVariables.isEmpty, graph.diagnostics.isEmpty else { return graph }
    let isTrace = dependents(of: loopVariables, upTo: last)
    var result = graph
    result.nodes = []
    var renumbered = [NodeID](repeating: NodeID(0), count: graph.nodes.count)
    for index in graph.nodes.indices where !isTrace[index] {
      renumbered[index] = NodeID(result.nodes.count)
      var node = graph.nodes[index]
      for position in node.operands.indices { node.operands[position] = renumbered[node.operands[position].index] }
      result.nodes.append(node)
    }
    for position in graph.outputs.indices { result.outputs[position].node = renumbered[graph.outputs[position].node.index] }
    for position in graph.updates.indices { result.updates[position].node = renumbered[graph.updates[position].node.index] }
    return result
  }
}

extension Graph {
  /// Gives nodes, and those of their bodies, the line of whoever asked for them.
  mutating func setSite(_ site: CallSite, of range: Range<Int>) {
    for index in range {
      nodes[index].site = site
      for body in nodes[index].bodies.indices {
        nodes[index].bodies[body].setSite(site, of: 0..<nodes[index].bodies[body].nodes.count)
      }
    }
  }
}
