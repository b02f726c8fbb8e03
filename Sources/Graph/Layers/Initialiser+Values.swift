extension StateVariable {
  /// Why the element type doesn't hold the variable's first value; nil if it does.
  var obstacleToInitialValue: String? {
    switch initialiser {
    case .zeros, .seed: return nil
    case .constant(let value): return Tensor.obstacle(to: value, type.elementType).map { "\(value): \($0)" }
    default: return type.elementType.isFloatingPoint ? nil : "random fractions, which are floats"
    }
  }

  /// The variable's first value, or a part of it in row-major order: a function of the seed and the variable's name alone, so
  /// that neither the order of construction nor other variables change it.
  public func initialValue(seed: UInt64, of part: Range<Int>? = nil) -> ElementArray {
    let part = part ?? 0..<type.shape.elementCount
    let count = part.count
    switch initialiser {
    case .zeros: return ElementArray(zeros: count, type: type.elementType)
    case .constant(let value): return ElementArray(repeating: Tensor.literal(value, type.elementType), count: count)
    case .seed:
      return ElementArray(
        repeating: ScalarLiteral(type: type.elementType, bits: UInt64(Self.word(ofSeed: seed))), count: count)
    case .uniform(let bound): return uniform(bound, seed, part)
    case .normal(let deviation): return normal(deviation, seed, part)
    case .xavierUniform: return uniform(Float((6 / Double(fans.in + fans.out)).squareRoot()), seed, part)
    case .xavierNormal: return normal(Float((2 / Double(fans.in + fans.out)).squareRoot()), seed, part)
    case .kaimingUniform: return uniform(Float((6 / Double(fans.in)).squareRoot()), seed, part)
    case .kaimingNormal: return normal(Float((2 / Double(fans.in)).squareRoot()), seed, part)
    case .scaledNormal: return normal(Float((1 / Double(fans.in)).squareRoot()), seed, part)
    case .fanInUniform(let fanIn): return uniform(Float((1 / Double(Swift.max(fanIn, 1))).squareRoot()), seed, part)
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

  private static func word(ofSeed seed: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: seed) &+ UInt32(truncatingIfNeeded: seed >> 32) &* 0x9E37_79B9
  }

  /// Calls `body` with two random words for each of some elements of the part; the last of them may lie behind it. Programs
  /// draw with the step as the second counter; these have one of their own.
  private func forEachWords(
    _ seed: UInt64, _ part: Range<Int>, _ body: (_ first: Int, _ words: (SIMD8<UInt32>, SIMD8<UInt32>)) -> Void
  ) {
    let key = (Self.word(ofSeed: seed), UInt32(truncatingIfNeeded: StableHash.of(name)))
    let lanes = SIMD8<UInt32>(0, 1, 2, 3, 4, 5, 6, 7)
    for first in stride(from: part.lowerBound, to: part.upperBound, by: lanes.scalarCount) {
      let counter = lanes &+ UInt32(truncatingIfNeeded: first)
      body(first, Random.threefry(key: key, counter: (counter, SIMD8(repeating: .max))))
    }
  }

  private func uniform(_ bound: Float, _ seed: UInt64, _ part: Range<Int>) -> ElementArray {
    var values: [Float] = []
    values.reserveCapacity(part.count)
    forEachWords(seed, part) { first, words in
      values.append(addingCapacity: 8) { output in
        // 24 random bits: 2u − 1 is exact, so that there is one rounding.
        for lane in 0..<min(8, part.upperBound - first) { output.append((Float(words.0[lane] >> 8) * 0x1p-23 - 1) * bound) }
      }
    }
    return converted(values)
  }

  private func normal(_ deviation: Float, _ seed: UInt64, _ part: Range<Int>) -> ElementArray {
    var first: [Int32] = []
    var second: [Int32] = []
    first.reserveCapacity(part.count)
    second.reserveCapacity(part.count)
    forEachWords(seed, part) { start, words in
      for lane in 0..<min(8, part.upperBound - start) {
        first.append(Int32(bitPattern: words.0[lane]))
        second.append(Int32(bitPattern: words.1[lane]))
      }
    }
    // The scalar sequence that programs use too, because libraries differ in the last bit of log and cos.
    let numbers = ScalarFunction.normal.evaluate([.int32(first), .int32(second)]).floats ?? []
    return converted(numbers.map { $0 * deviation })
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
