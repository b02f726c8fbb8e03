import CinchGraph

/// Groups a graph's results into kernels, in topological order: each joins the kernel it depends on last, or one beside it,
/// where all that it reads there lies at its own point.
struct Fusion {
  /// Opcodes and roots of a kernel: bounds for the time that checkers and register allocation take, which no kernel of the benchmarks meets.
  static let maximumCost = 700
  static let maximumRoots = 24
  /// Axes of a kernel's domain and of its stages together: sets of them are masks of 64 bits.
  static let maximumAxes = 63
  /// How many kernels back a root without dependencies looks for company.
  static let window = 8

  var table: NodeTable
  private(set) var roots: [Root] = []
  private(set) var kernels: [Kernel] = []
  /// By root.
  private(set) var kernelOf: [Int] = []
  private(set) var stageOf: [Int] = []
  /// By slot.
  private var writers: [Int32: [Int]] = [:]
  /// The kernel that checks the indices of a node.
  private var checkers: [NodeID: Int] = [:]
  /// What must be stored so that the rest can go on.
  private var obstacles: [(node: NodeID, reason: StoreReason)] = []

  init(_ graph: Graph, leastRecomputed: Int) throws {
    table = NodeTable(graph)
    table.storePrimaryNodes()
    storeLargeExpressions()
    // Each round stores at least one more node; almost always one or two rounds are enough.
    for round in 0... {
      try group()
      for (node, reason) in obstacles { table.store(node, reason) }
      if obstacles.isEmpty, round > 3 || !storeRepeatedValues() { break }
      guard round <= graph.nodes.count else {
        throw InternalError(stage: "fusion", message: "no end of values to store")
      }
    }
    recomputeWaitingValues(from: leastRecomputed)
  }

  /// Replaces a stored node where a kernel's contraction reads it, over axes that are cut for that.
  mutating func replace(_ replacement: Root.Replacement, in kernel: Int, inner: [Int]) {
    roots[kernels[kernel].stages[0].roots[0]].replacements.append(replacement)
    kernels[kernel].stages[0].inner = inner
  }

  /// Replaces a stored node wherever a kernel reads it.
  mutating func replace(_ replacement: Root.Replacement, in kernel: Int) {
    for root in kernels[kernel].roots { roots[root].replacements.append(replacement) }
  }

  /// A kernel whose roots are of its own.
  mutating func append(_ kernel: Kernel, with content: [[Root]]) {
    var kernel = kernel
    kernels.append(kernel)
    for (stage, added) in content.enumerated() {
      kernel.stages[stage].roots = []
      for root in added {
        kernel.stages[stage].roots.append(add(root))
        settle(roots.count - 1, kernel: kernels.count - 1, stage: stage)
      }
    }
    kernels[kernels.count - 1] = kernel
  }

  private mutating func add(_ root: Root) -> Int {
    roots.append(root)
    kernelOf.append(-1)
    stageOf.append(-1)
    return roots.count - 1
  }

  /// Has a kernel compute a stored node a second time, if that may be. Returns the slot for it.
  mutating func computeAgain(_ node: NodeID, in kernel: Int) -> Int32? {
    let slot = Int32(table.slots.count)
    table.slots.append(Slot(source: .node(node), name: "t\(node.raw)_again", type: table.type(node)))
    let root = add(table.definition(of: node, slot: slot))
    if let candidate = try? candidate(root), candidate.checks.isEmpty,
      candidate.reads.allSatisfy({ writers(of: $0.slot).allSatisfy { kernelOf[$0] <= kernel } }),
      case .joins(let placement) = placement(of: candidate, in: kernel)
    {
      join(candidate, placement, kernel)
      return slot
    }
    table.slots.removeLast()
    roots.removeLast()
    kernelOf.removeLast()
    stageOf.removeLast()
    return nil
  }

  /// A root with the reads that decide where it may go.
  struct Candidate {
    var root: Int
    var kept: [Int]
    var inner: [Int]
    var reads: [Read]
    var coordinates: [AffineExpression]
    var checks: [NodeID]
    var cost: Int
  }

  private mutating func group() throws {
    roots = table.roots()
    kernels = []
    kernelOf = [Int](repeating: -1, count: roots.count)
    stageOf = [Int](repeating: -1, count: roots.count)
    writers = [:]
    checkers = [:]
    obstacles = []
    for index in roots.indices {
      do throws(Obstacle) {
        place(try candidate(index))
      } catch {
        guard case .store(let node, let reason) = error else {
          throw InternalError(stage: "fusion", message: "\(roots[index].node) runs along no domain: \(error)")
        }
        // It is in no kernel in this round, which there will be another one after.
        obstacles.append((node, reason))
      }
    }
  }

  // MARK: Reads

  /// The root's reads over its own domain, split where reshapes need it.
  private func candidate(_ index: Int) throws(Obstacle) -> Candidate { try candidate(index, roots[index]) }

