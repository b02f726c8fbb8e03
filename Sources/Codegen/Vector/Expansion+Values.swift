import CinchGraph

extension Expansion {
  mutating func define(_ value: LoopValue, _ expression: LoopExpression) throws(VectorLimitation) {
    let set = dependence[value]
    let type = kernel.valueTypes[value.index]
    if case .load(let access, nil, _) = expression, let axis = turnedAxis(access) {
      instances[value.index] = try turnedLoads(access, type, over: set, along: axis)
      return
    }
    instances[value.index] = try instances(over: set) { (e) throws(VectorLimitation) in
      switch expression {
      case .constant(let literal): return e.literal(literal)
      case .apply(let opcode, let operands):
        var values: VectorOperands = []
        for operand in operands { values.append(try e.instance(operand)) }
        return try e.apply(opcode, values, from: e.kernel.valueTypes[operands[operands.count - 1].index], to: type)
      case .index(let index): return try e.indexValue(e.resolve(index))
      case .within(let index, let bound): return try e.within(e.resolve(index), bound: bound)
      case .load(let access, let condition, let otherwise):
        if condition == nil, e.isEveryOther(access) { return try e.everyOther(access, type) }
        let mask = try condition.map { (c) throws(VectorLimitation) in try e.instance(c) }
        return try e.load(access, condition: mask, otherwise: otherwise, varies: e.variesByLane(set))
      }
    }
  }

  func variesByLane(_ set: AxisSet) -> Bool {
    laneDepth.map { set.contains(AxisSet(depth: $0)) } ?? false
  }

  mutating func literal(_ literal: ScalarLiteral) -> VectorValue {
    literal.type == .bool
      ? output.constant(.mask(literal.boolValue ? output.fullMask : 0), .bool)
      : output.constant(.uniform(UInt32(truncatingIfNeeded: literal.bits)), literal.type)
  }

  // MARK: - Operations

  /// An operation; those on masks that are known now fold, which is how the tests of tails disappear.
  mutating func apply(
    _ opcode: ScalarOpcode, _ operands: VectorOperands, from: ElementType, to type: ElementType
  ) throws(VectorLimitation) -> VectorValue {
    if opcode.isSelection {
      if operands[1] == operands[2] { return operands[1] }
      if let known = knownMask(operands[0]) {
        if known == output.fullMask { return operands[1] }
        if known == 0 { return operands[2] }
      }
    }
    if from == .bool, let folded = foldMasks(opcode, operands) { return folded }
    if opcode == .bitcast, from == type { return operands[0] }
    if opcode == .convert, from == type { return operands[0] }
    if from == .int32, let rotated = rotation(opcode, operands) {
      return try append(.rotateLeft(rotated.count), [rotated.source], type)
    }
    let result = try append(.apply(opcode, from: from), operands, type)
    if from == .int32, opcode == .shiftLeft || opcode == .shiftRightLogical,
      case .uniform(let count) = output[operands[1]].constant
    {
      constantShifts[result] = ConstantShift(source: operands[0], opcode: opcode, count: count & 31)
    }
    return result
  }

  /// Whether the operation joins the two parts of a rotated number, on a machine that rotates in one instruction: AVX-512.
  private func rotation(_ opcode: ScalarOpcode, _ operands: VectorOperands) -> (source: VectorValue, count: Int)? {
    guard lanes == 16, opcode == .or, var left = constantShifts[operands[0]], var right = constantShifts[operands[1]]
    else { return nil }
    if left.opcode != .shiftLeft { swap(&left, &right) }
    guard left.opcode == .shiftLeft, right.opcode == .shiftRightLogical, left.source == right.source,
      left.count + right.count == 32
    else { return nil }
    return (left.source, Int(left.count))
  }

  /// The lanes of a mask that is a constant.
  func knownMask(_ value: VectorValue) -> UInt32? {
    if case .mask(let bits) = output[value].constant { return bits }
    return nil
  }

  private mutating func foldMasks(_ opcode: ScalarOpcode, _ operands: VectorOperands) -> VectorValue? {
    let full = output.fullMask
    let known = operands.map { knownMask($0) }
    switch opcode {
    case .not:
      if let bits = known[0] { return output.constant(.mask(~bits & full), .bool) }
    case .and:
      if let a = known[0], let b = known[1] { return output.constant(.mask(a & b), .bool) }
      for (position, bits) in known.enumerated() {
        if bits == full { return operands[1 - position] }
        if bits == 0 { return operands[position] }
      }
    case .or:
      if let a = known[0], let b = known[1] { return output.constant(.mask(a | b), .bool) }
      for (position, bits) in known.enumerated() {
        if bits == 0 { return operands[1 - position] }
        if bits == full { return operands[position] }
      }
    default: break
    }
    return nil
  }

  // MARK: - Indices

