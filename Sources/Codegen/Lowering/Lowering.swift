import CinchGraph

/// From a step's plan to loops: places for buffers, loop nests for kernels, barriers between them.
struct Lowering {
  let plan: StepPlan
  let graph: Graph
  let target: Target
  let options: LoweringOptions

  private var buffers: [Buffer] = []
  /// By slot; -1 where it has no memory.
  private var bufferOf: [Int32]
  private var constants: [CompiledStep.Constant] = []
  private var kernels: [LoopKernel] = []
  private var choices: [ScheduleChoice] = []
  private var memory: MemoryPlan
  private var workerByteCount = 0
  private let layout: StateLayout

  private var table: NodeTable { plan.fusion.table }

  init(_ plan: StepPlan, _ graph: Graph, _ target: Target, _ options: LoweringOptions) throws {
    self.plan = plan
    self.graph = graph
    self.target = target
    self.options = options
    layout = StateLayout(graph.state, hasCanaries: options.hasCanaries)
    bufferOf = [Int32](repeating: -1, count: plan.fusion.table.slots.count)
    memory = MemoryPlan([], kernelCount: 0, options: options)
    planMemory()
    for position in plan.order.indices { try emit(position) }
  }

  // MARK: Memory

  private mutating func add(_ slot: Int, _ segment: Segment, _ byteOffset: Int) {
    let type = table.slots[slot].type
    bufferOf[slot] = Int32(buffers.count)
    buffers.append(
      Buffer(
        name: table.slots[slot].name, elementType: type.elementType, elementCount: type.shape.elementCount,
        segment: segment, byteOffset: byteOffset))
  }

  private mutating func planMemory() {
    var first = [Int](repeating: Int.max, count: table.slots.count)
    var last = [Int](repeating: -1, count: table.slots.count)
    for (position, kernel) in plan.order.enumerated() {
      let body = plan.bodies[kernel]
      for slot in body.written.map(Int.init) + body.reads.map({ Int($0.slot) }) {
        first[slot] = min(first[slot], position)
        last[slot] = max(last[slot], position)
      }
    }
    for output in plan.outputs { last[Int(output)] = max(plan.order.count - 1, 0) }
    var inputCount = 0
    for slot in table.slots.indices {
      switch table.slots[slot].source {
      case .state(let id): add(slot, .state, layout.entries[id.index].byteOffset)
      case .input(let number):
        add(slot, .input(number), 0)
        inputCount += 1
      case .constant, .node: break
      }
    }
    var requests: [MemoryRequest] = []
    for slot in table.slots.indices where last[slot] >= 0 {
      switch table.slots[slot].source {
      case .constant(let node):
        add(slot, .input(inputCount + constants.count), 0)
        constants.append(constant(node, input: inputCount + constants.count))
      case .node where plan.places[slot] == Int32(slot):
        add(slot, .scratch, 0)
        requests.append(
          MemoryRequest(
            name: table.slots[slot].name, buffer: BufferID(raw: bufferOf[slot]),
            byteCount: table.slots[slot].type.byteCount, lifetime: min(first[slot], last[slot])...last[slot]))
      case .node: bufferOf[slot] = bufferOf[Int(plan.places[slot])]
      case .state, .input: break
      }
    }
    memory = MemoryPlan(requests, kernelCount: plan.order.count, options: options)
    for place in memory.places { buffers[place.buffer.index].byteOffset = place.byteOffset }
  }

