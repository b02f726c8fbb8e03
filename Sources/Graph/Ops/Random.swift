#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Counter-based random numbers (Threefry-2x32 with 20 rounds; Salmon et al. 2011): a pure function of the seed, the stream, the
/// step and the element, so that neither threads nor passes nor resuming can change them.
public struct Random: ElementwiseOp {
  public static let mnemonic = "random"
  public static let summary =
    "(element i32, step i32, seed i32) → random bits, a float in [0, 1), or a standard normal float, of one stream; "
    + "a fourth operand is added to the stream's number."

  public enum Distribution: String, Sendable, Hashable, CaseIterable {
    case bits, uniform, normal
  }

  public let distribution: Distribution
  /// Given at construction; two random tensors of one program differ by it.
  public let stream: Int32

  public init(_ distribution: Distribution, stream: Int32) {
    self.distribution = distribution
    self.stream = stream
  }

  public init(attributes: inout AttributeReader) throws(AttributeReader.Failure) {
    let text = try attributes.text("distribution")
    guard let distribution = Distribution(rawValue: text) else {
      throw AttributeReader.Failure(message: "no distribution is named '\(text)'")
    }
    self.distribution = distribution
    guard let stream = Int32(exactly: try attributes.integer("stream")) else {
      throw AttributeReader.Failure(message: "a stream's number must fit 32 bits")
    }
    self.stream = stream
  }

  public var attributes: [Attribute] {
    [Attribute("distribution", .text(distribution.rawValue)), Attribute("stream", .integer(Int(stream)))]
  }

  public func resultElementType(_ operands: [ElementType]) throws(TypeViolation) -> ElementType {
    guard 3...4 ~= operands.count, operands.allSatisfy({ $0 == .int32 }) else {
      throw TypeViolation("random takes int32 operands: element, step, seed and, if need be, a stream")
    }
    return distribution == .bits ? .int32 : .float32
  }

  public func function(_ operands: [ElementType]) -> ScalarFunction {
    ScalarFunction(operands) { b, x in
      let stream = x.count == 4 ? (stream == 0 ? x[3] : b.add(x[3], b.int(stream))) : b.int(stream)
      let first = b.call(.threefry2x32, x[2], stream, x[0], x[1])
      switch distribution {
      case .bits: return first
      case .uniform: return b.call(.uniform, first)
      case .normal: return b.call(.normal, first, b.call(.threefry2x32SecondWord, x[2], stream, x[0], x[1]))
      }
    }
  }

  public func reference(_ x: [Double]) -> Double {
    func word(_ value: Double) -> UInt32 { UInt32(bitPattern: Int32(value)) }
    let stream = UInt32(bitPattern: stream) &+ (x.count == 4 ? word(x[3]) : 0)
    let (first, second) = Self.threefry(key: (word(x[2]), stream), counter: (word(x[0]), word(x[1])))
    switch distribution {
    case .bits: return Double(Int32(bitPattern: first))
    case .uniform: return Double(first >> 8) * 0x1p-24
    case .normal:
      // Box and Muller 1958; the first uniform is taken from (0, 1].
      let radius = (-2 * Glibc.log((Double(first >> 8) + 1) * 0x1p-24)).squareRoot()
      return radius * Glibc.cos(2 * Double.pi * Double(second >> 8) * 0x1p-24)
    }
  }

  /// The generator as its authors describe it, apart from the sequence that code generation uses.
  package static func threefry(key: (UInt32, UInt32), counter: (UInt32, UInt32)) -> (UInt32, UInt32) {
    let (first, second) = threefry(key: key, counter: (SIMD2(repeating: counter.0), SIMD2(repeating: counter.1)))
    return (first[0], second[0])
  }

  /// The same for many counters at once: initial values draw millions of words.
  @inline(__always)
  package static func threefry<Words: SIMD<UInt32>>(
    key: (UInt32, UInt32), counter: (Words, Words)
  ) -> (Words, Words) {
    let third = 0x1BD1_1BDA ^ key.0 ^ key.1
    func injectedKey(_ index: Int) -> UInt32 { index % 3 == 0 ? key.0 : index % 3 == 1 ? key.1 : third }
    var (x0, x1) = (counter.0 &+ key.0, counter.1 &+ key.1)
    func mix(_ count: UInt32) {
      x0 = x0 &+ x1
      x1 = (x1 &<< count | x1 &>> (32 - count)) ^ x0
    }
    for injection in 1...5 {
      if injection % 2 == 1 {
        mix(13)
        mix(15)
        mix(26)
        mix(6)
      } else {
        mix(17)
        mix(29)
        mix(16)
        mix(24)
      }
      x0 = x0 &+ injectedKey(injection)
      x1 = x1 &+ (injectedKey(injection + 1) &+ UInt32(injection))
    }
    return (x0, x1)
  }

