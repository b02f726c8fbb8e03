import CinchGraph

extension Fusion {
  /// Where in a kernel a root goes.
  struct Placement {
    /// The kernel's domain from now on.
    var extents: [Int]
    /// Axes that leave the kernel's domain and become inner axes of its stages so far.
    var removed: [Int]
    /// The stage, which is a new one if there is none of that number.
    var stage: Int
    var inner: [Int]
  }

  enum Decision {
    case joins(Placement)
    case stands(Boundary)
  }

  /// Whether a root may join a kernel after which nothing runs that it needs, and where.
  func placement(of candidate: Candidate, in number: Int) -> Decision {
    let root = roots[candidate.root]
    let kernel = kernels[number]
    switch kernel.form {
    case .scatter: return .stands(.scatter)
    case .check: return .stands(.check)
    case .copy: return .stands(.copy)
    case .loop: return .stands(.loop)
    case .map, .rows, .columns, .tile: break
    }
    guard kernel.cost + candidate.cost <= Self.maximumCost, kernel.roots.count < Self.maximumRoots else {
      return .stands(.size)
    }
    guard let (extents, removed, rest) = Domain.commonPrefix(kernel.extents, candidate.kept) else {
      return .stands(.domain(own: candidate.kept, other: kernel.extents))
    }
    if let reason = domainObjection(root, candidate, kernel, removed: removed, rest: rest) {
      return .stands(reason)
    }
    let inner = root.isReduction ? candidate.inner : rest
    let axisCount = kernel.stages.reduce(extents.count + inner.count) { $0 + removed.count + $1.inner.count }
    guard axisCount <= Self.maximumAxes else { return .stands(.size) }
    // Reads over the common domain; finer cuts can't fail where coarser ones succeeded.
    var own = candidate
    if extents != candidate.kept || inner != candidate.inner {
      guard let again = try? self.candidate(candidate.root, extents, inner) else {
        return .stands(.domain(own: candidate.kept, other: kernel.extents))
      }
      own = again
    }
    return stage(own, kernel, number, extents: extents, removed: removed, inner: inner)
  }

  private func domainObjection(
    _ root: Root, _ candidate: Candidate, _ kernel: Kernel, removed: [Int], rest: [Int]
  ) -> Boundary? {
    let domains = Boundary.domain(own: candidate.kept, other: kernel.extents)
    if root.isReduction {
      guard rest.isEmpty else { return domains }
      switch kernel.form {
      case .map: break
      case .rows:
        guard !root.order.isByChains else { return .order(own: root.order) }
        guard removed.isEmpty else { return domains }
      case .columns:
        if !root.order.isByChains { return .order(own: root.order) }
        guard removed.isEmpty else { return domains }
      default: return .tileDomain
      }
      // A kernel of rows computes what belongs to a whole row outside vectors.
      if !root.order.isByChains, removed.isEmpty, kernel.form == .map, kernel.cost > Domain.count(candidate.inner) {
        return .rowCost
      }
      // Chains would run along the vectors of a kernel whose domain they shorten.
      if root.order.isByChains, !removed.isEmpty { return .order(own: root.order) }
      return nil
    }
    guard removed.isEmpty else { return domains }
    if !rest.isEmpty {
      guard kernel.form != .tile else { return .tileDomain }
      if kernel.form == .map, kernel.cost > Domain.count(rest) { return .rowCost }
      // Without anything in common there is nothing to gain.
      if kernel.extents.isEmpty { return domains }
    }
    return nil
  }

