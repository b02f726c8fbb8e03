import CinchGraph

/// The two factors of a kernel that begins with a contraction, and what follows for its axes from what they are computed from.
struct ContractionFactors {
  private let body: KernelBody
  let first: LoopValue
  let second: LoopValue
  /// The columns if the second factor is packed.
  private let widest: LoopAxis
  private let packedAxes: LoopAxes

  /// Nil where the first stage is no contraction, or its columns aren't those of the second factor alone.
  init?(_ body: KernelBody) {
    guard let stage = body.stages.first, stage.reductions.count == 1, stage.stores.isEmpty,
      case .fusedMultiplyAdd(let a, let b) = stage.reductions[0].kind
    else { return nil }
    (self.body, first, second) = (body, a, b)
    packedAxes = Self.loopAxes(body, a, b, packs: true, apart: nil)
    guard let widest = packedAxes.domain.last, widest.mask & body.masks[a.index] == 0,
      widest.mask & body.masks[b.index] == widest.mask
    else { return nil }
    self.widest = widest
  }

  /// The kernel's axes: neighbours run as one where no index keeps them apart.
  ///
  /// - Parameters:
  ///   - packs: whether the indices of what only the second factor needs don't matter, because it is packed in loops of its own.
  ///   - apart: an axis that stays by itself.
  func loopAxes(packs: Bool, apart: Int?) -> LoopAxes {
    packs && apart == nil ? packedAxes : Self.loopAxes(body, first, second, packs: packs, apart: apart)
  }

  private static func loopAxes(_ body: KernelBody, _ a: LoopValue, _ b: LoopValue, packs: Bool, apart: Int?) -> LoopAxes {
    LoopAxes(body, without: packs ? body.expressions(only: b) : []) { axis in
      (body.masks[a.index] >> UInt64(axis) & 1, axis == apart ? 2 : body.masks[b.index] >> UInt64(axis) & 1)
    }
  }

  /// Whether the second factor doesn't vary with the axis.
  func isRow(_ axis: LoopAxis) -> Bool { axis.mask & body.masks[second.index] == 0 }

  /// The body's axes that the columns are, outermost first.
  var columns: [Int] {
    (0..<body.domainCount).filter { widest.mask >> UInt64($0) & 1 != 0 && body.extents[$0] > 1 }
  }

  /// Whether the second factor is a load of neighbours along the columns, without conditions.
  var isPlain: Bool {
    guard case .load(let access, nil, _) = body.expressions[second.index], access.indirection == nil else { return false }
    var stride = 1
    for axis in (0..<body.domainCount).reversed() where widest.mask >> UInt64(axis) & 1 != 0 {
      if access.index.coefficient(of: LoopVariable(raw: Int32(axis))) != stride { return false }
      stride *= body.extents[axis]
    }
    return true
  }

  var slide: ContractionSchedule.Slide? {
    let columns = columns
    return columns.count > 1 ? body.slide(of: second, along: columns[0], body.stages[0].axes) : nil
  }

  /// Whether bringing the second factor together saves more than it costs: where it is no run of neighbours, where the rows of the
  /// first have to be computed (they are packed too, which is done for panels of columns), and where many rows read what no panel
  /// could hold, or what lies so far apart that it falls into few sets of the first level.
  func areWorthPacking(panelElements: Int, _ target: Target) -> Bool {
    let rows = packedAxes.domain.filter(isRow)
    let rowCount = rows.reduce(1) { $0 * $1.extent }
    let depthCount = packedAxes.inner[0].reduce(1) { $0 * $1.extent }
    // Even two rows are worth it, since lanes would fetch each column by itself otherwise.
    if rowCount > 1, body.liesAlongDepth(second, widest, body.stages[0].axes, atLeast: ContractionSchedule.leastTurnedDepth) {
      return true
    }
    guard rowCount >= ContractionSchedule.leastPackedRows else { return false }
    if !isPlain { return true }
    let computesRows =
      body.isComputed(first) && depthCount >= ContractionSchedule.leastPackedDepth
      && rows.contains { body.loadStride(first, LoopVariable(raw: Int32($0.axis))) == 1 }
    if computesRows { return true }
    guard rowCount >= 24, depthCount >= 16 else { return false }
    let apart = body.loadStride(second, LoopVariable(raw: Int32(body.stages[0].axes.upperBound - 1)))
    return apart >= 256 || depthCount * widest.extent > panelElements
      || rowCount >= 128 && depthCount * apart * 4 > 4 * target.level1Bytes
  }
}
