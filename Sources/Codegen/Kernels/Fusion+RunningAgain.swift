import CinchGraph

/// Kernels that run a second time, shortly before the backward half reads what they gave, so that it need not wait in memory.
extension Fusion {
  /// Operations for one element of what waits: about what it takes to bring the element to memory and back twice.
  private static let mostOperations = 128
  /// Of a chain of kernels that run again.
  private static let longestChain = 4

  /// What runs again so that a slot is there again.
  private struct Chain {
    /// Ascending; each comes after what it reads.
    var kernels: [Int] = []
    /// What it finds where another chain has computed it again already.
    var found: [NodeID] = []
    var operationCount = 0
    /// What stays in memory longer for it.
    var stayingByteCount = 0
  }

  /// Has the kernel that writes a node run again for those that read it after the peak, with others before it whose results aren't
  /// there any more, if that is cheap. `again` are the slots of nodes that are computed again.
  mutating func runAgain(_ node: NodeID, at peak: Int, _ again: inout [NodeID: Int32], _ lives: inout ResultLives) -> Bool {
    let slot = table.slotOf[node.index]
    let late = lives.readers(of: slot, after: peak)
    guard let first = late.first, late.allSatisfy({ kernels[$0].form.readsBySlot }) else { return false }
    let time = lives.time[first]
    var chain = Chain()
    if again[node] == nil {
      guard extend(&chain, by: slot, before: time, at: peak, again, lives),
        chain.operationCount <= Self.mostOperations * table.shape(node).elementCount,
        chain.stayingByteCount <= table.type(node).byteCount / 4
      else { return false }
    } else {
      chain.found = [node]
    }
    for known in chain.found { advance(known, to: time, again, &lives) }
    var replacements = chain.found.compactMap { known in again[known].map { Root.Replacement(node: known, slot: $0) } }
    for kernel in chain.kernels.sorted() {
      replacements += appendAgain(kernel, replacements)
      lives.add(kernels.count - 1, of: self, at: time)
    }
    for replacement in replacements { again[replacement.node] = replacement.slot }
    guard let other = again[node] else { return false }
    for reader in late {
      replace(.init(node: node, slot: other), in: reader)
      lives.move(reader, from: Int(slot), to: Int(other))
    }
    return true
  }

  /// Adds the kernel that writes a slot, and what that needs. False if it can't run again.
  private func extend(
    _ chain: inout Chain, by slot: Int32, before time: Int, at peak: Int, _ again: [NodeID: Int32], _ lives: ResultLives
  ) -> Bool {
    let number = lives.writer[Int(slot)]
    if chain.kernels.contains(number) { return true }
    guard number >= 0, lives.time[number] < peak, chain.kernels.count < Self.longestChain, canRunAgain(number) else {
      return false
    }
    chain.kernels.append(number)
    let evaluator = evaluated(number)
    chain.operationCount += operationCount(of: number, evaluator)
    for slot in Set(evaluator.reads.map(\.slot)).sorted() where lives.writer[Int(slot)] >= 0 {
      let end = lives.end(Int(slot))
      let byteCount = table.slots[Int(slot)].type.byteCount
      guard lives.writer[Int(slot)] != number, end < time else { continue }
      if end >= peak {
        chain.stayingByteCount += byteCount
      } else if case .node(let node) = table.slots[Int(slot)].source, again[node] != nil {
        chain.found.append(node)
      } else if !extend(&chain, by: slot, before: time, at: peak, again, lives) {
        return false
      }
    }
    return true
  }

  /// Whether a kernel's results depend on nothing but what it reads, and are whole.
  private func canRunAgain(_ number: Int) -> Bool {
    guard kernels[number].form.readsBySlot, kernels[number].form != .scatter else { return false }
    return kernels[number].roots.allSatisfy { index in
      let root = roots[index]
      if case .update = table.reasons[root.node] { return false }
      return root.isWhole && writers(of: root.slot).count == 1 && root.replacements.isEmpty
    }
  }

  private func operationCount(of number: Int, _ evaluator: Evaluator) -> Int {
    let kernel = kernels[number]
    var count = 0
    for (node, points) in evaluator.evaluations { count += Int(table.ownCost[node.index]) * points }
    for stage in kernel.stages {
      let reductions = stage.roots.count { roots[$0].isReduction }
      count += reductions * Domain.count(kernel.extents) * Domain.count(stage.inner)
    }
    return count
  }

  /// What has been computed again already has to be there earlier, and so has what that is computed from.
  private func advance(_ node: NodeID, to time: Int, _ again: [NodeID: Int32], _ lives: inout ResultLives) {
    guard let slot = again[node], lives.writer[Int(slot)] >= 0 else { return }
    let kernel = lives.writer[Int(slot)]
    guard lives.time[kernel] > time else { return }
    lives.advance(kernel, to: time)
    for read in evaluated(kernel).reads {
      if case .node(let other) = table.slots[Int(read.slot)].source, again[other] == read.slot {
        advance(other, to: time, again, &lives)
      }
    }
  }

  /// A kernel once more, with slots of its own. Returns where its results are then.
  private mutating func appendAgain(_ number: Int, _ replacements: [Root.Replacement]) -> [Root.Replacement] {
    var kernel = kernels[number]
    kernel.boundary = .again
    let added = kernel.roots.enumerated().map { position, index in
      Root.Replacement(node: roots[index].node, slot: Int32(table.slots.count + position))
    }
    for replacement in added {
      table.slots.append(
        Slot(source: .node(replacement.node), name: "t\(replacement.node.raw)_again", type: table.type(replacement.node)))
    }
    var slots = added.map(\.slot)[...]
    append(
      kernel,
      with: kernel.stages.map { stage in
        stage.roots.map { index in
          var root = roots[index]
          root.slot = slots.removeFirst()
          root.replacements = replacements + added
          return root
        }
      })
    return added
  }
}

extension Kernel.Form {
  /// Whether all that such kernels read is found by slots, and not by nodes.
  fileprivate var readsBySlot: Bool {
    switch self {
    case .map, .rows, .columns, .tile, .scatter: true
    case .check, .copy, .loop: false
    }
  }
}