  public var differentiability: Differentiability { .notDifferentiable(reason: "it depends on no float") }
  public func gradients(_ context: GradientContext) -> [Tensor?] { context.operands.map { _ in nil } }

  public static var samples: [OpSample] {
    Distribution.allCases.flatMap { distribution in
      // Of three operands and of four.
      [([1], 3), ([65], 3), ([17], 4)].map { (shape: Shape, operandCount) in
        OpSample(
          Random(distribution, stream: 7),
          [1000, 9, 99, 9999].prefix(operandCount).map { (TensorType(.int32, shape), .index(limit: $0)) })
      }
    }
  }
}

extension GraphBuilder {
  /// The streams that callers may choose: others are given to random tensors without one, and to layers.
  static let chosenStreams: Range<Int32> = 0..<1 << 24

  /// What tells draws outside of training apart, an input of the graph.
  package static let drawName = "random.draw"

  /// Fresh random numbers for each step. `stream`, from 0 to 2²⁴ − 1, tells them from the program's other random tensors: two of one
  /// stream draw the same numbers, and those that name none have streams of their own.
  public func random(
    _ distribution: Random.Distribution, _ shape: Shape, stream: Int32? = nil, file: StaticString = #filePath,
    line: Int = #line
  ) -> Tensor {
    let site = CallSite(file, line)
    if let stream, !Self.chosenStreams.contains(stream) {
      record(Diagnostic("a stream of random numbers is from 0 to 2²⁴ − 1, not \(stream)", at: site))
    }
    return random(distribution, shape, ofStream: stream ?? nextStream(), at: site)
  }

  func random(_ distribution: Random.Distribution, _ shape: Shape, ofStream stream: Int32, at site: CallSite) -> Tensor {
    if let scan = openScans.popLast() {
      // The body of a scan takes slices of what all its iterations draw.
      let all = random(distribution, Shape([scan.count] + shape.extents), ofStream: stream, at: site)
      let slice = loopVariable(TensorType(all.elementType, shape), at: site)
      openScans.append(scan)
      openScans[openScans.count - 1].slices.append((slice, all))
      return slice
    }
    let variables = Self.randomState(at: site)
    let seed = isOutsideTraining ? seedOfDraw(at: site) : state(variables[0], at: site)
    let step = state(variables[1], at: site)
    let element = add(Iota(shape), [], at: site)
    return elementwise(Random(distribution, stream: stream), [element, step, seed], at: site)
  }

  /// What makes a program's random numbers: its seed, and how often it has drawn.
  static func randomState(at site: CallSite) -> [StateVariable] {
    let scalar = TensorType(.int32, [])
    return [
      StateVariable(name: "random.seed", type: scalar, role: .random, initialiser: .seed, site: site),
      StateVariable(name: "random.step", type: scalar, role: .random, initialiser: .zeros, site: site),
    ]
  }

  /// Outside of training, nothing of the state changes: the caller numbers the draws, each of which has a seed of its own.
  private func seedOfDraw(at site: CallSite) -> Tensor {
    let known = graph.inputs.first { $0.name == Self.drawName }.map { Tensor(builder: self, id: $0.node) }
    let draw = known ?? input(Self.drawName, [], type: .int32, at: site)
    func number(_ value: Int32) -> Tensor { constant(.int(value), at: site) }
    // An odd factor, 2³² divided by the golden ratio, spreads neighbouring numbers over all seeds.
    return state(Self.randomState(at: site)[0], at: site) ^ ((draw + number(1)) * number(-1_640_531_527))
  }

  /// A graph that draws random numbers draws others in its next step.
  func advanceRandomStep() {
    // Declared state alone draws nothing, and evaluation leaves the training's random stream where it is.
    guard !isOutsideTraining, let index = graph.state.firstIndex(where: { $0.name == "random.step" }),
      graph.nodes.contains(where: { $0.op is Random }),
      !graph.updates.contains(where: { $0.state.index == index })
    else { return }
    let site = graph.state[index].site
    let step = read(StateID(index), at: site)
    update(step, to: step + 1, at: site)
  }

  /// Below 0, where neither callers nor layers choose.
  private func nextStream() -> Int32 {
    unnamedStreamCount += 1
    return -unnamedStreamCount
  }
}
