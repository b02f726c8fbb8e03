// What is packed, for which panels and runs along k, and what a tile asks for ahead.

extension ContractionSchedule {
  /// Packs the second factor: for a panel of all columns that are not in one run, or for a strip at a time.
  mutating func packColumns(
    _ columns: [Int], _ slide: Slide?, _ body: KernelBody, _ costs: TileCosts, _ target: Target, limit: Int
  ) {
    let lanes = target.lanes
    // Of those k that are packed by themselves.
    let depthCount = self.depthCount / (slide?.extent ?? 1)
    let margin = slide?.margin ?? 0
    let rest = columns.dropFirst().reduce(1) { $0 * body.extents[$1] }
    if rest > 1 {
      // A panel holds whole runs of the inner axes.
      let extent = body.extents[columns[0]]
      let most = min(limit / max(1, depthCount * rest) - margin, extent / panelWorkers(target))
      panel = rest * costs.runs(extent, of: rest, most: max(1, most), rows: row.extent, slide)
      let fitting = costs.best(rows: [(row.extent, 1)], columns: panel, workers: 1)
      (tile, strip) = (fitting.tile, min(fitting.vectors * lanes, panel))
    }
    var width = (panel + margin * rest).dividedUp(by: lanes) * lanes
    // A slide along all that is reduced leaves nothing to cut.
    let slidesOutermost = slide != nil && slide?.axis == body.outermostReducedAxis
    if depthCount * width > limit, !slidesOutermost, canWait(row.extent * panel, body) {
      // Runs are of whole iterations of the body's outermost reduced axis.
      let outermost = body.outermostReduced
      let below = depthCount / outermost
      depth = inner[0].extent / outermost * Self.block(outermost, most: limit / (below * width))
    }
    if columns.count == 1 { width = strip.dividedUp(by: lanes) * lanes }
    packing = Packing(columns: columns, rowStride: width, slide: slide)
  }

  /// Packs the first factor's rows where its neighbours are rows: each k would take a cache line of its own, and many of them
  /// fall into one set. What has to be computed is so computed for several rows at once, and not for each strip again. Panels and
  /// runs along k are then those for which packing costs least.
  mutating func packRows(_ body: KernelBody, _ target: Target, limit: Int) {
    let axes = body.stages[0].axes
    let strips = self.strips
    let depthStride = body.loadStride(first, LoopVariable(raw: Int32(axes.upperBound - 1)))
    let isFarApart = depthStride >= 512 || depthStride >= Self.line && depthCount * Self.line * 4 > target.level1Bytes
    guard row.mask.nonzeroBitCount == 1, depthCount >= Self.leastPackedDepth,
      body.loadStride(first, LoopVariable(raw: Int32(row.axis))) == 1, body.isComputed(first) || strips >= 4 && isFarApart
    else { return }
    if division == .panels, target.workers > 1, rows.isEmpty, packing?.columns.count == 1,
      row.extent >= max(4 * tile * target.workers, 2 * column.extent)
    {
      // Each worker would pack all rows again for its panels; columns cost less, being neighbours.
      division = .rows
      rowShare /= target.workers
    }
    if packing?.columns.count == 1 { choosePanels(body, target, limit: limit) }
    keepsRows = true
    packedTiles = tilesPackedAtOnce(most: limit / 2 / (tile * runLength))
  }

  /// In whole cache lines of rows where there is room: a line that two groups of tiles share would be read twice.
  private func tilesPackedAtOnce(most: Int) -> Int {
    let tiles = rowShare / tile
    let most = max(1, min(most, tiles))
    let whole = Self.line >> min(tile.trailingZeroBitCount, Self.line.trailingZeroBitCount)
    guard most >= whole else { return Self.block(tiles, most: most) }
    return whole * Self.block(tiles.dividedUp(by: whole), most: most / whole)
  }

  /// Whether so many results have a place between runs along k: the tensor that they belong to, or the workspace.
  private func canWait(_ resultCount: Int, _ body: KernelBody) -> Bool {
    body.stages[0].results.count == 1 || rows.isEmpty && resultCount <= Self.mostAccumulators
  }

  /// Each panel packs all rows again, so that few panels are good; shorter runs along k make room for wider ones, but results
  /// go through memory between them. Workers get as many panels each.
  private mutating func choosePanels(_ body: KernelBody, _ target: Target, limit: Int) {
    let (strips, depthCount) = (self.strips, self.depthCount)
    let workers = panelWorkers(target)
    let outermost = body.outermostReduced
    var least = Double.infinity
    for runs in 1...min(8, outermost) where outermost % runs == 0 {
      let run = depthCount / runs
      let most = max(1, limit / 8 * 9 / run / strip)
      let panels = strips.dividedUp(by: most).dividedUp(by: workers) * workers
      let width = panelWidth(panels, target)
      let results = rowShare * min(width, column.extent)
      let isPossible = runs == 1 || run >= 64 && canWait(results, body)
      guard isPossible else { continue }
      // For each row: elements packed, and vectors stored and loaded again, which cost less.
      var cost = Double(panels * depthCount) + Double((runs - 1) * panels * width) * 0.6
      if run * strip > limit { cost *= 2 }
      // A rest is another copy of the code.
      if panels > 1, column.extent % width != 0 { cost *= 1.15 }
      guard cost < least else { continue }
      least = cost
      panel = width
      depth = inner[0].extent / runs
    }
  }

