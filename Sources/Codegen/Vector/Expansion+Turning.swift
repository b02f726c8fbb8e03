import CinchGraph

/// Rearranges the 32-bit lanes of two vectors: with these, blocks of a matrix are turned in registers.
enum Shuffle: Hashable, Sendable, BitwiseCopyable {
  /// In each 16 bytes, the low or high halves of both in turns, by units of so many lanes.
  case interleave(lanes: Int, isHigh: Bool)
  /// The even or odd ones of the first vector's 16-byte parts, then the second's.
  case everyOtherPart(isOdd: Bool)
  /// In each 16 bytes, the even lanes of the first vector, then the second's.
  case evenLanes
}

// A load whose lanes lie apart, and whose instances along an unrolled axis lie side by side, needs no gather: it loads a vector
// along that axis for each lane, and turns the block.
extension Expansion {
  /// The unrolled axis for which that is so, if there is one.
  func turnedAxis(_ access: Access) -> Int? {
    guard access.indirection == nil, buffers[access.buffer.index].elementType.byteCount == 4, let laneDepth else { return nil }
    var turned: Int?
    for term in access.index.terms {
      guard case .axis(let depth) = roles[term.variable.index], depth < axes.count else { continue }
      // The least for which gathers would take longer than the shuffles of a whole block.
      if term.coefficient == 1, !axes[depth].isLane, (3...lanes).contains(axes[depth].extent) { turned = depth }
    }
    guard turned != nil, !(0...1).contains(laneStep(of: access, laneDepth)) else { return nil }
    return turned
  }

  private func laneStep(of access: Access, _ laneDepth: Int) -> Int {
    access.index.terms.reduce(0) { sum, term in
      if case .axis(laneDepth) = roles[term.variable.index] { sum + term.coefficient } else { sum }
    }
  }

  /// The instances of a load over `set`, by loads along the axis `turned`.
  mutating func turnedLoads(
    _ access: Access, _ type: ElementType, over set: AxisSet, along turned: Int
  ) throws(VectorLimitation) -> Instances {
    var count = 1
    for depth in axes.indices where set.contains(AxisSet(depth: depth)) { count *= axes[depth].parts }
    let zero = output.constant(.uniform(0), type)
    var result = Instances(axes: set, values: [VectorValue](repeating: zero, count: count))
    try forEachPoint(of: set.subtracting(AxisSet(depth: turned))) { (e) throws(VectorLimitation) in
      let turnedBlock = try e.turn(e.lines(access, type, along: turned), type)
      for part in 0..<e.axes[turned].parts {
        e.axes[turned].part = part
        result.values[e.position(in: set)] = turnedBlock[part]
      }
      e.axes[turned].part = 0
    }
    return result
  }

  /// For each lane the vector of its elements along the axis `turned`; zeros for lanes that don't exist.
  private mutating func lines(
    _ access: Access, _ type: ElementType, along turned: Int
  ) throws(VectorLimitation) -> [VectorValue] {
    var (place, _) = try resolve(access, varies: false)
    let step = laneStep(of: access, laneDepth ?? 0) * type.byteCount
    var lines: [VectorValue] = []
    for _ in 0..<validLanes {
      lines.append(try loadRun(place, axes[turned].extent, type))
      place.offset += step
    }
    return lines + [VectorValue](repeating: output.constant(.uniform(0), type), count: lanes - lines.count)
  }

  /// As many vectors as lanes, columns for rows.
  private mutating func turn(_ rows: [VectorValue], _ type: ElementType) throws(VectorLimitation) -> [VectorValue] {
    // Blocks of 4 × 4 within 16 bytes first, then those bytes as elements of a smaller block.
    var parts = [[VectorValue]](repeating: [], count: 4)
    for first in stride(from: 0, to: lanes, by: 4) {
      for half in [false, true] {
        let unit = Shuffle.interleave(lanes: 1, isHigh: half)
        let upper = try shuffle(unit, rows[first], rows[first + 1], type)
        let lower = try shuffle(unit, rows[first + 2], rows[first + 3], type)
        for second in [false, true] {
          let column = (half ? 2 : 0) + (second ? 1 : 0)
          parts[column].append(try shuffle(.interleave(lanes: 2, isHigh: second), upper, lower, type))
        }
      }
    }
    var columns = rows
    for column in parts.indices {
      for (part, value) in try turnParts(parts[column], type).enumerated() { columns[4 * part + column] = value }
    }
    return columns
  }

