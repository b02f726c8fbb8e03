import CinchGraph

extension Emitter {
  /// All stages at the point that the current scope binds.
  mutating func emitStages() {
    for index in body.stages.indices { emitStage(index) }
  }

  mutating func emitStage(_ index: Int) {
    let stage = body.stages[index]
    let inner = axes.inner[index]
    let statementCount = scopes[scopes.count - 1].statements.count
    defer { if !comments.isEmpty { comment(comments[index], from: statementCount) } }
    for scatter in stage.scatters { emit(scatter, inner) }
    if stage.scatters.isEmpty {
      if stage.axes.isEmpty {
        // What is reduced may have one element.
        if !stage.reductions.isEmpty { finish(stage, accumulate(stage, initials(stage))) }
        emitPoint(stage)
      } else if let order = stage.reductions.first?.order {
        finish(stage, emitTotals(stage, inner, order))
      } else {
        emitMaps(stage, inner)
      }
    }
    for store in stage.results { self.store(store) }
  }

  /// Gives the first loop of the current scope, counted from a statement on, its comment.
  private mutating func comment(_ text: String, from first: Int) {
    let scope = scopes.count - 1
    for position in scopes[scope].statements.indices.dropFirst(first) {
      guard case .loop(var loop) = scopes[scope].statements[position] else { continue }
      loop.comment = text
      scopes[scope].statements[position] = .loop(loop)
      return
    }
  }

  private mutating func emitPoint(_ stage: KernelBody.Stage) {
    for value in stage.values { _ = self.value(value) }
    for check in stage.checks {
      let value = value(check.value)
      append(.check(value, limit: check.limit, check: check.number))
    }
    emit(stage.stores)
  }

  /// All values first: a store may replace what another value reads.
  mutating func emit(_ stores: [KernelBody.Store], condition: LoopValue? = nil) {
    for store in stores { _ = value(store.value) }
    for store in stores { self.store(store, condition: condition) }
  }

  // MARK: Reductions

  /// Accumulators: a reduction has one, argMax a second for the place.
  mutating func initials(_ stage: KernelBody.Stage) -> [LoopValue] {
    var result: [LoopValue] = []
    for reduction in stage.reductions {
      result.append(define(.constant(reduction.identity), reduction.identity.type))
      if case .argMax = reduction.kind { result.append(define(.constant(.int(0)), .int32)) }
    }
    return result
  }

  /// The accumulators after the element that the current scope binds.
  mutating func accumulate(_ stage: KernelBody.Stage, _ accumulators: [LoopValue]) -> [LoopValue] {
    var result: [LoopValue] = []
    for reduction in stage.reductions {
      let accumulator = accumulators[result.count]
      let type = reduction.identity.type
      switch reduction.kind {
      case .combine(let opcode, let value):
        let element = self.value(value)
        result.append(define(.apply(opcode, [accumulator, element]), type))
      case .fusedMultiplyAdd(let a, let b):
        let (x, y) = (packed(a) ?? value(a), packed(b) ?? value(b))
        result.append(define(.apply(.fusedMultiplyAdd, [x, y, accumulator]), type))
      case .argMax(let value, let coordinate):
        // The first of equal ones stays; the first NaN replaces what is no NaN.
        let element = self.value(value)
        let place = accumulators[result.count + 1]
        let isGreater = define(.apply(.less, [accumulator, element]), .bool)
        var replaces = isGreater
        if type.isFloatingPoint {
          let isNaN = define(.apply(.notEqual, [element, element]), .bool)
          let wasNumber = define(.apply(.equal, [accumulator, accumulator]), .bool)
          let isFirst = define(.apply(.and, [isNaN, wasNumber]), .bool)
          replaces = define(.apply(.or, [isGreater, isFirst]), .bool)
        }
        let here = define(.index(substituted(coordinate)), .int32)
        result.append(define(.apply(.select, [replaces, element, accumulator]), type))
        result.append(define(.apply(.select, [replaces, here, place]), .int32))
      }
    }
    return result
  }

  /// Gives the reductions their results.
  mutating func finish(_ stage: KernelBody.Stage, _ accumulators: [LoopValue]) {
    var position = 0
    for reduction in stage.reductions {
      if case .argMax = reduction.kind { position += 1 }
      set(reduction.result, to: accumulators[position])
      position += 1
    }
  }

  /// Sequential loops over `inner`, outermost first, that carry the accumulators; the first starts at `start`.
  mutating func emitChain(
    _ stage: KernelBody.Stage, _ inner: [LoopAxis], _ initials: [LoopValue], at start: AffineExpression = AffineExpression()
  ) -> [LoopValue] {
    guard let axis = inner.first else {
      let next = accumulate(stage, initials)
      emit(stage.stores)
      return next
    }
    return emitLoop(extent: axis.extent, initials) { emitter, variable, arguments in
      emitter.bind(axis, to: start + AffineExpression(variable))
      emitter.open([axis])
      let next = emitter.emitChain(stage, Array(inner.dropFirst()), arguments)
      return next
    }
  }