  /// The columns of one of so many panels: whole strips, but where workers would have unequal panels, equal shares, with a rest of
  /// few columns if need be. A large rest would be a nest of its own, and one worker's alone.
  private func panelWidth(_ panels: Int, _ target: Target) -> Int {
    let width = strips.dividedUp(by: panels) * strip
    if panelWorkers(target) == 1 || column.extent % width == 0 { return width }
    if column.extent % panels == 0 { return column.extent / panels }
    let share = column.extent / panels / target.lanes * target.lanes
    return share >= 2 * target.lanes ? share : width
  }

  /// How many workers share the panels.
  private func panelWorkers(_ target: Target) -> Int { division == .panels ? target.workers : 1 }

  /// Lets a tile's rows meet all strips where results are larger than the second level, since a strip at a time they would be
  /// written far apart, or where the first factor is, since each strip would fetch it again. The second factor has to fit.
  mutating func keepRowsWhole(_ body: KernelBody, _ target: Target, limit: Int) {
    let resultBytes = body.stages.reduce(0) { $0 + $1.results.count + $1.stores.count } * body.domainBytes
    let rowBytes = rows.reduce(row.extent) { $0 * $1.extent } * depthCount * 4
    guard packedTiles == 0, depthRuns == 1, packing?.columns.count == 1, depthCount * strips * strip <= limit,
      max(resultBytes, rowBytes) > target.level2Bytes
    else { return }
    panel = panelWidth(panelWorkers(target), target)
    keepsRows = true
  }

  /// Lets runs along k end where runs of the printed order do: each holds whole ones, or is a part of the longest, for which the
  /// workspace has room.
  mutating func cutBetweenRuns(_ body: KernelBody) {
    guard depthRuns > 1, !runs.isEmpty else { return }
    let below = inner.dropFirst().reduce(1) { $0 * $1.extent }
    let iterations = runs.map { max(1, $0 / below) }
    var longest = max(0, runs.count - 2, iterations.lastIndex { $0 <= depth } ?? 0)
    let hasRoom = rows.isEmpty && rowShare * panel <= Self.mostAccumulators
    if !hasRoom { longest = runs.count - 1 }
    let isInGroup = longest < runs.count - 1
    let step = max(iterations[longest], inner[0].extent / body.outermostReduced)
    let whole = isInGroup ? iterations[longest + 1] : inner[0].extent
    depth = min(inner[0].extent, step * Self.block(max(1, whole / step), most: depth / step))
    guard depthRuns > 1 else { return }
    runsInside = longest + 1
    group = isInGroup ? whole : nil
  }

  /// Where everything lies, once panels and runs are known.
  mutating func finishPacking(_ body: KernelBody, lanes: Int) {
    guard var packing else { return }
    let stage = body.stages[0]
    keepsAccumulators = depthRuns > 1 && stage.results.count != 1
    packing.elementCount = runLength / (packing.slide?.extent ?? 1) * packing.rowStride
    // The last vectors of the last k end after the panel.
    if packing.slide != nil { packing.elementCount += lanes }
    if packing.columns.count == 1 {
      if body.liesAlongDepth(second, column, stage.axes, atLeast: Self.leastTurnedDepth) { packing.turnedBlock = lanes }
      let strips = panel.dividedUp(by: strip)
      let step = strips > 1 ? Self.step(packing.elementCount) : packing.elementCount
      packing.stripStep = step
      packing.elementCount = strips * step
    }
    self.packing = packing
  }

  /// What isn't in the second level is asked for while tiles accumulate.
  mutating func askAhead(_ body: KernelBody, _ target: Target, isPlain: Bool) {
    guard depthRuns == 1 else { return }
    prefetches = body.readsPerPoint(row, column, beyond: target.level2Bytes)
    guard packing != nil, isPlain, panel == strip, packedTiles == 0, inner.count == 1, rows.isEmpty,
      division == .batches || batches.isEmpty, inner[0].mask.nonzeroBitCount == 1,
      depthCount * column.extent * 4 > target.level2Bytes,
      case .load(let access, _, _) = body.expressions[second.index]
    else { return }
    nextPanel = access
  }

  /// Elements from one of several packed blocks to the next, which are written side by side: an odd number of cache lines, so
  /// that not all fall into one set.
  static func step(_ elementCount: Int) -> Int { (elementCount.dividedUp(by: line) | 1) * line }

  /// A block of at most `most`, but at least one, that divides the extent if one does that isn't much smaller.
  static func block(_ extent: Int, most: Int) -> Int {
    let most = max(1, min(most, extent))
    return stride(from: most, to: most / 3, by: -1).first { extent % $0 == 0 } ?? most
  }
}