  /// Vectors of as many 16-byte parts as there are vectors, turned.
  private mutating func turnParts(_ rows: [VectorValue], _ type: ElementType) throws(VectorLimitation) -> [VectorValue] {
    if rows.count == 1 { return rows }
    var halves: [[VectorValue]] = []
    for isOdd in [false, true] {
      var half: [VectorValue] = []
      for first in stride(from: 0, to: rows.count, by: 2) {
        half.append(try shuffle(.everyOtherPart(isOdd: isOdd), rows[first], rows[first + 1], type))
      }
      halves.append(try turnParts(half, type))
    }
    return zip(halves[0], halves[1]).flatMap { [$0, $1] }
  }

  // MARK: Pairs

  /// Whether lanes are every other element.
  func isEveryOther(_ access: Access) -> Bool {
    guard access.indirection == nil, buffers[access.buffer.index].elementType.byteCount == 4, let laneDepth else { return false }
    return laneStep(of: access, laneDepth) == 2
  }

  /// A load whose lanes are every other element, by two loads of neighbours.
  mutating func everyOther(_ access: Access, _ type: ElementType) throws(VectorLimitation) -> VectorValue {
    var (place, _) = try resolve(access, varies: false)
    let span = 2 * validLanes - 1
    let first = try loadRun(place, min(span, lanes), type)
    place.offset += lanes * type.byteCount
    let second = try loadRun(place, span - lanes, type)
    let even = try shuffle(.everyOtherPart(isOdd: false), first, second, type)
    let odd = try shuffle(.everyOtherPart(isOdd: true), first, second, type)
    return try shuffle(.evenLanes, even, odd, type)
  }

  /// The unrolled axis of two points that lie between those of the lanes of a store.
  func pairedAxis(_ access: Access) -> Int? {
    guard isEveryOther(access) else { return nil }
    for term in access.index.terms where term.coefficient == 1 {
      if case .axis(let depth) = roles[term.variable.index], !axes[depth].isLane, axes[depth].extent == 2 { return depth }
    }
    return nil
  }

  /// The current point's store and that of the other point of the axis `pair`, as two stores of neighbours.
  mutating func storePair(_ access: Access, _ value: LoopValue, _ pair: Int) throws(VectorLimitation) {
    let type = buffers[access.buffer.index].elementType
    var (place, _) = try resolve(access, varies: false)
    let first = try instance(value)
    axes[pair].part = 1
    let second = try instance(value)
    axes[pair].part = 0
    var both = [
      try shuffle(.interleave(lanes: 1, isHigh: false), first, second, type),
      try shuffle(.interleave(lanes: 1, isHigh: true), first, second, type),
    ]
    // What stands in parts of 16 bytes is now in the other vector's place.
    var parts = lanes / 4
    while parts > 1 {
      both = [
        try shuffle(.everyOtherPart(isOdd: false), both[0], both[1], type),
        try shuffle(.everyOtherPart(isOdd: true), both[0], both[1], type),
      ]
      parts /= 2
    }
    for (position, vector) in both.enumerated() {
      let count = min(lanes, 2 * validLanes - position * lanes)
      guard count > 0 else { return }
      place.shape = .contiguous(count)
      var operands: VectorOperands = [vector]
      if let mask = mask(count).first { operands.append(mask) }
      try append(VectorInstruction(operation: .store(output.add(place)), operands: operands, result: nil))
      place.offset += lanes * type.byteCount
    }
  }

  // MARK: Vectors

  /// Neighbours in the first `count` lanes, zeros in the others.
  private mutating func loadRun(_ place: VectorAccess, _ count: Int, _ type: ElementType) throws(VectorLimitation) -> VectorValue
  {
    guard count > 0 else { return output.constant(.uniform(0), type) }
    var place = place
    place.shape = .contiguous(count)
    return try append(.load(output.add(place)), mask(count), type)
  }

  private mutating func mask(_ count: Int) -> VectorOperands {
    count == lanes ? [] : [output.constant(.mask((1 << UInt32(count)) - 1), .bool)]
  }

  private mutating func shuffle(
    _ shuffle: Shuffle, _ a: VectorValue, _ b: VectorValue, _ type: ElementType
  ) throws(VectorLimitation) -> VectorValue {
    // What lanes that don't exist would bring.
    if a == b, output[a].constant == .uniform(0) { return a }
    return try append(.shuffle(shuffle), [a, b], type)
  }
}
