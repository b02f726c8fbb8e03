import CinchGraph

/// How a contraction `[…, m, k] × […, k, n]` runs: a register tile of some rows and some vectors of columns accumulates along k,
/// tiles are gathered into panels of columns, and what the second factor gives for a panel is packed first, where that pays.
///
/// No choice changes a bit: each result is added up in the printed order whatever the tiles.
struct ContractionSchedule: Sendable {
  /// What the workers divide.
  enum Division: String, Sendable {
    case batches, panels, rows
  }

  /// The second factor of a panel, brought together: for each k a row of the panel's columns.
  struct Packing: Sendable {
    /// The body's axes that the panel's columns are, outermost first; all but the first lie wholly in each panel.
    var columns: [Int]
    /// Elements from one k to the next: the width of a strip, or of the panel with what a slide adds, in whole vectors.
    var rowStride: Int
    /// Elements from one strip to the next where each strip lies by itself, so that a tile reads memory in one run.
    var stripStep: Int?
    /// Where neighbours in memory follow one another along k: the edge of the blocks that are read along k and written along
    /// the columns.
    var turnedBlock: Int?
    var slide: Slide?
    var elementCount = 0
  }

  /// A reduced axis that counts only by its sum with the outermost columns, as the lines of windows do with those of the image that
  /// they slide over: each line is packed once, and a k of the axis is so many lines further on.
  struct Slide: Sendable {
    /// Of the body.
    var axis: Int
    var extent: Int
    /// Lines from one iteration to the next: a dilation; negative where windows are read backwards.
    var step: Int
    /// Lines that a panel needs besides its own.
    var margin: Int { abs(step) * (extent - 1) }
    /// Those of them that come before its own.
    var before: Int { step < 0 ? margin : 0 }
  }

  let first: LoopValue
  let second: LoopValue
  /// Axes that the second factor varies with, except for the columns: batches.
  let batches: [LoopAxis]
  /// Axes that it does not vary with, except for the one that is tiled.
  let rows: [LoopAxis]
  let row: LoopAxis
  let column: LoopAxis
  private let lanes: Int
  /// Reduced axes, outermost first.
  let inner: [LoopAxis]
  /// Rows of a register tile.
  var tile: Int
  /// Element v − 1 holds the tile rows of a narrow strip of v vectors. It is empty where all strips have equal tiles.
  var narrowTiles: [Int] = []
  /// Columns of a register tile.
  var strip: Int
  /// Columns of a panel: a multiple of `strip`, or all.
  var panel: Int
  /// Iterations of the outermost reduced axis after which accumulators are stored, to be loaded again.
  var depth: Int
  /// The printed order's runs, whose results are added up in memory: in elements, ascending.
  let runs: [Int]
  /// How many of them lie within a run along k.
  var runsInside: Int
  /// Iterations of the outermost reduced axis in the run of the order that is longer than a run along k, if there is one.
  var group: Int?
  var packing: Packing?
  /// So many tiles' rows of the first factor are packed at once, each tile by itself: for each k a run of the tile's rows. 0
  /// where they are read where they are.
  var packedTiles = 0
  /// The rows that each worker has: all, but where workers divide rows that are packed.
  var rowShare: Int
  /// Whether a tile's rows meet all strips of the panel before the next tile's do, so that rows of results are written whole;
  /// otherwise a strip meets all rows.
  var keepsRows = false
  /// What the rest of the kernel reads at each point, from tensors that the second level doesn't hold: a tile asks for it before
  /// it accumulates.
  var prefetches: [Access] = []
  /// The second factor where the second level doesn't hold it: each tile asks for a share of what the next panel packs.
  var nextPanel: Access?
  /// Whether results wait in the workspace between runs along k, since no tensor has them.
  var keepsAccumulators = false
  /// Whether a tile goes through memory before the rest of the kernel: long epilogues would be copied out for each
  /// register.
  var storesTile: Bool
  var division: Division

  /// Rows for which packing what is not a run of neighbours pays.
  static let leastPackedRows = 8
  /// k that lie side by side from which blocks of them are turned, so that columns lie side by side.
  static let leastTurnedDepth = 8
  /// k for which packing rows of the first factor pays.
  static let leastPackedDepth = 64
  /// Elements of a cache line.
  static let line = 16
  /// Results that may wait in the workspace between runs along k.
  static let mostAccumulators = 1 << 16

  /// Elements from a tile's packed rows to the next tile's.
  var packedTileStep: Int { Self.step(tile * runLength) }
  /// All k.
  var depthCount: Int { inner.reduce(1) { $0 * $1.extent } }
  var strips: Int { column.extent.dividedUp(by: strip) }
  /// All k of a run.
  var runLength: Int { inner.dropFirst().reduce(depth) { $0 * $1.extent } }
  var depthRuns: Int { inner[0].extent.dividedUp(by: depth) }
  /// Tiles of sums that wait in the workspace, by length of run.
  var tileTotals: Int { depthRuns > 1 ? max(0, runsInside - 1) : runsInside }
}

