extension ContractionSchedule {
  /// Packs the first factor's rows where its neighbours are rows: each k would take a cache line of its own, and many of them
  /// fall into one set. Then panels and runs along k are those for which packing costs least.
  mutating func packRows(_ body: KernelBody, _ target: Target, limit: Int) {
    let axes = body.stages[0].axes
    let strips = (column.extent + strip - 1) / strip
    let depthCount = inner.reduce(1) { $0 * $1.extent }
    let depthStride = body.loadStride(first, LoopVariable(raw: Int32(axes.upperBound - 1)))
    guard row.mask.nonzeroBitCount == 1, depthCount >= 64, strips >= 4,
      body.loadStride(first, LoopVariable(raw: Int32(row.axis))) == 1,
      depthStride >= 512 || depthStride >= 16 && depthCount * 64 > target.level1Bytes
    else { return }
    rowShare = row.extent
    if division == .panels, target.workers > 1, rows.isEmpty, row.extent % target.workers == 0, packing?.columns.count == 1,
      row.extent >= max(4 * tile * target.workers, 2 * column.extent)
    {
      // Each worker would pack all rows again for its panels; columns cost less, being neighbours.
      division = .rows
      rowShare /= target.workers
    }
    if packing?.columns.count == 1 {
      choosePanels(body, strips, depthCount, workers: division == .panels ? target.workers : 1, limit: limit)
    }
    // As many tiles as leave the second level to the panel, so that lines that tiles share are read once.
    let run = depthCount / inner[0].extent * depth
    keepsRows = true
    packedTiles = Self.block(rowShare / tile, most: limit / 2 / (tile * run))
  }

  /// Each panel packs all rows again, so that few panels are good; shorter runs along k make room for wider ones, but results
  /// go through memory between them. Workers get as many panels each.
  private mutating func choosePanels(_ body: KernelBody, _ strips: Int, _ depthCount: Int, workers: Int, limit: Int) {
    let stage = body.stages[0]
    let hasTensor = stage.results.count == 1
    let outermost = stage.axes.map { body.extents[$0] }.first { $0 > 1 } ?? 1
    var least = Double.infinity
    for runs in 1...min(8, outermost) where outermost % runs == 0 {
      let run = depthCount / runs
      let most = max(1, limit / 8 * 9 / run / strip)
      let panels = ((strips + most - 1) / most + workers - 1) / workers * workers
      let width = (strips + panels - 1) / panels * strip
      let isPossible = runs == 1 || run >= 64 && (hasTensor || rows.isEmpty && rowShare * min(width, column.extent) <= 1 << 16)
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
    keepsAccumulators = depthRuns > 1 && !hasTensor
    if let width = packing?.rowStride { packing?.stripStep = width * (depthCount / inner[0].extent * depth) }
  }
}
