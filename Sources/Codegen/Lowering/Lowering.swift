import CinchGraph

/// From a step's plan to loops: places for buffers, loop nests for kernels, barriers between them.
struct Lowering {
  let graph: Graph
  let target: Target
  let options: LoweringOptions
  /// Lane operations from which workers share a kernel of this step.
  private let parallelWork: Int

  var buffers: [Buffer] = []
  private(set) var kernels: [LoopKernel] = []
  private var step: Frame
  private var constants: [CompiledStep.Constant] = []
  private var summaries: [KernelSummary] = []
  private let checks: [RuntimeCheck]
  private var schedule: [ScheduleItem] = []
  private var workerByteCount = 0
  private let layout: StateLayout

  init(_ graph: Graph, _ target: Target, _ options: LoweringOptions) throws {
    self.graph = graph
    self.target = target
    self.options = options
    layout = StateLayout(graph.state, hasCanaries: options.hasCanaries)
    var checks: [RuntimeCheck] = []
    var step = try Frame(graph, options: options, checks: &checks)
    self.checks = checks
    self.step = step
    parallelWork =
      step.sharedWork(from: options.parallelWork) >= Double(options.parallelStepWork) ? options.parallelWork : .max
    let state = zip(graph.state, layout.entries).map { add($0.name, $0.type, .state, $1.byteOffset) }
    let inputs = graph.inputs.enumerated().map { add($1.name, graph.type(of: $1.node), .input($0), 0) }
    schedule = try lower(&step, state: state, inputs: inputs, outputs: [], base: 0)
    self.step = step
  }

  // MARK: Memory

  mutating func add(_ name: String, _ type: TensorType, _ segment: Segment, _ byteOffset: Int) -> BufferID {
    buffers.append(
      Buffer(
        name: name, elementType: type.elementType, elementCount: type.shape.elementCount, segment: segment,
        byteOffset: byteOffset))
    return BufferID(raw: Int32(buffers.count - 1))
  }

  /// Gives the frame's slots their buffers; `base` is where its memory starts in scratch.
  private mutating func place(
    _ frame: inout Frame, state: [BufferID], inputs: [BufferID], outputs: [BufferID], base: Int
  ) {
    let slots = frame.table.slots
    let plan = frame.plan
    for slot in slots.indices {
      switch slots[slot].source {
      case .state(let id): frame.bufferOf[slot] = state[id.index].raw
      case .input(let number): frame.bufferOf[slot] = inputs[number].raw
      case .constant, .node: break
      }
    }
    for (slot, buffer) in zip(plan.outputs, outputs) { frame.bufferOf[Int(slot)] = buffer.raw }
    for place in frame.memory.places where place.buffer.raw >= 0 {
      let slot = place.buffer.index
      frame.bufferOf[slot] = add(slots[slot].name, slots[slot].type, .scratch, base + place.byteOffset).raw
    }
    let used = Set(plan.bodies.flatMap { $0.reads.map(\.slot) } + plan.outputs)
    for slot in slots.indices {
      switch slots[slot].source {
      case .constant(let node) where used.contains(Int32(slot)):
        let input = graph.inputs.count + constants.count
        frame.bufferOf[slot] = add(slots[slot].name, slots[slot].type, .input(input), 0).raw
        constants.append(constant(node, frame.table, input: input))
      case .node where plan.places[slot] != Int32(slot): frame.bufferOf[slot] = frame.bufferOf[Int(plan.places[slot])]
      default: break
      }
    }
  }

