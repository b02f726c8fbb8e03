import CinchGraph

// What the writer must know of a kernel before it prints: which values anything depends on, how often and where each
// is used, and which need a local array because a register tile is printed as several loops ("jammed").
//
// All axes have one meaning, so an unrolled or vector loop prints as a plain `for`. Only around a sequential loop
// is that slow: a matrix tile would walk k for each element anew. There the tile's loops move inside the sequential
// loop, and what lives across them becomes a small array indexed by the tile's variables.

/// A loop of a register tile, as the index of a local array.
struct TileAxis: Hashable {
  var variable: LoopVariable
  var extent: Int
}

struct CKernelAnalysis {
  enum Definition {
    case none
    case expression(LoopExpression)
    case argument(carried: Int)
    case result(carried: Int)
    case fold(value: LoopValue)
  }

  struct Value {
    var definition = Definition.none
    var isLive = false
    /// The statement list that defines it.
    var list: Int32 = -2
    var useCount: Int32 = 0
    /// The statement list and position of the last counted use; meaningful for values used once.
    var useList: Int32 = -1
    var usePosition: Int32 = -1
    /// The part of a jammed loop that defines it; 0 outside.
    var group: Int32 = 0
    /// The index into `tiles` of its array's axes; -1 for a plain local.
    var tile: Int32 = -1
    /// Whose name it goes by: the result of a carried value is its argument's variable.
    var alias: Int32 = -1
  }

  private(set) var values: [Value]
  private(set) var carried: [Loop.Carried] = []
  private(set) var tiles: [[TileAxis]] = []
  /// The loops whose tile is printed inside their sequential loops, by loop variable.
  private(set) var jammed: Set<LoopVariable> = []
  private(set) var hasChecks = false
  /// How each buffer is used, in order of first use.
  private(set) var buffers: [BufferID] = []
  private(set) var stored: Set<BufferID> = []

  private var seen: Set<BufferID> = []
  private var roots: [LoopValue] = []
  private var listCount: Int32 = 0
  private var groupCount: Int32 = 0

  /// Local arrays of one nest must fit in this (docs/Design.md, *The step ABI*).
  static let localBytes = 4096

  init(_ kernel: LoopKernel) {
    values = Array(repeating: Value(), count: kernel.valueTypes.count)
    collect(kernel.body)
    markLive()
    scan(kernel.body, trailing: [], group: 0, kernel)
  }

  func isUsed(_ value: LoopValue) -> Bool { values[value.index].isLive }

  // MARK: Definitions and liveness

  private mutating func collect(_ list: [LoopStatement]) {
    for statement in list {
      switch statement {
      case .define(let value, let expression):
        values[value.index].definition = .expression(expression)
        if case .load(let access, _, _) = expression { note(access.buffer) }
      case .store(let access, let value, let condition):
        note(access.buffer)
        stored.insert(access.buffer)
        roots.append(value)
        if let condition { roots.append(condition) }
        if let indirection = access.indirection { roots.append(indirection.value) }
      case .prefetch: break
      case .check(let value, _, _):
        hasChecks = true
        roots.append(value)
      case .loop(let loop):
        for item in loop.carried {
          values[item.argument.index].definition = .argument(carried: carried.count)
          values[item.result.index].definition = .result(carried: carried.count)
          values[item.result.index].alias = item.argument.raw
          carried.append(item)
        }
        for fold in loop.folds { values[fold.result.index].definition = .fold(value: fold.value) }
        collect(loop.body)
      }
    }
  }

  private mutating func note(_ buffer: BufferID) {
    if seen.insert(buffer).inserted { buffers.append(buffer) }
  }

  private mutating func markLive() {
    var open = roots
    while let value = open.popLast() {
      if values[value.index].isLive { continue }
      values[value.index].isLive = true
      switch values[value.index].definition {
      case .none: break
      case .expression(let expression): Self.forEachOperand(of: expression) { open.append($0) }
      case .argument(let index), .result(let index):
        let item = carried[index]
        open.append(contentsOf: [item.initial, item.next, item.argument, item.result])
      case .fold(let operand): open.append(operand)
      }
    }
  }

  static func forEachOperand(of expression: LoopExpression, _ visit: (LoopValue) -> Void) {
    switch expression {
    case .constant, .index, .within: break
    case .apply(_, let operands): for operand in operands { visit(operand) }
    case .load(let access, let condition, _):
      if let indirection = access.indirection { visit(indirection.value) }
      if let condition { visit(condition) }
    }
  }

  /// Whether anything in the list is printed.
  func hasEffect(_ list: [LoopStatement]) -> Bool {
    list.contains { statement in
      switch statement {
      case .define(let value, _): isUsed(value)
      case .store, .check: true
      case .prefetch: false
      case .loop(let loop): hasEffect(loop)
      }
    }
  }

  func hasEffect(_ loop: Loop) -> Bool {
    loop.folds.contains { isUsed($0.result) } || loop.carried.contains { isUsed($0.result) }
      || hasEffect(loop.body)
  }

  // MARK: Uses

  private mutating func use(_ value: LoopValue, list: Int32, position: Int, group: Int32) {
    values[value.index].useCount += 1
    values[value.index].useList = list
    values[value.index].usePosition = Int32(position)
    if values[value.index].group != 0, values[value.index].group != group { needsArray(value) }
  }

  /// The value lives from one part of a jammed loop to another.
  private mutating func needsArray(_ value: LoopValue) {
    if case .expression(.constant) = values[value.index].definition { return }
    let owner = values[value.index].alias
    let index = owner >= 0 ? Int(owner) : value.index
    if values[index].tile < 0 { values[index].tile = tileOfGroup[values[index].group] ?? -1 }
  }

  private var tileOfGroup: [Int32: Int32] = [:]

