import CinchGraph

/// A worker's buffers for a contraction.
struct ContractionWorkspace {
  var tile: BufferID?
  /// Sums of a tile, by length of the order's runs.
  var totals: [BufferID] = []
  /// Results within a run of the order that is longer than a run along k.
  var group: BufferID?
  var panel: BufferID?
  var rows: BufferID?
  /// Results between runs along k, where no tensor has them.
  var accumulators: BufferID?
}

/// What a factor gives for the current panel or tile of rows, as it lies in the workspace.
struct PackedPanel {
  var value: LoopValue
  var buffer: BufferID
  /// Elements before the row of a k, by the body's reduced axes.
  var row: AffineExpression
  /// What `row` gives for the first k of the current run, negative.
  var origin: AffineExpression
  var column = AffineExpression()

  mutating func setColumn(_ column: AffineExpression, of strip: Emitter.Columns, _ schedule: ContractionSchedule) {
    guard let step = schedule.packing?.stripStep else {
      self.column = column
      return
    }
    self.column = column + strip.start * -1 + strip.start.divided(exactlyBy: schedule.strip) * step
  }
}

extension Emitter {
  /// All of a contraction's kernel: what workers divide, the rest of batches and panels, runs along k, rows, strips; and in them
  /// register tiles.
  mutating func emitContraction(_ schedule: ContractionSchedule) -> [LoopStatement] {
    switch schedule.division {
    case .batches:
      emitOuter(schedule.batches, isTop: true) { emitter, isTop in
        emitter.emitPanels(schedule, batches: [], isTop: isTop)
      }
    case .panels: emitPanels(schedule, batches: schedule.batches, isTop: true)
    case .rows where schedule.packing != nil:
      for run in Self.blocks(schedule.row.extent, of: schedule.rowShare) {
        emitBlocks(run, isTop: true) { emitter, start, isTop in
          emitter.rowShare = Rows(start: start, count: run.extent)
          emitter.emitPanels(schedule, batches: schedule.batches, isTop: isTop)
        }
      }
    case .rows:
      for run in Self.blocks(schedule.row.extent, of: schedule.tile) {
        emitBlocks(run, isTop: true) { emitter, row, isTop in
          emitter.emitOuter(schedule.batches + schedule.rows, isTop: isTop) { emitter, isTop in
            emitter.emitStrips(schedule, Columns(count: schedule.column.extent)) { emitter, columns in
              emitter.emitTile(schedule, row, run.extent, columns, isWhole: true)
            }
          }
        }
      }
    }
    return close()
  }

  /// Some iterations of the tiled rows' axis.
  struct Rows {
    var start = AffineExpression()
    var count: Int
  }

  /// Iterations of the outermost reduced axis.
  struct DepthRun {
    var start = AffineExpression()
    var count: Int
  }

  /// Some columns of a panel that starts at `panel`.
  struct Columns {
    var panel = AffineExpression()
    var start = AffineExpression()
    var count: Int
  }

  private mutating func emitPanels(_ schedule: ContractionSchedule, batches: [LoopAxis], isTop: Bool) {
    for run in Self.blocks(schedule.column.extent, of: schedule.panel) {
      emitBlocks(run, isTop: isTop) { emitter, start, isTop in
        emitter.emitOuter(batches, isTop: isTop) { emitter, _ in
          emitter.emitPanel(schedule, Columns(panel: start, count: run.extent))
        }
      }
    }
  }

  private mutating func emitPanel(_ schedule: ContractionSchedule, _ columns: Columns) {
    guard schedule.depthRuns > 1 else {
      let all = DepthRun(count: schedule.inner[0].extent)
      pack(schedule, columns, all)
      emitRows(schedule, columns, all) { $0.emitTile(schedule, $1, $2, $3, isWhole: true) }
      panel = nil
      return
    }
    emitRows(schedule, columns, nil) { $0.emitZeros(schedule, $1, $2, $3) }
    let all = DepthRun(count: schedule.inner[0].extent)
    if let group = schedule.group, let buffer = workspace.group {
      for block in Self.blocks(all.count, of: group) {
        emitBlocks(block, isTop: false) { emitter, start, _ in
          emitter.emitGroup(schedule, columns, DepthRun(start: start, count: block.extent), buffer)
        }
      }
    } else {
      emitDepthRuns(schedule, columns, all)
    }
    if body.stages.count > 1 { emitRows(schedule, columns, nil) { $0.emitRest(schedule, $1, $2, $3) } }
  }

