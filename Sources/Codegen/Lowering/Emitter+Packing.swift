import CinchGraph

extension Emitter {
  /// The load of a factor from where it has been packed, if it has been.
  mutating func packed(_ value: LoopValue) -> LoopValue? {
    guard let panel = [panel, packedRows].compactMap({ $0 }).first(where: { $0.value == value }) else { return nil }
    let index = substituted(panel.row) + panel.origin + panel.column
    return define(.load(Access(panel.buffer, index), condition: nil, otherwise: nil), body.types[value.index])
  }

  /// Evaluates the second factor for all columns of a panel and a run along k, each k a row of neighbours.
  mutating func pack(_ schedule: ContractionSchedule, _ columns: Columns, _ run: DepthRun) {
    guard let packing = schedule.packing, let buffer = workspace.panel else { return }
    // A line that several k share lies where the first of them has it.
    let row = depthNumber(times: packing.rowStride, without: packing.slide?.axis)
    let strip = packing.stripStep == nil ? choice.strip : schedule.strip
    let origin = origin(of: run, row, schedule)
    panel = nil

    // The body's own axes, since what is packed need not lie in one run as the axes that tiles use do.
    var levels = levels(of: run, schedule)
    var columnAxes = packing.columns.map(ownAxis)
    let inPanel = columnAxes.dropFirst().reduce(1) { $0 * $1.extent }
    columnAxes[0].extent = columns.count / inPanel + (packing.slide?.margin ?? 0)
    for index in levels.indices where levels[index].axis.axis == packing.slide?.axis { levels[index].axis.extent = 1 }
    func store(_ emitter: inout Emitter, _ first: AffineExpression, _ lane: AffineExpression) {
      let value = emitter.value(schedule.second)
      var place = first + lane
      if let step = packing.stripStep { place = first.divided(exactlyBy: strip) * step + lane }
      emitter.append(.store(Access(buffer, emitter.substituted(row) + origin + place), value, condition: nil))
    }
    var columnLevels = columnAxes.map { Level(axis: $0) }
    columnLevels[0].start = columns.panel.divided(exactlyBy: inPanel) + -(packing.slide?.before ?? 0)
    var step = 1
    for index in columnAxes.indices.reversed() {
      columnLevels[index].columnStep = step
      step *= columnAxes[index].extent
    }
    let last = columnLevels.removeLast()
    if let edge = packing.turnedBlock {
      let along = levels[levels.count - 1]
      emitNest(levels.dropLast(), copied: 0) { emitter, _ in
        emitter.emitTurned(along, last, columns.count, of: strip, edge: edge, store)
      }
    } else {
      // Short inner loops are copied out: conditions on their numbers become constants, and counting would cost more.
      let short = Self.shortLoops(levels)
      let nest = levels.dropLast(short) + columnLevels + levels.suffix(short)
      emitNest(nest, copied: Self.shortLoops(Array(nest))) { emitter, column in
        emitter.emitBlocks(last.axis.extent, of: strip) { emitter, first, count in
          emitter.emitPoints(last.axis, at: last.start + first, count, as: .vector) { store(&$0, column + first, $1) }
        }
      }
    }
    // Tiles run along axes that stand for several of these.
    for axis in levels.map(\.axis) + columnAxes { bind(axis, to: AffineExpression()) }
    panel = PackedPanel(value: schedule.second, buffer: buffer, row: row, origin: origin)
    if let slide = packing.slide {
      panel?.row.add(AffineExpression(LoopVariable(raw: Int32(slide.axis))), times: slide.step * inPanel)
      panel?.row.constant += slide.before * inPanel
    }
  }

  /// Evaluates the first factor for the rows of some tiles and a run along k: for each tile and each k a run of rows.
  mutating func packRows(
    _ schedule: ContractionSchedule, _ start: AffineExpression, _ count: Int, _ run: DepthRun, _ buffer: BufferID
  ) {
    let levels = levels(of: run, schedule)
    let depth = depthNumber(times: schedule.tile, without: nil)
    let origin = origin(of: run, depth, schedule)
    packedRows = nil
    emitNest(levels[...], copied: 0) { emitter, _ in
      emitter.emitRowsAhead(schedule, start, count, levels[levels.count - 1].axis)
      emitter.emitBlocks(count, of: schedule.tile) { emitter, row, count in
        let tile = row.divided(exactlyBy: schedule.tile) * schedule.packedTileStep
        emitter.emitPoints(schedule.row, at: start + row, count, as: .vector) { emitter, lane in
          let value = emitter.value(schedule.first)
          let place = emitter.substituted(depth) + origin + tile + lane
          emitter.append(.store(Access(buffer, place), value, condition: nil))
        }
      }
    }
    for level in levels { bind(level.axis, to: AffineExpression()) }
    packedRows = PackedPanel(value: schedule.first, buffer: buffer, row: depth, origin: origin)
  }

