public import Cinch

/// One sample of an op as a program with numbers for its inputs: what the contract tests over the catalogue run.
///
/// The graph's inputs are `x0`, `x1`, …; its output is `y`. Numbers are a function of the op's name and the sample's position.
public struct SampleProgram: Sendable, CustomStringConvertible {
  public let op: any Op.Type
  /// The sample's position among those of its op.
  public let number: Int
  public let sample: OpSample
  public let inputs: [String: ElementArray]

  public init(_ op: any Op.Type, _ number: Int, _ sample: OpSample) {
    self.op = op
    self.number = number
    self.sample = sample
    var random = SplitMix(seed: StableHash.of("\(op.mnemonic) \(number)"))
    var inputs: [String: ElementArray] = [:]
    for (position, operand) in sample.operands.enumerated() {
      inputs["x\(position)"] = Self.values(
        operand.type, operand.values, position: position, of: sample.operands.count, &random)
    }
    if let input = sample.op as? Input {
      inputs[input.name] = Self.values(input.type, .uniform(-2...2), position: 0, of: 1, &random)
    }
    self.inputs = inputs
  }

  /// Every sample of every op.
  public static let all: [SampleProgram] = OpCatalogue.all.flatMap { op in
    op.samples.enumerated().map { SampleProgram(op, $0, $1) }
  }

  /// `softmax 1: f32[15, 3]`.
  public var description: String {
    "\(op.mnemonic) \(number): " + sample.operands.map(\.type.description).joined(separator: ", ")
  }

  /// Whether the operands hold NaN, infinities and the like.
  public var isSpecial: Bool {
    sample.operands.contains { if case .special = $0.values { true } else { false } }
  }

  /// `y = op(x0, x1, …)`, and whatever else `extend` adds.
  public func graph(_ extend: (GraphBuilder, [Tensor], Tensor) -> Void = { _, _, _ in }) -> Graph {
    Graph("sample") { g in
      let operands = sample.operands.enumerated().map { position, operand in
        g.input("x\(position)", operand.type.shape, type: operand.type.elementType)
      }
      let y = g.add(sample.op, operands, at: CallSite(#filePath, #line))
      g.output("y", y)
      extend(g, operands, y)
    }
  }

  // MARK: Numbers

  /// Zeros, ones, infinities, NaN, the smallest and largest floats, and what casts saturate at.
  public static let specialFloats: [Float] = [
    0, -0.0, .nan, 1, -1, .infinity, -.infinity, .leastNonzeroMagnitude, -0x1p-130, .leastNormalMagnitude,
    .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 0x1p31, -0x1.8p31, 2.5, -0.5,
  ]

  private static func values(
    _ type: TensorType, _ values: OpSample.Values, position: Int, of operandCount: Int, _ random: inout SplitMix
  ) -> ElementArray {
    let count = type.shape.elementCount
    switch (values, type.elementType) {
    case (.uniform(let range), .float64):
      return .float64((0..<count).map { _ in Double(random.float(in: range)) })
    case (.uniform(let range), _):
      return .float32((0..<count).map { _ in random.float(in: range) })
    case (.special, _):
      return .float32((0..<count).map { special($0, position, operandCount, &random) })
    case (.index(let limit), _):
      return .int32((0..<count).map { _ in Int32.random(in: 0..<Int32(limit), using: &random) })
    case (.bits, .bool):
      return .bool((0..<count).map { _ in random.oneIn(2) })
    case (.bits, _):
      let extremes: [Int32] = [.min, .max, -1, 0, 1]
      return .int32(
        (0..<count).map { index in
          random.oneIn(4) ? extremes[(index + position) % extremes.count] : Int32(truncatingIfNeeded: random.next())
        })
    }
  }

  /// Of one operand: all of them in turn, then others at random. Of two or more: each pair in turn.
  private static func special(
    _ index: Int, _ position: Int, _ operandCount: Int, _ random: inout SplitMix
  ) -> Float {
    let all = specialFloats
    let isPaired = operandCount > 1
    if index >= (isPaired ? all.count * all.count : all.count) || position > 1 {
      return random.oneIn(2) ? all.randomElement(using: &random) ?? 0 : random.float(in: -3...3)
    }
    return all[(position == 0 ? index : index / all.count + index) % all.count]
  }
}
