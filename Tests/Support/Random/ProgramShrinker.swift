import Cinch

/// Makes a failing program smaller as long as it fails.
///
/// Roots are dropped, nodes become inputs that hold their values, results of nodes take the place of the output, nodes that
/// keep their operand's type are left out, extents become smaller and numbers plain; again and again, until nothing of that
/// leaves a program that fails.
public struct ProgramShrinker {
  private let isFailing: (RandomProgram) -> Bool
  private var remainingAttempts: Int
  private var program: RandomProgram

  /// - Parameters:
  ///   - attempts: how many programs are tried at most.
  ///   - isFailing: whether a program fails in the way that is looked for; `program` does.
  public static func shrunk(
    _ program: RandomProgram, attempts: Int = 2000, while isFailing: (RandomProgram) -> Bool
  ) -> RandomProgram {
    withoutActuallyEscaping(isFailing) { isFailing in
      var shrinker = ProgramShrinker(isFailing: isFailing, remainingAttempts: attempts, program: program)
      shrinker.shrink()
      return shrinker.program
    }
  }

  private mutating func shrink() {
    var before: [Int]
    repeat {
      before = size
      dropRepeats()
      dropRoots()
      takeEarlierResult()
      cut()
      leaveOut()
      narrow()
    } while size.lexicographicallyPrecedes(before) && remainingAttempts > 0
    plainNumbers()
    var plain = program
    plain.step = plain.step.withoutSites()
    _ = accept(plain)
  }

  /// Nodes, then elements, then repeats.
  private var size: [Int] {
    let step = program.step
    return [
      step.nodes.count + step.roots.count, step.nodes.reduce(0) { $0 + $1.type.shape.elementCount }, program.repeats,
    ]
  }

  /// Takes a smaller program if it fails as well.
  private mutating func accept(_ candidate: RandomProgram) -> Bool {
    guard remainingAttempts > 0, candidate.step.violations().isEmpty else { return false }
    remainingAttempts -= 1
    guard isFailing(candidate) else { return false }
    program = candidate
    return true
  }

  /// The same with another step, without what that doesn't need.
  private func candidate(_ step: Graph, _ inputs: [String: ElementArray]? = nil) -> RandomProgram {
    var result = program
    result.step = step.trimmed()
    let names = Set(result.step.inputs.map(\.name))
    let variables = Set(result.step.state.map(\.name))
    result.inputs = (inputs ?? program.inputs).filter { names.contains($0.key) }
    result.state = program.state.filter { variables.contains($0.key) }
    return result
  }

  private mutating func accept(_ step: Graph) -> Bool { accept(candidate(step)) }

  // MARK: Roots

  private mutating func dropRepeats() {
    guard program.repeats > 1 else { return }
    for repeats in 1..<program.repeats {
      var once = program
      once.repeats = repeats
      if accept(once) { return }
    }
  }

  /// One output or update alone, or as few as possible.
  private mutating func dropRoots() {
    let step = program.step
    guard step.roots.count > 1 else { return }
    for root in Set(step.roots).sorted() {
      if accept(step.with(outputs: [Graph.Output(name: "y", node: root)], updates: [])) { return }
    }
    for update in step.updates {
      if accept(step.with(outputs: [], updates: [update])) { return }
    }
    // Several are needed.
    for index in step.outputs.indices.reversed() {
      var fewer = program.step
      fewer.outputs.remove(at: index)
      _ = accept(fewer)
    }
    for index in program.step.updates.indices.reversed() {
      var fewer = program.step
      fewer.updates.remove(at: index)
      _ = accept(fewer)
    }
  }

  /// The first node that fails as the only output.
  private mutating func takeEarlierResult() {
    let step = program.step
    guard step.roots.count == 1, program.repeats == 1 else { return }
    for index in step.nodes.indices.dropLast() where !step.nodes[index].operands.isEmpty {
      if accept(step.with(outputs: [Graph.Output(name: "y", node: NodeID(index))], updates: [])) { return }
    }
  }

  // MARK: Nodes

