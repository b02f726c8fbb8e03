import CinchGraph

/// A place for one tensor; what it is before memory is planned.
struct Slot: Sendable {
  enum Source: Sendable, Hashable {
    case state(StateID)
    case input(Int)
    /// Given numbers, which the program carries along.
    case constant(NodeID)
    /// The result of a kernel.
    case node(NodeID)
  }
  var source: Source
  var name: String
  var type: TensorType

  var isResult: Bool { if case .node = source { true } else { false } }
}

/// Why a node's value is stored instead of being computed where it is used.
enum StoreReason: Sendable, Hashable {
  case output(String)
  case update(String)
  case reduction, contraction, argMax, scatter, concatenation, loop
  /// A table that run-time indices name rows of.
  case indexed
  /// A reshape cuts its rows where no loop variable does.
  case reshaped
  /// A contraction needs neighbouring columns side by side.
  case columns
  /// An accumulation order runs across the rows of the operand.
  case accumulated
  /// Computing it again in each of so many places would cost more than memory does.
  case repeated(places: Int)
  /// The expression would become too large.
  case large

  var description: String {
    switch self {
    case .output(let name): "output '\(name)'"
    case .update(let name): "next value of '\(name)'"
    case .reduction: "reduction"
    case .contraction: "contraction"
    case .argMax: "argMax"
    case .scatter: "scatter"
    case .concatenation: "concatenation"
    case .loop: "loop"
    case .indexed: "indexed at run time"
    case .reshaped: "reshaped across its rows"
    case .columns: "contraction reads its columns side by side"
    case .accumulated: "accumulated across its rows"
    case .repeated(let places): "dearer to compute in \(places) places than to load"
    case .large: "the expression is long enough"
    }
  }
}

/// What fusion knows of a graph: meanings looked up once, what is alive, and which nodes have a place in memory.
struct NodeTable: Sendable {
  let graph: Graph
  private(set) var meanings: [Meaning] = []
  private(set) var isLive: [Bool]
  var slots: [Slot] = []
  /// The slot of each node, or -1 where its value is computed where it is used.
  var slotOf: [Int32]
  private(set) var reasons: [NodeID: StoreReason] = [:]
  /// The slots of all results of each loop.
  private(set) var loopResults: [NodeID: [Int32]] = [:]
  /// Opcodes of the node itself, for one element.
  private(set) var ownCost: [Int32]

  init(_ graph: Graph) {
    self.graph = graph
    let count = graph.nodes.count
    isLive = [Bool](repeating: false, count: count)
    slotOf = [Int32](repeating: -1, count: count)
    ownCost = [Int32](repeating: 0, count: count)
    for root in graph.roots { isLive[root.index] = true }
    for index in (0..<count).reversed() where isLive[index] {
      for operand in graph.nodes[index].operands { isLive[operand.index] = true }
    }
    meanings.reserveCapacity(count)
    for (index, variable) in graph.state.enumerated() {
      slots.append(Slot(source: .state(StateID(index)), name: variable.name, type: variable.type))
    }
    var inputCount = 0
    for index in 0..<count {
      let meaning = graph.meaning(of: NodeID(index))
      meanings.append(meaning)
      switch meaning {
      case .input(let name):
        // Unused inputs keep their number, because callers give all of them.
        slotOf[index] = Int32(slots.count)
        slots.append(Slot(source: .input(inputCount), name: name, type: graph.nodes[index].type))
        inputCount += 1
      case .state(let id): slotOf[index] = id.raw
      case .constant(.dense):
        guard isLive[index] else { continue }
        slotOf[index] = Int32(slots.count)
        slots.append(
          Slot(source: .constant(NodeID(index)), name: "constant_\(index)", type: graph.nodes[index].type))
      case .elementwise(let function):
        var cost: Int32 = 0
        for instruction in function.instructions {
          if case .apply(let opcode, _, _) = instruction {
            cost += opcode == .divide || opcode == .squareRoot ? 6 : 1
          }
        }
        ownCost[index] = cost
      case .contract: ownCost[index] = 1
      case .gather: ownCost[index] = 2
      case .view(_, .some): ownCost[index] = 2
      default: break
      }
    }
  }

  func operands(_ node: NodeID) -> [NodeID] { graph.nodes[node.index].operands }
  func type(_ node: NodeID) -> TensorType { graph.nodes[node.index].type }
  func shape(_ node: NodeID) -> Shape { graph.nodes[node.index].type.shape }
  func isStored(_ node: NodeID) -> Bool { slotOf[node.index] >= 0 }

  /// Gives a node a place in memory; a check's value has that of its operand, for what is proved of an index is proved there.
  mutating func store(_ node: NodeID, _ reason: StoreReason) {
    if case .checkIndex = meanings[node.index] { return store(base(operands(node)[0]), reason) }
    guard slotOf[node.index] < 0 else { return }
    slotOf[node.index] = Int32(slots.count)
    slots.append(Slot(source: .node(node), name: "t\(node.raw)", type: type(node)))
    reasons[node] = reason
  }

  /// The node whose elements, in the same row-major order, `node` shows: reshapes compute nothing.
  func base(_ node: NodeID) -> NodeID {
    var node = node
    while !isStored(node) {
      guard case .reshape = meanings[node.index] else { break }
      node = operands(node)[0]
    }
    return node
  }

  /// The node in whose place a stored node's elements lie: neither reshapes nor checks compute anything.
  func holder(of node: NodeID) -> NodeID {
    var node = base(node)
    while !isStored(node), case .checkIndex = meanings[node.index] { node = base(operands(node)[0]) }
    return node
  }

  /// Whether a contraction is so short that its terms are written out where it is used.
  func isInlineContraction(_ node: NodeID) -> Bool {
    guard case .contract = meanings[node.index] else { return false }
    return shape(operands(node)[0]).extents.last == 1
  }

  /// Loops write all their results, used or not.
  private mutating func storeUnusedLoopResults() {
    for (node, results) in loopResults.sorted(by: { $0.key < $1.key }) {
      for (number, slot) in results.enumerated() where slot < 0 {
        loopResults[node]?[number] = Int32(slots.count)
        slots.append(
          Slot(source: .node(node), name: "t\(node.raw)_\(number)", type: graph.nodes[node.index].furtherTypes[number - 1]))
      }
    }
  }

  /// Stores what is a kernel's result whoever uses it.
  mutating func storePrimaryNodes() {
    for index in meanings.indices where isLive[index] {
      let node = NodeID(index)
      switch meanings[index] {
      case .reduce: store(node, .reduction)
      case .contract: if !isInlineContraction(node) { store(node, .contraction) }
      case .argMax: store(node, .argMax)
      case .scatterAdd: store(node, .scatter)
      case .concatenate: store(node, .concatenation)
      case .loop(let iteration):
        for operand in operands(node) { store(base(operand), .loop) }
        store(node, .loop)
        loopResults[node] = [slotOf[index]] + Array(repeating: -1, count: iteration.carried + iteration.stacked - 1)
      case .projection(let number):
        let loop = operands(node)[0]
        if let known = loopResults[loop]?[number], known >= 0 {
          slotOf[index] = known
        } else {
          store(node, .loop)
          loopResults[loop]?[number] = slotOf[index]
        }
      case .gather: store(base(operands(node)[0]), .indexed)
      default: break
      }
    }
    storeUnusedLoopResults()
    for update in graph.updates {
      store(base(update.node), .update(graph.state[update.state.index].name))
    }
    for output in graph.outputs { store(base(output.node), .output(output.name)) }
  }
}