  private func constant(_ node: NodeID, _ table: NodeTable, input: Int) -> CompiledStep.Constant {
    var bytes: [UInt8] = []
    if case .constant(.dense(let type, let elements)) = table.meanings[node.index] {
      bytes.reserveCapacity(elements.count * type.byteCount)
      for bits in elements {
        for byte in 0..<type.byteCount { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * byte))) }
      }
    }
    return CompiledStep.Constant(input: input, type: table.type(node), bytes: bytes)
  }

  // MARK: Frames

  /// All of a frame's kernels, in order, with barriers where they depend on each other.
  private mutating func lower(
    _ frame: inout Frame, state: [BufferID], inputs: [BufferID], outputs: [BufferID], base: Int
  ) throws -> [ScheduleItem] {
    place(&frame, state: state, inputs: inputs, outputs: outputs, base: base)
    var writer = ScheduleWriter()
    for position in frame.order.indices {
      if var body = frame.bodies[position] {
        let firstKernel = kernels.count
        let loop = try lowerLoop(position, &body, frame, base)
        writer.append(
          loop, touching: .init(kernels[firstKernel...], buffers),
          isParallel: kernels[firstKernel...].contains(where: \.isParallel))
        continue
      }
      try emit(position, frame)
      let number = frame.order[position]
      writer.append(
        .run(kernels.count - 1), touching: .init([kernels[kernels.count - 1]], buffers),
        isParallel: kernels[kernels.count - 1].isParallel, number: number,
        isCheck: frame.kernel(position).form == .check, after: frame.plan.predecessors[number])
    }
    return writer.finished(isBody: frame.depth > 0)
  }

  private mutating func lowerLoop(
    _ position: Int, _ body: inout Frame, _ frame: Frame, _ base: Int
  ) throws -> ScheduleItem {
    let root = frame.plan.fusion.roots[frame.kernel(position).stages[0].roots[0]]
    guard case .loop(let iteration) = root.kind else {
      throw InternalError(stage: "lowering", message: "\(root.node) is no loop")
    }
    let results = ([root.slot] + root.furtherSlots).map { BufferID(raw: frame.bufferOf[Int($0)]) }
    var inputs: [BufferID] = []
    for (number, operand) in root.operands.enumerated().dropFirst(iteration.carried) {
      let whole = BufferID(raw: frame.bufferOf[Int(frame.table.slotOf[frame.table.holder(of: operand).index])])
      inputs.append(number < iteration.carried + iteration.sliced ? slice(of: whole, iteration, frame.depth) : whole)
    }
    let outputs = results.dropFirst(iteration.carried).map { slice(of: $0, iteration, frame.depth) }
    let offset = frame.memory.places.first { $0.buffer.raw == Int32(-1 - position) }?.byteOffset ?? 0
    let items = try lower(
      &body, state: Array(results.prefix(iteration.carried)), inputs: inputs, outputs: Array(outputs), base: base + offset)
    return .loop(count: iteration.count, items)
  }

  /// The part of a buffer that belongs to one iteration of the innermost loop.
  private mutating func slice(of whole: BufferID, _ iteration: Iteration, _ depth: Int) -> BufferID {
    var slice = buffers[whole.index]
    slice.name += "_slice"
    slice.elementCount /= iteration.count
    var steps = slice.motion?.steps ?? []
    while steps.count < depth { steps.append(0) }
    steps.append(iteration.isReversed ? -slice.byteCount : slice.byteCount)
    if iteration.isReversed { slice.byteOffset += (iteration.count - 1) * slice.byteCount }
    slice.motion = Buffer.Motion(parent: slice.motion?.parent ?? whole, steps: steps)
    buffers.append(slice)
    return BufferID(raw: Int32(buffers.count - 1))
  }

  // MARK: Kernels

  private mutating func emit(_ position: Int, _ frame: Frame) throws {
    let body = frame.body(position)
    let axes = LoopAxes(body)
    let kernel = frame.kernel(position)
    let name = "k\(kernels.count)"
    let choice = ScheduleChoice.choose(body, axes, kernel.form, target, parallelWork: parallelWork)
    // What follows a contraction's tiles has no loops of its own.
    let comments = choice.contraction == nil ? comments(kernel, frame) : []
    var emitter = Emitter(body, axes, choice, buffers: frame.bufferOf, comments: comments)
    if let contraction = choice.contraction { emitter.workspace = workspace(contraction, body.types[contraction.second.index], name: name) }
    let statements = emitter.emitKernel()
    if let failure = emitter.failure { throw InternalError(stage: "lowering", message: "\(name): \(failure)") }
    kernels.append(
      LoopKernel(
        name: "\(name)_\(kernel.form.rawValue)", origin: origin(kernel, frame), valueTypes: emitter.valueTypes,
        variableCount: emitter.variableCount, body: statements))
    summaries.append(summary(position, frame, kernels[kernels.count - 1], choice.text(axes)))
  }

  /// Each worker's memory for a contraction of numbers of one type; all kernels use the same.
  private mutating func workspace(
    _ contraction: ContractionSchedule, _ type: ElementType, name: String
  ) -> ContractionWorkspace {
    var workspace = ContractionWorkspace()
    var end = 0
    func add(_ purpose: String, _ count: Int, _ lowering: inout Lowering) -> BufferID {
      let id = lowering.add("\(name)_\(purpose)", TensorType(type, [count]), .worker, end)
      end = alignedTo64(end + type.byteCount * count)
      return id
    }
    let tile = max(contraction.tile, contraction.narrowTiles.max() ?? 0) * contraction.strip
    for _ in 0..<contraction.tileTotals { workspace.totals.append(add("totals", tile, &self)) }
    if contraction.storesTile { workspace.tile = workspace.totals.last ?? add("tile", tile, &self) }
    if let packing = contraction.packing { workspace.panel = add("panel", packing.elementCount, &self) }
    if contraction.packedTiles > 0 {
      workspace.rows = add("rows", contraction.packedTiles * contraction.packedTileStep, &self)
    }
    if contraction.keepsAccumulators {
      workspace.accumulators = add("accumulators", contraction.rowShare * contraction.panel, &self)
    }
    if contraction.group != nil {
      workspace.group = add("group", contraction.rowShare * contraction.panel, &self)
    }
    workerByteCount = max(workerByteCount, end)
    return workspace
  }

  /// One line for each result: node, op, layer, the user's line.
  private func origin(_ kernel: Kernel, _ frame: Frame) -> [String] {
    var lines: [String] = []
    for index in kernel.roots {
      let id = frame.plan.fusion.roots[index].node
      let node = frame.graph[id]
      var line = "\(id) \(type(of: node.op).mnemonic) \(node.type)"
      if !node.name.isEmpty { line += " \(node.name)" }
      let site = node.site.short
      if !site.isEmpty { line += " \(site)" }
      if lines.last != line { lines.append(line) }
    }
    return lines
  }

  // MARK: The result

  func finished() -> CompiledStep {
    let program = LoopProgram(
      name: graph.name, buffers: buffers, kernels: kernels, schedule: schedule, checks: checks,
      stateByteCount: layout.byteCount, scratchByteCount: step.memory.scratchByteCount, workerByteCount: workerByteCount,
      failureOffset: step.memory.failureOffset)
    return CompiledStep(
      graph: graph, kernels: summaries, loops: program, memory: step.memory,
      inputs: graph.inputs.map { .init(name: $0.name, type: graph.type(of: $0.node)) },
      outputs: zip(graph.outputs, step.plan.outputs).map { output, slot in
        .init(
          name: output.name, type: graph.type(of: output.node), buffer: BufferID(raw: step.bufferOf[Int(slot)]))
      },
      constants: constants, stateLayout: layout, target: target)
  }
}
