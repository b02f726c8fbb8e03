import Testing

@testable import CinchGraph
@testable import CinchRunner

/// Initial values and random data by compiled code.
@Suite struct RandomNumberTests {
  private static let draws: [RandomDraw] = RandomDraw.Distribution.allCases.flatMap { distribution in
    var affine = RandomDraw(distribution, seed: 5, name: "layer.weight")
    affine.stretch = 2
    affine.shift = -1
    affine.scale = 0.1
    affine.offset = 0.3
    return [RandomDraw(distribution, seed: 1 << 40 + 7, name: "HostTensor"), affine]
  }

  /// The parts begin anywhere, end inside of a block, and lie beyond what 32 bits count.
  @Test(arguments: draws) func compiledCodeDrawsTheBitsThatSwiftDraws(draw: RandomDraw) throws {
    let random = RandomNumbers()
    for first in [0, 4_097, 1 << 32 - 100] {
      let part = first..<(first + RandomNumbers.blockLength + 333)
      let numbers = random.numbers(draw, part)
      #expect(numbers.count == part.count)
      for slice in [0..<200, RandomNumbers.blockLength - 50..<part.count] {
        let expected = draw.numbers(first + slice.lowerBound..<first + slice.upperBound)
        #expect(numbers[slice].map(\.bitPattern) == expected.map(\.bitPattern))
      }
    }
    #expect(random.hasCode(draw.distribution))
  }

  /// The least and the greatest words that Box and Muller's formula can meet have the bits of the general functions.
  @Test func normalNumbersAreThoseOfTheGeneralFunctions() {
    let general = ScalarFunction([.int32, .int32]) { b, x in
      let count = b.add(b.shiftRight(x[0], 8), b.int(1))
      let first = b.multiply(b.convert(count, to: .float32), b.float(0x1p-24))
      let radius = b.apply(.squareRoot, b.multiply(b.float(-2), b.call(.log, first)))
      return b.multiply(radius, b.call(.cos, b.multiply(b.call(.uniform, x[1]), b.float(2 * .pi))))
    }
    let ends: [Int32] = [0, 255, 256, 0x7FFF_FFFF, .min, -1, -256, -257]
    let words = ends + (0..<5_000).map { Int32(truncatingIfNeeded: $0 * 858_993) }
    for shift in [0, 1, 77] {
      let second = words.indices.map { words[($0 + shift) % words.count] }
      let inputs: [ElementArray] = [.int32(words), .int32(second)]
      #expect(ScalarFunction.normal.evaluate(inputs).bitsEqual(to: general.evaluate(inputs)))
    }
  }

  @Test func smallTensorsDoNotPayForCode() {
    let random = RandomNumbers()
    for distribution in RandomDraw.Distribution.allCases {
      let draw = RandomDraw(distribution, seed: 1, name: "w")
      _ = random.numbers(draw, 0..<1_000)
      #expect(!random.hasCode(distribution))
      // Many small ones do, together.
      for _ in 0..<(RandomNumbers.leastCompiled(distribution) / 4_000 + 1) { _ = random.numbers(draw, 0..<4_000) }
      #expect(random.hasCode(distribution))
    }
  }

  /// What earlier versions drew, so that seeds keep their meaning.
  @Test func numbersOfASeedStayTheSame() {
    func bits(_ tensor: HostTensor) -> [UInt32] { [0, 1, 999, 5_000].map { tensor.floats[$0].bitPattern } }
    #expect(bits(.randomNormal([6_000], seed: 3)) == [0xBEFFCB2F, 0xBE2A9688, 0x3F13DB77, 0xBDEEFB0B])
    #expect(
      bits(.randomNormal([6_000], mean: 2, standardDeviation: 0.5, seed: 3)) == [
        0x3FE0069A, 0x3FF55698, 0x40127B6F, 0x3FF88828,
      ])
    #expect(bits(.randomUniform([6_000], from: -3, to: 5, seed: 3)) == [0x40677314, 0xBEFD3F70, 0x4000FC94, 0x4019FCDA])
  }
}