  private mutating func newList() -> Int32 {
    listCount += 1
    return listCount - 1
  }

  private mutating func newGroup(_ tile: Int32) -> Int32 {
    groupCount += 1
    if tile >= 0 { tileOfGroup[groupCount] = tile }
    return groupCount
  }

  private mutating func scan(
    _ statements: [LoopStatement], trailing: [LoopValue], group: Int32, _ kernel: LoopKernel
  ) {
    let list = newList()
    for (position, statement) in statements.enumerated() {
      scan(statement, list: list, position: position, group: group, kernel)
    }
    for value in trailing { use(value, list: list, position: statements.count, group: group) }
  }

  private mutating func scan(
    _ statement: LoopStatement, list: Int32, position: Int, group: Int32, _ kernel: LoopKernel
  ) {
    switch statement {
    case .define(let value, let expression):
      guard isUsed(value) else { return }
      values[value.index].group = group
      values[value.index].list = list
      Self.forEachOperand(of: expression) { use($0, list: list, position: position, group: group) }
    case .store(let access, let value, let condition):
      use(value, list: list, position: position, group: group)
      if let condition { use(condition, list: list, position: position, group: group) }
      if let indirection = access.indirection {
        use(indirection.value, list: list, position: position, group: group)
      }
    case .prefetch: break
    case .check(let value, _, _):
      // Printed more than once, so that it needs a name.
      use(value, list: list, position: position, group: group)
      use(value, list: list, position: position, group: group)
    case .loop(let loop):
      guard hasEffect(loop) else { return }
      // What is too large for local arrays prints as it stands, and inner loops try again.
      if Self.isTile(loop), Self.jams(loop), jam(loop, group: group, kernel) { return }
      let items = loop.carried.filter { isUsed($0.result) }
      for item in items {
        use(item.initial, list: list, position: position, group: group)
        values[item.argument.index].group = group
      }
      for fold in loop.folds { values[fold.result.index].group = group }
      let trailing = updates(items) + loop.folds.filter { isUsed($0.result) }.map(\.value)
      scan(loop.body, trailing: trailing, group: group, kernel)
    }
  }

  /// The values used at the end of a sequential loop's body. Several are assigned at once, so each needs a name:
  /// it counts twice.
  private func updates(_ items: [Loop.Carried]) -> [LoopValue] {
    let next = items.map(\.next)
    return next.count > 1 ? next + next : next
  }

  static func isTile(_ loop: Loop) -> Bool { loop.axis == .unrolled || loop.axis == .vector }

  /// Whether a sequential loop stands inside, and nothing that must run point after point.
  static func jams(_ loop: Loop) -> Bool {
    containsSequential(loop.body) && !containsCheck(loop.body)
  }

  static func containsSequential(_ list: [LoopStatement]) -> Bool {
    list.contains {
      if case .loop(let loop) = $0 { loop.axis == .sequential || containsSequential(loop.body) } else { false }
    }
  }

  private static func containsCheck(_ list: [LoopStatement]) -> Bool {
    list.contains {
      switch $0 {
      case .check: true
      case .loop(let loop): containsCheck(loop.body)
      default: false
      }
    }
  }

  /// Plans the loop's arrays; false, and nothing changed, if they are too large.
  private mutating func jam(_ loop: Loop, group: Int32, _ kernel: LoopKernel) -> Bool {
    let saved = self
    let firstTile = Int32(tiles.count)
    jammed.insert(loop.variable)
    scanJammed(loop, tile: [], outer: group, kernel)
    var bytes = 0
    for (index, value) in values.enumerated() where value.tile >= firstTile {
      let elements = tiles[Int(value.tile)].reduce(1) { $0 * $1.extent }
      bytes += elements * kernel.valueTypes[index].byteCount
    }
    if bytes <= Self.localBytes { return true }
    self = saved
    return false
  }

  private mutating func scanJammed(_ loop: Loop, tile: [TileAxis], outer: Int32, _ kernel: LoopKernel) {
    let inner = tile + [TileAxis(variable: loop.variable, extent: loop.extent)]
    let folded = loop.folds.filter { isUsed($0.result) }
    scanJammed(loop.body, tile: inner, trailing: [], kernel)
    let group = newGroup(-1)
    for fold in folded { use(fold.value, list: -1, position: 0, group: group) }
    for fold in folded {
      values[fold.result.index].group = outer
      if !tile.isEmpty { needsArray(fold.result) }
    }
  }

  /// Splits the list at the loops that hold sequential loops; everything between is one nest over the tile.
  private mutating func scanJammed(
    _ statements: [LoopStatement], tile: [TileAxis], trailing: [LoopValue], _ kernel: LoopKernel
  ) {
    tiles.append(tile)
    let tileIndex = Int32(tiles.count - 1)
    var group = newGroup(tileIndex)
    var list = newList()
    for (position, statement) in statements.enumerated() {
      guard case .loop(let loop) = statement, loop.axis == .sequential || Self.containsSequential(loop.body)
      else {
        scan(statement, list: list, position: position, group: group, kernel)
        continue
      }
      guard hasEffect(loop) else { continue }
      if loop.axis == .sequential {
        let items = loop.carried.filter { isUsed($0.result) }
        for item in items {
          // Initial values are stored by the nest before the loop.
          use(item.initial, list: list, position: position, group: group)
          values[item.argument.index].group = group
          values[item.argument.index].tile = tileIndex
        }
        scanJammed(loop.body, tile: tile, trailing: updates(items), kernel)
      } else {
        jammed.insert(loop.variable)
        scanJammed(loop, tile: tile, outer: group, kernel)
      }
      group = newGroup(tileIndex)
      list = newList()
    }
    for value in trailing { use(value, list: list, position: statements.count, group: group) }
  }
}