  /// Legality of each read, and the first stage that comes after all of them.
  private func stage(
    _ candidate: Candidate, _ kernel: Kernel, _ number: Int, extents: [Int], removed: [Int], inner: [Int]
  ) -> Decision {
    let root = roots[candidate.root]
    let identity = Self.rowMajor(extents + inner)
    var first = 0
    var isVertical = false
    for read in candidate.reads {
      for writer in writers(of: read.slot) where kernelOf[writer] == number {
        guard roots[writer].isWhole, !read.isPartial,
          Self.isAtOwnPoint(read.index, of: table.slots[Int(read.slot)].type.shape.elementCount, extents, inner)
        else { return .stands(.otherPoints(slot: read.slot)) }
        isVertical = true
        let stage = stageOf[writer]
        let itsInner = removed + kernel.stages[stage].inner
        if roots[writer].isReduction {
          first = max(first, stage + 1)
        } else if itsInner.isEmpty {
          first = max(first, inner.isEmpty ? stage : stage + 1)
        } else {
          let isOwnElement = read.index == identity && Domain.refine(itsInner, inner) != nil
          first = max(first, isOwnElement ? stage : stage + 1)
        }
      }
    }
    if !isVertical {
      guard removed.isEmpty, sharesRead(candidate, kernel, extents) else { return .stands(.unshared) }
      // Beside each other only what runs over the same points: of the domain, or of whole rows of it.
      if !root.isReduction, !inner.isEmpty, !sharesRow(kernel, inner) { return .stands(.unshared) }
    }
    for stage in kernel.stages.indices where stage >= first {
      let itsInner = removed + kernel.stages[stage].inner
      guard let refined = Domain.refine(itsInner, inner), isCompatible(candidate, kernel.stages[stage], refined)
      else { continue }
      return .joins(Placement(extents: extents, removed: removed, stage: stage, inner: refined))
    }
    if !isVertical && root.isReduction { return .stands(.unshared) }
    return .joins(Placement(extents: extents, removed: removed, stage: kernel.stages.count, inner: inner))
  }

  /// Whether the stage's loop can serve the candidate too.
  private func isCompatible(_ candidate: Candidate, _ stage: Kernel.Stage, _ inner: [Int]) -> Bool {
    let root = roots[candidate.root]
    if inner.isEmpty { return !root.isReduction }
    let orders = stage.roots.filter { roots[$0].isReduction }.map { roots[$0].order }
    if root.isReduction {
      if let order = orders.first, order != root.order { return false }
      // Maps already there must run in the reduction's order.
      guard root.order != .chain, inner.count > 1 else { return true }
      return root.order.isByChains && root.order.fits(inner)
    }
    guard let order = orders.first, order != .chain, inner.count > 1 else { return true }
    var candidate = candidate
    candidate.inner = inner
    return Self.isCollapsible(candidate, order: order)
  }

  /// Whether a stage runs along the same elements of a row.
  private func sharesRow(_ kernel: Kernel, _ inner: [Int]) -> Bool {
    kernel.form == .rows && kernel.stages.contains { $0.inner == inner }
  }

  /// Whether some tensor is read by both at the same element, so that loading it once saves something; or by two maps in parts that
  /// lie side by side, as gates do, which as a rule are wanted together.
  private func sharesRead(_ candidate: Candidate, _ kernel: Kernel, _ extents: [Int]) -> Bool {
    let areMaps = kernel.form == .map && !roots[candidate.root].isReduction
    for index in kernel.roots {
      let stage = kernel.stages[stageOf[index]]
      guard kernel.form == .rows || roots[index].isReduction == roots[candidate.root].isReduction,
        let other = try? self.candidate(index, extents, stage.inner)
      else { continue }
      for read in candidate.reads where !read.index.terms.isEmpty {
        if other.reads.contains(where: { $0.slot == read.slot && isSame(read.index, $0.index, upToConstant: areMaps) }) {
          return true
        }
      }
    }
    return false
  }

  private func isSame(_ a: AffineExpression, _ b: AffineExpression, upToConstant: Bool) -> Bool {
    a == b || upToConstant && a.terms == b.terms
  }

  static func rowMajor(_ extents: [Int]) -> AffineExpression {
    var result = AffineExpression()
    var stride = 1
    for position in extents.indices.reversed() {
      result.add(AffineExpression(LoopVariable(raw: Int32(position))), times: stride)
      stride *= extents[position]
    }
    return result
  }

  /// Whether an element of a tensor, of which each point of a domain owns an equal contiguous part, is in the
  /// reader's own part.
  static func isAtOwnPoint(
    _ index: AffineExpression, of elementCount: Int, _ extents: [Int], _ inner: [Int]
  ) -> Bool {
    let points = Domain.count(extents)
    guard points > 0, elementCount % points == 0 else { return false }
    let part = elementCount / points
    var stride = part
    var rest = index
    for position in extents.indices.reversed() {
      let variable = LoopVariable(raw: Int32(position))
      guard index.coefficient(of: variable) == stride else { return false }
      rest.add(AffineExpression(variable), times: -stride)
      stride *= extents[position]
    }
    let range = rest.range(extents + inner)
    return range.lowerBound >= 0 && range.upperBound < part
  }
}
