/// The elements of one buffer that have certainly been written.
struct WrittenElements {
  private var sets: [IndexSet] = []

  mutating func insert(_ set: IndexSet) {
    guard set.isExact, !set.isEmpty else { return }
    var added = set
    var position = 0
    while position < sets.count {
      if sets[position].contains(added) { return }
      if let union = sets[position].union(added) {
        added = union
        sets.remove(at: position)
        position = 0
      } else {
        position += 1
      }
    }
    sets.append(added)
  }

  /// The same elements, and those `step` times every number below `count` further on.
  func repeated(_ step: Int, _ count: Int) -> WrittenElements {
    var result = WrittenElements()
    for var set in sets {
      set.repeatBlocks(step, count)
      result.insert(set)
    }
    return result
  }

  mutating func formUnion(_ other: WrittenElements) {
    for set in other.sets { insert(set) }
  }

  func contains(_ set: IndexSet) -> Bool { set.isEmpty || sets.contains { $0.contains(set) } }
}

/// The elements of one buffer that have certainly been written when a kernel runs: for good, or where a slice lies in this
/// iteration of the loops around.
struct WrittenSlices {
  /// Keys are strides per iteration of the enclosing loops, outermost first, without trailing zeros.
  private var elements: [[Int]: WrittenElements] = [:]

  private static func key(_ steps: [Int]) -> [Int] {
    Array(steps[..<((steps.lastIndex { $0 != 0 } ?? -1) + 1)])
  }

  mutating func insert(_ set: IndexSet, moving steps: [Int] = []) {
    elements[Self.key(steps), default: WrittenElements()].insert(set)
  }

  /// Whether a slice's elements have been written in this iteration of some loops around, in all iterations of the others.
  func contains(_ set: IndexSet, moving steps: [Int] = [], in counts: [Int] = []) -> Bool {
    var (set, steps) = (set, steps)
    while true {
      if let written = elements[Self.key(steps)], written.contains(set) { return true }
      guard let step = steps.popLast() else { return false }
      set.repeatBlocks(step, counts[steps.count])
    }
  }

  /// Ends the innermost of some loops: what each of its iterations has written is written.
  mutating func endLoop(depth: Int, count: Int) {
    let ended = elements.keys.filter { $0.count == depth }.sorted { $0.lexicographicallyPrecedes($1) }
    for steps in ended {
      guard let written = elements.removeValue(forKey: steps), let step = steps.last else { continue }
      elements[Self.key(steps.dropLast()), default: WrittenElements()].formUnion(written.repeated(step, count))
    }
  }
}
