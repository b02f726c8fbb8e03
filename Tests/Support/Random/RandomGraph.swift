import Cinch

/// Writes small graphs that ask much of the grouping of kernels and little of arithmetic: pieces of tensors put together and
/// taken apart, sums along several axes, extents of 1, checked indices that are results themselves, state that changes places.
struct RandomGraph {
  private static let extents = [1, 1, 2, 2, 3, 4, 5, 8, 16, 17]
  private static let maximumElementCount = 3000

  private var random: SplitMix
  private let builder = GraphBuilder(name: "random")
  private var pool: [Tensor] = []
  private var indices: [Tensor] = []
  private var outputs: [Tensor] = []
  private var inputs: [String: ElementArray] = [:]
  private var state: [String: ElementArray] = [:]

  private init(seed: UInt64) { random = SplitMix(seed: seed) }

  static func program(seed: UInt64) -> RandomProgram {
    var graph = RandomGraph(seed: seed)
    graph.leaf(graph.shape())
    for _ in 0..<Int.random(in: 3...10, using: &graph.random) { graph.step() }
    return graph.finish(seed)
  }

  // MARK: What there is to choose from

  private mutating func extent() -> Int { Self.extents.randomElement(using: &random) ?? 1 }

  private mutating func shape() -> Shape {
    while true {
      let shape = Shape((0..<Int.random(in: 1...4, using: &random)).map { _ in extent() })
      if shape.elementCount <= Self.maximumElementCount { return shape }
    }
  }

  @discardableResult
  private mutating func leaf(_ shape: Shape) -> Tensor {
    let values = ElementArray.float32((0..<shape.elementCount).map { _ in random.float(in: -2...2) })
    let isState = random.oneIn(4)
    let name = "\(isState ? "w" : "x")\(inputs.count + state.count)"
    if isState { state[name] = values } else { inputs[name] = values }
    let tensor = isState ? builder.parameter(name, shape) : builder.input(name, shape)
    pool.append(tensor)
    return tensor
  }

  private mutating func any(rank: Int = 0) -> Tensor {
    let fitting = pool.filter { $0.shape.rank >= rank }
    if let found = fitting.suffix(5).randomElement(using: &random), !random.oneIn(8) { return found }
    while true {
      let shape = shape()
      if shape.rank >= rank { return leaf(shape) }
    }
  }

  private mutating func index(below limit: Int) -> Tensor {
    let name = "i\(inputs.count + state.count)"
    let count = extent()
    inputs[name] = .int32((0..<count).map { _ in Int32.random(in: 0..<Int32(limit), using: &random) })
    let plain = builder.input(name, [count], type: .int32)
    guard random.oneIn(2) else { return plain }
    let checked = builder.add(CheckIndex(limit: limit), [plain], at: plain.site)
    indices.append(checked)
    return checked
  }

  private mutating func add(_ tensor: Tensor) {
    if tensor.shape.elementCount <= Self.maximumElementCount { pool.append(tensor) }
  }

  // MARK: Steps

  private mutating func step() {
    switch Int.random(in: 0..<12, using: &random) {
    case 0: add(elementwise(any()))
    case 1: addBinary()
    case 2, 3: add(reduced(any(rank: 1)))
    case 4, 5: addConcatenation()
    case 6, 7: addView()
    case 8: add(normalised(any(rank: 1)))
    case 9: addProduct()
    case 10: addRows()
    default: addLoop()
    }
  }

  private mutating func elementwise(_ x: Tensor) -> Tensor {
    switch Int.random(in: 0..<5, using: &random) {
    case 0: tanh(x)
    case 1: relu(x)
    case 2: x.cast(to: .bool).cast(to: .float32) + x.cast(to: .int32).cast(to: .float32)
    case 3: x * 0.5
    default: sigmoid(x)
    }
  }

  private mutating func addBinary() {
    let x = any()
    let fitting = pool.filter { $0.shape.broadcast(with: x.shape) != nil }
    let y = fitting.randomElement(using: &random) ?? x
    add(random.oneIn(2) ? x + y : x * y)
  }

  /// Axes that are neighbours as a rule.
  private mutating func axes(of x: Tensor) -> [Int] {
    if random.oneIn(4) {
      let axes = (0..<x.shape.rank).filter { _ in random.oneIn(2) }
      if !axes.isEmpty { return axes }
    }
    let first = Int.random(in: 0..<x.shape.rank, using: &random)
    return Array(first..<Int.random(in: (first + 1)...x.shape.rank, using: &random))
  }

