import CinchGraph

/// What a kernel computes for its own sake: a stored node, one piece of a concatenation, a copy into state, or the
/// checks of run-time indices.
struct Root: Sendable {
  enum Kind: Sendable, Hashable {
    /// Each point of the domain stores one element.
    case map
    case reduce(Reduction.Combiner)
    case contract
    case argMax
    case scatterAdd
    case check(limit: Int, number: Int)
    /// The elements of another slot, unchanged.
    case copy(from: Int32)
    /// A body's kernels, repeated.
    case loop(Iteration)
  }

  let kind: Kind
  /// The node that it is about.
  let node: NodeID
  /// What is evaluated at each point; for maps that are a node's definition, the node itself.
  let operands: [NodeID]
  /// Where the result goes; -1 for checks.
  var slot: Int32
  /// Extents of the axes that stay, in the order of `strides`.
  let axes: [Int]
  /// Extents of the axes that disappear.
  let reduced: [Int]
  let order: AccumulationOrder
  /// In elements of the slot, by axis.
  let strides: [Int]
  let offset: Int
  /// Operand axes that disappear, for reductions.
  let reducedAxes: [Int]
  /// Evaluate the node's definition rather than the stored node.
  let isDefinition: Bool
  /// Whether other roots write the rest of the slot.
  let isPiece: Bool
  /// Where further results of a loop go.
  var furtherSlots: [Int32] = []
  /// What it doesn't read where it is stored; of several for one node, the last one counts.
  var replacements: [Replacement] = []

  /// A stored node that is computed a second time.
  struct Replacement: Sendable, Hashable {
    let node: NodeID
    /// Where it is then; negative where it is computed as it is used.
    let slot: Int32
  }

  init(
    _ kind: Kind, _ node: NodeID, _ operands: [NodeID], slot: Int32, axes: [Int], reduced: [Int] = [],
    order: AccumulationOrder = .chain, strides: [Int]? = nil, offset: Int = 0, reducedAxes: [Int] = [],
    isDefinition: Bool = false, isPiece: Bool = false
  ) {
    self.kind = kind
    self.node = node
    self.operands = operands
    self.slot = slot
    self.axes = axes
    self.reduced = reduced
    self.order = order
    self.strides = strides ?? Shape(axes).strides
    self.offset = offset
    self.reducedAxes = reducedAxes
    self.isDefinition = isDefinition
    self.isPiece = isPiece
  }

  var isReduction: Bool {
    switch kind {
    case .reduce, .contract, .argMax: true
    case .map, .scatterAdd, .check, .copy, .loop: false
    }
  }

  /// Whether the result is all of the slot's elements in row-major order, so that kernels can find it by its number. The first
  /// piece along the first axis begins like a whole, and ends too early.
  var isWhole: Bool {
    switch kind {
    case .map: !isPiece
    case .reduce, .contract, .argMax, .copy: true
    case .scatterAdd, .check, .loop: false
    }
  }

  /// The element of the slot at coordinates along the axes that stay.
  func number(_ coordinates: [AffineExpression]) -> AffineExpression {
    var result = AffineExpression(constant: offset)
    for (coordinate, stride) in zip(coordinates, strides) { result.add(coordinate, times: stride) }
    return result
  }

  /// The domain of the axes that stay.
  var kept: [Int] { Domain.withoutOnes(axes) }

  /// The domain of the axes that disappear; a reduction of one element is a loop of one iteration.
  var inner: [Int] {
    switch kind {
    case .map, .check, .copy, .loop: return []
    case .reduce, .contract, .argMax, .scatterAdd:
      let extents = Domain.withoutOnes(reduced)
      return extents.isEmpty ? [1] : extents
    }
  }
}

extension NodeTable {
  /// The kernels' results: checks and single numbers that need no kernel's result (labels, corrections of an optimizer), so
  /// that what else needs them can join other kernels; then all others, in the order of their nodes. Checks come before what
  /// relies on them.
  func roots() -> [Root] {
    let isGiven = givenNodes()
    func isEarly(_ root: Root) -> Bool {
      if case .check = root.kind { return isGiven[root.operands[0].index] && !isLate(root.operands[0]) }
      return isGiven[root.node.index] && shape(root.node).elementCount == 1
    }
    let all = rootsByNode()
    return all.filter(isEarly) + all.filter { !isEarly($0) }
  }

  /// Whether a kernel must have stored the node's elements before they are read, and not among the early ones.
  private func isLate(_ node: NodeID) -> Bool {
    let slot = slotOf[node.index]
    guard slot >= 0, slots[Int(slot)].isResult else { return false }
    return shape(node).elementCount != 1
  }

  /// For each node, whether inputs and state decide it element by element, without a reduction or the like, nor a tensor that
  /// a kernel stores.
  private func givenNodes() -> [Bool] {
    var result = [Bool](repeating: false, count: meanings.count)
    for index in meanings.indices where isLive[index] {
      switch meanings[index] {
      case .input, .state, .constant, .iota: result[index] = true
      case .elementwise, .reshape, .view:
        result[index] = graph.nodes[index].operands.allSatisfy { result[$0.index] && !isLate($0) }
      default: break
      }
    }
    return result
  }