  /// All k of a long run of the order, whose results are then added to those of the runs before it.
  private mutating func emitGroup(
    _ schedule: ContractionSchedule, _ columns: Columns, _ group: DepthRun, _ buffer: BufferID
  ) {
    let all = workspace.accumulators
    (workspace.accumulators, workspace.group) = (buffer, nil)
    emitRows(schedule, columns, nil) { $0.emitZeros(schedule, $1, $2, $3) }
    emitDepthRuns(schedule, columns, group)
    (workspace.accumulators, workspace.group) = (all, buffer)
    emitRows(schedule, columns, nil) { emitter, row, rows, columns in
      emitter.emitPoints(schedule.row, at: row, rows, as: .sequential) { emitter, tileRow in
        emitter.emitColumns(schedule, columns) { emitter, column in
          let group = emitter.load(emitter.place(schedule, row + tileRow, column, in: buffer))
          emitter.add(group, to: emitter.place(schedule, row + tileRow, column))
        }
      }
    }
  }

  /// Runs along k, between which results are in memory.
  private mutating func emitDepthRuns(_ schedule: ContractionSchedule, _ columns: Columns, _ whole: DepthRun) {
    for block in Self.blocks(whole.count, of: schedule.depth) {
      emitBlocks(block, isTop: false) { emitter, start, _ in
        let run = DepthRun(start: whole.start + start, count: block.extent)
        emitter.pack(schedule, columns, run)
        emitter.emitRows(schedule, columns, run) { emitter, row, rows, columns in
          emitter.emitTile(schedule, row, rows, columns, run, isWhole: false)
        }
        emitter.panel = nil
      }
    }
  }

  // MARK: Rows and strips

  /// All tiles of a panel, with their rows packed for the run that needs them.
  private mutating func emitRows(
    _ schedule: ContractionSchedule, _ columns: Columns, _ run: DepthRun?,
    _ write: (inout Emitter, _ row: AffineExpression, _ rows: Int, Columns) -> Void
  ) {
    let share = rowShare ?? Rows(count: schedule.row.extent)
    if schedule.keepsRows, let run {
      let block = schedule.packedTiles > 0 ? schedule.packedTiles * schedule.tile : share.count
      emitOuter(schedule.rows, isTop: false) { emitter, _ in
        emitter.emitBlocks(share.count, of: block) { emitter, block, count in
          let start = share.start + block
          if let buffer = emitter.workspace.rows { emitter.packRows(schedule, start, count, run, buffer) }
          let origin = emitter.packedRows?.origin ?? AffineExpression()
          emitter.emitBlocks(count, of: schedule.tile) { emitter, row, count in
            emitter.packedRows?.origin = origin + row.divided(exactlyBy: schedule.tile) * schedule.packedTileStep
            emitter.emitStrips(schedule, columns) { write(&$0, start + row, count, $1) }
          }
          emitter.packedRows = nil
        }
      }
      return
    }
    emitStrips(schedule, columns) { emitter, columns in
      emitter.emitOuter(schedule.rows, isTop: false) { emitter, _ in
        emitter.emitBlocks(share.count, of: schedule.tile(ofColumns: columns.count)) { write(&$0, share.start + $1, $2, columns) }
      }
    }
  }

  private mutating func emitStrips(
    _ schedule: ContractionSchedule, _ columns: Columns, _ write: (inout Emitter, Columns) -> Void
  ) {
    emitBlocks(columns.count, of: schedule.strip) { emitter, start, count in
      write(&emitter, Columns(panel: columns.panel, start: start, count: count))
    }
  }

  /// Opens the loop over a strip's columns inside those that are open.
  private mutating func emitColumns(
    _ schedule: ContractionSchedule, _ columns: Columns, _ write: (inout Emitter, AffineExpression) -> Void
  ) {
    emitPoints(schedule.column, at: columns.panel + columns.start, columns.count, as: .vector) { emitter, lane in
      write(&emitter, columns.start + lane)
    }
  }

  // MARK: Tiles

  /// - Parameter isWhole: whether the tile's sums start from their initial values and end the reduction; otherwise they go on
  ///   from what memory holds, and return there.
  private mutating func emitTile(
    _ schedule: ContractionSchedule, _ row: AffineExpression, _ rows: Int, _ columns: Columns,
    _ run: DepthRun? = nil, isWhole: Bool
  ) {
    let stage = body.stages[0]
    var inner = schedule.inner
    if let run { inner[0].extent = run.count }
    let tile = isWhole && schedule.storesTile ? workspace.tile : nil
    if isWhole {
      emitPrefetches(schedule, row, rows, columns)
      emitNextPanel(schedule, row, columns)
    }
    if schedule.runs.isEmpty {
      emitOneChain(schedule, row, rows, columns, inner, run, tile, isWhole: isWhole)
    } else {
      let lengths = schedule.runs.prefix(schedule.runsInside)
      let area = TileArea(row: row, rows: rows, columns: columns)
      if let tile { emitZeros(schedule, area, in: tile) }
      emitTileRuns(schedule, area, inner, run?.start ?? AffineExpression(), lengths)
    }
    guard let tile else { return }
    emitPoints(schedule.row, at: row, rows, as: .sequential) { emitter, tileRow in
      emitter.emitColumns(schedule, columns) { emitter, column in
        let result = emitter.load(emitter.tilePlace(schedule, tileRow, column, columns, in: tile))
        emitter.set(stage.reductions[0].result, to: result)
        for store in stage.results { emitter.store(store) }
        emitter.emitLaterStages()
      }
    }
  }