  /// For a root that may differ from the one of that number in what it computes again.
  func candidate(_ index: Int, _ root: Root) throws(Obstacle) -> Candidate {
    var kept = root.kept
    var inner = root.inner
    while true {
      do throws(Obstacle) {
        let result = try candidate(index, root, kept, inner)
        try checkAccumulation(root, result)
        return result
      } catch {
        guard case .split(let variable, let size) = error else { throw error }
        var position = variable.index
        if position < kept.count {
          kept.replaceSubrange(position...position, with: [kept[position] / size, size])
        } else {
          position -= kept.count
          inner.replaceSubrange(position...position, with: [inner[position] / size, size])
        }
      }
    }
  }

  func candidate(_ index: Int, _ kept: [Int], _ inner: [Int]) throws(Obstacle) -> Candidate {
    try candidate(index, roots[index], kept, inner)
  }

  private func candidate(_ index: Int, _ root: Root, _ kept: [Int], _ inner: [Int]) throws(Obstacle) -> Candidate {
    var evaluator = Evaluator(table, extents: kept + inner, writesCode: false)
    let (own, reduced) = try Self.coordinates(of: root, kept: kept, inner: inner)
    _ = try evaluator.values(of: root, own, reduced)
    if root.kind == .contract, Self.isTile(root), !hasColumnsSideBySide(root, kept, evaluator) {
      throw .store(root.operands[1], .columns)
    }
    var coordinates = evaluator.coordinates
    // A piece of a tensor lies in it in rows that don't follow each other.
    if root.isPiece { coordinates.append(root.number(own)) }
    return Candidate(
      root: index, kept: kept, inner: inner, reads: evaluator.reads, coordinates: coordinates,
      checks: evaluator.checks, cost: evaluator.cost)
  }

  /// The coordinates of a root's axes over a kernel's domain and a stage's inner axes.
  static func coordinates(
    of root: Root, kept: [Int], inner: [Int], firstInner: Int? = nil
  ) throws(Obstacle) -> (kept: [AffineExpression], reduced: [AffineExpression]) {
    let first = firstInner ?? kept.count
    if root.inner.isEmpty {
      // A map's inner axes are its own last axes.
      guard let all = Domain.coordinates(of: root.axes, over: kept + inner) else { throw .unfit }
      guard first != kept.count else { return (all, []) }
      return (all.map { shifted($0, from: kept.count, to: first) }, [])
    }
    guard let own = Domain.coordinates(of: root.axes, over: kept),
      let reduced = Domain.coordinates(of: root.reduced, over: inner[...], first: first)
    else { throw .unfit }
    return (own, reduced)
  }

  private static func shifted(_ expression: AffineExpression, from: Int, to: Int) -> AffineExpression {
    var result = AffineExpression(constant: expression.constant)
    for term in expression.terms {
      let raw = term.variable.index < from ? term.variable.index : term.variable.index - from + to
      result.add(AffineExpression(LoopVariable(raw: Int32(raw))), times: term.coefficient)
    }
    return result
  }

  static func isTile(_ root: Root) -> Bool {
    root.kind == .contract && root.order.isByChains && root.axes[root.axes.count - 1] > 1
      && root.axes[root.axes.count - 2] > 1
  }

  /// Whether each value of a contraction's second factor serves so many rows that it is computed once and packed.
  static func packsSecondFactor(_ root: Root) -> Bool {
    isTile(root) && root.axes[root.axes.count - 2] >= ContractionSchedule.leastPackedRows
  }

  /// Whether the second operand's neighbours along the last axis are neighbours in memory (or one element), or those along k are,
  /// which packing turns in registers. With few rows, bringing them together would cost more than it saves; with many, packing
  /// does it.
  private func hasColumnsSideBySide(_ root: Root, _ kept: [Int], _ all: Evaluator) -> Bool {
    guard root.axes[root.axes.count - 2] >= 4, !Self.packsSecondFactor(root), !table.isStored(root.operands[1]) else {
      return true
    }
    var evaluator = Evaluator(table, extents: all.extents, writesCode: false)
    let column = LoopVariable(raw: Int32(kept.count - 1))
    guard
      let (own, reduced) = try? Self.coordinates(of: root, kept: kept, inner: Array(all.extents[kept.count...]))
    else { return true }
    let index = evaluator.intern(Array(own.dropLast(2)) + reduced + [own[own.count - 1]])
    guard (try? evaluator.value(root.operands[1], index)) != nil else { return true }
    let depth = (kept.count..<all.extents.count).last { all.extents[$0] >= ContractionSchedule.leastTurnedDepth }
      .map { LoopVariable(raw: Int32($0)) }
    return evaluator.reads.allSatisfy { read in
      (0...1).contains(read.index.coefficient(of: column))
        || !read.isPartial && depth.map { read.index.coefficient(of: $0) == 1 } ?? false
    }
  }

