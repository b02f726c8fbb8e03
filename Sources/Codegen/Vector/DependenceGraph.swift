/// Which instructions of a straight line have to come before which.
struct DependenceGraph {
  private let count: Int
  private var edges: [(first: Int32, second: Int32)] = []
  /// By register: the last instruction that defined it, and the newest of its uses since then.
  private var definitions: [Int32]
  private var newestUse: [Int32]
  /// Uses, each with the one before it of the same register.
  private var uses: [(user: Int32, earlier: Int32)] = []

  /// Registers are given by numbers below `registerCount`.
  init(count: Int, registerCount: Int) {
    self.count = count
    definitions = [Int32](repeating: -1, count: registerCount)
    newestUse = [Int32](repeating: -1, count: registerCount)
    edges.reserveCapacity(3 * count)
    uses.reserveCapacity(2 * count)
  }

  /// Instructions are given in an order that works; what an instruction uses before what it defines.
  mutating func use(_ register: Int, by index: Int) {
    if definitions[register] >= 0 { order(Int(definitions[register]), before: index) }
    uses.append((Int32(truncatingIfNeeded: index), newestUse[register]))
    newestUse[register] = Int32(truncatingIfNeeded: uses.count - 1)
  }

  /// A carried value is defined anew while its old value is in use.
  mutating func define(_ register: Int, by index: Int) {
    var use = newestUse[register]
    while use >= 0 {
      let (user, earlier) = uses[Int(use)]
      if Int(user) != index { order(Int(user), before: index) }
      use = earlier
    }
    newestUse[register] = -1
    if definitions[register] >= 0 { order(Int(definitions[register]), before: index) }
    definitions[register] = Int32(truncatingIfNeeded: index)
  }

  func isDefined(_ register: Int) -> Bool { definitions[register] >= 0 }

  mutating func order(_ first: Int, before second: Int) {
    edges.append((Int32(truncatingIfNeeded: first), Int32(truncatingIfNeeded: second)))
  }

  var successors: Neighbours { Neighbours(count: count, edges.lazy.map { ($0.first, $0.second) }) }
  var predecessors: Neighbours { Neighbours(count: count, edges.lazy.map { ($0.second, $0.first) }) }

  /// For each instruction some others, in the order in which they were found; one may stand there twice.
  struct Neighbours {
    private var starts: [Int32]
    private var all: [Int32]

    init(count: Int, _ pairs: some Sequence<(Int32, Int32)>) {
      starts = [Int32](repeating: 0, count: count + 1)
      for (own, _) in pairs { starts[Int(own) + 1] += 1 }
      for index in 0..<count { starts[index + 1] += starts[index] }
      all = [Int32](repeating: 0, count: Int(starts[count]))
      var next = starts
      for (own, other) in pairs {
        all[Int(next[Int(own)])] = other
        next[Int(own)] += 1
      }
    }

    func range(_ index: Int) -> Range<Int> { Int(starts[index])..<Int(starts[index + 1]) }
    subscript(position: Int) -> Int { Int(all[position]) }
    func count(of index: Int) -> Int { range(index).count }
  }

  /// All that the first result needs, then all that the second one needs besides, and so on.
  static func depthFirstOrder(count: Int, _ predecessors: Neighbours, _ successors: Neighbours) -> [Int] {
    var order: [Int] = []
    order.reserveCapacity(count)
    var isDone = [Bool](repeating: false, count: count)
    var stack: [(index: Int, next: Int)] = []
    for root in 0..<count where successors.range(root).isEmpty {
      stack.append((root, predecessors.range(root).lowerBound))
      while let (index, next) = stack.last {
        if isDone[index] {
          stack.removeLast()
        } else if next < predecessors.range(index).upperBound {
          stack[stack.count - 1].next += 1
          let predecessor = predecessors[next]
          if !isDone[predecessor] { stack.append((predecessor, predecessors.range(predecessor).lowerBound)) }
        } else {
          isDone[index] = true
          order.append(index)
          stack.removeLast()
        }
      }
    }
    return order
  }
}
