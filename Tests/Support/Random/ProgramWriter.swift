import Cinch

/// The state of writing one random program: tensors to choose from and values for its inputs.
struct ProgramWriter {
  struct Entry {
    let tensor: Tensor
    /// The largest magnitude to expect.
    let bound: Double
  }

  /// Of vectors and tiles: below, exactly and above.
  static let sizes = [1, 3, 15, 16, 17, 63, 65, 100, 257]
  static let maximumElementCount = 20_000

  let seed: UInt64
  var random: SplitMix
  let builder = GraphBuilder(name: "random")
  private(set) var floats: [Entry] = []
  /// Parameters that take each other's value, and square ones that are transposed.
  var crossed: [(Tensor, Tensor)] = []
  var turned: [Tensor] = []
  /// Whether inputs hold infinities and NaN anywhere: for equality alone.
  let isWild: Bool
  private var leaves: [Tensor] = []
  /// Inputs of integers and of truth values with what they are about, for several steps to share.
  private var discrete: [(tensor: Tensor, kind: DiscreteKind)] = []
  private var inputs: [String: ElementArray] = [:]
  private var state: [String: ElementArray] = [:]

  init(seed: UInt64, isWild: Bool = false) {
    self.seed = seed
    self.isWild = isWild
    random = SplitMix(seed: seed)
    _ = newFloat(shape())
    _ = newFloat(shape(), asParameter: true)
  }

  // MARK: Shapes

  mutating func extent() -> Int { ProgramWriter.sizes.randomElement(using: &random) ?? 3 }

  mutating func shape(rank: ClosedRange<Int> = 1...3) -> Shape {
    while true {
      let shape = Shape((0..<Int.random(in: rank, using: &random)).map { _ in extent() })
      if shape.elementCount <= ProgramWriter.maximumElementCount { return shape }
    }
  }

  // MARK: Leaves

  /// A new input or parameter. One in eight has special values: ±0 and subnormals; in wild programs, infinities, NaN and
  /// huge numbers too.
  mutating func newFloat(
    _ shape: Shape, in range: ClosedRange<Float> = -2...2, asParameter: Bool? = nil
  ) -> Tensor {
    let isParameter = asParameter ?? random.oneIn(3)
    var values = (0..<shape.elementCount).map { _ in random.float(in: range) }
    if random.oneIn(8), range.lowerBound < 0 {
      var special: [Float] = [0, -0.0, .leastNonzeroMagnitude, -0x1p-130, 0x1p-127]
      if isWild { special += [.infinity, -.infinity, .nan, .greatestFiniteMagnitude, -0x1p100] }
      for _ in 0..<(values.count / 8 + 1) {
        values[Int.random(in: 0..<values.count, using: &random)] = special.randomElement(using: &random) ?? 0
      }
    }
    let tensor: Tensor
    if isParameter {
      let name = "w\(state.count)"
      tensor = builder.parameter(name, shape)
      state[name] = .float32(values)
    } else {
      let name = "x\(inputs.count)"
      tensor = builder.input(name, shape)
      inputs[name] = .float32(values)
    }
    leaves.append(tensor)
    floats.append(Entry(tensor: tensor, bound: 2))
    return tensor
  }

  /// A new input with ±0, infinities and subnormals in it; isn't among the tensors to choose from.
  mutating func newSpecial(_ shape: Shape) -> Tensor {
    let special: [Float] = [0, -0.0, .infinity, -.infinity, .leastNonzeroMagnitude, -0x1p-130, 0x1.8p-127]
    let values = (0..<shape.elementCount).map { _ in
      random.oneIn(4) ? special.randomElement(using: &random) ?? 0 : random.float(in: -2...2)
    }
    let name = "x\(inputs.count)"
    inputs[name] = .float32(values)
    let tensor = builder.input(name, shape)
    leaves.append(tensor)
    return tensor
  }

  /// A new input as an op's sample wants it.
  mutating func leaf(_ type: TensorType, _ values: OpSample.Values) -> Tensor {
    switch values {
    case .uniform(let range) where type.elementType == .float32: newFloat(type.shape, in: range)
    case .index(let limit): newIndices(type.shape, limit: limit)
    default:
      switch type.elementType {
      case .bool: newBool(type.shape)
      case .int32: newBits(type.shape)
      case .float32, .float64: newFloat(type.shape)
      }
    }
  }

  private enum DiscreteKind: Hashable {
    case indices(limit: Int)
    case bits, truth
  }

  /// One in two times an input that there is, if one fits.
  private mutating func known(_ kind: DiscreteKind, _ shape: Shape) -> Tensor? {
    let fitting = discrete.filter { $0.kind == kind && $0.tensor.shape == shape }
    guard let found = fitting.randomElement(using: &random), random.oneIn(2) else { return nil }
    return found.tensor
  }

  private mutating func newDiscrete(_ name: String, _ shape: Shape, _ kind: DiscreteKind, _ type: ElementType) -> Tensor {
    let tensor = builder.input(name, shape, type: type)
    discrete.append((tensor, kind))
    return tensor
  }