  /// A chain along all k, from the initial values or from what memory holds.
  private mutating func emitOneChain(
    _ schedule: ContractionSchedule, _ row: AffineExpression, _ rows: Int, _ columns: Columns, _ inner: [LoopAxis],
    _ run: DepthRun?, _ tile: BufferID?, isWhole: Bool
  ) {
    let stage = body.stages[0]
    emitPoints(schedule.row, at: row, rows, as: .unrolled) { emitter, tileRow in
      emitter.packedRows?.column = tileRow
      emitter.emitColumns(schedule, columns) { emitter, column in
        emitter.panel?.setColumn(column, of: columns, schedule)
        let initial =
          isWhole ? emitter.initials(stage) : [emitter.load(emitter.place(schedule, row + tileRow, column))]
        let results = emitter.emitChain(stage, inner, initial, at: run?.start ?? AffineExpression())
        if let tile {
          let place = emitter.tilePlace(schedule, tileRow, column, columns, in: tile)
          emitter.append(.store(place, results[0], condition: nil))
          return
        }
        if !isWhole {
          emitter.append(.store(emitter.place(schedule, row + tileRow, column), results[0], condition: nil))
          return
        }
        emitter.finish(stage, results)
        for store in stage.results { emitter.store(store) }
        emitter.emitLaterStages()
      }
    }
  }

  // MARK: Runs of the order

  /// The results of a tile.
  private struct TileArea {
    var row: AffineExpression
    var rows: Int
    var columns: Columns
  }

  /// Adds the sums over the axes, of which the first starts at `start`, to those that wait for runs of the last length.
  private mutating func emitTileRuns(
    _ schedule: ContractionSchedule, _ area: TileArea, _ axes: [LoopAxis], _ start: AffineExpression,
    _ lengths: ArraySlice<Int>
  ) {
    let length = lengths[lengths.endIndex - 1]
    let below = axes.dropFirst().reduce(1) { $0 * $1.extent }
    if length < below {
      // Runs go on through the iterations of the outer axis.
      _ = emitLoop(extent: axes[0].extent, []) { emitter, variable, _ in
        emitter.bind(axes[0], to: start + AffineExpression(variable))
        emitter.open([axes[0]])
        emitter.emitTileRuns(schedule, area, Array(axes.dropFirst()), AffineExpression(), lengths)
        return []
      }
      return
    }
    for block in Self.blocks(axes[0].extent, of: length / below) {
      emitBlocks(block, isTop: false) { emitter, place, _ in
        var run = axes
        run[0].extent = block.extent
        emitter.emitTileRun(schedule, area, run, start + place, lengths)
      }
    }
  }

  private mutating func emitTileRun(
    _ schedule: ContractionSchedule, _ area: TileArea, _ axes: [LoopAxis], _ start: AffineExpression, _ lengths: ArraySlice<Int>
  ) {
    let level = lengths.count - 1
    func place(_ emitter: Emitter, _ tileRow: AffineExpression, _ column: AffineExpression) -> Access {
      level < emitter.workspace.totals.count
        ? emitter.tilePlace(schedule, tileRow, column, area.columns, in: emitter.workspace.totals[level])
        : emitter.place(schedule, area.row + tileRow, column)
    }
    if level > 0 {
      let parts = workspace.totals[level - 1]
      emitZeros(schedule, area, in: parts)
      emitTileRuns(schedule, area, axes, start, lengths.dropLast())
      emitPoints(schedule.row, at: area.row, area.rows, as: .sequential) { emitter, tileRow in
        emitter.emitColumns(schedule, area.columns) { emitter, column in
          let part = emitter.load(emitter.tilePlace(schedule, tileRow, column, area.columns, in: parts))
          emitter.add(part, to: place(emitter, tileRow, column))
        }
      }
      return
    }
    emitPoints(schedule.row, at: area.row, area.rows, as: .unrolled) { emitter, tileRow in
      emitter.packedRows?.column = tileRow
      emitter.emitColumns(schedule, area.columns) { emitter, column in
        emitter.panel?.setColumn(column, of: area.columns, schedule)
        let stage = emitter.body.stages[0]
        let results = emitter.emitChain(stage, axes, emitter.initials(stage), at: start)
        emitter.add(results[0], to: place(emitter, tileRow, column))
      }
    }
  }