  /// An index expression at the current point: what is left of it once static axes are known.
  struct ResolvedIndex {
    var constant: Int
    /// What one lane adds.
    var laneStep = 0
    /// Outermost loop first, by which loop iterations move it.
    var steps: [LoopStep] = []
  }

  func resolve(_ index: AffineExpression) throws(VectorLimitation) -> ResolvedIndex {
    var resolved = ResolvedIndex(constant: index.constant)
    for term in index.terms {
      switch roles[term.variable.index] {
      case .undefined: throw .malformed("loop variable \(term.variable.raw) is used outside its loop")
      case .fixed(let value): resolved.constant += term.coefficient * value
      case .axis(let depth):
        guard depth < axes.count else {
          throw .malformed("loop variable \(term.variable.raw) is used outside its loop")
        }
        if axes[depth].isLane {
          resolved.constant += term.coefficient * axes[depth].part * lanes
          resolved.laneStep += term.coefficient
        } else {
          resolved.constant += term.coefficient * axes[depth].part
        }
      case .loop(let id, let factor, let offset):
        resolved.constant += term.coefficient * offset
        resolved.steps.append(LoopStep(loop: id, step: term.coefficient * factor))
      }
    }
    // Terms are sorted by variable; loops are numbered in the order in which they are opened.
    if resolved.steps.count > 1 { resolved.steps.sort { $0.loop.raw < $1.loop.raw } }
    return resolved
  }

  /// The least and the greatest value, over all lanes that exist and all iterations.
  private func range(of index: ResolvedIndex) -> ClosedRange<Int> {
    let lastLane = index.laneStep * (validLanes - 1)
    var low = index.constant + min(0, lastLane)
    var high = index.constant + max(0, lastLane)
    for step in index.steps {
      guard let open = openLoops.first(where: { $0.id == step.loop }) else { continue }
      let last = step.step * (open.bound - 1)
      low += min(0, last)
      high += max(0, last)
    }
    return low...high
  }

  mutating func indexValue(_ index: ResolvedIndex) throws(VectorLimitation) -> VectorValue {
    let range = range(of: index)
    guard Int32(exactly: range.lowerBound) != nil, Int32(exactly: range.upperBound) != nil else {
      throw .wideIndex
    }
    let constant = laneConstant(index)
    guard !index.steps.isEmpty else { return constant }
    let moving = try induction(index.steps)
    if index.constant == 0 && index.laneStep == 0 { return moving }
    return try append(.apply(.add, from: .int32), [moving, constant], .int32)
  }

  private mutating func laneConstant(_ index: ResolvedIndex) -> VectorValue {
    func bits(_ value: Int) -> UInt32 { UInt32(bitPattern: Int32(truncatingIfNeeded: value)) }
    if index.laneStep == 0 { return output.constant(.uniform(bits(index.constant)), .int32) }
    let values = (0..<lanes).map { bits(index.constant + index.laneStep * $0) }
    return output.constant(.lanes(values), .int32)
  }

  mutating func within(_ index: ResolvedIndex, bound: Int) throws(VectorLimitation) -> VectorValue {
    let range = range(of: index)
    let full = output.fullMask
    if range.lowerBound >= 0 && range.upperBound < bound { return output.constant(.mask(full), .bool) }
    if range.upperBound < 0 || range.lowerBound >= bound { return output.constant(.mask(0), .bool) }
    if index.steps.isEmpty {
      var bits: UInt32 = 0
      for lane in 0..<lanes where (0..<bound).contains(index.constant + index.laneStep * lane) {
        bits |= 1 << UInt32(lane)
      }
      return output.constant(.mask(bits), .bool)
    }
    return try append(
      .within(
        bound: bound, testsLower: range.lowerBound < 0, testsUpper: range.upperBound >= bound),
      [indexValue(index)], .bool)
  }

  /// The uniform value `Σ step · iteration`, kept in a register that the loops count up.
  private mutating func induction(_ steps: [LoopStep]) throws(VectorLimitation) -> VectorValue {
    guard let last = steps.last else { return output.constant(.uniform(0), .int32) }
    guard let level = openLoops.firstIndex(where: { $0.id == last.loop }) else {
      throw .malformed("an index follows a loop that is not open")
    }
    if let known = openLoops[level].inductions[steps] { return known }
    let initial: VectorValue
    if case .slice = output.loops[last.loop.index].tripCount {
      initial = output.makeValue(.int32)
      let start = VectorInstruction(operation: .sliceStart(last.step), operands: [], result: initial)
      blocks[level].append(.instruction(output.add(start)))
    } else {
      initial = try induction(Array(steps.dropLast()))
    }
    let argument = output.makeValue(.int32)
    let next = output.makeValue(.int32)
    openLoops[level].inductions[steps] = argument
    openLoops[level].increments.append((argument, next, last.step))
    openLoops[level].carried.append(
      VectorLoop.Carried(
        argument: argument, initial: initial, next: next, result: output.makeValue(.int32)))
    return argument
  }
}
