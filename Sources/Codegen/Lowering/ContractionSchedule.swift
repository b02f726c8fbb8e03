import CinchGraph

/// How a contraction `[…, m, k] × […, k, n]` runs: a register tile of some rows and some vectors of columns accumulates along k,
/// tiles are gathered into panels of columns, and what the second factor gives for a panel is packed first, where that pays.
///
/// No choice changes a bit: each result is a chain over k in ascending order whatever the tiles.
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
  /// Reduced axes, outermost first.
  let inner: [LoopAxis]
  /// Rows of a register tile.
  var tile: Int
  /// Columns of a register tile.
  var strip: Int
  /// Columns of a panel: a multiple of `strip`, or all.
  var panel: Int
  /// Iterations of the outermost reduced axis after which accumulators are stored, to be loaded again.
  var depth: Int
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
}

extension ContractionSchedule {
  /// Nil where the kernel isn't of the form that tiles are made for.
  init?(_ body: KernelBody, _ target: Target) {
    guard let stage = body.stages.first, stage.reductions.count == 1, stage.stores.isEmpty,
      case .fusedMultiplyAdd(let a, let b) = stage.reductions[0].kind
    else { return nil }
    first = a
    second = b
    let (maskA, maskB) = (body.masks[a.index], body.masks[b.index])
    /// Without the indices of what only the second factor needs, if it is packed; an axis that slides stays by itself.
    func loopAxes(packs: Bool, apart: Int? = nil) -> LoopAxes {
      LoopAxes(body, without: packs ? body.expressions(only: b) : []) { axis in
        (maskA >> UInt64(axis) & 1, axis == apart ? 2 : maskB >> UInt64(axis) & 1)
      }
    }
    var axes = loopAxes(packs: true)
    func isRow(_ axis: LoopAxis) -> Bool { axis.mask & maskB == 0 }
    guard let widest = axes.domain.last, widest.mask & maskA == 0, widest.mask & maskB == widest.mask else { return nil }
    let isPlain = Self.isPlain(body, b, widest)
    // A panel has half of the second level.
    let limit = max(target.level2Bytes / 2 / 4, 16 << 10)
    let rowCount = axes.domain.filter(isRow).reduce(1) { $0 * $1.extent }
    let depthCount = axes.inner[0].reduce(1) { $0 * $1.extent }
    // Strips of rows that are far apart fall into few sets of the first level, and many rows pay for more packing.
    let apart = body.loadStride(b, LoopVariable(raw: Int32(stage.axes.upperBound - 1)))
    // Rows of what has to be computed are packed, which is done for panels of columns.
    let computesRows =
      body.isComputed(a) && depthCount >= Self.leastPackedDepth
      && axes.domain.contains { isRow($0) && body.loadStride(a, LoopVariable(raw: Int32($0.axis))) == 1 }
    let packs =
      rowCount >= Self.leastPackedRows
      && (!isPlain || computesRows
        || (rowCount >= 24 && depthCount >= 16
          && (apart >= 256 || depthCount * widest.extent > limit
            || rowCount >= 128 && depthCount * apart * 4 > 4 * target.level1Bytes)))
    let columns = (0..<body.domainCount).filter { widest.mask >> UInt64($0) & 1 != 0 && body.extents[$0] > 1 }
    let slide = packs && columns.count > 1 ? body.slide(of: b, along: columns[0], stage.axes) : nil
    if !packs || slide != nil { axes = loopAxes(packs: packs, apart: slide?.axis) }
    guard let last = axes.domain.last else { return nil }
    column = last
    batches = axes.domain.dropLast().filter { !isRow($0) }
    var rows = axes.domain.dropLast().filter(isRow)
    guard !rows.isEmpty, !axes.inner[0].isEmpty else { return nil }
    inner = axes.inner[0]
    let costs = TileCosts(target)
    let batchCount = batches.reduce(1) { $0 * $1.extent }
    let lanes = target.lanes

    // Workers: whole batches, else panels, else rows. Batches may be few if panels would be no more.
    var division = Division.panels
    if batchCount > 1, batches[0].extent >= min(target.workers, costs.fewestStrips(of: column.extent)) { division = .batches }
    let rowCosts = rows.map { (extent: $0.extent, cost: body.takesLines(a, $0, stage.axes) ? 2.0 : 1.0) }
    var best = costs.best(rows: rowCosts, columns: column.extent, workers: division == .panels ? target.workers : 1)
    if division == .panels, !packs, target.workers > 1 {
      let byRows = costs.best(rows: rowCosts, columns: column.extent, workers: 1)
      let tiles = rows[byRows.row].extent.dividedUp(by: byRows.tile)
      let share = Double(tiles.dividedUp(by: target.workers)) / Double(tiles)
      if byRows.cost * share < best.cost {
        best = byRows
        division = .rows
      }
    }
    self.division = division
    row = rows.remove(at: best.row)
    rowShare = row.extent
    self.rows = rows
    tile = best.tile
    strip = min(best.vectors * lanes, column.extent)
    panel = strip
    depth = inner[0].extent
    packing = nil
    storesTile = false

    if packs {
      packColumns(columns, slide, body, costs, target, limit: limit)
      packRows(body, target, limit: limit)
      keepRowsWhole(body, target, limit: limit)
      finishPacking(body, lanes: lanes)
    }
    askAhead(body, target, isPlain: isPlain)
    let epilogue = body.stages.dropFirst().reduce(0) { $0 + $1.stores.count + $1.values.count }
    storesTile = epilogue > 0 && body.epilogueSize(b, a) > 6
  }

  /// Whether the value is a load of neighbours along the columns, without conditions.
  private static func isPlain(_ body: KernelBody, _ value: LoopValue, _ column: LoopAxis) -> Bool {
    guard case .load(let access, nil, _) = body.expressions[value.index], access.indirection == nil else { return false }
    var stride = 1
    for axis in (0..<body.domainCount).reversed() where column.mask >> UInt64(axis) & 1 != 0 {
      if access.index.coefficient(of: LoopVariable(raw: Int32(axis))) != stride { return false }
      stride *= body.extents[axis]
    }
    return true
  }

  var text: String {
    var text = "tiles of \(tile) × \(strip)"
    if packing != nil { text += ", panels of \(min(panel, column.extent)) columns packed" }
    if packing?.turnedBlock != nil { text += " and turned" }
    if packing?.slide != nil { text += " once for all lines of a window" }
    if packedTiles > 0 { text += ", rows packed" }
    if depthRuns > 1 { text += ", \(depthRuns) runs along k" }
    if !prefetches.isEmpty || nextPanel != nil { text += ", asked for ahead" }
    return text + ", workers divide \(division.rawValue)"
  }
}
