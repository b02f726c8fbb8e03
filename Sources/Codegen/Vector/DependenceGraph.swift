/// Which instructions of a straight line have to come before which.
struct DependenceGraph {
  private var successors: [[Int32]]
  private var predecessors: [[Int32]]
  private var definitions: [VirtualRegister: Int] = [:]
  /// Who used a register since its last definition.
  private var users: [VirtualRegister: [Int]] = [:]

  init(count: Int) {
    successors = [[Int32]](repeating: [], count: count)
    predecessors = [[Int32]](repeating: [], count: count)
  }

  /// Instructions are given in an order that works; what an instruction uses before what it defines.
  mutating func use(_ register: VirtualRegister, by index: Int) {
    if let definition = definitions[register] { order(definition, before: index) }
    users[register, default: []].append(index)
  }

  /// A carried value is defined anew while its old value is in use.
  mutating func define(_ register: VirtualRegister, by index: Int) {
    for user in users.removeValue(forKey: register) ?? [] where user != index { order(user, before: index) }
    if let earlier = definitions[register] { order(earlier, before: index) }
    definitions[register] = index
  }

  func definition(of register: VirtualRegister) -> Int? { definitions[register] }

  mutating func order(_ first: Int, before second: Int) {
    let first32 = Int32(truncatingIfNeeded: first)
    if predecessors[second].contains(first32) { return }
    predecessors[second].append(first32)
    successors[first].append(Int32(truncatingIfNeeded: second))
  }

  var predecessorCounts: [Int] { predecessors.map(\.count) }

  func forEachSuccessor(of index: Int, _ body: (Int) -> Void) {
    for successor in successors[index] { body(Int(successor)) }
  }

  /// All that the first result needs, then all that the second one needs besides, and so on.
  func depthFirstOrder() -> [Int] {
    var order: [Int] = []
    order.reserveCapacity(successors.count)
    var isDone = [Bool](repeating: false, count: successors.count)
    var stack: [(index: Int, next: Int)] = []
    for root in successors.indices where successors[root].isEmpty {
      stack.append((root, 0))
      while let (index, next) = stack.last {
        if isDone[index] {
          stack.removeLast()
        } else if next < predecessors[index].count {
          stack[stack.count - 1].next += 1
          let predecessor = Int(predecessors[index][next])
          if !isDone[predecessor] { stack.append((predecessor, 0)) }
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
