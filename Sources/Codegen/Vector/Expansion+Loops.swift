import CinchGraph

extension Expansion {
  mutating func expand(_ loop: Loop) throws(VectorLimitation) {
    switch loop.axis {
    case .unrolled, .vector: try expandStatic(loop)
    case .parallel:
      guard openLoops.isEmpty, axes.isEmpty else { throw .parallelLoopInside }
      guard loop.carried.isEmpty else { throw .malformed("a parallel loop carries values") }
      guard loop.extent > 0 else { return }
      let id = open(.slice(of: loop.extent), bound: loop.extent, factor: 1)
      roles[loop.variable.index] = .loop(id, factor: 1, offset: 0)
      try expand(loop.body)
      try close()
    case .sequential: try expandSequential(loop)
    }
  }

  // MARK: - Unrolled and vector axes

  private mutating func expandStatic(_ loop: Loop) throws(VectorLimitation) {
    guard loop.extent > 0 else {
      if loop.folds.isEmpty { return }
      throw .foldExtent(0)
    }
    let isLane = loop.axis == .vector && !Self.containsVectorAxis(loop.body)
    let parts = isLane ? loop.extent.dividedUp(by: lanes) : loop.extent
    roles[loop.variable.index] = .axis(depth: axes.count)
    axes.append(Axis(extent: loop.extent, isLane: isLane, parts: parts))
    try expand(loop.body)
    for fold in loop.folds { try expand(fold) }
    axes.removeLast()
  }

  private static func containsVectorAxis(_ statements: [LoopStatement]) -> Bool {
    statements.contains {
      guard case .loop(let loop) = $0 else { return false }
      return loop.axis == .vector || containsVectorAxis(loop.body)
    }
  }

  // MARK: - Sequential loops

  private mutating func expandSequential(_ loop: Loop) throws(VectorLimitation) {
    for carried in loop.carried {
      let set = dependence[carried.argument]
      instances[carried.argument.index] = try instances(over: set) { (e) throws(VectorLimitation) in
        try e.instance(carried.initial)
      }
    }
    let factor = unrollFactor(loop)
    let trips = loop.extent / factor
    if trips > 1 { try expandRunning(loop, trips: trips, factor: factor) }
    // What is left over, or a loop that need not run: straight on.
    let done = trips > 1 ? trips * factor : 0
    for iteration in done..<loop.extent {
      roles[loop.variable.index] = .fixed(iteration)
      try expandIteration(loop)
    }
    for carried in loop.carried {
      instances[carried.result.index] = instances[carried.argument.index]
    }
  }

  /// One copy of a loop's body; afterwards the arguments stand for the next iteration's.
  private mutating func expandIteration(_ loop: Loop) throws(VectorLimitation) {
    try expand(loop.body)
    var next: [Instances] = []
    for carried in loop.carried {
      let set = dependence[carried.argument]
      next.append(
        try instances(over: set) { (e) throws(VectorLimitation) in try e.instance(carried.next) })
    }
    for (carried, values) in zip(loop.carried, next) { instances[carried.argument.index] = values }
  }

  private mutating func expandRunning(
    _ loop: Loop, trips: Int, factor: Int
  ) throws(VectorLimitation) {
    let id = open(.constant(trips), bound: trips, factor: factor)
    var arguments: [Instances] = []
    var initials: [Instances] = []
    for carried in loop.carried {
      let initial = instances[carried.argument.index]
      var argument = initial
      let type = kernel.valueTypes[carried.argument.index]
      for index in argument.values.indices { argument.values[index] = output.makeValue(type) }
      instances[carried.argument.index] = argument
      arguments.append(argument)
      initials.append(initial)
    }
    for copy in 0..<factor {
      roles[loop.variable.index] = .loop(id, factor: factor, offset: copy)
      try expandIteration(loop)
    }
    var carriedValues: [VectorLoop.Carried] = []
    for (index, carried) in loop.carried.enumerated() {
      let next = instances[carried.argument.index]
      var result = next
      let type = kernel.valueTypes[carried.argument.index]
      for position in result.values.indices {
        result.values[position] = output.makeValue(type)
        carriedValues.append(
          VectorLoop.Carried(
            argument: arguments[index].values[position], initial: initials[index].values[position],
            next: next.values[position], result: result.values[position]))
      }
      instances[carried.argument.index] = result
    }
    openLoops[openLoops.count - 1].carried += carriedValues
    try close()
  }

  /// How many iterations a running loop makes at a time: several where the loop's own instructions would weigh,
  /// all where it is short.
  private func unrollFactor(_ loop: Loop) -> Int {
    guard loop.extent > 1 else { return 1 }
    // The copies of each chain come to stand together; of many chains that would keep what all of them read in registers.
    let chains = loop.carried.reduce(0) { $0 + points(dependence[$1.argument], axes.map(\.parts)) }
    if chains > registerCount / 2 { return 1 }
    let size = size(of: loop.body)
    if loop.extent <= 4, size * loop.extent <= 64 { return loop.extent }
    guard !Self.containsRunningLoop(loop.body) else { return 1 }
    for factor in [4, 3, 2] where size * factor <= 24 && loop.extent % factor == 0 { return factor }
    return size <= 8 && loop.extent >= 16 ? 2 : 1
  }

