import Foundation
import Testing

@testable import CinchGraph

/// The Float32 sequences against Float64 libm, in units in the last place of the exact result.
@Suite struct ScalarFunctionTests {
  struct Case: Sendable, CustomStringConvertible {
    let name: String
    let function: ScalarFunction
    let reference: @Sendable (Double) -> Double
    /// What the function's documentation states.
    let bound: Double
    var description: String { name }
  }

  static let cases: [Case] = [
    Case(name: "exp", function: .exp, reference: { Foundation.exp($0) }, bound: 1.61),
    Case(name: "log", function: .log, reference: { Foundation.log($0) }, bound: 1.16),
    Case(name: "log1p", function: .log1p, reference: { Foundation.log1p($0) }, bound: 1.6),
    Case(name: "tanh", function: .tanh, reference: { Foundation.tanh($0) }, bound: 1.9),
    Case(
      name: "sigmoid", function: .sigmoid,
      reference: { $0 >= 0 ? 1 / (1 + Foundation.exp(-$0)) : Foundation.exp($0) / (1 + Foundation.exp($0)) }, bound: 1.51),
    Case(name: "erf", function: .erf, reference: { Foundation.erf($0) }, bound: 1.25),
    Case(name: "sin", function: .sin, reference: { Foundation.sin($0) }, bound: 1.5),
    Case(name: "cos", function: .cos, reference: { Foundation.cos($0) }, bound: 1.5),
    Case(
      name: "rsqrt", function: ReciprocalSquareRoot().function([.float32]), reference: { 1 / $0.squareRoot() }, bound: 1.5),
  ]

  /// Every `stride`-th bit pattern, and all around the places where something changes. All 2³² with CINCH_EXHAUSTIVE=1.
  @Test(arguments: cases)
  func isWithinItsBound(_ test: Case) throws {
    let isExhaustive = ProcessInfo.processInfo.environment["CINCH_EXHAUSTIVE"] == "1"
    let stride: UInt64 = isExhaustive ? 1 : 1009
    var worst = Sweep()
    var block: [Float] = []
    func flush() {
      worst.add(test, block)
      block.removeAll(keepingCapacity: true)
    }
    var bits: UInt64 = 0
    while bits < 1 << 32 {
      block.append(Float(bitPattern: UInt32(bits)))
      if block.count == 1 << 16 { flush() }
      bits += stride
    }
    let places: [Float] = [
      0, 0x1p-126, 0.125, 0.5, 0.70710677, 1, 1.2, 1.4142135, 4, 10, 16, 60, 88.72284, 87.33655, 103.97208, 105, 120, 0x1p17,
      0x1p24,
      0x1p96, 0x1p127, .greatestFiniteMagnitude, .infinity, .pi / 4, .pi / 2, .pi, 3 * .pi / 2, 2 * .pi, 1e5, 1e9,
    ]
    for place in places {
      for offset in -300...300 {
        let pattern = UInt32(truncatingIfNeeded: Int64(place.bitPattern) + Int64(offset))
        block += [Float(bitPattern: pattern), -Float(bitPattern: pattern)]
      }
    }
    block += [.nan, -.nan]
    flush()
    if isExhaustive { print("\(test.name): at most \(worst.error) ULP, at \(worst.input); by whole ULPs: \(worst.histogram)") }
    #expect(worst.error <= test.bound, "\(test.name) is \(worst.error) ULP off at \(worst.input)")
    #expect(worst.mistakes.isEmpty, "\(test.name): \(worst.mistakes.prefix(5))")
  }

  struct Sweep {
    var error = 0.0
    var input: Float = 0
    var histogram = [Int](repeating: 0, count: 4)
    /// A wrong sign, or NaN where there is a number or the other way round.
    var mistakes: [String] = []

