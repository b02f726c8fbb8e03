extension StateVariable {
  /// Why the element type doesn't hold the variable's first value; nil if it does.
  var obstacleToInitialValue: String? {
    switch initialiser {
    case .zeros, .seed: return nil
    case .constant(let value): return Tensor.obstacle(to: Double(value), type.elementType).map { "\(value): \($0)" }
    default: return type.elementType.isFloatingPoint ? nil : "random fractions, which are floats"
    }
  }

  /// The variable's first value, or a part of it in row-major order: a function of the seed and the variable's name alone, so
  /// that neither the order of construction nor other variables change it.
  public func initialValue(seed: UInt64, of part: Range<Int>? = nil) -> ElementArray {
    initialValue(seed: seed, of: part) { draw, part in draw.numbers(part) }
  }

  /// The same, where `drawn` gives the numbers of a draw.
  package func initialValue(
    seed: UInt64, of part: Range<Int>?, drawn: (RandomDraw, Range<Int>) -> [Float]
  ) -> ElementArray {
    let part = part ?? 0..<type.shape.elementCount
    switch initialiser {
    case .zeros: return ElementArray(zeros: part.count, type: type.elementType)
    case .constant(let value): return ElementArray(repeating: Tensor.literal(Double(value), type.elementType), count: part.count)
    case .seed:
      return ElementArray(
        repeating: ScalarLiteral(type: type.elementType, bits: UInt64(RandomDraw.word(ofSeed: seed))), count: part.count)
    default: return converted(draw(seed: seed).map { drawn($0, part) } ?? [])
    }
  }

  /// What the variable draws, or nil if it isn't random.
  package func draw(seed: UInt64) -> RandomDraw? {
    func uniform(_ variance: Double) -> RandomDraw { .symmetric(Float(variance.squareRoot()), seed: seed, name: name) }
    func normal(_ variance: Double) -> RandomDraw { .normal(Float(variance.squareRoot()), seed: seed, name: name) }
    return switch initialiser {
    case .zeros, .constant, .seed: nil
    case .uniform(let bound): .symmetric(bound, seed: seed, name: name)
    case .normal(let deviation): .normal(deviation, seed: seed, name: name)
    case .xavierUniform: uniform(6 / Double(fans.in + fans.out))
    case .xavierNormal: normal(2 / Double(fans.in + fans.out))
    case .kaimingUniform: uniform(6 / Double(fans.in))
    case .kaimingNormal: normal(2 / Double(fans.in))
    case .scaledNormal: normal(1 / Double(fans.in))
    case .fanInUniform(let fanIn): uniform(1 / Double(Swift.max(fanIn, 1)))
    }
  }

  /// How many inputs one output has, and how many outputs one input: a matrix is [inputs, outputs], a vector a
  /// column, and with more axes the shape is that of a convolution, [outputs, inputs, window…].
  var fans: (in: Int, out: Int) {
    let shape = type.shape
    switch shape.rank {
    case 0: return (1, 1)
    case 1: return (shape[0], 1)
    case 2: return (shape[0], shape[1])
    default:
      let window = Shape(Array(shape.extents[2...])).elementCount
      return (shape[1] * window, shape[0] * window)
    }
  }

  private func converted(_ values: [Float]) -> ElementArray {
    switch type.elementType {
    case .float64: .float64(values.map { Double($0) })
    case .int32: .int32(values.map { Int32(exactly: $0.rounded(.towardZero)) ?? 0 })
    case .bool: .bool(values.map { $0 != 0 })
    case .float32: .float32(values)
    }
  }
}