  /// An input of integers or of truth values, an old one where possible.
  mutating func anyDiscrete() -> Tensor {
    if let found = discrete.randomElement(using: &random), !random.oneIn(3) { return found.tensor }
    let shape = shape()
    if random.oneIn(3) { return newBits(shape) }
    return random.oneIn(2) ? newIndices(shape, limit: 3) : newBool(shape)
  }

  mutating func newIndices(_ shape: Shape, limit: Int) -> Tensor {
    if let found = known(.indices(limit: limit), shape) { return found }
    let name = "i\(inputs.count)"
    inputs[name] = .int32(
      (0..<shape.elementCount).map { _ in Int32.random(in: 0..<Int32(limit), using: &random) })
    return newDiscrete(name, shape, .indices(limit: limit), .int32)
  }

  mutating func newBits(_ shape: Shape) -> Tensor {
    if let found = known(.bits, shape) { return found }
    let name = "n\(inputs.count)"
    inputs[name] = .int32((0..<shape.elementCount).map { _ in Int32(truncatingIfNeeded: random.next()) })
    return newDiscrete(name, shape, .bits, .int32)
  }

  mutating func newBool(_ shape: Shape) -> Tensor {
    if let found = known(.truth, shape) { return found }
    let name = "b\(inputs.count)"
    inputs[name] = .bool((0..<shape.elementCount).map { _ in random.oneIn(2) })
    return newDiscrete(name, shape, .truth, .bool)
  }

  // MARK: Choosing and adding

  /// One of the tensors, recent ones preferred so that chains grow; of at least `rank` axes.
  mutating func anyFloat(rank: Int = 0) -> Entry {
    let fitting = floats.filter { $0.tensor.shape.rank >= rank }
    if fitting.isEmpty || random.oneIn(10) {
      let tensor = newFloat(shape(rank: Swift.max(rank, 1)...Swift.max(rank, 3)))
      return Entry(tensor: tensor, bound: 2)
    }
    let recent = fitting.suffix(4)
    return (random.oneIn(3) ? fitting.randomElement(using: &random) : recent.randomElement(using: &random))
      ?? fitting[0]
  }

  /// A tensor that broadcasts with `shape`: one there is, or a new one with some axes of extent 1 or missing.
  mutating func partner(of shape: Shape) -> Entry {
    let fitting = floats.filter {
      $0.tensor.shape.broadcast(with: shape).map { $0.elementCount <= ProgramWriter.maximumElementCount } ?? false
    }
    if let found = fitting.randomElement(using: &random), !random.oneIn(3) { return found }
    var extents = shape.extents
    for axis in extents.indices where random.oneIn(4) { extents[axis] = 1 }
    if !extents.isEmpty, random.oneIn(4) { extents.removeFirst() }
    return Entry(tensor: newFloat(Shape(extents)), bound: 2)
  }

  /// Takes a result into the pool, squashed when it may be large.
  mutating func add(_ tensor: Tensor, bound: Double, mayBeInfinite: Bool = false) {
    guard tensor.shape.elementCount <= ProgramWriter.maximumElementCount else { return }
    if mayBeInfinite {
      floats.append(Entry(tensor: tanh(tensor), bound: 1))
      return
    }
    if bound > 20 {
      floats.append(Entry(tensor: tensor * Float(2 / bound), bound: 2))
    } else {
      floats.append(Entry(tensor: tensor, bound: bound))
    }
  }

  // MARK: The end of a program

  /// Everything unused goes into a loss; its gradients are outputs and update the parameters in place.
  mutating func finish() -> RandomProgram {
    let used = Set(builder.graph.nodes.flatMap(\.operands))
    let ends = floats.map(\.tensor).filter { !used.contains($0.id) }
    var loss = builder.constant(0)
    for end in ends {
      let weight = builder.constant(random.float(in: 0.5...1.5))
      loss = loss + (end * end * weight).mean()
    }
    builder.output("loss", loss)
    for (number, end) in ends.suffix(3).enumerated() { builder.output("y\(number)", end) }
    let gradients = gradients(of: loss, withRespectTo: leaves)
    let partner = Dictionary(
      crossed.flatMap { [($0.0.id, $0.1), ($0.1.id, $0.0)] }, uniquingKeysWith: { first, _ in first })
    for (leaf, gradient) in zip(leaves, gradients) {
      guard builder.graph[leaf.id].op is ReadState else {
        builder.output("\(builder.graph[leaf.id].name).g", gradient)
        continue
      }
      var value = partner[leaf.id] ?? leaf
      if turned.contains(where: { $0.id == leaf.id }) { value = value.transposedMatrix() }
      builder.update(leaf, to: value - 0.1 * gradient)
      // What the program replaces may be asked for as well.
      if random.oneIn(8) { builder.output("\(builder.graph[leaf.id].name).old", leaf) }
    }
    return RandomProgram(seed: seed, graph: builder.finished(), inputs: inputs, state: state, isWild: isWild)
  }
}