  /// Asks for the rows of a later k, since lines so far apart come late otherwise.
  private mutating func emitRowsAhead(
    _ schedule: ContractionSchedule, _ start: AffineExpression, _ count: Int, _ depth: LoopAxis
  ) {
    let distance = 8
    for var access in body.loads(of: schedule.first) where access.indirection == nil {
      let step = access.index.coefficient(of: LoopVariable(raw: Int32(depth.axis)))
      guard step >= ContractionSchedule.line else { continue }
      access.index.add(AffineExpression(constant: distance), times: step)
      emitLines(of: access, along: schedule.row, from: start, count)
    }
  }

  /// The reduced axes in a run, outermost first.
  private func levels(of run: DepthRun, _ schedule: ContractionSchedule) -> [Level] {
    var levels = body.stages[0].axes.filter { body.extents[$0] > 1 }.map { Level(axis: ownAxis($0)) }
    let below = schedule.inner[0].extent / levels[0].axis.extent
    levels[0].axis.extent = run.count / below
    levels[0].start = run.start.divided(exactlyBy: below)
    return levels
  }

  /// What takes the place of a run's first k to the start of the workspace.
  private func origin(of run: DepthRun, _ place: AffineExpression, _ schedule: ContractionSchedule) -> AffineExpression {
    run.start * -place.coefficient(of: LoopVariable(raw: Int32(schedule.inner[0].axis)))
  }

  /// The row-major number of a k, by the body's reduced axes but for one of them.
  private func depthNumber(times factor: Int, without hidden: Int?) -> AffineExpression {
    var number = AffineExpression()
    var stride = factor
    for axis in body.stages[0].axes.reversed() where axis != hidden {
      number.add(AffineExpression(LoopVariable(raw: Int32(axis))), times: stride)
      stride *= body.extents[axis]
    }
    return number
  }

  private func ownAxis(_ axis: Int) -> LoopAxis {
    LoopAxis(extent: body.extents[axis], axis: axis, mask: 1 << UInt64(axis))
  }

  /// One loop of a nest in which a factor is packed.
  private struct Level {
    var axis: LoopAxis
    var start = AffineExpression()
    /// How many of a panel's columns each iteration goes on; 0 for a reduced axis.
    var columnStep = 0
  }

  /// How many of the innermost loops are copied out.
  private static func shortLoops(_ levels: [Level]) -> Int {
    var copies = 1
    var count = 0
    for level in levels.reversed() {
      copies *= level.axis.extent
      if copies > 8 { break }
      count += 1
    }
    return count
  }

  /// Loops of which so many of the last are copied out, around what needs the column of a panel that they come to.
  private mutating func emitNest(
    _ levels: ArraySlice<Level>, copied: Int, at column: AffineExpression = AffineExpression(),
    _ write: (inout Emitter, _ column: AffineExpression) -> Void
  ) {
    guard let level = levels.first else {
      write(&self, column)
      return
    }
    // What would run once is no loop.
    let variable = level.axis.extent == 1 ? nil : newVariable()
    let number = variable.map { AffineExpression($0) } ?? AffineExpression()
    bind(level.axis, to: level.start + number)
    open([level.axis])
    emitNest(levels.dropFirst(), copied: copied, at: column + number * level.columnStep, write)
    let statements = close()
    if let variable {
      let axis = levels.count <= copied ? Loop.Axis.unrolled : .sequential
      append(.loop(Loop(variable, extent: level.axis.extent, axis: axis, body: statements)))
    } else {
      for statement in statements { append(statement) }
    }
  }

  /// Loops over columns, and in them along the innermost reduced axis, in blocks of `edge` by `edge`, whose columns are
  /// lanes and whose k are copied out: what lies side by side along k can be loaded so, and turned in registers.
  private mutating func emitTurned(
    _ reduced: Level, _ column: Level, _ columnCount: Int, of strip: Int, edge: Int,
    _ write: (inout Emitter, _ first: AffineExpression, _ lane: AffineExpression) -> Void
  ) {
    emitBlocks(columnCount, of: strip) { emitter, first, count in
      emitter.emitBlocks(count, of: edge) { emitter, place, width in
        emitter.emitBlocks(reduced.axis.extent, of: edge) { emitter, depth, height in
          emitter.emitPoints(reduced.axis, at: reduced.start + depth, height, as: .unrolled) { emitter, _ in
            emitter.emitPoints(column.axis, at: column.start + first + place, width, as: .vector) {
              write(&$0, first, place + $1)
            }
          }
        }
      }
    }
  }
}
