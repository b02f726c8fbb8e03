import CinchGraph

/// Instructions that are skipped where no lane of a mask is set: what one side of selects alone needs, such as the
/// reduction of huge angles in `sin`.
struct ColdRegion: Sendable {
  struct Result: Sendable {
    var value: VectorValue
    /// What lanes have where the mask is set, and elsewhere.
    var taken: VectorValue
    var otherwise: VectorValue
  }

  var mask: VectorValue
  var body: [VectorInstructionID]
  var results: [Result]
}

/// Puts what only the first sides of rare selects need behind a jump. Each lane's result is the same; code without such
/// selects is left as it is.
struct ColdRegions {
  /// For fewer, a jump and two blocks to schedule cost as much.
  private static let leastInstructions = 12

  private let program: VectorProgram
  private var useCount: [Int32]
  /// The instruction that defines each value, or -1.
  private var definition: [Int32]

  /// Selects by one mask, none of which needs another's result.
  private struct Group {
    var mask: VectorValue
    var selects: [VectorInstructionID]
    /// What needs the selects' results, and has to wait for the region: before the last select, and behind it.
    var delayed: [VectorInstructionID] = []
    var users: [VectorInstructionID] = []
    /// All results of these and of the selects.
    var results: Set<VectorValue>
  }

  static func separate(_ program: inout VectorProgram) {
    let regions = ColdRegions(program)
    program.body = regions.separated(program.body)
  }

  private init(_ program: VectorProgram) {
    self.program = program
    useCount = [Int32](repeating: 0, count: program.values.count)
    definition = [Int32](repeating: -1, count: program.values.count)
    countUses(program.body)
  }

  private mutating func countUses(_ statements: [VectorStatement]) {
    for statement in statements {
      switch statement {
      case .instruction(let id):
        for operand in program[id].operands { useCount[operand.index] += 1 }
        if let result = program[id].result { definition[result.index] = id.raw }
      case .loop(let loop):
        for carried in loop.carried {
          useCount[carried.initial.index] += 1
          useCount[carried.next.index] += 1
        }
        countUses(loop.body)
      case .cold: break
      }
    }
  }

  private func separated(_ statements: [VectorStatement]) -> [VectorStatement] {
    let statements = statements.map { statement in
      guard case .loop(var loop) = statement else { return statement }
      loop.body = separated(loop.body)
      return .loop(loop)
    }
    let groups = groups(in: statements)
    if groups.isEmpty { return statements }
    var here: Set<VectorInstructionID> = []
    for case .instruction(let id) in statements { here.insert(id) }
    var moved: Set<VectorInstructionID> = []
    // By the group's last select, whose place the region takes.
    var regions: [VectorInstructionID: ColdRegion] = [:]
    var delayed: [VectorInstructionID: [VectorInstructionID]] = [:]
    for group in groups {
      let body = exclusive(to: group, among: here.subtracting(moved))
      guard body.count >= Self.leastInstructions, let last = group.selects.last else { continue }
      moved.formUnion(body)
      moved.formUnion(group.selects.dropLast())
      moved.formUnion(group.delayed)
      delayed[last] = group.delayed
      regions[last] = ColdRegion(mask: group.mask, body: [], results: results(of: group))
      for case .instruction(let id) in statements where body.contains(id) { regions[last]?.body.append(id) }
    }
    return statements.flatMap { statement -> [VectorStatement] in
      guard case .instruction(let id) = statement else { return [statement] }
      if let region = regions[id] { return [.cold(region)] + (delayed[id] ?? []).map { .instruction($0) } }
      return moved.contains(id) ? [] : [statement]
    }
  }

  private func results(of group: Group) -> [ColdRegion.Result] {
    group.selects.compactMap { id in
      let operands = program[id].operands
      return program[id].result.map { ColdRegion.Result(value: $0, taken: operands[1], otherwise: operands[2]) }
    }
  }

  private func isSelect(_ id: VectorInstructionID) -> Bool {
    guard case .apply(.selectRarely, let from) = program[id].operation else { return false }
    return from != .bool && program[program[id].operands[0]].constant == nil
  }

  private func groups(in statements: [VectorStatement]) -> [Group] {
    var closed: [Group] = []
    var open: [Group] = []
    func close(_ isDone: (Group) -> Bool) {
      closed += open.filter(isDone)
      open.removeAll(where: isDone)
    }
    for statement in statements {
      guard case .instruction(let id) = statement else {
        close { _ in true }
        continue
      }
      let operands = program[id].operands
      let isRareSelect = isSelect(id)
      for index in open.indices.reversed() where operands.contains(where: open[index].results.contains) {
        if let result = program[id].result, isPure(id), !isRareSelect {
          open[index].users.append(id)
          open[index].results.insert(result)
        } else {
          closed.append(open.remove(at: index))
        }
      }
      guard isRareSelect, let result = program[id].result else { continue }
      if let index = open.firstIndex(where: { $0.mask == operands[0] }) {
        open[index].selects.append(id)
        open[index].delayed = open[index].users
        open[index].results.insert(result)
      } else {
        open.append(Group(mask: operands[0], selects: [id], results: [result]))
      }
    }
    close { _ in true }
    return closed
  }

  /// The instructions whose results nothing needs but each other and the selects' first sides.
  private func exclusive(to group: Group, among candidates: Set<VectorInstructionID>) -> Set<VectorInstructionID> {
    var uses: [VectorValue: Int32] = [:]
    var found: Set<VectorInstructionID> = []
    var pending = group.selects.map { program[$0].operands[1] }
    while let value = pending.popLast() {
      uses[value, default: 0] += 1
      guard uses[value] == useCount[value.index], definition[value.index] >= 0 else { continue }
      let id = VectorInstructionID(Int(definition[value.index]))
      guard candidates.contains(id), isPure(id) else { continue }
      found.insert(id)
      for operand in program[id].operands { pending.append(operand) }
    }
    return found
  }

  private func isPure(_ id: VectorInstructionID) -> Bool {
    switch program[id].operation {
    case .apply, .rotateLeft: true
    default: false
    }
  }
}
