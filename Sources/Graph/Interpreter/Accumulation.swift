/// Adds up in a given order: the definition of `AccumulationOrder`.
struct Accumulation<Element: NumericElement> {
  let order: AccumulationOrder
  /// What every accumulator starts from.
  let identity: Element
  /// Accumulator and accumulator.
  let combine: (Element, Element) -> Element

  /// The result over elements `0..<count`; `absorb` gives an accumulator after it took element i.
  func callAsFunction(_ count: Int, _ absorb: (Element, Int) -> Element) -> Element {
    total(0..<count, order.runs[...], absorb)
  }

  /// The sum of elements cut into runs of the last length, and each run by the lengths before it.
  private func total(_ elements: Range<Int>, _ lengths: ArraySlice<Int>, _ absorb: (Element, Int) -> Element) -> Element {
    guard let length = lengths.last else { return leaf(elements, absorb) }
    var result = identity
    for start in stride(from: elements.lowerBound, to: elements.upperBound, by: length) {
      let run = start..<(start + min(length, elements.upperBound - start))
      result = combine(result, total(run, lengths.dropLast(), absorb))
    }
    return result
  }

  private func leaf(_ elements: Range<Int>, _ absorb: (Element, Int) -> Element) -> Element {
    switch order.leaf {
    case .chain:
      var accumulator = identity
      for element in elements { accumulator = absorb(accumulator, element) }
      return accumulator
    case .lanes(let lanes):
      var accumulators = [Element](repeating: identity, count: lanes)
      for (number, element) in elements.enumerated() {
        accumulators[number % lanes] = absorb(accumulators[number % lanes], element)
      }
      var width = lanes
      while width > 1 {
        width /= 2
        for lane in 0..<width { accumulators[lane] = combine(accumulators[lane], accumulators[lane + width]) }
      }
      return accumulators[0]
    }
  }
}

extension NodeInEvaluation {
  func reduction(_ reduction: Reduction) -> ElementArray {
    self.reduction(reduction, as: operands[0].numericStorage)
  }

  private func reduction<Element: NumericElement>(
    _ reduction: Reduction, as type: Element.Type
  ) -> ElementArray {
    let elements = operands[0].elements(type)
    guard let combine = Element.meaning(of: reduction.combiner.opcode) else {
      preconditionFailure("\(type) has no \(reduction.combiner): a bug in Cinch")
    }
    let accumulation = Accumulation(
      order: reduction.order
        ?? .standard(reducing: reduction.axes, of: types[0].shape, by: reduction.combiner, operands[0].elementType),
      identity: Element(reduction.combiner.identity(operands[0].elementType)), combine: combine)
    let places = ReductionPlaces(types[0].shape, axes: reduction.axes)
    return Element.array(
      places.kept.map { base in
        accumulation(places.reduced.count) { combine($0, elements[base + places.reduced[$1]]) }
      })
  }

  func contraction(order: AccumulationOrder?) -> ElementArray {
    contraction(order, as: operands[0].numericStorage)
  }

  private func contraction<Element: NumericElement>(
    _ order: AccumulationOrder?, as type: Element.Type
  ) -> ElementArray {
    let extents = ContractionExtents(types[0].shape, types[1].shape)
    let (a, b) = (operands[0].elements(type), operands[1].elements(type))
    guard let add = Element.meaning(of: .add) else { preconditionFailure("\(type) can't be added: a bug in Cinch") }
    let accumulation = Accumulation(
      order: order ?? .standard(contracting: extents.k, columns: extents.n), identity: Element.zero, combine: add)
    return Element.array(
      extents.map { row, column in
        accumulation(extents.k) { $0.adding(product: a[row + $1], b[column + $1 * extents.n]) }
      })
  }

  /// Rows are added to zeros one after the other, in ascending order of index position.
  func scatterAdd() -> ElementArray {
    scatterAdd(as: operands[1].numericStorage)
  }

  private func scatterAdd<Element: NumericElement>(as type: Element.Type) -> ElementArray {
    let rows = operands[1].elements(type)
    guard let add = Element.meaning(of: .add) else { preconditionFailure("\(type) can't be added: a bug in Cinch") }
    let rowLength = self.type.shape.elementCount / self.type.shape[0]
    var result = [Element](repeating: .zero, count: self.type.shape.elementCount)
    for (position, target) in operands[0].int32s.enumerated() {
      for column in 0..<rowLength {
        let place = Int(target) * rowLength + column
        result[place] = add(result[place], rows[position * rowLength + column])
      }
    }
    return Element.array(result)
  }

  /// Every type's order is that of the real numbers, so Float64 decides for all of them.
  func argMax(axis: Int) -> ElementArray {
    let elements = operands[0].doubles
    let places = ReductionPlaces(types[0].shape, axes: [axis])
    return .int32(
      places.kept.map { base in
        var best = 0
        for candidate in 1..<places.reduced.count {
          let (old, new) = (elements[base + places.reduced[best]], elements[base + places.reduced[candidate]])
          if new > old || (new.isNaN && !old.isNaN) { best = candidate }
        }
        return Int32(best)
      })
  }
}

/// Where in the operand of a reduction the elements stand: for each result a base, plus an offset for each reduced element.
struct ReductionPlaces {
  /// In row-major order over the axes that stay.
  let kept: [Int]
  /// In row-major order over the reduced axes.
  let reduced: [Int]

  init(_ shape: Shape, axes: [Int]) {
    let strides = shape.strides
    func offsets(_ axes: [Int]) -> [Int] {
      var offsets = [0]
      for axis in axes {
        offsets = offsets.flatMap { base in (0..<shape[axis]).map { base + $0 * strides[axis] } }
      }
      return offsets
    }
    kept = offsets(shape.extents.indices.filter { !axes.contains($0) })
    reduced = offsets(axes)
  }
}

/// `[batch, m, k] × [batch, k, n]`
struct ContractionExtents {
  let batch: Int
  let m: Int
  let k: Int
  let n: Int

  init(_ a: Shape, _ b: Shape) {
    m = a[a.rank - 2]
    k = a[a.rank - 1]
    n = b[b.rank - 1]
    batch = a.elementCount / (m * k)
  }

  /// For each result, from where the row of the first and the column of the second operand start.
  func map<Result>(_ result: (_ row: Int, _ column: Int) -> Result) -> [Result] {
    var results: [Result] = []
    results.reserveCapacity(batch * m * n)
    for matrix in 0..<batch {
      for row in 0..<m {
        for column in 0..<n { results.append(result((matrix * m + row) * k, matrix * k * n + column)) }
      }
    }
    return results
  }
}
