import CinchGraph

/// What a kernel computes, over the axes of its domain and of its stages, before any schedule: values in single
/// assignment whose indices are affine in the axes, and for each stage what is stored, accumulated, added or checked.
struct KernelBody: Sendable {
  struct Reduction: Sendable {
    enum Kind: Sendable {
      case combine(ScalarOpcode, LoopValue)
      /// One product of a contraction.
      case fusedMultiplyAdd(LoopValue, LoopValue)
      /// With the coordinate along the reduced axis.
      case argMax(LoopValue, AffineExpression)
    }
    var kind: Kind
    var order: AccumulationOrder
    var identity: ScalarLiteral
    /// The combiner of partial results.
    var combiner: ScalarOpcode
    /// A placeholder among the body's values.
    var result: LoopValue
  }

  struct Store: Sendable {
    var access: Access
    var value: LoopValue
  }

  struct Scatter: Sendable {
    /// The first element of row 0 at this point.
    var base: AffineExpression
    var buffer: BufferID
    var rowCount: Int
    var stride: Int
    var index: LoopValue
    var row: LoopValue
  }

  struct Check: Sendable {
    var value: LoopValue
    var limit: Int
    var number: Int
  }

  struct Stage: Sendable {
    var axes: Range<Int>
    var reductions: [Reduction] = []
    /// At each point of the stage.
    var stores: [Store] = []
    /// Once at each point of the domain, after the stage's loops.
    var results: [Store] = []
    /// Values of a point that later stages use.
    var values: [LoopValue] = []
    var scatters: [Scatter] = []
    var checks: [Check] = []
  }

  var extents: [Int]
  /// The first axes are the domain's.
  var domainCount: Int
  var stages: [Stage]
  var expressions: [LoopExpression]
  var types: [ElementType]
  var masks: [UInt64]
  var reads: [Read]
  /// Checks that must have passed before it runs.
  var checkNodes: [NodeID]
  /// Placeholders, which schedules give values.
  var isResult: [Bool]
  /// Slots that a loop writes.
  var loopResults: [Int32] = []
}

extension Fusion {
  /// The body of a kernel with all its results stored; `dropStores` removes those that nothing reads.
  func body(of number: Int) throws -> KernelBody {
    let kernel = kernels[number]
    var evaluator = evaluator(for: number, writesCode: true)
    let domainMask: UInt64 = (1 << UInt64(kernel.extents.count)) - 1
    var body = KernelBody(
      extents: evaluator.extents, domainCount: kernel.extents.count, stages: [], expressions: [], types: [],
      masks: [], reads: [], checkNodes: [], isResult: [])
    guard evaluator.extents.count <= Self.maximumAxes else {
      throw InternalError(stage: "kernels", message: "a kernel with \(evaluator.extents.count) axes")
    }
    var results: [LoopValue] = []
    var first = kernel.extents.count
    for (position, content) in kernel.stages.enumerated() {
      evaluator.beginStage(position)
      var stage = KernelBody.Stage(axes: first..<(first + content.inner.count))
      for index in content.roots {
        let root = roots[index]
        let kept: [AffineExpression]
        let reduced: [AffineExpression]
        let values: [LoopValue]
        do throws(Obstacle) {
          (kept, reduced) = try Self.coordinates(
            of: root, kept: kernel.extents, inner: content.inner, firstInner: first)
          values = try evaluator.values(of: root, kept, reduced)
        } catch {
          throw InternalError(stage: "kernels", message: "\(root.node) can't be computed over \(kernel.extents)")
        }
        let type = table.type(root.node).elementType
        switch root.kind {
        case .check(let limit, let check):
          stage.checks.append(.init(value: values[0], limit: limit, number: check))
        case .scatterAdd:
          var base = AffineExpression()
          for (coordinate, stride) in zip(kept, root.strides) { base.add(coordinate, times: stride) }
          stage.scatters.append(
            .init(
              base: base, buffer: BufferID(raw: root.slot), rowCount: table.shape(root.node)[0],
              stride: Shape(root.axes).elementCount, index: values[0], row: values[1]))
        case .loop:
          body.loopResults += [root.slot] + root.furtherSlots
        case .map, .copy:
          let access = Access(BufferID(raw: root.slot), root.number(kept))
          let store = KernelBody.Store(access: access, value: values[0])
          stage.stores.append(store)
          if content.inner.isEmpty { stage.values.append(values[0]) }
          if root.isWhole {
            evaluator.registers[root.slot] = .init(
              value: values[0], index: access.index, stage: Int32(position), isPoint: content.inner.isEmpty)
          }
        case .reduce, .contract, .argMax:
          let result = evaluator.placeholder(type, mask: domainMask)
          results.append(result)
          stage.reductions.append(reduction(root, values, reduced, result, type))
          let access = Access(BufferID(raw: root.slot), root.number(kept))
          stage.results.append(.init(access: access, value: result))
          evaluator.registers[root.slot] = .init(
            value: result, index: access.index, stage: Int32(position), isPoint: true)
        }
      }
      body.stages.append(stage)
      first += content.inner.count
    }
    body.expressions = evaluator.expressions
    body.types = evaluator.types
    body.masks = evaluator.masks
    body.reads = evaluator.reads
    body.checkNodes = evaluator.checks
    body.isResult = [Bool](repeating: false, count: body.types.count)
    for result in results { body.isResult[result.index] = true }
    return body
  }

  private func reduction(
    _ root: Root, _ values: [LoopValue], _ reduced: [AffineExpression], _ result: LoopValue, _ type: ElementType
  ) -> KernelBody.Reduction {
    switch root.kind {
    case .reduce(let combiner):
      return .init(
        kind: .combine(combiner.opcode, values[0]), order: root.order, identity: combiner.identity(type),
        combiner: combiner.opcode, result: result)
    case .argMax:
      let operand = table.type(root.operands[0]).elementType
      return .init(
        kind: .argMax(values[0], reduced[0]), order: .chain,
        identity: CinchGraph.Reduction.Combiner.maximum.identity(operand), combiner: .maximum, result: result)
    default:
      return .init(
        kind: .fusedMultiplyAdd(values[0], values[1]), order: root.order,
        identity: ScalarLiteral(type: type, bits: 0), combiner: .add, result: result)
    }
  }
}

extension KernelBody {
  /// Keeps the stores into slots that something reads.
  mutating func dropStores(unless isNeeded: (Int32) -> Bool) {
    for index in stages.indices {
      stages[index].stores.removeAll { !isNeeded($0.access.buffer.raw) }
      stages[index].results.removeAll { !isNeeded($0.access.buffer.raw) }
    }
  }

  /// Slots that it writes, in the order of its stages.
  var written: [Int32] {
    var result = loopResults
    for stage in stages {
      for store in stage.stores + stage.results where !result.contains(store.access.buffer.raw) {
        result.append(store.access.buffer.raw)
      }
      for scatter in stage.scatters { result.append(scatter.buffer.raw) }
    }
    return result
  }
}
