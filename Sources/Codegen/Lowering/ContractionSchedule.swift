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
    /// Elements from one k to the next: the width of a strip, or of the panel, in whole vectors.
    var rowStride: Int
    /// Elements from one strip to the next where each strip lies by itself, so that a tile reads memory in one run.
    var stripStep: Int?
    /// Where neighbours in memory follow one another along k: the edge of the blocks that are read along k and written along
    /// the columns.
    var turnedBlock: Int?
    var elementCount: Int
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
  /// The rows that each worker has, where workers divide rows that are packed.
  var rowShare = 0
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

  /// Elements from a tile's packed rows to the next tile's.
  var packedTileStep: Int { Self.step(inner.dropFirst().reduce(tile * depth) { $0 * $1.extent }) }
  var depthRuns: Int { (inner[0].extent + depth - 1) / depth }
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
    func axes(without hidden: Set<Int>) -> LoopAxes {
      LoopAxes(body, without: hidden) { axis in (maskA >> UInt64(axis) & 1, maskB >> UInt64(axis) & 1) }
    }
    var axes = axes(without: body.expressions(only: b))
    func isRow(_ axis: LoopAxis) -> Bool { axis.mask & maskB == 0 }
    guard let widest = axes.domain.last, widest.mask & maskA == 0, widest.mask & maskB == widest.mask else { return nil }
    let isPlain = Self.isPlain(body, b, widest)
    // A panel has half of the second level.
    let limit = max(target.level2Bytes / 2 / 4, 16 << 10)
    let rowCount = axes.domain.filter(isRow).reduce(1) { $0 * $1.extent }
    let depthCount = axes.inner[0].reduce(1) { $0 * $1.extent }
    // Strips of rows that are far apart fall into few sets of the first level, and many rows pay for more packing.
    let apart = body.loadStride(b, LoopVariable(raw: Int32(stage.axes.upperBound - 1)))
    let packs =
      rowCount >= Self.leastPackedRows
      && (!isPlain
        || (rowCount >= 24 && depthCount >= 16
          && (apart >= 256 || depthCount * widest.extent > limit
            || rowCount >= 128 && depthCount * apart * 4 > 4 * target.level1Bytes)))
    if !packs { axes = LoopAxes(body, without: []) { axis in (maskA >> UInt64(axis) & 1, maskB >> UInt64(axis) & 1) } }
    guard let last = axes.domain.last else { return nil }
    column = last
    batches = axes.domain.dropLast().filter { !isRow($0) }
    var rows = axes.domain.dropLast().filter(isRow)
    guard !rows.isEmpty, !axes.inner[0].isEmpty else { return nil }
    inner = axes.inner[0]
    let costs = TileCosts(target)
    let batchCount = batches.reduce(1) { $0 * $1.extent }
    let lanes = target.vectorByteCount / 4

    // Workers: whole batches, else panels, else rows.
    var division = Division.panels
    if batchCount > 1, batches[0].extent >= target.workers { division = .batches }
    let rowCosts = rows.map { (extent: $0.extent, cost: body.takesLines(a, $0, stage.axes) ? 2.0 : 1.0) }
    var best = costs.best(rows: rowCosts, columns: column.extent, workers: division == .panels ? target.workers : 1)
    if division == .panels, !packs, target.workers > 1 {
      let byRows = costs.best(rows: rowCosts, columns: column.extent, workers: 1)
      let tiles = (rows[byRows.row].extent + byRows.tile - 1) / byRows.tile
      let share = Double((tiles + target.workers - 1) / target.workers) / Double(tiles)
      if byRows.cost * share < best.cost {
        best = byRows
        division = .rows
      }
    }
    self.division = division
    row = rows.remove(at: best.row)
    self.rows = rows
    tile = best.tile
    strip = min(best.vectors * lanes, column.extent)
    panel = strip
    depth = inner[0].extent
    packing = nil
    storesTile = false

    if packs {
      let columns = (0..<body.domainCount).filter { column.mask >> UInt64($0) & 1 != 0 && body.extents[$0] > 1 }
      let rest = columns.dropFirst().reduce(1) { $0 * body.extents[$1] }
      if rest > 1 {
        // A panel holds whole runs of the inner axes.
        let extent = body.extents[columns[0]]
        let most = min(limit / max(1, depthCount * rest), extent / (division == .panels ? target.workers : 1))
        panel = rest * costs.runs(extent, of: rest, most: max(1, most), rows: row.extent)
        let fitting = costs.best(rows: [(row.extent, 1)], columns: panel, workers: 1)
        (tile, strip) = (fitting.tile, min(fitting.vectors * lanes, panel))
      }
      var width = (panel + lanes - 1) / lanes * lanes
      let hasTensor = stage.results.count == 1
      if depthCount * width > limit, hasTensor || self.rows.isEmpty && row.extent * panel <= 1 << 16 {
        // Runs are of whole iterations of the body's outermost reduced axis.
        let outermost = stage.axes.map { body.extents[$0] }.first { $0 > 1 } ?? 1
        let below = depthCount / outermost
        depth = inner[0].extent / outermost * Self.block(outermost, most: limit / (below * width))
      }
      keepsAccumulators = depthRuns > 1 && !hasTensor
      let run = depth * (depthCount / inner[0].extent)
      if columns.count == 1 {
        width = (strip + lanes - 1) / lanes * lanes
        packing = Packing(columns: columns, rowStride: width, stripStep: run * width, elementCount: 0)
      } else {
        packing = Packing(columns: columns, rowStride: width, elementCount: run * width)
      }
    }
    if packs { packRows(body, target, limit: limit) }
    let strips = (column.extent + strip - 1) / strip
    if packs, packedTiles == 0, depthRuns == 1, packing?.columns.count == 1, depthCount * strips * strip <= limit,
      body.stages.reduce(0, { $0 + $1.results.count + $1.stores.count }) * body.domainBytes > target.level2Bytes
    {
      let workers = division == .panels ? target.workers : 1
      panel = (strips + workers - 1) / workers * strip
      keepsRows = true
    }
    if depthRuns == 1 { prefetches = body.readsPerPoint(row, column, beyond: target.level2Bytes) }
    if packs, isPlain, panel == strip, packedTiles == 0, depthRuns == 1, inner.count == 1, self.rows.isEmpty,
      inner[0].mask.nonzeroBitCount == 1, depthCount * column.extent * 4 > target.level2Bytes,
      case .load(let access, _, _) = body.expressions[b.index]
    {
      nextPanel = access
    }
    if packing?.stripStep != nil, body.liesAlongDepth(b, column, stage.axes, atLeast: lanes / 2) {
      packing?.turnedBlock = lanes
    }
    if var step = packing?.stripStep {
      let strips = (panel + strip - 1) / strip
      if strips > 1 { step = Self.step(step) }
      packing?.stripStep = step
      packing?.elementCount = strips * step
    }
    let epilogue = body.stages.dropFirst().reduce(0) { $0 + $1.stores.count + $1.values.count }
    storesTile = epilogue > 0 && body.epilogueSize(b, a) > 6
  }

  /// Elements from one of several packed blocks to the next, which are written side by side: an odd number of cache lines, so
  /// that not all fall into one set.
  static func step(_ elementCount: Int) -> Int { ((elementCount + 15) / 16 | 1) * 16 }

  /// A block of at most `most`, but at least one, that divides the extent if one does that isn't much smaller.
  static func block(_ extent: Int, most: Int) -> Int {
    let most = max(1, min(most, extent))
    return stride(from: most, to: most / 3, by: -1).first { extent % $0 == 0 } ?? most
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
    if packedTiles > 0 { text += ", rows packed" }
    if depthRuns > 1 { text += ", \(depthRuns) runs along k" }
    if !prefetches.isEmpty || nextPanel != nil { text += ", asked for ahead" }
    return text + ", workers divide \(division.rawValue)"
  }
}

