/// Which values of a loop's body its gradient needs, and where it gets them: from the loop's own operands, from stacks that the
/// loop is made to write, or by computing them again where that is cheap.
struct LoopResiduals {
  let builder: GraphBuilder
  let loop: Tensor
  let iteration: Iteration
  let trace: LoopTrace
  /// Whether a node depends on the gradients that the backward body is given, or on the forward body's variables.
  private var dependsOnSeed: [Bool]
  private var dependsOnBody: [Bool]
  private let seeds: Set<NodeID>
  private let variables: Set<NodeID>
  private var seen: Set<NodeID> = []
  /// Read by the backward body, in the order in which they were found.
  private var read: [NodeID] = []
  /// Stacked for what comes after the backward loop.
  private var kept: [NodeID] = []
  private var stacks: [NodeID: Tensor] = [:]

  init(_ builder: GraphBuilder, _ loop: Tensor, _ iteration: Iteration, _ trace: LoopTrace, seeds: [NodeID]) {
    self.builder = builder
    self.loop = loop
    self.iteration = iteration
    self.trace = trace
    self.seeds = Set(seeds)
    variables = Set(trace.inputs)
    let top = builder.graph.nodes.count - 1
    dependsOnSeed = builder.dependents(of: seeds, upTo: top)
    dependsOnBody = builder.dependents(of: trace.inputs, upTo: top)
  }

  func isOfBackward(_ id: NodeID) -> Bool { dependsOnSeed[id.index] }
  func differsByIteration(_ id: NodeID) -> Bool { dependsOnSeed[id.index] || dependsOnBody[id.index] }

  /// Finds what the values of `nodes` need of the forward body.
  mutating func need(_ nodes: [NodeID]) {
    var pending = Array(nodes.reversed())
    while let id = pending.popLast() {
      guard differsByIteration(id), !seeds.contains(id), seen.insert(id).inserted else { continue }
      if isOfBackward(id) || (!variables.contains(id) && (isCheap(id) || !canBeStacked(id))) {
        pending += builder.graph[id].operands.reversed()
      } else {
        read.append(id)
      }
    }
  }

  /// Asks for the values of one forward node in all iterations; false where the loop can't give them.
  mutating func keep(_ id: NodeID) -> Bool {
    guard dependsOnBody[id.index], !isOfBackward(id), variables.contains(id) || canBeStacked(id) else { return false }
    kept.append(id)
    return true
  }

  /// Has the loop stack what was found; the values that the backward body reads, with their stacks.
  mutating func sources() -> [(variable: NodeID, source: Tensor)] {
    let operands = builder.graph[loop.id].operands
    var missing: [NodeID] = []
    for id in read + kept where stacks[id] == nil && !missing.contains(id) {
      if let position = trace.inputs.firstIndex(of: id), position >= iteration.carried {
        stacks[id] = Tensor(builder: builder, id: operands[position])
      } else {
        missing.append(id)
      }
    }
    if !missing.isEmpty {
      for (id, stack) in zip(missing, builder.stack(missing, in: loop)) { stacks[id] = stack }
    }
    return read.compactMap { id in stacks[id].map { (id, $0) } }
  }

  func stack(of id: NodeID) -> Tensor? { stacks[id] }

  /// Views, and single operations that differentiation has added, cost less than memory for their results.
  private func isCheap(_ id: NodeID) -> Bool {
    let node = builder.graph[id]
    let count = node.type.shape.elementCount
    switch node.op {
    case is Broadcast, is Reshape, is Transpose, is IdentityOp, is StopGradient: return true
    case is any ElementwiseOp:
      return id > loop.id && node.operands.allSatisfy { builder.graph.type(of: $0).shape.elementCount <= count }
    default: return false
    }
  }

  /// Whether everything that the value depends on is there when the loop runs.
  private func canBeStacked(_ id: NodeID) -> Bool {
    var checked: Set<NodeID> = []
    var pending = [id]
    while let next = pending.popLast() {
      guard !variables.contains(next), checked.insert(next).inserted else { continue }
      if dependsOnBody[next.index] || builder.belongsInside(next) {
        pending += builder.graph[next].operands
      } else if next >= loop.id {
        return false
      }
    }
    return true
  }
}
