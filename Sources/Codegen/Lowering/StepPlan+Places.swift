/// Which results lie where something lies that nothing reads any more.
extension StepPlan {
  /// Lets a kernel wait for the other readers of a large result whose place one of its own could take.
  mutating func runReadersFirst(of kernel: Int) {
    let slots = fusion.table.slots
    for slot in bodies[kernel].written where slots[Int(slot)].isResult && places[Int(slot)] == slot {
      let type = slots[Int(slot)].type
      guard type.byteCount >= ResultLives.largeByteCount else { continue }
      for old in bodies[kernel].reads.map(\.slot)
      where slots[Int(old)].isResult && slots[Int(old)].type.elementType == type.elementType
        && slots[Int(old)].type.byteCount == type.byteCount
      {
        let others = readers(of: old).filter { $0 != kernel }
        guard !outputs.contains(old), objection(to: slot, replacing: old) == nil,
          others.allSatisfy({ !isReachable($0, from: kernel) })
        else { continue }
        for other in others where !predecessors[kernel].contains(other) { predecessors[kernel].append(other) }
        break
      }
    }
  }

  /// Puts results where something lies that their own kernel is the last to read, at the same points: what an earlier kernel
  /// has written, or an earlier stage of the same.
  mutating func reusePlaces(hasOwnOutputs: Bool) {
    let slots = fusion.table.slots
    /// By what runs last; what the step leaves behind is read after it.
    var lastReader = [Int](repeating: -1, count: slots.count)
    for (position, kernel) in order.enumerated() {
      for read in bodies[kernel].reads { lastReader[Int(read.slot)] = position }
    }
    for output in outputs { lastReader[Int(output)] = order.count }
    func isMovable(_ slot: Int32) -> Bool { slots[Int(slot)].isResult && slots[Int(places[Int(slot)])].isResult }
    for (position, kernel) in order.enumerated() where fusion.kernels[kernel].form != .loop {
      var taken: Set<Int32> = []
      for slot in bodies[kernel].written where isMovable(slot) && !(hasOwnOutputs && outputs.contains(slot)) {
        let old = bodies[kernel].reads.lazy.map(\.slot).first { old in
          lastReader[Int(old)] == position && isMovable(old) && !taken.contains(old)
            && slots[Int(old)].type.elementType == slots[Int(slot)].type.elementType
            && slots[Int(old)].type.shape.elementCount == slots[Int(slot)].type.shape.elementCount
            && objection(to: slot, replacing: old) == nil && isDone(old, before: slot, in: kernel)
        }
        guard let old else { continue }
        taken.insert(old)
        places[Int(slot)] = places[Int(old)]
      }
    }
  }

  /// Whether a kernel that writes both of the slots at a point is done with `old` there by the stage that writes `slot`.
  private func isDone(_ old: Int32, before slot: Int32, in kernel: Int) -> Bool {
    guard bodies[kernel].written.contains(old) else { return true }
    let writers = fusion.writers(of: old)
    return writers.count == 1 && fusion.roots[writers[0]].isWhole
      && fusion.stageOf[writers[0]] < fusion.stageOf[fusion.writers(of: slot)[0]]
  }
}
