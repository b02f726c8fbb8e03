import CinchGraph

extension Expansion {
  mutating func load(
    _ access: Access, condition: VectorValue?, otherwise: ScalarLiteral?, varies: Bool
  ) throws(VectorLimitation) -> VectorValue {
    let type = buffers[access.buffer.index].elementType
    guard type != .float64 else { throw .elementType(type) }
    var (place, index) = try resolve(access, varies: varies)
    var mask = condition
    if varies, let validity = validity() {
      if let own = mask {
        mask = try apply(.and, [own, validity], from: .bool, to: .bool)
      } else {
        mask = validity
      }
    }
    let other = otherwise.map { literal($0) }
    if let known = mask.flatMap({ knownMask($0) }) {
      if known == output.fullMask { mask = nil }
      if known == 0 { return other ?? zero(type) }
    }
    if varies, place.shape == .uniform, type != .bool, lanes == 8, let mask, knownMask(mask) == nil {
      // One element for the lanes that a condition picks: AVX2 has no masked broadcast, and what lane 0 loads would be
      // wrong for the others.
      place.shape = .gathered
      index = laneSteps(0)
    }
    var operands: VectorOperands = []
    if let index { operands.append(index) }
    if let mask { operands.append(mask) }
    let loaded = try append(.load(output.add(place)), operands, type)
    // A masked load gives zero elsewhere.
    guard let condition, let otherwise, let other, otherwise.bits != 0 else { return loaded }
    return try apply(.select, [condition, loaded, other], from: type, to: type)
  }

  private mutating func zero(_ type: ElementType) -> VectorValue {
    type == .bool ? output.constant(.mask(0), .bool) : output.constant(.uniform(0), type)
  }

  mutating func store(
    _ access: Access, _ value: LoopValue, _ condition: LoopValue?
  ) throws(VectorLimitation) {
    let type = buffers[access.buffer.index].elementType
    guard type != .float64 else { throw .elementType(type) }
    var set = dependence.axes(of: access).union(dependence[value])
    if let condition { set.formUnion(dependence[condition]) }
    let varies = variesByLane(set)
    if condition == nil, let pair = pairedAxis(access) {
      try forEachPoint(of: set.subtracting(AxisSet(depth: pair))) { (e) throws(VectorLimitation) in
        try e.storePair(access, value, pair)
      }
      return
    }
    try forEachPoint(of: set) { (e) throws(VectorLimitation) in
      let (place, index) = try e.resolve(access, varies: varies)
      if varies, condition == nil, access.indirection == nil, case .gathered = place.shape, type != .bool {
        try e.storeApart(access, place, e.instance(value), type)
        return
      }
      guard index == nil, !varies || place.shape != .uniform else {
        throw .stridedStore(buffer: e.buffers[access.buffer.index].name)
      }
      var mask = varies ? e.validity() : nil
      if let condition {
        let own = try e.instance(condition)
        if let validity = mask {
          mask = try e.apply(.and, [own, validity], from: .bool, to: .bool)
        } else {
          mask = own
        }
      }
      if let known = mask.flatMap({ e.knownMask($0) }) {
        if known == 0 { return }
        if known == e.output.fullMask { mask = nil }
      }
      var operands: VectorOperands = [try e.instance(value)]
      if let mask { operands.append(mask) }
      try e.append(VectorInstruction(operation: .store(e.output.add(place)), operands: operands, result: nil))
    }
  }

  /// Lanes that are not side by side in memory, one after the other.
  private mutating func storeApart(
    _ access: Access, _ first: VectorAccess, _ value: VectorValue, _ type: ElementType
  ) throws(VectorLimitation) {
    let step = try resolve(access.index).laneStep * type.byteCount
    var quarter = value
    var upper = value
    for lane in 0..<validLanes {
      if lane == 8 {
        upper = try append(.lanesDown(8), [value], type)
        quarter = upper
      } else if lane % 8 == 4 {
        quarter = try append(.lanesDown(4), [upper], type)
      }
      var place = first
      place.shape = .uniform
      place.offset += lane * step
      let store = VectorOperation.storeLane(output.add(place), lane: lane % 4)
      try append(VectorInstruction(operation: store, operands: [quarter], result: nil))
    }
  }

  /// One for each point of the axes around, lanes included: whoever writes it goes by cache lines.
  mutating func prefetch(_ access: Access) throws(VectorLimitation) {
    try forEachPoint(of: dependence.axes(of: access)) { (e) throws(VectorLimitation) in
      let place = try e.resolve(access, varies: false).0
      try e.append(VectorInstruction(operation: .prefetch(e.output.add(place)), operands: [], result: nil))
    }
  }

  /// Where an access goes at the current point, and the vector of indices if lanes are gathered.
  mutating func resolve(
    _ access: Access, varies: Bool
  ) throws(VectorLimitation) -> (VectorAccess, index: VectorValue?) {
    let buffer = buffers[access.buffer.index]
    let bytes = buffer.elementType.byteCount
    let resolved = try resolve(access.index)
    var place = VectorAccess(
      segment: buffer.segment, motion: buffer.motion?.steps ?? [], offset: buffer.byteOffset + resolved.constant * bytes,
      steps: resolved.steps.map { LoopStep(loop: $0.loop, step: $0.step * bytes) }, pointer: nil,
      shape: .uniform, elementType: buffer.elementType, buffer: access.buffer)
    if let indirection = access.indirection {
      let value = try instance(indirection.value)
      let reach = indirection.limit * indirection.scale * bytes
      guard reach <= Int(Int32.max) else {
        throw .gather(buffer: buffer.name, reason: "it is too large")
      }
      if variesByLane(dependence[indirection.value]) {
        guard bytes == 4 else { throw .gather(buffer: buffer.name, reason: "its elements take one byte") }
        place.shape = .gathered
        let scale = output.constant(.uniform(UInt32(truncatingIfNeeded: indirection.scale)), .int32)
        var index =
          indirection.scale == 1
          ? value : try apply(.multiply, [value, scale], from: .int32, to: .int32)
        if resolved.laneStep != 0 {
          let steps = laneSteps(resolved.laneStep)
          index = try apply(.add, [index, steps], from: .int32, to: .int32)
        }
        return (place, index)
      }
      try point(&place, value, scale: indirection.scale * bytes)
    }
    guard varies, resolved.laneStep != 0 else { return (place, nil) }
    if resolved.laneStep == 1 {
      place.shape = .contiguous(validLanes)
      return (place, nil)
    }
    guard bytes == 4 else { throw .gather(buffer: buffer.name, reason: "its elements take one byte") }
    guard resolved.laneStep.magnitude < 1 << 24 else {
      throw .gather(buffer: buffer.name, reason: "lanes are too far apart")
    }
    place.shape = .gathered
    return (place, laneSteps(resolved.laneStep))
  }

  private mutating func laneSteps(_ step: Int) -> VectorValue {
    output.constant(
      .lanes((0..<lanes).map { UInt32(bitPattern: Int32(truncatingIfNeeded: step * $0)) }), .int32)
  }

  /// Lets `place` go out from a pointer to the row that `value` selects, which is computed here, where it is used.
  private mutating func point(_ place: inout VectorAccess, _ value: VectorValue, scale: Int) throws(VectorLimitation) {
    let pointer = output.pointerCount
    output.pointerCount += 1
    let at = output.add(place)
    try append(VectorInstruction(operation: .point(pointer, at: at, scale: scale), operands: [value], result: nil))
    place.pointer = pointer
    place.offset = 0
    place.steps = []
  }
}