  private func rootsByNode() -> [Root] {
    var roots: [Root] = []
    var checkCount = 0
    for index in meanings.indices where isLive[index] {
      let node = NodeID(index)
      if case .checkIndex(let limit) = meanings[index] {
        roots.append(
          Root(.check(limit: limit, number: checkCount), node, operands(node), slot: -1, axes: shape(node).extents))
        checkCount += 1
      }
      let slot = slotOf[index]
      guard slot >= 0, slots[Int(slot)].isResult else { continue }
      roots += self.roots(of: node, slot: slot)
    }
    return roots
  }

  private func roots(of node: NodeID, slot: Int32) -> [Root] {
    let operands = operands(node)
    let shape = shape(node)
    switch meanings[node.index] {
    case .reduce(let reduction):
      let extents = self.shape(operands[0]).extents
      return [
        Root(
          .reduce(reduction.combiner), node, operands, slot: slot, axes: shape.extents,
          reduced: reduction.axes.map { extents[$0] },
          order: reduction.order
            ?? .standard(reducing: reduction.axes, of: Shape(extents), by: reduction.combiner, type(operands[0]).elementType),
          reducedAxes: reduction.axes)
      ]
    case .contract(let order):
      guard !isInlineContraction(node) else { break }
      let depth = self.shape(operands[0]).extents.last ?? 1
      return [
        Root(
          .contract, node, operands, slot: slot, axes: shape.extents, reduced: [depth],
          order: order ?? .standard(contracting: depth, columns: shape.extents.last ?? 1))
      ]
    case .argMax(let axis):
      return [
        Root(
          .argMax, node, operands, slot: slot, axes: shape.extents, reduced: [self.shape(operands[0])[axis]],
          reducedAxes: [axis])
      ]
    case .scatterAdd:
      let indices = self.shape(operands[0]).extents
      return [
        Root(
          .scatterAdd, node, operands, slot: slot, axes: Array(shape.extents.dropFirst()), reduced: indices)
      ]
    case .concatenate(let axis):
      var offset = 0
      let strides = shape.strides
      return operands.map { piece in
        defer { offset += self.shape(piece)[axis] * strides[axis] }
        return Root(
          .map, node, [piece], slot: slot, axes: self.shape(piece).extents, strides: strides, offset: offset,
          isPiece: operands.count > 1)
      }
    case .loop(let iteration):
      var root = Root(.loop(iteration), node, operands, slot: slot, axes: [])
      root.furtherSlots = Array((loopResults[node] ?? []).dropFirst())
      return [root]
    case .projection: return []
    default: break
    }
    return [definition(of: node, slot: slot)]
  }

  /// A node's elements from its operands.
  func definition(of node: NodeID, slot: Int32) -> Root {
    Root(.map, node, [node], slot: slot, axes: shape(node).extents, isDefinition: true)
  }
}

extension Evaluator {
  /// The coordinates of a root's operand, given those of the axes that stay and of those that disappear.
  private func merged(_ kept: [AffineExpression], _ reduced: [AffineExpression], at axes: [Int]) -> [AffineExpression] {
    var result = kept
    for (axis, coordinate) in zip(axes, reduced) { result.insert(coordinate, at: axis) }
    return result
  }

  /// What the root computes at one point: one value, or two factors of a contraction, or a scatter's index and row.
  mutating func values(
    of root: Root, _ kept: [AffineExpression], _ reduced: [AffineExpression]
  ) throws(Obstacle) -> [LoopValue] {
    replacements = root.replacements
    defer { replacements = [] }
    switch root.kind {
    case .map:
      let index = intern(kept)
      return [
        root.isDefinition ? try definition(root.operands[0], index) : try value(root.operands[0], index)
      ]
    case .copy(let source):
      let index = intern(kept)
      return [load(source, linear(index, Shape(root.axes)), indirection: nil, condition: nil, otherwise: nil)]
    case .check: return [try value(root.operands[0], intern(kept))]
    case .reduce, .argMax:
      return [try value(root.operands[0], intern(merged(kept, reduced, at: root.reducedAxes)))]
    case .contract:
      let (row, column) = (kept[kept.count - 2], kept[kept.count - 1])
      let batch = Array(kept.dropLast(2))
      let first = try value(root.operands[0], intern(batch + [row] + reduced))
      let points = domainCount
      if let packedCount { domainCount = packedCount }
      let second = try value(root.operands[1], intern(batch + reduced + [column]))
      domainCount = points
      return [first, second]
    case .loop(let iteration):
      // Initial values are copied by kernels of their own; of the rest, any element may be looked at.
      for operand in root.operands.dropFirst(iteration.carried) { readWhole(operand) }
      return []
    case .scatterAdd:
      return [
        try value(root.operands[0], intern(reduced)), try value(root.operands[1], intern(reduced + kept)),
      ]
    }
  }
}
