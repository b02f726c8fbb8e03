/// Random numbers of a variable or tensor: `(u · stretch + shift) · scale + offset`, each operation rounded, where u is
/// uniform in [0, 1) or standard normal. Number i is a function of the key and i alone.
package struct RandomDraw: Sendable, Hashable {
  package enum Distribution: Sendable, Hashable, CaseIterable {
    case uniform, normal
  }

  package var distribution: Distribution
  package var key: (UInt32, UInt32) { (seed, stream) }
  /// Numbers that 1 and −0 leave as they are.
  package var stretch: Float = 1
  package var shift: Float = -0.0
  package var scale: Float = 1
  package var offset: Float = -0.0

  private let seed: UInt32
  private let stream: UInt32

  package init(_ distribution: Distribution, seed: UInt64, name: String) {
    self.distribution = distribution
    self.seed = Self.word(ofSeed: seed)
    stream = UInt32(truncatingIfNeeded: StableHash.of(name))
  }

  static func word(ofSeed seed: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: seed) &+ UInt32(truncatingIfNeeded: seed >> 32) &* 0x9E37_79B9
  }

  /// Uniform in ±bound: with 24 random bits, 2u − 1 is exact, so that there is one rounding.
  static func symmetric(_ bound: Float, seed: UInt64, name: String) -> RandomDraw {
    var draw = RandomDraw(.uniform, seed: seed, name: name)
    draw.stretch = 2
    draw.shift = -1
    draw.scale = bound
    return draw
  }

  static func normal(_ deviation: Float, seed: UInt64, name: String) -> RandomDraw {
    var draw = RandomDraw(.normal, seed: seed, name: name)
    draw.scale = deviation
    return draw
  }

  // MARK: - Numbers

  /// The numbers of a part, without compiled code: what `program` has to agree with.
  package func numbers(_ part: Range<Int>) -> [Float] {
    let drawn = distribution == .uniform ? uniform(part) : normal(part)
    return drawn.map { ($0 * stretch + shift) * scale + offset }
  }

  /// Calls `body` with two random words for each of some elements of the part; the last of them may lie behind it. Programs
  /// draw with the step as the second counter; these have one of their own.
  private func forEachWords(
    _ part: Range<Int>, _ body: (_ first: Int, _ words: (SIMD8<UInt32>, SIMD8<UInt32>)) -> Void
  ) {
    let lanes = SIMD8<UInt32>(0, 1, 2, 3, 4, 5, 6, 7)
    for first in stride(from: part.lowerBound, to: part.upperBound, by: lanes.scalarCount) {
      let counter = lanes &+ UInt32(truncatingIfNeeded: first)
      body(first, Random.threefry(key: key, counter: (counter, SIMD8(repeating: .max))))
    }
  }

  private func uniform(_ part: Range<Int>) -> [Float] {
    var values: [Float] = []
    values.reserveCapacity(part.count)
    forEachWords(part) { first, words in
      values.append(addingCapacity: 8) { output in
        for lane in 0..<min(8, part.upperBound - first) { output.append(Float(words.0[lane] >> 8) * 0x1p-24) }
      }
    }
    return values
  }

  private func normal(_ part: Range<Int>) -> [Float] {
    var first: [Int32] = []
    var second: [Int32] = []
    first.reserveCapacity(part.count)
    second.reserveCapacity(part.count)
    forEachWords(part) { start, words in
      for lane in 0..<min(8, part.upperBound - start) {
        first.append(Int32(bitPattern: words.0[lane]))
        second.append(Int32(bitPattern: words.1[lane]))
      }
    }
    // The scalar sequence that programs use too, because libraries differ in the last bit of log and cos.
    return ScalarFunction.normal.evaluate([.int32(first), .int32(second)]).floats ?? []
  }

  // MARK: - As a program

  /// A graph whose output "numbers" is `count` numbers of a draw, with `inputs` as its inputs. It must be compiled without the
  /// pass that fuses multiply-adds, which would round once less.
  package static func program(_ distribution: Distribution, count: Int) -> Graph {
    Graph("initial numbers") { g in
      func scalar(_ name: String, _ type: ElementType) -> Tensor { g.input(name, [], type: type) }
      let (seed, stream) = (scalar("seed", .int32), scalar("stream", .int32))
      let (first, counter) = (scalar("first", .int32), scalar("counter", .int32))
      let element = g.iota([count]) + first
      let random = Random(distribution == .uniform ? .uniform : .normal, stream: 0)
      let drawn = elementwise(random, [element, counter, seed, stream], at: element.site)
      let stretched = drawn * scalar("stretch", .float32) + scalar("shift", .float32)
      g.output("numbers", stretched * scalar("scale", .float32) + scalar("offset", .float32))
    }
  }

  /// What `program` is given for the numbers from `first` on.
  package func inputs(first: Int) -> [(name: String, value: ScalarLiteral)] {
    func word(_ value: UInt32) -> ScalarLiteral { .int(Int32(bitPattern: value)) }
    return [
      ("seed", word(seed)), ("stream", word(stream)), ("first", word(UInt32(truncatingIfNeeded: first))),
      ("counter", word(.max)), ("stretch", .float(stretch)), ("shift", .float(shift)), ("scale", .float(scale)),
      ("offset", .float(offset)),
    ]
  }
}