/// What register tiles cost: the one place that knows of ports and registers.
private struct TileCosts {
  private let registers: Int
  private let lanes: Int

  init(_ target: Target) {
    registers = target.vectorRegisterCount
    lanes = target.vectorByteCount / 4
  }

  /// Cycles for one k of a tile: two fused multiply-adds or two loads start in each, and a chain takes four; a tile whose chains
  /// just cover that has nothing to start when one is late, so that five count.
  private func cycles(_ vectors: Int, _ rows: Int) -> Double {
    max(5, Double(vectors * rows) / 2, Double(vectors + rows) / 2) + Double(vectors + rows) * 0.06
  }

  /// Of a whole axis cut into blocks: full ones and a rest.
  private func blocks(_ extent: Int, _ size: Int) -> [(count: Int, size: Int)] {
    let size = min(size, extent)
    return [(extent / size, size)] + (extent % size > 0 ? [(1, extent % size)] : [])
  }

  /// The axis of `rows` to tile, the tile and the strip that cost least when `workers` share the strips. Each row has a factor
  /// that its tiles cost.
  func best(
    rows: [(extent: Int, cost: Double)], columns: Int, workers: Int
  ) -> (row: Int, tile: Int, vectors: Int, cost: Double) {
    let vectorCount = (columns + lanes - 1) / lanes
    var best = (row: 0, tile: 1, vectors: 1, cost: Double.infinity)
    for vectors in 1...min(vectorCount, registers >= 32 ? 4 : 3) {
      let most = (registers - vectors - 1) / vectors
      for axis in rows.indices {
        let others = rows.enumerated().reduce(rows[axis].cost) { $0 * ($1.offset == axis ? 1 : Double($1.element.extent)) }
        for tile in 1...max(1, min(rows[axis].extent, min(most, 14))) {
          var cost = 0.0
          let (strips, runs) = (blocks(vectorCount, vectors), blocks(rows[axis].extent, tile))
          for strip in strips {
            // The last worker takes the rest beside its share.
            let share = strip.count == 1 ? 1 : (strip.count + workers - 1) / workers
            for run in runs { cost += Double(share * run.count) * cycles(strip.size, run.size) }
          }
          // A rest is another copy of the code, which has to be compiled and fetched.
          cost *= others * (1 + 0.03 * Double(strips.count * runs.count - 1))
          if cost < best.cost { best = (axis, tile, vectors, cost) }
        }
      }
    }
    return best
  }
}