  /// Orders other than a plain chain number the reduced elements across rows, so loops along the axes must meet the ends of runs, or
  /// the axes collapse into one.
  private func checkAccumulation(_ root: Root, _ candidate: Candidate) throws(Obstacle) {
    guard root.order != .chain, candidate.inner.count > 1, root.isReduction else { return }
    if Self.isCollapsible(candidate, order: root.order) { return }
    for operand in root.operands where !table.isStored(operand) { throw .store(operand, .accumulated) }
  }

  static func isCollapsible(_ candidate: Candidate, order: AccumulationOrder) -> Bool {
    let inner = candidate.inner
    if inner.count < 2 || order == .chain || order.fits(inner) { return true }
    let first = candidate.kept.count
    func collapses(_ expression: AffineExpression) -> Bool {
      for position in 1..<inner.count {
        let outer = expression.coefficient(of: LoopVariable(raw: Int32(first + position - 1)))
        let own = expression.coefficient(of: LoopVariable(raw: Int32(first + position)))
        if outer != own * inner[position] { return false }
      }
      return true
    }
    return candidate.reads.allSatisfy { collapses($0.index) } && candidate.coordinates.allSatisfy(collapses)
  }

  // MARK: Placing

  private mutating func append(_ root: Int, _ kernel: Kernel) {
    kernels.append(kernel)
    settle(root, kernel: kernels.count - 1, stage: 0)
  }

  private mutating func settle(_ root: Int, kernel: Int, stage: Int) {
    kernelOf[root] = kernel
    stageOf[root] = stage
    for slot in [roots[root].slot] + roots[root].furtherSlots where slot >= 0 { writers[slot, default: []].append(root) }
    if case .check = roots[root].kind { checkers[roots[root].node] = kernel }
  }

  private mutating func place(_ candidate: Candidate) {
    let root = roots[candidate.root]
    var producer = -1
    for read in candidate.reads {
      for writer in writers[read.slot] ?? [] { producer = max(producer, kernelOf[writer]) }
    }
    var checker = -1
    for check in candidate.checks { checker = max(checker, checkers[check] ?? -1) }
    var boundary: Boundary = producer < 0 ? .readsNoKernel : .unshared
    switch root.kind {
    case .check: boundary = .check
    case .scatterAdd: boundary = .scatter
    case .loop: boundary = .loop
    case .contract where Self.isTile(root): boundary = .tile
    default:
      // The kernel that it depends on last, then the newest ones beside it.
      var places: [Int] = []
      if producer >= 0, producer > checker { places.append(producer) }
      let first = max(producer + 1, checker + 1, kernels.count - Self.window)
      for kernel in stride(from: kernels.count - 1, through: first, by: -1) { places.append(kernel) }
      for (position, kernel) in places.enumerated() {
        switch placement(of: candidate, in: kernel) {
        case .joins(let placement):
          join(candidate, placement, kernel)
          return
        case .stands(let reason):
          if position == 0 && kernel == producer { boundary = reason }
        }
      }
      if producer >= 0, producer <= checker { boundary = .afterCheck }
    }
    let form: Kernel.Form =
      switch root.kind {
      case .map: .map
      case .copy: .copy
      case .loop: .loop
      case .reduce, .contract, .argMax:
        if !root.order.isByChains { .rows } else { Self.isTile(root) ? .tile : .columns }
      case .scatterAdd: .scatter
      case .check: .check
      }
    append(
      candidate.root,
      Kernel(
        form: form, extents: candidate.kept, stages: [.init(inner: candidate.inner, roots: [candidate.root])],
        boundary: boundary, cost: candidate.cost + (root.isReduction ? 1 : 0)))
  }

  private mutating func join(_ candidate: Candidate, _ placement: Placement, _ number: Int) {
    let root = roots[candidate.root]
    if !placement.removed.isEmpty {
      for stage in kernels[number].stages.indices {
        kernels[number].stages[stage].inner = placement.removed + kernels[number].stages[stage].inner
      }
    }
    kernels[number].extents = placement.extents
    kernels[number].cost += candidate.cost + (root.isReduction ? 1 : 0)
    if root.isReduction {
      if !root.order.isByChains {
        kernels[number].form = .rows
      } else if kernels[number].form == .map {
        kernels[number].form = .columns
      }
    }
    if placement.stage == kernels[number].stages.count {
      kernels[number].stages.append(.init(inner: placement.inner, roots: []))
    }
    kernels[number].stages[placement.stage].inner = placement.inner
    kernels[number].stages[placement.stage].roots.append(candidate.root)
    settle(candidate.root, kernel: number, stage: placement.stage)
  }

  /// A kernel that copies a slot's elements into another one.
  mutating func appendCopy(of node: NodeID, from source: Int32, to target: Int32) {
    let shape = table.slots[Int(source)].type.shape
    let root = add(Root(.copy(from: source), node, [], slot: target, axes: shape.extents))
    append(
      root, Kernel(form: .copy, extents: roots[root].kept, stages: [.init(inner: [], roots: [root])], boundary: .copy, cost: 1))
  }

  func writers(of slot: Int32) -> [Int] { writers[slot] ?? [] }
  func checker(of node: NodeID) -> Int? { checkers[node] }
}
