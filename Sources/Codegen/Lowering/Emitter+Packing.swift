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
    let strip = packing.stripStep == nil ? choice.strip : schedule.strip
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
    // Short inner loops are copied out: conditions on their numbers become constants, and counting would cost more.
    let copied = Self.shortLoops(reduced + columnAxes.dropLast())
    emitNest(reduced, copied: copied - (columnAxes.count - 1), at: depth.divided(exactlyBy: below)) { emitter in
      emitter.emitColumnNest(
        columnAxes[...], of: strip, copied: copied, at: columns.panel.divided(exactlyBy: inPanel), AffineExpression()
      ) { emitter, first, lane in
        let value = emitter.value(schedule.second)
        var place = first + lane
        if let step = packing.stripStep { place = first.divided(exactlyBy: strip) * step + lane }
        let index = emitter.substituted(row) + origin + place
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
    emitNest(reduced, copied: 0, at: AffineExpression()) { emitter in
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

  /// How many of the innermost loops are copied out.
  private static func shortLoops(_ axes: [LoopAxis]) -> Int {
    var copies = 1
    var count = 0
    for axis in axes.reversed() {
      copies *= axis.extent
      if copies > 8 { break }
      count += 1
    }
    return count
  }

  /// Loops over `axes`, of which the first starts at `start`, and so many of the last are copied out.
  private mutating func emitNest(
    _ axes: [LoopAxis], copied: Int, at start: AffineExpression, _ write: (inout Emitter) -> Void
  ) {
    guard let axis = axes.first else {
      write(&self)
      return
    }
    emitLevel(axis, isCopied: axes.count <= copied, at: start) { emitter, _ in
      emitter.emitNest(Array(axes.dropFirst()), copied: copied, at: AffineExpression(), write)
    }
  }

  /// One loop of a nest, or what it would run if it ran once.
  private mutating func emitLevel(
    _ axis: LoopAxis, isCopied: Bool, at start: AffineExpression,
    _ write: (inout Emitter, _ number: AffineExpression) -> Void
  ) {
    let variable = axis.extent == 1 ? nil : newVariable()
    let number = variable.map { AffineExpression($0) } ?? AffineExpression()
    bind(axis, to: start + number)
    open([axis])
    write(&self, number)
    let statements = close()
    if let variable {
      append(
        .loop(Loop(variable, extent: axis.extent, axis: isCopied ? .unrolled : .sequential, body: statements)))
    } else {
      for statement in statements { append(statement) }
    }
  }

  /// Loops over a panel's columns, the innermost in vectors: lanes of runs of `strip`, each of which has a first column,
  /// counted from the panel's first.
  private mutating func emitColumnNest(
    _ axes: ArraySlice<LoopAxis>, of strip: Int, copied: Int, at start: AffineExpression, _ column: AffineExpression,
    _ write: (inout Emitter, _ first: AffineExpression, _ lane: AffineExpression) -> Void
  ) {
    guard let axis = axes.first else { return }
    let rest = axes.dropFirst()
    guard !rest.isEmpty else {
      for run in Self.blocks(axis.extent, of: strip) {
        emitBlocks(run, isTop: false) { emitter, first, _ in
          let lane = emitter.newVariable()
          emitter.bind(axis, to: start + first + AffineExpression(lane))
          emitter.open([axis])
          write(&emitter, column + first, AffineExpression(lane))
          let statements = emitter.close()
          emitter.append(.loop(Loop(lane, extent: run.extent, axis: .vector, body: statements)))
        }
      }
      return
    }
    let stride = rest.reduce(1) { $0 * $1.extent }
    emitLevel(axis, isCopied: rest.count <= copied, at: start) { emitter, number in
      emitter.emitColumnNest(
        rest, of: strip, copied: copied, at: AffineExpression(), column + number * stride, write)
    }
  }
}