extension ContractionSchedule {
  /// Nil where the kernel isn't of the form that tiles are made for.
  ///
  /// What is decided in which order: whether the second factor is packed, for then its indices don't keep axes apart; the axes; what
  /// workers divide and the tile; panels, runs along k and packed rows; and last what is asked for ahead.
  init?(_ body: KernelBody, _ target: Target) {
    guard let factors = ContractionFactors(body) else { return nil }
    (first, second) = (factors.first, factors.second)
    let limit = Self.panelElements(target)
    let packs = factors.areWorthPacking(panelElements: limit, target)
    let slide = packs ? factors.slide : nil
    let axes = factors.loopAxes(packs: packs, apart: slide?.axis)
    guard let last = axes.domain.last else { return nil }
    column = last
    batches = axes.domain.dropLast().filter { !factors.isRow($0) }
    var rows = axes.domain.dropLast().filter(factors.isRow)
    guard !rows.isEmpty, !axes.inner[0].isEmpty else { return nil }
    inner = axes.inner[0]
    lanes = target.lanes

    let costs = TileCosts(target)
    let rowCosts = rows.map { (extent: $0.extent, cost: body.takesLines(factors.first, $0, body.stages[0].axes) ? 2.0 : 1.0) }
    // Batches may be few if panels would be no more.
    let leastBatches = max(2, min(target.workers, costs.fewestStrips(of: column.extent)))
    let best: TileCosts.Tile
    if let outermost = batches.first, outermost.extent >= leastBatches {
      division = .batches
      best = costs.best(rows: rowCosts, columns: column.extent, workers: 1)
    } else if packs, Self.panelsShareLines(rows, column, axes.inner[0], target) {
      division = .rows
      best = costs.best(rows: rowCosts, columns: column.extent, workers: 1)
    } else {
      (division, best) = Self.divided(rowCosts, column.extent, packs: packs, workers: target.workers, costs)
    }
    row = rows.remove(at: best.row)
    rowShare = packs && division == .rows ? row.extent / target.workers : row.extent
    self.rows = rows
    tile = best.tile
    strip = min(best.vectors * target.lanes, column.extent)
    panel = strip
    depth = inner[0].extent
    packing = nil
    runs = body.stages[0].reductions[0].order.runs
    runsInside = runs.count
    let epilogue = body.stages.dropFirst().reduce(0) { $0 + $1.stores.count + $1.values.count }
    storesTile = epilogue > 0 && body.epilogueSize(first, second) > 6

    if packs {
      packColumns(factors.columns, slide, body, costs, target, limit: limit)
      packRows(body, target, limit: limit)
      keepRowsWhole(body, target, limit: limit)
      cutBetweenRuns(body)
      finishPacking(body, lanes: target.lanes)
    }
    if !keepsRows, packing != nil || division != .rows {
      narrowTiles = (1..<max(1, strip.dividedUp(by: target.lanes))).map { costs.height($0, rows: rowShare) }
    }
    if !runs.isEmpty, depthRuns == 1 { storesTile = true }
    askAhead(body, target, isPlain: factors.isPlain)
  }

  /// The rows of a tile with this number of columns.
  func tile(ofColumns count: Int) -> Int {
    let vectors = count.dividedUp(by: lanes)
    return vectors <= narrowTiles.count ? narrowTiles[vectors - 1] : tile
  }

  /// A panel has half of the second level.
  private static func panelElements(_ target: Target) -> Int { max(target.level2Bytes / 2 / 4, 16 << 10) }

  /// Whether workers that divide panels would write the same cache lines, and a row takes so little that they would do so at the
  /// same time. Each packs all columns if they divide rows, which many rows make good.
  private static func panelsShareLines(
    _ rows: [LoopAxis], _ column: LoopAxis, _ inner: [LoopAxis], _ target: Target
  ) -> Bool {
    target.workers > 1 && rows.count == 1 && rows[0].extent >= 64 * target.workers && column.extent % line != 0
      && inner.reduce(1) { $0 * $1.extent } <= 128
  }

  /// Whether workers divide panels or rows, which cost less of what isn't packed for each of them, with the tile for that.
  private static func divided(
    _ rows: [(extent: Int, cost: Double)], _ columns: Int, packs: Bool, workers: Int, _ costs: TileCosts
  ) -> (Division, TileCosts.Tile) {
    let byPanels = costs.best(rows: rows, columns: columns, workers: workers)
    if packs || workers == 1 { return (.panels, byPanels) }
    let byRows = costs.best(rows: rows, columns: columns, workers: 1)
    let tiles = rows[byRows.row].extent.dividedUp(by: byRows.tile)
    let share = Double(tiles.dividedUp(by: workers)) / Double(tiles)
    return byRows.cost * share < byPanels.cost ? (.rows, byRows) : (.panels, byPanels)
  }

  var text: String {
    var text = "tiles of \(tile) × \(strip)"
    let rest = (panel < column.extent && panel % strip > 0 ? panel : column.extent) % strip
    if rest > 0, self.tile(ofColumns: rest) != tile { text += " and \(self.tile(ofColumns: rest)) × \(rest)" }
    if packing != nil { text += ", panels of \(min(panel, column.extent)) columns packed" }
    if packing?.turnedBlock != nil { text += " and turned" }
    if packing?.slide != nil { text += " once for all lines of a window" }
    if packedTiles > 0 { text += ", rows packed" }
    if depthRuns > 1 { text += ", \(depthRuns) runs along k" }
    if !prefetches.isEmpty || nextPanel != nil { text += ", asked for ahead" }
    return text + ", workers divide \(division.rawValue)"
  }
}
