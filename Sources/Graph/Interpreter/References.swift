// The independent meaning: what Float64 mode computes differently from Float32 mode.

extension NodeInEvaluation {
  /// Element by element by the op's own reference in real numbers.
  ///
  /// Int32 results wrap, as they must. Where the reference leaves the integers that Float64 holds exactly (a
  /// product can), the function of Int32 stands in, which is exact.
  func elementwiseReference(_ function: ScalarFunction) throws -> ElementArray {
    guard let op = node.op as? any ElementwiseOp else {
      throw InternalError(
        stage: "interpreter", message: "\(Swift.type(of: node.op).mnemonic) has no reference in real numbers")
    }
    let columns = operands.map(\.doubles)
    var arguments = [Double](repeating: 0, count: columns.count)
    let results = (0..<type.shape.elementCount).map { index in
      for position in columns.indices { arguments[position] = columns[position][index] }
      return op.reference(arguments)
    }
    switch type.elementType {
    case .float32, .float64: return .float64(results)
    case .bool: return .bool(results.map { $0 != 0 })
    case .int32:
      let largestExact = 0x1p53
      if results.contains(where: { $0.magnitude > largestExact }), types.allSatisfy({ $0.elementType == .int32 }) {
        return function.evaluate(operands)
      }
      return .int32(
        results.map { $0.magnitude <= largestExact ? Int32(truncatingIfNeeded: Int($0)) : 0 })
    }
  }

  func reductionReference(_ reduction: Reduction) -> ElementArray {
    guard operands[0].elementType.isFloatingPoint, reduction.combiner == .sum else {
      // Integers are exact in any order, and so are the largest and the smallest of numbers.
      return self.reduction(reduction)
    }
    let elements = operands[0].doubles
    let places = ReductionPlaces(types[0].shape, axes: reduction.axes)
    return .float64(
      places.kept.map { base in
        var sum = CompensatedSum()
        for offset in places.reduced { sum.add(elements[base + offset]) }
        return sum.value
      })
  }

  func contractionReference() -> ElementArray {
    let extents = ContractionExtents(types[0].shape, types[1].shape)
    let (a, b) = (operands[0].doubles, operands[1].doubles)
    return .float64(
      extents.map { row, column in
        var sum = CompensatedSum()
        for k in 0..<extents.k { sum.add(a[row + k] * b[column + k * extents.n]) }
        return sum.value
      })
  }

  func scatterAddReference(count: Int) -> ElementArray {
    guard operands[1].elementType.isFloatingPoint else { return scatterAdd() }
    let rows = operands[1].doubles
    let rowLength = type.shape.elementCount / count
    var sums = [CompensatedSum](repeating: CompensatedSum(), count: type.shape.elementCount)
    for (position, target) in operands[0].int32s.enumerated() {
      for column in 0..<rowLength { sums[Int(target) * rowLength + column].add(rows[position * rowLength + column]) }
    }
    return .float64(sums.map(\.value))
  }
}

/// A sum that keeps what rounding loses (Neumaier 1974): its error hardly grows with the number of terms.
struct CompensatedSum {
  private var sum = 0.0
  private var lost = 0.0

  mutating func add(_ term: Double) {
    let next = sum + term
    lost += sum.magnitude >= term.magnitude ? (sum - next) + term : (term - next) + sum
    sum = next
  }

  /// Infinities and NaN have nothing to compensate: there the plain sum is right.
  var value: Double { sum.isFinite ? sum + lost : sum }
}
