import CinchGraph

/// Kernels with their bodies, in the order in which they run, and which results take the place of what they replace.
struct StepPlan {
  private(set) var fusion: Fusion
  private(set) var bodies: [KernelBody] = []
  /// Numbers of kernels.
  private(set) var order: [Int] = []
  /// For each slot the one in whose memory it lies: a state variable's where an update happens in place, that of a result which
  /// its kernel is the last to read.
  var places: [Int32]
  /// The slot of each output.
  private(set) var outputs: [Int32] = []
  /// For each update that isn't in place, why.
  private(set) var copies: [(state: StateID, reason: String)] = []
  /// For each kernel, those that must have run before.
  var predecessors: [[Int]] = []

  /// - Parameters:
  ///   - hasOwnOutputs: whether each output must be a place of its own, which the caller chooses.
  ///   - leastRecomputed: as in `LoweringOptions`.
  init(
    _ graph: Graph, hasOwnOutputs: Bool = false, leastRecomputed: Int = LoweringOptions.standardLeastRecomputed
  ) throws {
    fusion = try Fusion(graph, leastRecomputed: leastRecomputed)
    places = fusion.table.slots.indices.map { Int32($0) }
    resolveOutputs(graph, hasOwnOutputs)
    let updates = resolveUpdates(graph)
    copyInitialValues()
    for number in fusion.kernels.indices { bodies.append(try fusion.body(of: number)) }
    findDependencies()
    for update in updates { try place(update) }
    for kernel in bodies.indices { runReadersFirst(of: kernel) }
    try sort()
    dropUnreadStores()
    reusePlaces(hasOwnOutputs: hasOwnOutputs)
  }

  private struct Update {
    var state: StateID
    var slot: Int32
    var node: NodeID
  }

  // MARK: What the step leaves behind

  private func slot(_ node: NodeID) -> Int32 { fusion.table.slotOf[fusion.table.holder(of: node).index] }

  private mutating func addSlot(for node: NodeID, _ name: String) -> Int32 {
    let table = fusion.table
    let number = Int32(table.slots.count)
    fusion.table.slots.append(Slot(source: .node(node), name: name, type: table.type(node)))
    places.append(number)
    return number
  }

  private func isUpdatedState(_ slot: Int32, _ graph: Graph) -> Bool {
    guard case .state(let id) = fusion.table.slots[Int(slot)].source else { return false }
    return graph.updates.contains { $0.state == id && self.slot($0.node) != slot }
  }

  private mutating func resolveOutputs(_ graph: Graph, _ hasOwnOutputs: Bool) {
    let updated = Set(graph.updates.map { slot($0.node) })
    for output in graph.outputs {
      var slot = slot(output.node)
      var isShared = false
      if hasOwnOutputs {
        isShared = updated.contains(slot) || outputs.contains(slot)
        if case .node(let node) = fusion.table.slots[Int(slot)].source {
          if case .projection = fusion.table.meanings[node.index] { isShared = true }
          if case .loop = fusion.table.meanings[node.index] { isShared = true }
        } else {
          isShared = true
        }
      }
      // The old value of what an update replaces.
      if isShared || isUpdatedState(slot, graph) {
        let copy = addSlot(for: output.node, output.name)
        fusion.appendCopy(of: output.node, from: slot, to: copy)
        slot = copy
      }
      outputs.append(slot)
    }
  }

  private mutating func resolveUpdates(_ graph: Graph) -> [Update] {
    var result: [Update] = []
    for update in graph.updates {
      var slot = slot(update.node)
      if slot == update.state.raw { continue }
      if isUpdatedState(slot, graph) {
        let copy = addSlot(for: update.node, "next_\(graph.state[update.state.index].name)")
        fusion.appendCopy(of: update.node, from: slot, to: copy)
        slot = copy
      }
      result.append(Update(state: update.state, slot: slot, node: update.node))
    }
    return result
  }

  /// Loops begin with copies of their carried operands, in the results' places.
  private mutating func copyInitialValues() {
    for root in fusion.roots {
      guard case .loop(let iteration) = root.kind else { continue }
      let results = [root.slot] + root.furtherSlots
      for (operand, result) in zip(root.operands.prefix(iteration.carried), results) {
        fusion.appendCopy(of: operand, from: slot(operand), to: result)
      }
    }
  }

  /// Checks of a loop's body go on where those of the step end.
  mutating func numberChecks(from first: Int) {
    guard first > 0 else { return }
    for body in bodies.indices {
      for stage in bodies[body].stages.indices {
        for check in bodies[body].stages[stage].checks.indices { bodies[body].stages[stage].checks[check].number += first }
      }
    }
  }

  // MARK: Order

  private var checkKernels: [Int] { fusion.kernels.indices.filter { fusion.kernels[$0].form == .check } }

  private mutating func findDependencies() {
    predecessors = [[Int]](repeating: [], count: bodies.count)
    for kernel in bodies.indices { findDependencies(of: kernel) }
  }