extension TileCosts {
  /// How many runs of `length` columns make the panel for which all `extent` runs cost least; few if more gain little.
  func runs(_ extent: Int, of length: Int, most: Int, rows: Int) -> Int {
    var best = (count: 1, cost: Double.infinity)
    for count in 1...most {
      let cost = blocks(extent, count).reduce(0) { sum, run in
        sum + Double(run.count) * self.best(rows: [(rows, 1)], columns: run.size * length, workers: 1).cost
      }
      if cost < best.cost * 0.98 { best = (count, cost) }
    }
    return best.count
  }
}

extension KernelBody {
  /// Everything that `value` needs and nothing else does.
  fileprivate func expressions(only value: LoopValue) -> Set<Int> {
    var needed: Set<Int> = []
    func mark(_ value: LoopValue, _ set: inout Set<Int>) {
      guard !isResult[value.index], set.insert(value.index).inserted else { return }
      switch expressions[value.index] {
      case .apply(_, let operands): for operand in operands { mark(operand, &set) }
      case .load(let access, let condition, _):
        if let index = access.indirection?.value { mark(index, &set) }
        if let condition { mark(condition, &set) }
      case .constant, .index, .within: break
      }
    }
    var others: Set<Int> = []
    for stage in stages {
      for reduction in stage.reductions {
        switch reduction.kind {
        case .combine(_, let other), .argMax(let other, _): mark(other, &others)
        case .fusedMultiplyAdd(let a, let b):
          if a != value { mark(a, &others) }
          if b != value { mark(b, &others) }
        }
      }
      for store in stage.stores + stage.results { mark(store.value, &others) }
      for other in stage.values { mark(other, &others) }
    }
    mark(value, &needed)
    return needed.subtracting(others)
  }

  /// Whether each k of each row along the axis has a cache line of its own.
  fileprivate func takesLines(_ value: LoopValue, _ row: LoopAxis, _ reduced: Range<Int>) -> Bool {
    let line = 16
    let ks = reduced.filter { extents[$0] > 1 }.map { loadStride(value, LoopVariable(raw: Int32($0))) }
    return loadStride(value, LoopVariable(raw: Int32(row.axis))) != 1 && ks.allSatisfy { $0 >= line }
  }

  /// Elements between neighbours along an axis, for a value that is a load.
  func loadStride(_ value: LoopValue, _ axis: LoopVariable) -> Int {
    guard case .load(let access, _, _) = expressions[value.index] else { return 0 }
    return abs(access.index.coefficient(of: axis))
  }

  /// Whether what `value` needs lies in memory with neighbours along the innermost of the reduced axes, of at least so many, and
  /// columns apart.
  fileprivate func liesAlongDepth(_ value: LoopValue, _ column: LoopAxis, _ reduced: Range<Int>, atLeast count: Int) -> Bool {
    guard let depth = reduced.last(where: { extents[$0] > 1 }), extents[depth] >= count else { return false }
    let (along, across) = (LoopVariable(raw: Int32(depth)), LoopVariable(raw: Int32(column.axis)))
    return expressions(only: value).contains { number in
      guard case .load(let access, nil, _) = expressions[number], access.indirection == nil, types[number] != .bool
      else { return false }
      return access.index.coefficient(of: along) == 1 && !(0...1).contains(access.index.coefficient(of: across))
    }
  }

  /// Loads of neighbours along the columns, different ones for each row, that belong to no stage's loops; none if all together
  /// have at most `limit` bytes.
  fileprivate func readsPerPoint(_ row: LoopAxis, _ column: LoopAxis, beyond limit: Int) -> [Access] {
    let domain: UInt64 = (1 << UInt64(domainCount)) - 1
    var result: [Access] = []
    var byteCount = 0
    for (expression, mask) in zip(expressions, masks) where mask & ~domain == 0 && mask & row.mask != 0 {
      guard case .load(let access, nil, _) = expression, access.indirection == nil, !result.contains(access),
        access.index.coefficient(of: LoopVariable(raw: Int32(column.axis))) == 1
      else { continue }
      result.append(access)
      byteCount += (0..<domainCount).reduce(4) { mask >> UInt64($1) & 1 == 0 ? $0 : $0 * extents[$1] }
    }
    return byteCount > limit ? result : []
  }

  /// Of a result with an element for each point of the domain.
  fileprivate var domainBytes: Int { extents.prefix(domainCount).reduce(4, *) }

  /// About how many instructions come after the contraction.
  fileprivate func epilogueSize(_ factors: LoopValue...) -> Int {
    var inside: Set<Int> = []
    for factor in factors { inside.formUnion(expressions(only: factor)) }
    var count = 0
    for (index, expression) in expressions.enumerated() where !inside.contains(index) && !isResult[index] {
      if case .apply = expression { count += 1 }
    }
    return count
  }
}