  /// Nodes become inputs that hold what they have computed: many at once, then one by one.
  private mutating func cut() {
    guard program.repeats == 1, let values = values() else { return }
    // Nodes keep their numbers here, and are trimmed in what is tried.
    var step = program.step
    var inputs = program.inputs
    let updated = Set(step.updates.map(\.state))
    var nodes = step.nodes.indices.filter { index in
      if let read = step.nodes[index].op as? ReadState { return !updated.contains(read.id) }
      return !(step.nodes[index].op is Input) && !(step.nodes[index].op is Constant)
    }
    var length = max(nodes.count / 2, 1)
    while remainingAttempts > 0 {
      var start = 0
      while start < nodes.count {
        let chunk = nodes[start..<min(start + length, nodes.count)]
        let (fewer, more) = cutting(chunk, of: step, values, inputs)
        if fewer.trimmed().nodes.count < program.step.nodes.count || length == 1, accept(candidate(fewer, more)) {
          (step, inputs) = (fewer, more)
          nodes.removeSubrange(start..<start + chunk.count)
        } else {
          start += length
        }
      }
      if length == 1 { break }
      length = max(length / 2, 1)
    }
  }

  private func cutting(
    _ nodes: ArraySlice<Int>, of step: Graph, _ values: [ElementArray?], _ inputs: [String: ElementArray]
  ) -> (Graph, [String: ElementArray]) {
    var step = step
    var inputs = inputs
    // A loop's further results go with it.
    let loops = Set(nodes.filter { !step.nodes[$0].furtherTypes.isEmpty })
    let further = step.nodes.indices.filter { index in
      step.nodes[index].op is Projection && loops.contains(step.nodes[index].operands[0].index)
    }
    for index in Set(Array(nodes) + further) {
      guard let value = values[index] else { continue }
      let type = step.nodes[index].type
      let name = "v\(index)_\(inputs.count)"
      step.nodes[index] = Node(op: Input(name, type), operands: [], type: type, site: .unknown, name: name)
      inputs[name] = value
    }
    return (step, inputs)
  }

  /// What each node computes.
  private func values() -> [ElementArray?]? {
    var step = program.step
    step.updates = []
    step.outputs = step.nodes.indices.map { Graph.Output(name: "\($0)", node: NodeID($0)) }
    var state = program.state
    guard let results = try? Interpreter(step).run(inputs: program.inputs, state: &state) else { return nil }
    return step.nodes.indices.map { results["\($0)"] }
  }

  /// An operand of the same type takes a node's place.
  private mutating func leaveOut() {
    var index = program.step.nodes.count - 1
    while index >= 0, remainingAttempts > 0 {
      let step = program.step
      if index < step.nodes.count {
        let node = step.nodes[index]
        for operand in node.operands where step.type(of: operand) == node.type {
          if accept(step.replacing(NodeID(index), with: operand)) { break }
        }
      }
      index -= 1
    }
  }

  // MARK: Extents and numbers

  private mutating func narrow() {
    let leaves = program.step.nodes.filter { $0.op is Input || $0.op is ReadState }
    for extent in Set(leaves.flatMap(\.type.shape.extents)).sorted(by: >) where extent > 1 {
      for smaller in [1, 2, 3, 5, 9, 17, 33, 65] where smaller < extent {
        guard let step = program.step.replacing(extent: extent, with: smaller) else { continue }
        var narrower = candidate(step)
        for (name, node) in narrower.step.inputs {
          narrower.inputs[name] = narrower.inputs[name]?.cut(to: narrower.step.type(of: node), below: smaller)
        }
        for variable in narrower.step.state {
          narrower.state[variable.name] = narrower.state[variable.name]?.cut(to: variable.type, below: smaller)
        }
        if accept(narrower) { break }
      }
    }
  }

  private mutating func plainNumbers() {
    for (name, values) in program.inputs.sorted(by: { $0.key < $1.key }) where values.floats != nil {
      var plain = program
      plain.inputs[name] = .float32(RandomProgram.plainNumbers(values.count))
      _ = accept(plain)
    }
    for (name, values) in program.state.sorted(by: { $0.key < $1.key }) where values.floats != nil {
      var plain = program
      plain.state[name] = .float32(RandomProgram.plainNumbers(values.count))
      _ = accept(plain)
    }
  }
}

extension Graph {
  fileprivate func with(outputs: [Output], updates: [Update]) -> Graph {
    var result = self
    result.outputs = outputs
    result.updates = updates
    return result
  }
}

extension ElementArray {
  /// The first elements; numbers that may be indices stay below the new extent.
  fileprivate func cut(to type: TensorType, below extent: Int) -> ElementArray {
    let first = elements(0..<Swift.min(count, type.shape.elementCount))
    guard case .int32(let numbers) = first else { return first }
    return .int32(numbers.map { $0 >= Int32(extent) ? $0 % Int32(extent) : $0 })
  }
}