  private mutating func add(_ value: LoopValue, to place: Access) {
    let total = load(place)
    let sum = define(.apply(body.stages[0].reductions[0].combiner, [total, value]), valueTypes[value.index])
    append(.store(place, sum, condition: nil))
  }

  private mutating func emitZeros(_ schedule: ContractionSchedule, _ area: TileArea, in buffer: BufferID) {
    emitPoints(schedule.row, at: area.row, area.rows, as: .sequential) { emitter, tileRow in
      emitter.emitColumns(schedule, area.columns) { emitter, column in
        let zero = emitter.initials(emitter.body.stages[0])[0]
        let place = emitter.tilePlace(schedule, tileRow, column, area.columns, in: buffer)
        emitter.append(.store(place, zero, condition: nil))
      }
    }
  }

  /// A result's place in a tile of the workspace.
  private func tilePlace(
    _ schedule: ContractionSchedule, _ tileRow: AffineExpression, _ column: AffineExpression, _ columns: Columns,
    in buffer: BufferID
  ) -> Access {
    Access(buffer, tileRow * schedule.strip + column + columns.start * -1)
  }

  /// Asks for the cache lines that the rest of the kernel will read, while the chains run.
  private mutating func emitPrefetches(
    _ schedule: ContractionSchedule, _ row: AffineExpression, _ rows: Int, _ columns: Columns
  ) {
    for access in schedule.prefetches {
      emitPoints(schedule.row, at: row, rows, as: .unrolled) { emitter, _ in
        emitter.emitLines(
          of: access, along: schedule.column, from: columns.panel + columns.start, columns.count)
      }
    }
  }

  /// Asks for some of the rows that will be packed next, as many as let all tiles of a panel ask for all.
  private mutating func emitNextPanel(_ schedule: ContractionSchedule, _ row: AffineExpression, _ columns: Columns) {
    // The last panel has no next one.
    guard let access = schedule.nextPanel, columns.count == schedule.strip else { return }
    let depth = schedule.inner[0]
    let tiles = schedule.row.extent.dividedUp(by: schedule.tile)
    let share = depth.extent.dividedUp(by: tiles)
    _ = emitLoop(extent: share, []) { emitter, number, _ in
      emitter.bind(depth, to: row.divided(exactlyBy: schedule.tile) * share + AffineExpression(number))
      emitter.open([depth])
      emitter.emitLines(
        of: access, along: schedule.column, from: columns.panel + columns.count, schedule.strip)
      return []
    }
  }

  /// Prefetches of the cache lines with `count` neighbours along an axis.
  mutating func emitLines(of access: Access, along axis: LoopAxis, from start: AffineExpression, _ count: Int) {
    let line = ContractionSchedule.line
    let number = newVariable()
    bind(axis, to: start + AffineExpression(number, coefficient: line))
    let prefetch = LoopStatement.prefetch(self.access(access))
    append(.loop(Loop(number, extent: count.dividedUp(by: line), axis: .unrolled, body: [prefetch])))
  }

  private mutating func emitLaterStages() {
    for index in body.stages.indices.dropFirst() { emitStage(index) }
  }

  /// Where a result is between runs along k: in its tensor, or in the workspace if it has none.
  private func place(
    _ schedule: ContractionSchedule, _ row: AffineExpression, _ column: AffineExpression, in buffer: BufferID? = nil
  ) -> Access {
    if let buffer = buffer ?? workspace.accumulators {
      let own = row + (rowShare?.start ?? AffineExpression()) * -1
      return Access(buffer, own * schedule.panel + column)
    }
    return access(body.stages[0].results[0].access)
  }

  private mutating func load(_ place: Access) -> LoopValue {
    define(.load(place, condition: nil, otherwise: nil), body.types[body.stages[0].reductions[0].result.index])
  }

  private mutating func emitZeros(
    _ schedule: ContractionSchedule, _ row: AffineExpression, _ rows: Int, _ columns: Columns
  ) {
    emitPoints(schedule.row, at: row, rows, as: .sequential) { emitter, tileRow in
      emitter.emitColumns(schedule, columns) { emitter, column in
        let zero = emitter.initials(emitter.body.stages[0])[0]
        emitter.append(.store(emitter.place(schedule, row + tileRow, column), zero, condition: nil))
      }
    }
  }

  /// The later stages, once all runs along k are done.
  private mutating func emitRest(
    _ schedule: ContractionSchedule, _ row: AffineExpression, _ rows: Int, _ columns: Columns
  ) {
    emitPoints(schedule.row, at: row, rows, as: .sequential) { emitter, tileRow in
      emitter.emitColumns(schedule, columns) { emitter, column in
        let result = emitter.load(emitter.place(schedule, row + tileRow, column))
        emitter.set(emitter.body.stages[0].reductions[0].result, to: result)
        emitter.emitLaterStages()
      }
    }
  }
}
