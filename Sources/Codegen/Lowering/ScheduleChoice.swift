import CinchGraph

/// How a kernel's axes run: the one place where a schedule is chosen.
struct ScheduleChoice: Sendable {
  /// The axis of the domain whose points lie side by side in vectors; nil where each point of the domain runs by itself and
  /// vectors run along the stages' inner axes.
  var vectorAxis: Int?
  /// Points of one vector loop.
  var strip: Int
  /// The axis of the domain that is unrolled in registers, counted without the vector axis: rows of contractions, lines that are
  /// turned.
  var tileAxis: Int?
  var tile: Int
  /// Whether workers share the kernel.
  var isParallel: Bool
  /// Of a contraction in register tiles.
  var contraction: ContractionSchedule?

  /// - Parameter parallelWork: lane operations from which workers share a kernel.
  static func choose(
    _ body: KernelBody, _ axes: LoopAxes, _ form: Kernel.Form, _ target: Target, parallelWork: Int
  ) -> ScheduleChoice {
    let lanes = target.lanes
    var choice = ScheduleChoice(
      vectorAxis: nil, strip: 4 * lanes, tileAxis: nil, tile: 1, isParallel: body.isShared(form, from: parallelWork))
    let registers = target.vectorRegisterCount
    switch form {
    case .check, .loop: break
    case .rows:
      choice.strip = strip(body, lanes, registers)
    case .map, .columns, .copy, .scatter:
      choice.strip = strip(body, lanes, registers)
      if let axis = vectorAxis(body, axes, lanes) { choice.runVectors(along: axis, body, axes, target) }
    case .tile:
      choice.contraction = ContractionSchedule(body, target)
      let column = axes.domain.count - 1
      choice.vectorAxis = column
      let vectors = axes.domain[column].extent.dividedUp(by: lanes)
      let width = min(vectors, registers >= 32 ? 3 : 2)
      choice.strip = width * lanes
      if column > 0 {
        choice.tileAxis = column - 1
        choice.tile = tile(axes.domain[column - 1].extent, most: registers >= 32 ? (width == 1 ? 14 : 8) : (width == 1 ? 8 : 4))
      }
    }
    return choice
  }

  /// Vectors along an axis of the domain, unless pairs or lines that turn are in the way.
  private mutating func runVectors(along axis: Int, _ body: KernelBody, _ axes: LoopAxes, _ target: Target) {
    vectorAxis = axis
    if let wide = Self.axisOfPairs(body, axes, axis) {
      // The pair is copied out, and written by vectors that take turns.
      vectorAxis = wide
      (tileAxis, tile) = (axis > wide ? axis - 1 : axis, 2)
    } else if let turned = Self.turnedAxis(body, axes, axis) {
      // Blocks as large as registers turn.
      tileAxis = turned > axis ? turned - 1 : turned
      (tile, strip) = (target.lanes, target.lanes)
    } else if Self.isOneChain(body) {
      let hasTotals = !body.stages[0].reductions[0].order.runs.isEmpty
      strip = Self.wideStrip(axes.domain[axis].extent, hasTotals: hasTotals, target) ?? strip
    }
  }

  /// Rows of a register tile: as many as fit, fewer where that leaves no rest.
  private static func tile(_ rows: Int, most: Int) -> Int {
    if rows <= most { return rows }
    for size in stride(from: most, to: most / 2, by: -1) where rows % size == 0 { return size }
    return min(most, 8)
  }

  /// Vectors side by side: more hide latency, fewer leave registers for long expressions.
  private static func strip(_ body: KernelBody, _ lanes: Int, _ registers: Int) -> Int {
    let accumulators = body.stages.reduce(0) { max($0, $1.reductions.count) }
    var vectors = registers >= 32 ? 4 : 2
    if body.expressions.count > 60 || accumulators > 3 { vectors = max(1, vectors / 2) }
    return vectors * lanes
  }

  /// Whether the body is little more than one sum for each point.
  private static func isOneChain(_ body: KernelBody) -> Bool {
    body.expressions.count <= 8 && body.stages[0].reductions.count == 1 && body.stages[0].reductions[0].order.isByChains
      && body.stages[0].axes.count == 1
  }

  /// Chains by half of the registers: a chain takes four cycles, and rows are read in long runs, which memory likes. Nil where that
  /// would leave workers too few strips. Totals of runs need registers beside those of the chains.
  private static func wideStrip(_ extent: Int, hasTotals: Bool, _ target: Target) -> Int? {
    let strip = target.vectorRegisterCount / (hasTotals ? 3 : 2) * target.lanes
    return extent >= 2 * strip * target.workers ? strip : nil
  }

  /// The axis of the domain along which elements lie side by side that a transposition loads, and which jump along the vectors.
  private static func turnedAxis(_ body: KernelBody, _ axes: LoopAxes, _ vector: Int) -> Int? {
    guard body.stages.allSatisfy({ $0.axes.isEmpty && $0.scatters.isEmpty }), body.expressions.count <= 8 else { return nil }
    func variable(_ position: Int) -> LoopVariable { LoopVariable(raw: Int32(axes.domain[position].axis)) }
    return axes.domain.indices.first { position in
      position != vector && axes.domain[position].extent >= 4
        && body.expressions.contains { expression in
          guard case .load(let access, nil, _) = expression, access.indirection == nil else { return false }
          return access.index.coefficient(of: variable(position)) == 1
            && !(0...1).contains(access.index.coefficient(of: variable(vector)))
        }
    }
  }

  /// The axis of the domain along which pairs of neighbours lie, where vectors along the pairs would leave most lanes empty. Bytes
  /// can't be written in turns.
  private static func axisOfPairs(_ body: KernelBody, _ axes: LoopAxes, _ pair: Int) -> Int? {
    guard axes.domain[pair].extent == 2 else { return nil }
    func variable(_ position: Int) -> LoopVariable { LoopVariable(raw: Int32(axes.domain[position].axis)) }
    let stores = body.stages.flatMap { $0.stores + $0.results }
    guard body.stages.allSatisfy({ $0.scatters.isEmpty }),
      stores.allSatisfy({ $0.access.index.coefficient(of: variable(pair)) == 1 && body.types[$0.value.index] != .bool })
    else { return nil }
    return axes.domain.indices.first { position in
      axes.domain[position].extent > 2 && stores.allSatisfy { $0.access.index.coefficient(of: variable(position)) == 2 }
    }
  }

  /// The axis along which the fewest accesses jump: neighbouring points should be neighbours in memory.
  private static func vectorAxis(_ body: KernelBody, _ axes: LoopAxes, _ lanes: Int) -> Int? {
    var best: Int?
    var bestCost = Int.max
    for position in axes.domain.indices.reversed() {
      let variable = LoopVariable(raw: Int32(axes.domain[position].axis))
      var cost = 0
      for (index, weight) in body.accesses where !(0...1).contains(index.coefficient(of: variable)) { cost += weight }
      // Lanes that stay empty count like jumps.
      if axes.domain[position].extent < lanes / 2 { cost += 1 }
      if cost < bestCost {
        bestCost = cost
        best = position
      }
    }
    return best
  }
}

extension KernelBody {
  /// The indices of loads and stores, with how much a jump costs: stores can't jump in vectors at all.
  fileprivate var accesses: [(AffineExpression, Int)] {
    var result: [(AffineExpression, Int)] = []
    for expression in expressions {
      if case .load(let access, _, _) = expression { result.append((access.index, 2)) }
    }
    for stage in stages {
      for store in stage.stores + stage.results { result.append((store.access.index, 5)) }
    }
    return result
  }
}
