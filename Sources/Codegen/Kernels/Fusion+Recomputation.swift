import CinchGraph

extension Fusion {
  /// Opcodes that storing and loading one element is worth: in a cache, and in memory, where the values of a training step wait
  /// for its backward half. There, the time of so many is the time of the two transfers.
  private static func storeCost(_ elementCount: Int, staysInRow: Bool) -> Int {
    elementCount < 1 << 18 || staysInRow ? 4 : 48
  }

  /// Elements of a row that its stages find in the first level, one after the other.
  private static let longestCachedRow = 4096

  /// Expressions have bounds, so that neither kernels nor this compiler's recursion grow without end.
  mutating func storeLargeExpressions() {
    var cost = [Int](repeating: 0, count: table.meanings.count)
    var depth = cost
    for index in table.meanings.indices where table.isLive[index] && table.slotOf[index] < 0 {
      let node = NodeID(index)
      var total = Int(table.ownCost[index])
      var deepest = 0
      let operands = table.operands(node)
      for (position, operand) in operands.enumerated() where !operands[..<position].contains(operand) {
        total += cost[operand.index]
        deepest = max(deepest, depth[operand.index])
      }
      cost[index] = total
      depth[index] = deepest + 1
      if total > 600 || deepest >= 100, table.ownCost[index] > 0 {
        table.store(node, .large)
        cost[index] = 0
        depth[index] = 0
      }
    }
  }

  /// Stores values that several kernels or stages would compute again, where that costs more than memory does.
  mutating func storeRepeatedValues() -> Bool {
    var (points, places, rowKernel) = evaluations()
    let costs = subtreeCosts()
    let users = userCounts()
    let isContracted = contractionOperands()
    var result = false
    // From the results down: what a stored node needs is computed as often as the node's own elements.
    for index in table.meanings.indices.reversed() where points[index] > 0 && table.slotOf[index] < 0 {
      let node = NodeID(index)
      let count = table.shape(node).elementCount
      let excess = points[index] - count
      guard excess > 0, costs[index] > 0, !isExpansion(node) else { continue }
      let storeCost = Self.storeCost(count, staysInRow: rowKernel[index] >= 0)
      func isDearer(_ cost: Int) -> Bool { excess * cost > storeCost * count + points[index] }
      /// Whether the node is a step from a value that others need too: that one is stored.
      var isStep: Bool {
        table.operands(node).contains { operand in
          users[operand.index] > 1 && !table.isStored(operand) && table.shape(operand).elementCount == count
            && !isDearer(costs[index] - costs[operand.index])
        }
      }
      // Contractions want their operands as they are.
      guard takesOverStore(node, users) || isDearer(costs[index]) && (isContracted[index] || !isStep) else { continue }
      table.store(node, .repeated(places: places[index]))
      result = true
      reduce(node, by: excess, &points)
    }
    return result
  }

  /// Whether the node shows elements of a smaller tensor several times, as windows do, and does nothing else: that one is stored, if
  /// any is.
  private func isExpansion(_ node: NodeID) -> Bool {
    let count = table.shape(node).elementCount
    var next = node
    while true {
      switch table.meanings[next.index] {
      case .view(_, nil), .reshape: next = table.operands(next)[0]
      default: return table.shape(next).elementCount < count
      }
      if table.isStored(next) { return false }
    }
  }

  /// For each node, at how many points its value would be computed, in how many stages, and the kernel that they all are in if
  /// its rows are short; else a negative number.
  private func evaluations() -> (points: [Int], places: [Int], rowKernel: [Int]) {
    var points = [Int](repeating: 0, count: table.meanings.count)
    var places = points
    let (none, several) = (-1, -2)
    var rowKernel = [Int](repeating: none, count: points.count)
    for (number, kernel) in kernels.enumerated() {
      let hasShortRows =
        kernel.form == .rows && kernel.stages.allSatisfy { Domain.count($0.inner) <= Self.longestCachedRow }
      let evaluator = evaluated(number)
      for (node, count) in evaluator.evaluations {
        points[node.index] += count
        places[node.index] += 1
        let isFirst = rowKernel[node.index] == none || rowKernel[node.index] == number
        rowKernel[node.index] = hasShortRows && isFirst ? number : several
      }
    }
    return (points, places, rowKernel)
  }

