extension Meaning {
  /// Why this can't be the meaning of a node with such operands and such a result, or `nil`.
  ///
  /// It restates from `Meaning.swift` what the interpreter and code generation rely on, apart from the ops' type rules.
  func problem(operands: [TensorType], result: TensorType) -> String? {
    switch self {
    case .input, .state: return arity(0, operands)
    case .constant(let data):
      if case .dense(_, let elements) = data, elements.count != result.shape.elementCount {
        return "\(elements.count) elements for \(result)"
      }
      return arity(0, operands) ?? elementType(data.elementType, result)
    case .iota(let axis):
      if let axis, !result.shape.extents.indices.contains(axis) { return "there is no axis \(axis)" }
      return arity(0, operands) ?? elementType(.int32, result)
    case .elementwise(let function): return Self.elementwiseProblem(function, operands, result)
    case .view(let map, let fill): return arity(1, operands) ?? viewProblem(map, fill, operands[0], result)
    case .reshape:
      return arity(1, operands) ?? elementType(operands[0].elementType, result)
        ?? (operands[0].shape.elementCount == result.shape.elementCount
          ? nil : "\(operands[0].shape) and \(result.shape) differ in their number of elements")
    case .reduce(let reduction):
      return arity(1, operands) ?? elementType(operands[0].elementType, result)
        ?? removal(of: reduction.axes, operands[0].shape, result.shape)
    case .argMax(let axis):
      return arity(1, operands) ?? elementType(.int32, result) ?? removal(of: [axis], operands[0].shape, result.shape)
    case .contract: return arity(2, operands) ?? contractProblem(operands[0], operands[1], result)
    case .concatenate(let axis): return concatenateProblem(axis, operands, result)
    case .gather: return arity(2, operands) ?? gatherProblem(operands[0], operands[1], result)
    case .scatterAdd(let count): return arity(2, operands) ?? scatterProblem(count, operands[0], operands[1], result)
    case .checkIndex(let limit):
      if limit < 1 { return "no index lies in 0..<\(limit)" }
      return arity(1, operands) ?? elementType(.int32, result)
        ?? (operands[0] == result ? nil : "\(operands[0]) is not \(result)")
    case .loop, .projection, .decomposition: return nil
    }
  }

  private func arity(_ count: Int, _ operands: [TensorType]) -> String? {
    operands.count == count ? nil : "its meaning takes \(count) operands, not \(operands.count)"
  }

  private func elementType(_ expected: ElementType, _ result: TensorType) -> String? {
    result.elementType == expected
      ? nil : "its meaning gives \(expected.rawValue), not \(result.elementType.rawValue)"
  }

  private static func elementwiseProblem(
    _ function: ScalarFunction, _ operands: [TensorType], _ result: TensorType
  ) -> String? {
    if !function.inputTypes.elementsEqual(operands.lazy.map(\.elementType)) {
      return "its function takes \(function.inputTypes.map(\.rawValue)), not \(operands.map(\.elementType.rawValue))"
    }
    if let operand = operands.first(where: { $0.shape != result.shape }) {
      return "elementwise \(operand.shape) is not \(result.shape)"
    }
    do {
      try function.verify()
    } catch {
      return "\(error)"
    }
    return function.resultType == result.elementType
      ? nil : "its function gives \(function.resultType.rawValue), not \(result.elementType.rawValue)"
  }

