import CinchGraph

extension Emitter {
  /// The load of a factor from where it has been packed, if it has been.
  mutating func packed(_ value: LoopValue) -> LoopValue? {
    guard let panel = [panel, packedRows].compactMap({ $0 }).first(where: { $0.value == value }) else { return nil }
    let index = substituted(panel.row) + panel.origin + panel.column
    return define(.load(Access(panel.buffer, index), condition: nil, otherwise: nil), body.types[value.index])
  }

  /// Evaluates the second factor for all columns of a panel and a run along k, each k a row of neighbours.
  mutating func pack(
    _ schedule: ContractionSchedule, _ columns: Columns, _ depth: AffineExpression, _ depthCount: Int
  ) {
    guard let packing = schedule.packing, let buffer = workspace.panel else { return }
    let stage = body.stages[0]
    let row = depthNumber(times: packing.rowStride)
    let outermost = schedule.inner[0]
    let origin = depth * -row.coefficient(of: LoopVariable(raw: Int32(outermost.axis)))
    panel = nil

    // The body's own axes, since what is packed need not lie in one run as the axes that tiles use do.
    var reduced = stage.axes.filter { body.extents[$0] > 1 }.map(ownAxis)
    let below = outermost.extent / reduced[0].extent
    reduced[0].extent = depthCount / below
    var columnAxes = packing.columns.map(ownAxis)
    let inPanel = columnAxes.dropFirst().reduce(1) { $0 * $1.extent }
    columnAxes[0].extent = columns.count / inPanel
    emitNest(reduced, at: depth.divided(exactlyBy: below)) { emitter in
      emitter.emitColumnNest(columnAxes[...], at: columns.panel.divided(exactlyBy: inPanel), AffineExpression()) {
        emitter, column in
        let value = emitter.value(schedule.second)
        let index = emitter.substituted(row) + origin + column
        emitter.append(.store(Access(buffer, index), value, condition: nil))
      }
    }
    // Tiles run along axes that stand for several of these.
    for axis in reduced + columnAxes { bind(axis, to: AffineExpression()) }
    panel = PackedPanel(value: schedule.second, buffer: buffer, row: row, origin: origin)
  }

  /// Evaluates the first factor for a tile's rows and all k, each k a run of rows.
  mutating func packRows(_ schedule: ContractionSchedule, _ start: AffineExpression, _ count: Int, _ buffer: BufferID) {
    let reduced = body.stages[0].axes.filter { body.extents[$0] > 1 }.map(ownAxis)
    let depth = depthNumber(times: schedule.tile)
    packedRows = nil
    emitNest(reduced, at: AffineExpression()) { emitter in
      let lane = emitter.newVariable()
      emitter.bind(schedule.row, to: start + AffineExpression(lane))
      emitter.open([schedule.row])
      let value = emitter.value(schedule.first)
      emitter.append(.store(Access(buffer, emitter.substituted(depth) + AffineExpression(lane)), value, condition: nil))
      let statements = emitter.close()
      emitter.append(.loop(Loop(lane, extent: count, axis: .vector, body: statements)))
    }
    for axis in reduced { bind(axis, to: AffineExpression()) }
    packedRows = PackedPanel(value: schedule.first, buffer: buffer, row: depth, origin: AffineExpression())
  }

  /// The row-major number of a k, by the body's reduced axes.
  private func depthNumber(times factor: Int) -> AffineExpression {
    var number = AffineExpression()
    var stride = factor
    for axis in body.stages[0].axes.reversed() {
      number.add(AffineExpression(LoopVariable(raw: Int32(axis))), times: stride)
      stride *= body.extents[axis]
    }
    return number
  }

  private func ownAxis(_ axis: Int) -> LoopAxis {
    LoopAxis(extent: body.extents[axis], axis: axis, mask: 1 << UInt64(axis))
  }

  /// Loops over `axes`, of which the first starts at `start`.
  private mutating func emitNest(
    _ axes: [LoopAxis], at start: AffineExpression, _ write: (inout Emitter) -> Void
  ) {
    guard let axis = axes.first else {
      write(&self)
      return
    }
    _ = emitLoop(extent: axis.extent, []) { emitter, variable, _ in
      emitter.bind(axis, to: start + AffineExpression(variable))
      emitter.open([axis])
      emitter.emitNest(Array(axes.dropFirst()), at: AffineExpression(), write)
      return []
    }
  }

  /// Loops over a panel's columns, the innermost in vectors; `column` counts them from the panel's first.
  private mutating func emitColumnNest(
    _ axes: ArraySlice<LoopAxis>, at start: AffineExpression, _ column: AffineExpression,
    _ write: (inout Emitter, _ column: AffineExpression) -> Void
  ) {
    guard let axis = axes.first else { return }
    let rest = axes.dropFirst()
    guard !rest.isEmpty else {
      for run in Self.blocks(axis.extent, of: choice.strip) {
        emitBlocks(run, isTop: false) { emitter, first, _ in
          let lane = emitter.newVariable()
          let position = first + AffineExpression(lane)
          emitter.bind(axis, to: start + position)
          emitter.open([axis])
          write(&emitter, column + position)
          let statements = emitter.close()
          emitter.append(.loop(Loop(lane, extent: run.extent, axis: .vector, body: statements)))
        }
      }
      return
    }
    let stride = rest.reduce(1) { $0 * $1.extent }
    _ = emitLoop(extent: axis.extent, []) { emitter, variable, _ in
      emitter.bind(axis, to: start + AffineExpression(variable))
      emitter.open([axis])
      emitter.emitColumnNest(rest, at: AffineExpression(), column + AffineExpression(variable, coefficient: stride), write)
      return []
    }
  }
}