    mutating func add(_ test: Case, _ inputs: [Float]) {
      guard case .float32(let results) = test.function.evaluate([.float32(inputs)]) else { return }
      for (x, y) in zip(inputs, results) {
        let exact = test.reference(Double(x))
        let rounded = Float(exact)
        if rounded.isNaN || y.isNaN {
          if rounded.isNaN != y.isNaN { mistakes.append("\(x) gives \(y), exactly \(exact)") }
          continue
        }
        if rounded.sign != y.sign { mistakes.append("\(x) gives \(y), exactly \(exact)") }
        if y == rounded {
          histogram[0] += 1
          continue
        }
        // An infinity counts as the next power of two.
        let limit = 0x1p128
        let target = Swift.min(Swift.max(exact, -limit), limit)
        let given = y.isInfinite ? (y > 0 ? limit : -limit) : Double(y)
        let unit = Swift.max(Double(Float(Swift.min(target.magnitude, 0x1.fffffep127)).ulp), 0x1p-149)
        let off = (given - target).magnitude / unit
        histogram[Swift.min(Int(off), 3)] += 1
        if off > error { (error, input) = (off, x) }
      }
    }
  }

  @Test func powerFollowsC() throws {
    let special: [Float] = [
      0, -0.0, 1, -1, 2, -2, 0.5, -0.5, 3, -3, .infinity, -.infinity, .nan, 0x1p-149, -0x1p-149, 0x1p-127,
      .greatestFiniteMagnitude, 0x1p23, 0x1p24, 8_388_609, 16_777_215, 16_777_218, 1.5, -1.5, 0.99999994, 1.0000001, 127, -126,
    ]
    var (bases, exponents): ([Float], [Float]) = ([], [])
    for a in special {
      for b in special {
        bases.append(a)
        exponents.append(b)
      }
    }
    var state: UInt64 = 7
    for _ in 0..<200_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      bases.append(Float(bitPattern: UInt32(state >> 33)))
      exponents.append(Float(Int32(truncatingIfNeeded: state >> 11)) * 0x1p-27)
    }
    guard case .float32(let results) = ScalarFunction.power.evaluate([.float32(bases), .float32(exponents)]) else { return }
    for index in results.indices {
      let (a, b, y) = (bases[index], exponents[index], results[index])
      let exact = Foundation.pow(Double(a), Double(b))
      let rounded = Float(exact)
      if rounded.isNaN {
        #expect(y.isNaN, "\(a) ^ \(b)")
        continue
      }
      #expect(y == rounded || (Double(y) - exact).magnitude <= 1 * Double(rounded.ulp), "\(a) ^ \(b) = \(y), exactly \(exact)")
      #expect(y.sign == rounded.sign, "\(a) ^ \(b) = \(y)")
    }
  }

  /// The known answers of the paper's reference implementation.
  @Test func threefryGivesTheKnownAnswers() {
    let answers: [(key: [UInt32], counter: [UInt32], words: [UInt32])] = [
      ([0, 0], [0, 0], [0x6B20_0159, 0x99BA_4EFE]),
      ([0xFFFF_FFFF, 0xFFFF_FFFF], [0xFFFF_FFFF, 0xFFFF_FFFF], [0x1CB9_96FC, 0xBB00_2BE7]),
      ([0x1319_8A2E, 0x0370_7344], [0x243F_6A88, 0x85A3_08D3], [0xC492_3A9C, 0x483D_F7A0]),
    ]
    for answer in answers {
      let arguments = (answer.key + answer.counter).map { ElementArray.int32([Int32(bitPattern: $0)]) }
      #expect(ScalarFunction.threefry2x32.evaluate(arguments)[0].bits == UInt64(answer.words[0]))
      #expect(ScalarFunction.threefry2x32SecondWord.evaluate(arguments)[0].bits == UInt64(answer.words[1]))
      let reference = Random.threefry(
        key: (answer.key[0], answer.key[1]), counter: (answer.counter[0], answer.counter[1]))
      #expect([reference.0, reference.1] == answer.words)
    }
  }
}
