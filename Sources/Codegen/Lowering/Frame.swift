import CinchGraph

/// A plan on its way down: the step's, or that of a loop's body.
struct Frame {
  let graph: Graph
  let plan: StepPlan
  /// How many loops are around.
  let depth: Int
  /// Of its own buffers in scratch, and of its loops' bodies.
  let memory: MemoryPlan
  /// Bodies of loops, by the loop's position in the plan's order.
  let bodies: [Int: Frame]
  /// By slot; -1 where it has no memory.
  var bufferOf: [Int32]

  var table: NodeTable { plan.fusion.table }
  var order: [Int] { plan.order }

  func kernel(_ position: Int) -> Kernel { plan.fusion.kernels[order[position]] }
  func body(_ position: Int) -> KernelBody { plan.bodies[order[position]] }

  /// - Parameter checks: those of what comes before; the frame's are added.
  init(
    _ graph: Graph, depth: Int = 0, options: LoweringOptions, checks: inout [RuntimeCheck]
  ) throws {
    self.graph = graph
    self.depth = depth
    var plan = try StepPlan(graph, hasOwnOutputs: depth > 0, leastRecomputed: options.leastRecomputed)
    plan.numberChecks(from: checks.count)
    checks += Self.checks(plan, graph)
    self.plan = plan
    var bodies: [Int: Frame] = [:]
    for (position, number) in plan.order.enumerated() where plan.fusion.kernels[number].form == .loop {
      let root = plan.fusion.roots[plan.fusion.kernels[number].stages[0].roots[0]]
      guard case .loop(let iteration) = root.kind, let body = graph[root.node].bodies.first else {
        throw InternalError(stage: "lowering", message: "\(root.node) is a loop without a body")
      }
      bodies[position] = try Frame(body.asStep(of: iteration), depth: depth + 1, options: options, checks: &checks)
    }
    self.bodies = bodies
    bufferOf = [Int32](repeating: -1, count: plan.fusion.table.slots.count)
    memory = MemoryPlan(Self.requests(plan, bodies, isBody: depth > 0), kernelCount: plan.order.count, options: options)
  }

  /// In the order of their numbers, which is not that of the roots: some come early.
  private static func checks(_ plan: StepPlan, _ graph: Graph) -> [RuntimeCheck] {
    let numbered = plan.fusion.roots.compactMap { root -> (number: Int, check: RuntimeCheck)? in
      guard case .check(let limit, let number) = root.kind else { return nil }
      let node = graph[root.node]
      return (number, RuntimeCheck(operation: node.checkName, limit: limit, extents: node.type.shape.extents, site: node.site))
    }
    return numbered.sorted { $0.number < $1.number }.map(\.check)
  }

  /// What needs a place in scratch, and when. A request's buffer is the slot, or for the memory of a loop's body
  /// `-1 − position`.
  private static func requests(_ plan: StepPlan, _ bodies: [Int: Frame], isBody: Bool) -> [MemoryRequest] {
    let slots = plan.fusion.table.slots
    var first = [Int](repeating: Int.max, count: slots.count)
    var last = [Int](repeating: -1, count: slots.count)
    func touch(_ slot: Int, _ position: Int) {
      let slot = Int(plan.places[slot])
      first[slot] = min(first[slot], position)
      last[slot] = max(last[slot], position)
    }
    for (position, kernel) in plan.order.enumerated() {
      let body = plan.bodies[kernel]
      for slot in body.written { touch(Int(slot), position) }
      for read in body.reads { touch(Int(read.slot), position) }
    }
    for output in plan.outputs { last[Int(plan.places[Int(output)])] = max(plan.order.count - 1, 0) }
    let outputs = Set(isBody ? plan.outputs : [])
    var requests: [MemoryRequest] = []
    for slot in slots.indices where last[slot] >= 0 && plan.places[slot] == Int32(slot) {
      // A body's outputs are slices of the loop's results.
      guard slots[slot].isResult, !outputs.contains(Int32(slot)) else { continue }
      requests.append(
        MemoryRequest(
          name: slots[slot].name, buffer: BufferID(raw: Int32(slot)), byteCount: slots[slot].type.byteCount,
          lifetime: min(first[slot], last[slot])...last[slot]))
    }
    for (position, body) in bodies.sorted(by: { $0.key < $1.key }) {
      requests.append(
        MemoryRequest(
          name: "the loop's body", buffer: BufferID(raw: Int32(-1 - position)), byteCount: body.memory.scratchByteCount,
          lifetime: position...position))
    }
    return requests
  }
}

extension Graph {
  /// A loop's body as a step: carried values are state, which its updates replace.
  fileprivate func asStep(of iteration: Iteration) -> Graph {
    var step = self
    var inputs = 0
    for index in nodes.indices where nodes[index].op is Input {
      defer { inputs += 1 }
      guard inputs < iteration.carried else { continue }
      let id = StateID(step.state.count)
      let name = "carried_\(inputs)"
      step.state.append(StateVariable(name: name, type: nodes[index].type, role: .counter, initialiser: .zeros))
      step.nodes[index].op = ReadState(id, nodes[index].type)
    }
    step.outputs = Array(outputs.dropFirst(iteration.carried))
    step.updates = outputs.prefix(iteration.carried).enumerated().map { Update(state: StateID($0.offset), node: $0.element.node) }
    return step
  }
}