  private func viewProblem(
    _ map: IndexMap, _ fill: ScalarLiteral?, _ operand: TensorType, _ result: TensorType
  ) -> String? {
    guard map.axes.count == operand.shape.rank else {
      return "the map has \(map.axes.count) coordinates for \(operand.shape)"
    }
    for axis in map.axes {
      guard axis.coefficients.count == result.shape.rank else {
        return "the map \(map) does not go from indices of \(result.shape)"
      }
      // Beyond this, coordinates might overflow.
      var reach = axis.offset.magnitude
      for (coefficient, extent) in zip(axis.coefficients, result.shape.extents) {
        let (product, overflow) = coefficient.magnitude.multipliedReportingOverflow(by: UInt(extent - 1))
        guard !overflow, product < 1 << 60, reach < 1 << 60 else { return "the map \(map) reaches out of all bounds" }
        reach += product
      }
    }
    if let fill, fill.type != operand.elementType { return "filled with \(fill), not \(operand.elementType.rawValue)" }
    if fill == nil, map.mayLeaveOperand(operand.shape, view: result.shape) {
      return "the map \(map) leaves \(operand.shape), and there is no fill value"
    }
    return elementType(operand.elementType, result)
  }

  private func removal(of axes: [Int], _ operand: Shape, _ result: Shape) -> String? {
    var previous = -1
    for axis in axes {
      guard axis > previous, axis < operand.rank else { return "\(axes) are not ascending axes of \(operand)" }
      previous = axis
    }
    let kept = operand.extents.indices.filter { !axes.contains($0) }.map { operand[$0] }
    return kept == result.extents ? nil : "without the axes \(axes), \(operand) is \(kept), not \(result)"
  }

  private func contractProblem(_ a: TensorType, _ b: TensorType, _ result: TensorType) -> String? {
    let rank = result.shape.rank
    guard rank >= 2, a.shape.rank == rank, b.shape.rank == rank, a.elementType == b.elementType else {
      return "\(a) × \(b) is no contraction"
    }
    for axis in 0..<(rank - 2) where a.shape[axis] != b.shape[axis] || a.shape[axis] != result.shape[axis] {
      return "the batch extents of \(a) × \(b) → \(result) differ"
    }
    guard a.shape[rank - 1] == b.shape[rank - 2], a.shape[rank - 2] == result.shape[rank - 2],
      b.shape[rank - 1] == result.shape[rank - 1]
    else { return "\(a) × \(b) is not \(result)" }
    if !a.elementType.isFloatingPoint { return "a contraction is of floats, not \(a.elementType.rawValue)" }
    return elementType(a.elementType, result)
  }

  private func concatenateProblem(_ axis: Int, _ operands: [TensorType], _ result: TensorType) -> String? {
    guard result.shape.extents.indices.contains(axis), !operands.isEmpty else { return "there is no axis \(axis)" }
    var total = 0
    for operand in operands {
      guard operand.shape.rank == result.shape.rank, operand.elementType == result.elementType else {
        return "\(operand) is no part of \(result)"
      }
      for other in 0..<result.shape.rank where other != axis && operand.shape[other] != result.shape[other] {
        return "\(operand) is no part of \(result) along axis \(axis)"
      }
      total += operand.shape[axis]
    }
    return total == result.shape[axis] ? nil : "the parts have \(total) elements along axis \(axis) of \(result)"
  }

  private func gatherProblem(_ table: TensorType, _ indices: TensorType, _ result: TensorType) -> String? {
    guard indices.elementType == .int32, table.shape.rank >= 1 else { return "\(indices) can't index \(table)" }
    let expected = indices.shape.extents + table.shape.extents.dropFirst()
    guard result.shape.extents == expected else { return "its meaning has shape \(expected), not \(result.shape)" }
    return elementType(table.elementType, result)
  }

  private func scatterProblem(
    _ count: Int, _ indices: TensorType, _ rows: TensorType, _ result: TensorType
  ) -> String? {
    let rank = indices.shape.rank
    guard indices.elementType == .int32, rows.shape.rank >= rank,
      Array(rows.shape.extents.prefix(rank)) == indices.shape.extents
    else { return "\(indices) can't index rows of \(rows)" }
    let expected = [count] + rows.shape.extents.dropFirst(rank)
    guard result.shape.extents == expected else { return "its meaning has shape \(expected), not \(result.shape)" }
    return elementType(rows.elementType, result)
  }
}
