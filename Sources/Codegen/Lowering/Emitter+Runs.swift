import CinchGraph

extension Emitter {
  /// What each of a stage's reductions gives over its loops, in the printed order.
  mutating func emitTotals(_ stage: KernelBody.Stage, _ inner: [LoopAxis], _ order: AccumulationOrder) -> [LoopValue] {
    precondition(
      order.fits(inner.map(\.extent)), "Cinch's bug: \(order) over axes \(inner.map(\.extent)), which don't collapse")
    return emitTotals(stage, inner, AffineExpression(), order.leaf, order.runs[...])
  }

  /// Over axes of which the first starts at `start`, cut into runs of the last length.
  private mutating func emitTotals(
    _ stage: KernelBody.Stage, _ axes: [LoopAxis], _ start: AffineExpression, _ leaf: AccumulationOrder.Leaf,
    _ lengths: ArraySlice<Int>
  ) -> [LoopValue] {
    if !lengths.isEmpty { return emitRuns(stage, axes, start, leaf, lengths, initials(stage)) }
    switch leaf {
    case .chain: return emitChain(stage, axes, initials(stage), at: start)
    case .lanes(let count): return emitLanes(stage, axes, start, count)
    }
  }

  /// The totals once all runs of the last length have been added to them.
  private mutating func emitRuns(
    _ stage: KernelBody.Stage, _ axes: [LoopAxis], _ start: AffineExpression, _ leaf: AccumulationOrder.Leaf,
    _ lengths: ArraySlice<Int>, _ totals: [LoopValue]
  ) -> [LoopValue] {
    let length = lengths[lengths.endIndex - 1]
    let below = axes.dropFirst().reduce(1) { $0 * $1.extent }
    if length < below {
      // Runs go on through the iterations of the outer axis.
      return emitLoop(extent: axes[0].extent, totals) { emitter, variable, totals in
        emitter.bind(axes[0], to: start + AffineExpression(variable))
        emitter.open([axes[0]])
        return emitter.emitRuns(stage, Array(axes.dropFirst()), AffineExpression(), leaf, lengths, totals)
      }
    }
    func add(_ emitter: inout Emitter, _ totals: [LoopValue], _ start: AffineExpression, _ count: Int) -> [LoopValue] {
      var run = axes
      run[0].extent = count
      let results = emitter.emitTotals(stage, run, start, leaf, lengths.dropLast())
      return stage.reductions.indices.map {
        emitter.define(
          .apply(stage.reductions[$0].combiner, [totals[$0], results[$0]]), stage.reductions[$0].identity.type)
      }
    }
    var totals = totals
    for block in Self.blocks(axes[0].extent, of: length / below) {
      if block.count == 1 {
        totals = add(&self, totals, start + block.start, block.extent)
        continue
      }
      totals = emitLoop(extent: block.count, totals) { emitter, number, totals in
        emitter.open([])
        return add(&emitter, totals, start + AffineExpression(number, coefficient: block.extent), block.extent)
      }
    }
    return totals
  }

  // MARK: Lanes

  /// Element i goes to lane i mod `count`; then the lanes are folded. Lanes are a vector's where no axis of the domain is.
  private mutating func emitLanes(
    _ stage: KernelBody.Stage, _ inner: [LoopAxis], _ start: AffineExpression, _ count: Int
  ) -> [LoopValue] {
    let last = inner[inner.count - 1]
    let outer = Array(inner.dropLast())
    let lane = newVariable()
    open([])
    var accumulators = initials(stage)
    let full = last.extent / count
    accumulators = emitLaneLoops(stage, outer, last, start, full, count, lane, accumulators)
    let rest = last.extent % count
    if rest > 0 {
      bind(last, to: start + AffineExpression(lane) + full * count)
      open([last])
      let isInside = define(.within(AffineExpression(lane), bound: rest), .bool)
      (guardValue, guardMask) = (isInside, last.mask)
      let next = accumulate(stage, accumulators)
      let kept = zip(next, accumulators).map { next, accumulator in
        define(.apply(.select, [isInside, next, accumulator]), valueTypes[accumulator.index])
      }
      emit(stage.stores, condition: isInside)
      (guardValue, guardMask) = (nil, 0)
      // The lanes' scope goes on with what the tail's defined.
      let statements = close()
      scopes[scopes.count - 1].statements += statements
      accumulators = kept
    }
    let statements = close()
    let results = stage.reductions.map { newValue($0.identity.type) }
    let folds = stage.reductions.indices.map {
      Loop.Fold(value: accumulators[$0], combiner: stage.reductions[$0].combiner, result: results[$0])
    }
    let kind = choice.vectorAxis == nil ? Loop.Axis.vector : .unrolled
    append(.loop(Loop(lane, extent: count, axis: kind, folds: folds, body: statements)))
    return results
  }

  /// - Parameter start: of the outermost axis.
  private mutating func emitLaneLoops(
    _ stage: KernelBody.Stage, _ outer: [LoopAxis], _ last: LoopAxis, _ start: AffineExpression, _ full: Int, _ count: Int,
    _ lane: LoopVariable, _ initials: [LoopValue]
  ) -> [LoopValue] {
    if let axis = outer.first {
      return emitLoop(extent: axis.extent, initials) { emitter, variable, arguments in
        emitter.bind(axis, to: start + AffineExpression(variable))
        emitter.open([axis])
        return emitter.emitLaneLoops(
          stage, Array(outer.dropFirst()), last, AffineExpression(), full, count, lane, arguments)
      }
    }
    if full == 0 { return initials }
    if full == 1 {
      bind(last, to: start + AffineExpression(lane))
      open([last])
      let next = accumulate(stage, initials)
      emit(stage.stores)
      let statements = close()
      scopes[scopes.count - 1].statements += statements
      return next
    }
    return emitLoop(extent: full, initials) { emitter, chunk, arguments in
      emitter.bind(last, to: start + AffineExpression(chunk, coefficient: count) + AffineExpression(lane))
      emitter.open([last])
      let next = emitter.accumulate(stage, arguments)
      emitter.emit(stage.stores)
      return next
    }
  }
}