  /// A sequential loop whose body opens one scope, which is closed here.
  mutating func emitLoop(
    extent: Int, _ initials: [LoopValue],
    _ write: (inout Emitter, LoopVariable, [LoopValue]) -> [LoopValue]
  ) -> [LoopValue] {
    let variable = newVariable()
    let arguments = initials.map { newValue(valueTypes[$0.index]) }
    let next = write(&self, variable, arguments)
    let statements = close()
    let results = initials.map { newValue(valueTypes[$0.index]) }
    let carried = initials.indices.map {
      Loop.Carried(argument: arguments[$0], initial: initials[$0], next: next[$0], result: results[$0])
    }
    append(.loop(Loop(variable, extent: extent, carried: carried, body: statements)))
    return results
  }

  // MARK: Maps over inner axes

  private mutating func emitMaps(_ stage: KernelBody.Stage, _ inner: [LoopAxis]) {
    guard !stage.stores.isEmpty else { return }
    guard choice.vectorAxis == nil else {
      emitLoops(inner) { emitter in emitter.emit(stage.stores) }
      return
    }
    // Vectors run along the axis that the stores run along.
    let column =
      inner.indices.reversed().first { position in
        let variable = LoopVariable(raw: Int32(inner[position].axis))
        return stage.stores.allSatisfy { $0.access.index.coefficient(of: variable) == 1 }
      } ?? inner.count - 1
    var outer = inner
    let axis = outer.remove(at: column)
    // Pairs of neighbours would leave most lanes empty: both are written together, by lanes along the axis that the pairs lie
    // along.
    if axis.extent == 2, let wide = outer.last, column == outer.count, wide.extent > 2,
      stage.stores.allSatisfy({ $0.access.index.coefficient(of: LoopVariable(raw: Int32(wide.axis))) == 2 })
    {
      outer.removeLast()
      emitLoops(outer) { emitter in
        emitter.emitPoints(axis, at: AffineExpression(), 2, as: .unrolled) { emitter, _ in
          emitter.emitStrips(wide) { emitter in emitter.emit(stage.stores) }
        }
      }
      return
    }
    emitLoops(outer) { emitter in
      emitter.emitStrips(axis) { emitter in emitter.emit(stage.stores) }
    }
  }

  mutating func emitLoops(_ axes: [LoopAxis], _ write: (inout Emitter) -> Void) {
    guard let axis = axes.first else {
      write(&self)
      return
    }
    _ = emitLoop(extent: axis.extent, []) { emitter, variable, _ in
      emitter.bind(axis, to: AffineExpression(variable))
      emitter.open([axis])
      emitter.emitLoops(Array(axes.dropFirst()), write)
      return []
    }
  }

  /// Vector loops of a strip each, then the rest.
  mutating func emitStrips(_ axis: LoopAxis, _ write: (inout Emitter) -> Void) {
    let strip = min(choice.strip, axis.extent)
    let count = axis.extent / strip
    let rest = axis.extent % strip
    func vector(_ emitter: inout Emitter, _ start: AffineExpression, _ extent: Int) {
      emitter.emitPoints(axis, at: start, extent, as: .vector) { emitter, _ in write(&emitter) }
    }
    if count == 1 {
      vector(&self, AffineExpression(), strip)
    } else {
      _ = emitLoop(extent: count, []) { emitter, block, _ in
        emitter.open([])
        vector(&emitter, AffineExpression(block, coefficient: strip), strip)
        return []
      }
    }
    if rest > 0 { vector(&self, AffineExpression(constant: count * strip), rest) }
  }

  // MARK: Scatter

  /// Zeros, then each row added to the one its index names, in ascending order.
  private mutating func emit(_ scatter: KernelBody.Scatter, _ inner: [LoopAxis]) {
    let buffer = BufferID(raw: buffers[scatter.buffer.index])
    let type = body.types[scatter.row.index]
    let base = substituted(scatter.base)
    _ = emitLoop(extent: scatter.rowCount, []) { emitter, row, _ in
      emitter.open([])
      let zero = emitter.define(.constant(ScalarLiteral(type: type, bits: 0)), type)
      emitter.append(
        .store(Access(buffer, base + AffineExpression(row, coefficient: scatter.stride)), zero, condition: nil))
      return []
    }
    emitLoops(inner) { emitter in
      let index = emitter.value(scatter.index)
      let row = emitter.value(scatter.row)
      let access = Access(
        buffer, base,
        indirection: Access.Indirection(value: index, scale: scatter.stride, limit: scatter.rowCount))
      let old = emitter.define(.load(access, condition: nil, otherwise: nil), type)
      let sum = emitter.define(.apply(.add, [old, row]), type)
      emitter.append(.store(access, sum, condition: nil))
    }
  }
}