  private mutating func reduced(_ x: Tensor) -> Tensor {
    let axes = axes(of: x)
    switch Int.random(in: 0..<5, using: &random) {
    case 0: return x.builder.add(Max(axes: axes), [x], at: x.site)
    case 1: return x.builder.add(Mean(axes: axes), [x], at: x.site)
    case 2: return x.max(along: axes[0], keepingAxes: true)
    case 3: return x.argMax(along: axes[0], keepingAxes: random.oneIn(2)).cast(to: .float32)
    default: return x.builder.add(Sum(axes: axes), [x], at: x.site)
    }
  }

  private mutating func normalised(_ x: Tensor) -> Tensor {
    let axis = Int.random(in: 0..<x.shape.rank, using: &random)
    return random.oneIn(2) ? softmax(x, axis: axis) : layerNorm(x, axes: axis + 1, epsilon: 0.5)
  }

  private mutating func addConcatenation() {
    let x = any(rank: 1)
    let axis = Int.random(in: 0..<x.shape.rank, using: &random)
    var shape = x.shape
    shape.extents[axis] = extent()
    let fitting = pool.filter { other in
      other.shape.rank == x.shape.rank
        && other.shape.extents.indices.allSatisfy { $0 == axis || other.shape[$0] == x.shape[$0] }
    }
    let choices =
      [x, elementwise(x), x.max(along: axis, keepingAxes: true), leaf(shape), normalised(x)] + fitting.suffix(3)
    let pieces = choices.shuffled(using: &random).prefix(Int.random(in: 1...4, using: &random))
    add(concatenate(Array(pieces), along: axis))
  }

  private mutating func addView() {
    let x = any(rank: 1)
    let axis = Int.random(in: 0..<x.shape.rank, using: &random)
    let extents = x.shape.extents
    switch Int.random(in: 0..<6, using: &random) {
    case 0: add(x.transposed(to: Array(0..<x.shape.rank).shuffled(using: &random)))
    case 1: add(x.broadcast(to: Shape([Int.random(in: 1...3, using: &random)] + extents)))
    case 2:
      let start = Int.random(in: 0..<extents[axis], using: &random)
      add(x.sliced(along: axis, start..<Int.random(in: (start + 1)...extents[axis], using: &random)))
    case 3:
      let low = extents.map { _ in Int.random(in: 0...1, using: &random) }
      add(x.padded(low: low, high: low.reversed(), with: 0.5))
    case 4: add(x.reshaped(to: [x.shape.elementCount]))
    default:
      var split = extents
      let divisor = (2...8).first { extents[axis] % $0 == 0 } ?? 1
      split[axis] /= divisor
      split.insert(divisor, at: random.oneIn(2) ? axis : axis + 1)
      add(x.reshaped(to: Shape(split)))
    }
  }

  private mutating func addProduct() {
    let x = any(rank: 2)
    let depth = x.shape[x.shape.rank - 1]
    add(random.oneIn(3) ? matmul(x, x.transposedMatrix()) : matmul(x, leaf([depth, extent()])))
  }

  private mutating func addRows() {
    let x = any(rank: 1)
    if random.oneIn(2) {
      add(gather(x, at: index(below: x.shape[0])))
    } else {
      let count = extent()
      let places = index(below: count)
      let rows = leaf(Shape([places.shape[0]] + x.shape.extents.dropFirst()))
      add(scatterAdd(rows, at: places, count: count))
    }
  }

  private mutating func addLoop() {
    let x = any(rank: 2)
    let rest = Shape(Array(x.shape.extents.dropFirst()))
    let isReversed = random.oneIn(2)
    let (last, all) = scan(over: x, initial: leaf(rest), reversed: isReversed) { slice, carried in
      let joined = concatenate([slice, carried], along: 0)
      let next = tanh(slice + carried * 0.5)
      return (carried: next, output: joined.sum(along: 0) + next.mean())
    }
    add(last)
    add(all)
  }

  // MARK: The end

  private mutating func finish(_ seed: UInt64) -> RandomProgram {
    let used = Set(builder.graph.nodes.flatMap(\.operands))
    for (number, tensor) in pool.enumerated() where !used.contains(tensor.id) || random.oneIn(4) {
      builder.output("y\(number)", tensor)
    }
    for (number, tensor) in indices.enumerated() where random.oneIn(2) { builder.output("i\(number)", tensor) }
    var updated: Set<NodeID> = []
    for variable in pool where builder.graph[variable.id].op is ReadState && updated.insert(variable.id).inserted {
      let fitting = pool.filter { $0.shape == variable.shape }
      guard let value = fitting.randomElement(using: &random), random.oneIn(2) else { continue }
      builder.update(variable, to: value)
    }
    return RandomProgram(seed: seed, graph: builder.finished(), inputs: inputs, state: state, isWild: true)
  }
}

extension RandomProgram {
  /// A small graph of pieces, reductions and views: the same one for the same seed.
  public init(piecesOf seed: UInt64) { self = RandomGraph.program(seed: seed) }
}