  /// What evaluated all of a kernel's results, without code.
  func evaluated(_ number: Int) -> Evaluator {
    let kernel = kernels[number]
    var evaluator = evaluator(for: number, writesCode: false)
    var firstInner = kernel.extents.count
    for (stage, content) in kernel.stages.enumerated() {
      evaluator.beginStage(stage)
      evaluator.domainCount = Domain.count(kernel.extents) * Domain.count(content.inner)
      for root in content.roots {
        guard
          let (kept, reduced) = try? Self.coordinates(
            of: roots[root], kept: kernel.extents, inner: content.inner, firstInner: firstInner)
        else { continue }
        evaluator.packedCount = packedCount(roots[root])
        _ = try? evaluator.values(of: roots[root], kept, reduced)
      }
      firstInner += content.inner.count
    }
    return evaluator
  }

  /// Whether the value is made element by element from the result of one contraction in tiles that nothing else uses: in its
  /// kernel, the value is stored instead of that result, at no cost.
  private func takesOverStore(_ node: NodeID, _ users: [Int]) -> Bool {
    let count = table.shape(node).elementCount
    // The later of two operands first: the kernel waits for it anyway.
    var pending = [node]
    while let node = pending.popLast() {
      switch table.meanings[node.index] {
      case .elementwise, .reshape: break
      default: continue
      }
      for operand in table.operands(node).sorted() where users[operand.index] == 1 {
        guard table.shape(operand).elementCount == count else { continue }
        if !table.isStored(operand) { pending.append(operand) }
        if table.reasons[operand] == .contraction, table.shape(operand).extents.last != 1 { return true }
      }
    }
    return false
  }

  private func userCounts() -> [Int] {
    var counts = [Int](repeating: 0, count: table.meanings.count)
    for index in counts.indices where table.isLive[index] {
      for operand in Set(table.operands(NodeID(index))) { counts[operand.index] += 1 }
    }
    for root in table.graph.roots { counts[root.index] += 1 }
    return counts
  }

  /// Which values contractions read, as they are or in views.
  private func contractionOperands() -> [Bool] {
    var result = [Bool](repeating: false, count: table.meanings.count)
    for index in result.indices.reversed() where table.isLive[index] {
      switch table.meanings[index] {
      case .contract: break
      case .view, .reshape: if !result[index] { continue }
      default: continue
      }
      for operand in table.operands(NodeID(index)) { result[operand.index] = true }
    }
    return result
  }

  /// Panels of the second factor are packed, where several tiles of rows use them.
  private func packedCount(_ root: Root) -> Int? {
    guard root.kind == .contract, Self.packsSecondFactor(root) else { return nil }
    return table.shape(root.operands[1]).elementCount
  }

  /// Opcodes for one element, without what is stored; operands that are used twice count once.
  func subtreeCosts() -> [Int] {
    var costs = [Int](repeating: 0, count: table.meanings.count)
    for index in costs.indices where table.isLive[index] {
      var total = Int(table.ownCost[index])
      let operands = table.operands(NodeID(index))
      for (position, operand) in operands.enumerated()
      where table.slotOf[operand.index] < 0 && !operands[..<position].contains(operand) {
        total += costs[operand.index]
      }
      costs[index] = min(total, 10_000)
    }
    return costs
  }

  /// The operands of a node that has been stored are computed that much less often.
  private func reduce(_ node: NodeID, by excess: Int, _ points: inout [Int]) {
    var pending = [node]
    var seen: Set<NodeID> = [node]
    while let next = pending.popLast() {
      for operand in table.operands(next) where table.slotOf[operand.index] < 0 && seen.insert(operand).inserted {
        points[operand.index] -= min(excess, points[operand.index])
        pending.append(operand)
      }
    }
  }

  /// An evaluator over a kernel's domain followed by the inner axes of each stage.
  func evaluator(for number: Int, writesCode: Bool) -> Evaluator {
    var extents = kernels[number].extents
    for stage in kernels[number].stages { extents += stage.inner }
    return Evaluator(table, extents: extents, writesCode: writesCode)
  }
}
