// Meanings that move elements and compute nothing.

extension NodeInEvaluation {
  func constant(_ data: ConstantData) -> ElementArray {
    switch data {
    case .splat(let literal): return ElementArray(repeating: literal, count: type.shape.elementCount)
    case .dense(let elementType, let bits):
      let literals = bits.map { ScalarLiteral(type: elementType, bits: $0) }
      return switch elementType {
      case .float32: .float32(literals.map(\.floatValue))
      case .float64: .float64(literals.map(\.doubleBits))
      case .int32: .int32(literals.map(\.intValue))
      case .bool: .bool(literals.map(\.boolValue))
      }
    }
  }

  func iota(axis: Int?) -> ElementArray {
    let count = type.shape.elementCount
    guard let axis else { return .int32((0..<count).map(Int32.init)) }
    let (stride, extent) = (type.shape.strides[axis], type.shape[axis])
    return .int32((0..<count).map { Int32($0 / stride % extent) })
  }

  func view(_ map: IndexMap, fill: ScalarLiteral?) -> ElementArray {
    view(sources(map), fill, as: operands[0].storage)
  }

  private func view<Element: StoredElement>(
    _ sources: [Int?], _ fill: ScalarLiteral?, as type: Element.Type
  ) -> ElementArray {
    let elements = operands[0].elements(type)
    let fill = fill.map { Element($0) } ?? .zero
    return Element.array(sources.map { $0.map { elements[$0] } ?? fill })
  }

  /// For each element of the view, the number of the operand's element that it shows; `nil` outside the operand.
  private func sources(_ map: IndexMap) -> [Int?] {
    let (view, operand) = (type.shape, types[0].shape)
    let strides = operand.strides
    var index = [Int](repeating: 0, count: view.rank)
    return (0..<view.elementCount).map { _ in
      defer { view.advance(&index) }
      var source = 0
      for (axis, coordinates) in map.axes.enumerated() {
        var coordinate = coordinates.offset
        for position in 0..<index.count { coordinate += coordinates.coefficients[position] * index[position] }
        if coordinate < 0 || coordinate >= operand[axis] { return nil }
        source += coordinate * strides[axis]
      }
      return source
    }
  }

  func concatenation(axis: Int) -> ElementArray { concatenation(axis, as: operands[0].storage) }

  private func concatenation<Element: StoredElement>(_ axis: Int, as type: Element.Type) -> ElementArray {
    let parts = operands.map { $0.elements(type) }
    // What one operand adds between two steps along the axes before `axis`.
    let lengths = types.map { $0.shape.extents[axis...].reduce(1, *) }
    var result: [Element] = []
    result.reserveCapacity(self.type.shape.elementCount)
    for outer in 0..<self.type.shape.extents[..<axis].reduce(1, *) {
      for (part, length) in zip(parts, lengths) { result += part[(outer * length)..<((outer + 1) * length)] }
    }
    return Element.array(result)
  }

  func gather() -> ElementArray {
    let rowLength = types[0].shape.elementCount / types[0].shape[0]
    return operands[0].gathered(
      operands[1].int32s.flatMap { row in (0..<rowLength).map { Int(row) * rowLength + $0 } })
  }
}

extension Shape {
  /// The next index in row-major order; after the last one the first.
  fileprivate func advance(_ index: inout [Int]) {
    for axis in index.indices.reversed() {
      index[axis] += 1
      if index[axis] < extents[axis] { return }
      index[axis] = 0
    }
  }
}