  private func constant(_ node: NodeID, input: Int) -> CompiledStep.Constant {
    var bytes: [UInt8] = []
    if case .constant(.dense(let type, let elements)) = table.meanings[node.index] {
      bytes.reserveCapacity(elements.count * type.byteCount)
      for bits in elements {
        for byte in 0..<type.byteCount { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * byte))) }
      }
    }
    return CompiledStep.Constant(input: input, type: table.type(node), bytes: bytes)
  }

  // MARK: Kernels

  private mutating func emit(_ position: Int) throws {
    let number = plan.order[position]
    let body = plan.bodies[number]
    let axes = LoopAxes(body)
    let kernel = plan.fusion.kernels[number]
    let choice = ScheduleChoice.choose(body, axes, kernel.form, target, parallelWork: options.parallelWork)
    choices.append(choice)
    let origin = origin(kernel)
    var emitter = Emitter(body, axes, choice, buffers: bufferOf, comment: "")
    if let contraction = choice.contraction { emitter.workspace = workspace(contraction, name: "k\(position)") }
    let statements = emitter.emitKernel()
    kernels.append(
      LoopKernel(
        name: "k\(position)_\(kernel.form.rawValue)", origin: origin, valueTypes: emitter.valueTypes,
        variableCount: emitter.variableCount, body: statements))
  }

  /// Each worker's memory for a contraction; all kernels use the same.
  private mutating func workspace(_ contraction: ContractionSchedule, name: String) -> ContractionWorkspace {
    var workspace = ContractionWorkspace()
    var end = 0
    func add(_ purpose: String, _ count: Int, _ lowering: inout Lowering) -> BufferID {
      let id = BufferID(raw: Int32(lowering.buffers.count))
      lowering.buffers.append(
        Buffer(
          name: "\(name)_\(purpose)", elementType: .float32, elementCount: count, segment: .worker, byteOffset: end))
      end = alignedTo64(end + 4 * count)
      return id
    }
    if contraction.storesTile { workspace.tile = add("tile", contraction.tile * contraction.strip, &self) }
    if let packing = contraction.packing { workspace.panel = add("panel", packing.elementCount, &self) }
    workerByteCount = max(workerByteCount, end)
    return workspace
  }

  /// One line for each result: node, op, layer, the user's line.
  private func origin(_ kernel: Kernel) -> [String] {
    var lines: [String] = []
    for index in kernel.roots {
      let node = graph[plan.fusion.roots[index].node]
      var line = "\(plan.fusion.roots[index].node) \(type(of: node.op).mnemonic) \(node.type)"
      if !node.name.isEmpty { line += " \(node.name)" }
      let site = node.site.short
      if !site.isEmpty { line += " \(site)" }
      if lines.last != line { lines.append(line) }
    }
    return lines
  }

  // MARK: Schedule

  /// Barriers where a kernel touches what another worker has touched since the last one.
  private func schedule() -> [ScheduleItem] {
    var items: [ScheduleItem] = []
    var open: [Int] = []
    var pendingChecks: Set<Int> = []
    for (position, number) in plan.order.enumerated() {
      let needsStop = plan.predecessors[number].contains { pendingChecks.contains($0) }
      let needsBarrier = open.contains { other in
        (kernels[position].isParallel || kernels[other].isParallel) && conflicts(plan.order[other], number)
      }
      if needsStop || needsBarrier {
        items.append(.barrier)
        if needsStop {
          items.append(.stopIfFailed)
          pendingChecks = []
        }
        open = []
      }
      items.append(.run(position))
      open.append(position)
      if plan.fusion.kernels[number].form == .check { pendingChecks.insert(number) }
    }
    if !pendingChecks.isEmpty { items += [.barrier, .stopIfFailed] }
    return items
  }

  private func conflicts(_ earlier: Int, _ later: Int) -> Bool {
    func overlap(_ a: Int32, _ b: Int32) -> Bool {
      let (i, j) = (bufferOf[Int(a)], bufferOf[Int(b)])
      guard i >= 0, j >= 0 else { return false }
      if i == j { return true }
      let (x, y) = (buffers[Int(i)], buffers[Int(j)])
      return x.segment == y.segment && x.byteOffset < y.byteOffset + y.byteCount
        && y.byteOffset < x.byteOffset + x.byteCount
    }
    let (first, second) = (plan.bodies[earlier], plan.bodies[later])
    let (firstWrites, secondWrites) = (first.written, second.written)
    let firstReads = Set(first.reads.map(\.slot))
    let secondReads = Set(second.reads.map(\.slot))
    return firstWrites.contains { a in
      secondReads.contains { overlap(a, $0) } || secondWrites.contains { overlap(a, $0) }
    } || secondWrites.contains { b in firstReads.contains { overlap($0, b) } }
  }

  private func checks() -> [RuntimeCheck] {
    plan.fusion.roots.compactMap { root in
      guard case .check(let limit, _) = root.kind else { return nil }
      let node = graph[root.node]
      let mnemonic = type(of: node.op).mnemonic
      return RuntimeCheck(
        operation: node.name.isEmpty ? mnemonic : "\(mnemonic) (\(node.name))", limit: limit, site: node.site)
    }
  }

  // MARK: The result

  func finished() -> CompiledStep {
    let program = LoopProgram(
      name: graph.name, buffers: buffers, kernels: kernels, schedule: schedule(), checks: checks(),
      stateByteCount: layout.byteCount, scratchByteCount: memory.scratchByteCount, workerByteCount: workerByteCount,
      failureOffset: memory.failureOffset)
    return CompiledStep(
      graph: graph, kernels: summaries(), loops: program, memory: memory,
      inputs: graph.inputs.map { .init(name: $0.name, type: graph.type(of: $0.node)) },
      outputs: zip(graph.outputs, plan.outputs).map { output, slot in
        .init(
          name: output.name, type: graph.type(of: output.node), buffer: BufferID(raw: bufferOf[Int(slot)]))
      },
      constants: constants, stateLayout: layout, target: target)
  }

  private func summaries() -> [KernelSummary] {
    plan.order.enumerated().map { position, number in
      let kernel = plan.fusion.kernels[number]
      let body = plan.bodies[number]
      let written = body.written
      func place(_ slot: Int32) -> String {
        let index = bufferOf[Int(slot)]
        let buffer = buffers[Int(index)]
        let name = table.slots[Int(slot)].name
        switch buffer.segment {
        case .state:
          return name == buffer.name ? "\(name)@state+\(buffer.byteOffset)" : "\(buffer.name)@state+\(buffer.byteOffset)"
        case .scratch: return "\(name)@scratch+\(buffer.byteOffset)"
        case .input(let index): return "\(name)@input\(index)"
        case .worker: return "\(name)@worker+\(buffer.byteOffset)"
        }
      }
      var reads: [Int32] = []
      for read in body.reads where !reads.contains(read.slot) { reads.append(read.slot) }
      return KernelSummary(
        name: kernels[position].name, domain: kernel.extents,
        stages: kernel.stages.map { stage($0) }, reads: reads.map(place), writes: written.map(place),
        schedule: choices[position].text(LoopAxes(body)), boundary: kernel.boundary.text(table.slots),
        isParallel: kernels[position].isParallel)
    }
  }

  private func stage(_ stage: Kernel.Stage) -> KernelSummary.Stage {
    var text = stage.inner.isEmpty ? "at each point: " : "along \(Shape(stage.inner)): "
    text += stage.roots.map { index in
      let root = plan.fusion.roots[index]
      let mnemonic = type(of: graph[root.node].op).mnemonic
      let order = root.isReduction ? " by \(root.order)" : ""
      let reason = table.reasons[root.node].map { " (\($0.description))" } ?? ""
      return "\(root.node) \(mnemonic)\(order)\(root.isReduction ? "" : reason)"
    }.joined(separator: ", ")
    return KernelSummary.Stage(inner: stage.inner, nodes: stage.roots.map { plan.fusion.roots[$0].node }, text: text)
  }
}

extension ScheduleChoice {
  func text(_ axes: LoopAxes) -> String {
    var text = isParallel ? "shared by workers" : "one worker"
    if let contraction {
      text += ", " + contraction.text
    } else if let vectorAxis {
      text += ", vectors of \(min(strip, axes.domain[vectorAxis].extent)) along axis \(vectorAxis)"
      if let tileAxis { text += ", tiles of \(tile) along axis \(tileAxis)" }
    } else {
      text += ", point by point"
    }
    return text
  }
}
