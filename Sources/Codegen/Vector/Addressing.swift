import CinchGraph

/// Gives each access a pointer and a displacement. Accesses that move alike share a pointer: it starts at a constant
/// distance from a segment, and each loop adds the same step to it.
struct Addressing: Sendable {
  struct Group: Sendable {
    enum Start: Hashable, Sendable {
      case segment(Segment, motion: [Int])
      /// Set by a `point` instruction.
      case computed(Int)
    }

    var start: Start
    /// Bytes from the start.
    var base: Int
    /// What an iteration of each loop adds, by loop; nil where the pointer isn't used inside.
    var steps: [Int?]
    /// How often it is used, inner loops counting more.
    var weight: Double = 0
  }

  private(set) var groups: [Group] = []
  private let loopCount: Int

  init(loopCount: Int) { self.loopCount = loopCount }

  /// Displacements may grow by what loops have added when they end; both together must fit into 32 bits.
  static let reach = 1 << 30

  /// The pointer and displacement of an access inside the given loops.
  mutating func place(
    _ access: VectorAccess, inside loops: [VectorLoopID]
  ) -> (group: Int, displacement: Int) {
    let start: Group.Start = access.pointer.map { .computed($0) } ?? .segment(access.segment, motion: access.motion)
    let weight = loops.reduce(1.0) { sum, _ in sum * 8 }
    for index in groups.indices
    where groups[index].start == start && (access.offset - groups[index].base).magnitude < Self.reach {
      if join(index, access, loops) {
        groups[index].weight += weight
        return (index, access.offset - groups[index].base)
      }
    }
    groups.append(
      Group(
        start: start, base: access.pointer == nil ? access.offset : 0,
        steps: [Int?](repeating: nil, count: loopCount), weight: weight))
    let index = groups.count - 1
    _ = join(index, access, loops)
    return (index, access.offset - groups[index].base)
  }

  /// Lets the group serve the access if it can.
  private mutating func join(_ index: Int, _ access: VectorAccess, _ loops: [VectorLoopID]) -> Bool {
    func step(_ loop: VectorLoopID) -> Int {
      for step in access.steps where step.loop == loop { return step.step }
      return 0
    }
    for loop in loops {
      if let known = groups[index].steps[loop.index], known != step(loop) { return false }
    }
    for loop in loops { groups[index].steps[loop.index] = step(loop) }
    return true
  }
}
