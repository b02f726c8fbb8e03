// Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror and Shaw 2011): additions, rotations and exclusive ors alone.

extension ScalarFunction {
  /// (key₀, key₁, counter₀, counter₁), all Int32, to the first word of random bits.
  static let threefry2x32 = ScalarFunction([.int32, .int32, .int32, .int32]) { b, x in
    b.threefry(key: (x[0], x[1]), counter: (x[2], x[3])).0
  }

  /// The second word for the same key and counter.
  static let threefry2x32SecondWord = ScalarFunction([.int32, .int32, .int32, .int32]) { b, x in
    b.threefry(key: (x[0], x[1]), counter: (x[2], x[3])).1
  }

  /// Random bits to a float in [0, 1): the upper 24 bits, exactly.
  static let uniform = ScalarFunction([.int32]) { b, x in
    b.multiply(b.convert(b.shiftRight(x[0], 8), to: .float32), b.float(0x1p-24))
  }

  /// Two words of random bits to a standard normal float (Box and Muller 1958); the first uniform is taken from (0, 1].
  static let normal = ScalarFunction([.int32, .int32]) { b, x in
    let count = b.add(b.shiftRight(x[0], 8), b.int(1))
    let first = b.multiply(b.convert(count, to: .float32), b.float(0x1p-24))
    let radius = b.apply(.squareRoot, b.multiply(b.float(-2), b.logarithmOfNormal(first)))
    let angle = b.multiply(b.call(.uniform, x[1]), b.float(2 * .pi))
    return b.multiply(radius, b.cosineOfModerate(angle))
  }
}

extension ScalarBuilder {
  fileprivate mutating func threefry(
    key: (ScalarValue, ScalarValue), counter: (ScalarValue, ScalarValue)
  ) -> (ScalarValue, ScalarValue) {
    let rotations: [Int32] = [13, 15, 26, 6, 17, 29, 16, 24]
    let keys = [key.0, key.1, xor(xor(key.0, key.1), int(0x1BD1_1BDA))]
    var x0 = add(counter.0, keys[0])
    var x1 = add(counter.1, keys[1])
    for round in 0..<20 {
      x0 = add(x0, x1)
      let rotation = rotations[round % 8]
      x1 = xor(or(shiftLeft(x1, rotation), shiftRight(x1, 32 - rotation)), x0)
      if round % 4 == 3 {
        let injection = round / 4 + 1
        x0 = add(x0, keys[injection % 3])
        x1 = add(add(x1, keys[(injection + 1) % 3]), int(Int32(injection)))
      }
    }
    return (x0, x1)
  }
}