  private static func containsRunningLoop(_ statements: [LoopStatement]) -> Bool {
    statements.contains {
      guard case .loop(let loop) = $0 else { return false }
      return (loop.axis == .sequential && loop.extent > 1) || containsRunningLoop(loop.body)
    }
  }

  /// How many vectors a value is that varies along the axes of the set, all of which have so many parts.
  private func points(_ set: AxisSet, _ parts: [Int]) -> Int {
    parts.indices.reduce(1) { set.contains(AxisSet(depth: $1)) ? $0 * parts[$1] : $0 }
  }

  /// About how many instructions the statements expand to.
  private func size(of statements: [LoopStatement], _ inner: [Int] = []) -> Int {
    let parts = axes.map(\.parts) + inner
    func points(_ set: AxisSet) -> Int { self.points(set, parts) }
    var total = 0
    for statement in statements {
      switch statement {
      case .define(let value, .apply), .define(let value, .load): total += points(dependence[value])
      case .define: break
      case .store(let access, let value, _):
        total += points(dependence.axes(of: access).union(dependence[value]))
      case .prefetch(let access): total += points(dependence.axes(of: access))
      case .check: total += 1
      case .loop(let loop):
        let extent = loop.extent
        switch loop.axis {
        case .vector: total += size(of: loop.body, inner + [extent.dividedUp(by: lanes)])
        case .unrolled: total += size(of: loop.body, inner + [extent])
        case .sequential, .parallel: total += min(extent, 64) * size(of: loop.body, inner)
        }
      }
    }
    return total
  }

  // MARK: - Open loops

  private mutating func open(
    _ tripCount: VectorProgram.LoopInfo.TripCount, bound: Int, factor: Int
  ) -> VectorLoopID {
    let id = VectorLoopID(output.loops.count)
    output.loops.append(VectorProgram.LoopInfo(tripCount: tripCount, factor: factor))
    openLoops.append(OpenLoop(id: id, bound: bound))
    blocks.append([])
    return id
  }

  private mutating func close() throws(VectorLimitation) {
    for (argument, next, step) in openLoops[openLoops.count - 1].increments {
      let constant = output.constant(.uniform(UInt32(bitPattern: Int32(truncatingIfNeeded: step))), .int32)
      try append(
        VectorInstruction(
          operation: .apply(.add, from: .int32), operands: [argument, constant], result: next))
    }
    let open = openLoops.removeLast()
    let body = blocks.removeLast()
    blocks[blocks.count - 1].append(.loop(VectorLoop(id: open.id, carried: open.carried, body: body)))
  }
}

// MARK: - Folds

extension Expansion {
  /// Combines the points of the innermost axis by a halving tree: whole vectors first, then halves of one.
  private mutating func expand(_ fold: Loop.Fold) throws(VectorLimitation) {
    let depth = axes.count - 1
    let extent = axes[depth].extent
    guard extent & (extent - 1) == 0 else { throw .foldExtent(extent) }
    let own = AxisSet(depth: depth)
    let source = dependence[fold.value]
    let type = kernel.valueTypes[fold.value.index]
    let result = try instances(over: source.subtracting(own)) { (e) throws(VectorLimitation) in
      var parts: [VectorValue] = []
      for part in 0..<e.axes[depth].parts {
        e.axes[depth].part = part
        parts.append(try e.instance(fold.value))
      }
      e.axes[depth].part = 0
      while parts.count > 1 {
        let half = parts.count / 2
        for index in 0..<half {
          parts[index] = try e.combine(fold.combiner, parts[index], parts[index + half], type)
        }
        parts.removeLast(half)
      }
      guard e.axes[depth].isLane else { return parts[0] }
      return try e.foldLanes(
        parts[0], fold.combiner, count: min(extent, e.lanes), type, varies: source.contains(own))
    }
    instances[fold.result.index] = result
  }

  private mutating func combine(
    _ combiner: ScalarOpcode, _ a: VectorValue, _ b: VectorValue, _ type: ElementType
  ) throws(VectorLimitation) -> VectorValue {
    try apply(combiner, [a, b], from: type, to: type)
  }

  private mutating func foldLanes(
    _ value: VectorValue, _ combiner: ScalarOpcode, count: Int, _ type: ElementType, varies: Bool
  ) throws(VectorLimitation) -> VectorValue {
    var value = value
    var distance = count / 2
    guard varies else {
      while distance > 0 {
        value = try combine(combiner, value, value, type)
        distance /= 2
      }
      return value
    }
    // Masks have no shuffles, so Bools are folded as integers.
    let laneType = type == .bool ? .int32 : type
    if type == .bool { value = try apply(.convert, [value], from: .bool, to: .int32) }
    while distance > 0 {
      let upper = try append(.lanesDown(distance), [value], laneType)
      value = try combine(combiner, value, upper, laneType)
      distance /= 2
    }
    value = try append(.spread, [value], laneType)
    return type == .bool ? try apply(.convert, [value], from: .int32, to: .bool) : value
  }
}
