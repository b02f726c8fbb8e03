import CinchGraph

extension Emitter {
  /// The whole kernel.
  mutating func emitKernel() -> [LoopStatement] {
    if let contraction = choice.contraction { return emitContraction(contraction) }
    let domain = axes.domain
    if let vectorAxis = choice.vectorAxis {
      var outer = domain
      let vector = outer.remove(at: vectorAxis)
      var tileAxis: LoopAxis?
      if let position = choice.tileAxis { tileAxis = outer.remove(at: position) }
      emitOuter(outer, isTop: true) { emitter, isTop in
        emitter.emitTiles(vector, tileAxis, isTop: isTop)
      }
    } else {
      emitOuter(domain, isTop: true) { emitter, _ in emitter.emitStages() }
    }
    return close()
  }

  /// Plain loops; the outermost is divided among workers.
  mutating func emitOuter(
    _ axes: [LoopAxis], isTop: Bool, _ write: (inout Emitter, _ isTop: Bool) -> Void
  ) {
    guard let axis = axes.first else {
      write(&self, isTop)
      return
    }
    emitPoints(axis, at: AffineExpression(), axis.extent, as: .sequential, isTop: isTop) { emitter, _ in
      emitter.emitOuter(Array(axes.dropFirst()), isTop: false, write)
    }
  }

  /// Ends a loop; at the top it is the workers', if they share the kernel.
  mutating func close(_ variable: LoopVariable, _ extent: Int, isTop: Bool, axis: Loop.Axis = .sequential) {
    let statements = close()
    if isTop { floor = 0 }
    let isShared = isTop && choice.isParallel && axis == .sequential
    append(.loop(Loop(variable, extent: extent, axis: isShared ? .parallel : axis, body: statements)))
  }

  /// A run of blocks of one axis: `extent` points each, the first at `start`.
  struct Blocks {
    var start: Int
    var count: Int
    var extent: Int
  }

  static func blocks(_ extent: Int, of size: Int) -> [Blocks] {
    let size = min(size, extent)
    let rest = extent % size
    var result = [Blocks(start: 0, count: extent / size, extent: size)]
    if rest > 0 { result.append(Blocks(start: extent - rest, count: 1, extent: rest)) }
    return result
  }

  private mutating func emitTiles(_ vector: LoopAxis, _ tile: LoopAxis?, isTop: Bool) {
    let columns = Self.blocks(vector.extent, of: choice.strip)
    guard let tile else {
      for run in columns {
        emitBlocks(run, isTop: isTop) { emitter, start, isTop in
          emitter.emitPoints(vector, at: start, run.extent, as: .vector, isTop: isTop) { emitter, _ in emitter.emitStages() }
        }
      }
      return
    }
    // Column blocks outside: a strip of the second operand stays in cache while rows pass.
    for run in columns {
      emitBlocks(run, isTop: isTop) { emitter, column, isTop in
        for rows in Self.blocks(tile.extent, of: emitter.choice.tile) {
          emitter.emitBlocks(rows, isTop: isTop) { emitter, row, isTop in
            emitter.emitPoints(tile, at: row, rows.extent, as: .unrolled, isTop: isTop) { emitter, _ in
              emitter.emitPoints(vector, at: column, run.extent, as: .vector) { emitter, _ in emitter.emitStages() }
            }
          }
        }
      }
    }
  }

  mutating func emitBlocks(
    _ run: Blocks, isTop: Bool, _ write: (inout Emitter, AffineExpression, _ isTop: Bool) -> Void
  ) {
    // A lone block needs no loop, but at the top of a shared kernel one worker must take it.
    guard run.count > 1 || (isTop && choice.isParallel) else {
      write(&self, AffineExpression(constant: run.start), isTop)
      return
    }
    let variable = newVariable()
    open([])
    if isTop { floor = scopes.count - 1 }
    write(&self, AffineExpression(variable, coefficient: run.extent) + run.start, false)
    close(variable, run.count, isTop: isTop)
  }

  /// Loops over `extent` points in blocks, none of them the kernel's outermost.
  mutating func emitBlocks(
    _ extent: Int, of size: Int, _ write: (inout Emitter, _ start: AffineExpression, _ count: Int) -> Void
  ) {
    for run in Self.blocks(extent, of: size) {
      emitBlocks(run, isTop: false) { emitter, start, _ in write(&emitter, start, run.extent) }
    }
  }

  /// One loop over `count` points of an axis, the first at `start`: lanes of vectors, copies, or one after another.
  ///
  /// - Parameter write: is given the point's number, from 0.
  mutating func emitPoints(
    _ axis: LoopAxis, at start: AffineExpression, _ count: Int, as kind: Loop.Axis, isTop: Bool = false,
    _ write: (inout Emitter, _ number: AffineExpression) -> Void
  ) {
    let variable = newVariable()
    bind(axis, to: start + AffineExpression(variable))
    open([axis])
    if isTop { floor = scopes.count - 1 }
    write(&self, AffineExpression(variable))
    close(variable, count, isTop: isTop, axis: kind)
  }
}