  private mutating func findDependencies(of kernel: Int) {
    var found: Set<Int> = []
    for read in bodies[kernel].reads {
      for writer in fusion.writers(of: read.slot) { found.insert(fusion.kernelOf[writer]) }
    }
    for check in bodies[kernel].checkNodes {
      if let checker = fusion.checker(of: check) { found.insert(checker) }
    }
    if fusion.kernels[kernel].form == .loop {
      for slot in bodies[kernel].loopResults {
        for writer in fusion.writers(of: slot) { found.insert(fusion.kernelOf[writer]) }
      }
    }
    found.remove(kernel)
    predecessors[kernel] = found.sorted()
  }

  /// Puts an update in place where every read of the old value comes before; else into scratch, from where a
  /// last kernel copies it.
  private mutating func place(_ update: Update) throws {
    var reason = objection(to: update.slot, replacing: update.state.raw)
    if reason == nil {
      let writer = fusion.kernelOf[fusion.writers(of: update.slot)[0]]
      let earlier = readers(of: update.state.raw).filter { $0 != writer } + checkKernels.filter { $0 != writer }
      if let reader = earlier.first(where: { isReachable($0, from: writer) }) {
        reason = "kernel \(reader) needs its result and reads the old value"
      } else {
        places[Int(update.slot)] = update.state.raw
        for kernel in earlier where !predecessors[writer].contains(kernel) { predecessors[writer].append(kernel) }
      }
    }
    guard let reason else { return }
    copies.append((update.state, reason))
    fusion.appendCopy(of: update.node, from: update.slot, to: update.state.raw)
    let copy = fusion.kernels.count - 1
    bodies.append(try fusion.body(of: copy))
    predecessors.append([])
    findDependencies(of: copy)
    for kernel in readers(of: update.state.raw) + checkKernels where kernel != copy {
      if !predecessors[copy].contains(kernel) { predecessors[copy].append(kernel) }
    }
  }

  func readers(of slot: Int32) -> [Int] {
    bodies.indices.filter { kernel in bodies[kernel].reads.contains { $0.slot == slot } }
  }

  /// Why a value can't replace an old one where it is computed.
  func objection(to slot: Int32, replacing old: Int32) -> String? {
    let writers = fusion.writers(of: slot)
    guard writers.count == 1, fusion.roots[writers[0]].isWhole else {
      return writers.isEmpty ? "it is a value that something else holds" : "several kernels write it"
    }
    guard places[Int(slot)] == slot else { return "it already is the next value of another variable" }
    let writer = writers[0]
    let root = fusion.roots[writer]
    let kernel = fusion.kernelOf[writer]
    let stage = Int32(fusion.stageOf[writer])
    let body = bodies[kernel]
    let domain = Array(body.extents[..<body.domainCount])
    let rest = Array(body.extents[body.domainCount...])
    let content = body.stages[Int(stage)]
    let store = (content.stores + content.results).first { $0.access.buffer.raw == slot }
    for read in body.reads where read.slot == old {
      if let store, read.index == store.access.index, read.stage <= stage { continue }
      let isAtOwnPoint =
        !read.isPartial && Fusion.isAtOwnPoint(read.index, of: Domain.count(root.axes), domain, rest)
      guard isAtOwnPoint, read.stage < stage || (root.isReduction && read.stage == stage) else {
        return "its own kernel reads other elements of the old value"
      }
    }
    return nil
  }

  /// Whether `target` has to wait for `start`.
  func isReachable(_ target: Int, from start: Int) -> Bool {
    var pending = [target]
    var seen = [Bool](repeating: false, count: predecessors.count)
    while let next = pending.popLast() {
      if next == start { return true }
      for before in predecessors[next] where !seen[before] {
        seen[before] = true
        pending.append(before)
      }
    }
    return false
  }

  /// Checks and what they need first; then as kernels were made, each after its predecessors.
  private mutating func sort() throws {
    var state = [UInt8](repeating: 0, count: bodies.count)
    func visit(_ start: Int) throws {
      var stack = [(kernel: start, next: 0)]
      while let (kernel, next) = stack.last {
        if next == 0 {
          if state[kernel] == 2 {
            stack.removeLast()
            continue
          }
          state[kernel] = 1
        }
        if next < predecessors[kernel].count {
          stack[stack.count - 1].next += 1
          let before = predecessors[kernel][next]
          if state[before] == 1 { throw InternalError(stage: "kernel order", message: "kernels wait for each other") }
          if state[before] == 0 { stack.append((before, 0)) }
        } else {
          state[kernel] = 2
          order.append(kernel)
          stack.removeLast()
        }
      }
    }
    for kernel in checkKernels where state[kernel] == 0 { try visit(kernel) }
    for kernel in bodies.indices where state[kernel] == 0 { try visit(kernel) }
  }

  private mutating func dropUnreadStores() {
    var isNeeded = [Bool](repeating: false, count: fusion.table.slots.count)
    for body in bodies {
      for read in body.reads { isNeeded[Int(read.slot)] = true }
      // A carried value is read by its loop's body, even if nothing reads the last one.
      for slot in body.loopResults { isNeeded[Int(slot)] = true }
    }
    for output in outputs { isNeeded[Int(output)] = true }
    for slot in places.indices where places[slot] != Int32(slot) { isNeeded[slot] = true }
    for index in fusion.table.graph.state.indices { isNeeded[index] = true }
    for index in bodies.indices { bodies[index].dropStores { isNeeded[Int($0)] } }
  }
}
