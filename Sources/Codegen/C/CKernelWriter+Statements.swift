import CinchGraph

extension CKernelWriter {
  /// What a statement list ends with.
  enum Trailing {
    /// The next iteration's values of a sequential loop.
    case update([Loop.Carried])
    /// The first values of a sequential loop that follows (jammed loops).
    case start([Loop.Carried])
    /// A fold's value of this point, into an array.
    case lane(Loop.Fold, LoopVariable)

    var values: [LoopValue] {
      switch self {
      case .update(let items): items.map(\.next)
      case .start(let items): items.map(\.initial)
      case .lane(let fold, _): [fold.value]
      }
    }
  }

  mutating func writeList(_ list: [LoopStatement], trailing: [Trailing]) {
    writePart(list, list.indices, trailing: trailing)
  }

  /// The statements at `range`, then what the list ends with.
  private mutating func writePart(_ list: [LoopStatement], _ range: Range<Int>, trailing: [Trailing]) {
    planInlining(list, range)
    for position in range { writeStatement(list[position]) }
    for item in trailing { writeTrailing(item) }
  }

  // MARK: What is written where it is used

  /// Decides from the last statement back, since an inlined expression takes its operands along.
  private mutating func planInlining(_ list: [LoopStatement], _ range: Range<Int>) {
    let start = range.lowerBound
    // For each position the statement in which it ends up, its depth there, and the writes before it.
    var target = Array(start...range.upperBound)
    var depth = Array(repeating: 0, count: range.count + 1)
    var writes = Array(repeating: 0, count: range.count + 2)
    for position in range {
      let isWrite =
        switch list[position] {
        case .define, .prefetch: false
        case .store, .check, .loop: true
        }
      writes[position - start + 1] = writes[position - start] + (isWrite ? 1 : 0)
    }
    writes[range.count + 1] = writes[range.count]
    for position in range.reversed() {
      guard case .define(let value, let expression) = list[position] else { continue }
      let info = analysis.values[value.index]
      if case .constant = expression {
        isInlined[value.index] = true
        continue
      }
      let use = Int(info.usePosition)
      guard info.isLive, info.useCount == 1, info.useList == info.list, info.tile < 0, use > position,
        use <= range.upperBound, depth[use - start] < Self.deepest
      else { continue }
      let end = target[use - start]
      if case .load = expression, writes[end - start] != writes[position - start] { continue }
      isInlined[value.index] = true
      target[position - start] = end
      depth[position - start] = depth[use - start] + 1
    }
  }

  // MARK: Statements

  private mutating func writeStatement(_ statement: LoopStatement) {
    switch statement {
    case .define(let value, let expression):
      guard analysis.isUsed(value), !isInlined[value.index] else { return }
      startAssignment(value)
      write(expression, type: type(of: value), minimum: 0)
      out.write(";\n")
    case .store(let access, let value, let condition):
      out.startLine()
      if let condition {
        out.write("if (")
        write(condition, minimum: 0)
        out.write(") ")
      }
      write(access)
      out.write(" = ")
      write(value, minimum: 0)
      out.write(";\n")
    case .prefetch: break  // C has no such thing.
    case .check(let value, let limit, let check):
      out.startLine()
      // Once in the test and once in the message: checked values have names.
      out.write("if (")
      write(value, minimum: 12)
      out.write(" < 0 || ")
      write(value, minimum: 12)
      out.write(" >= \(limit)) fail(failure, \(check + 1), ")
      write(value, minimum: 0)
      out.write(", ")
      writeElement()
      out.write(");\n")
    case .loop(let loop):
      guard analysis.hasEffect(loop) else { return }
      if analysis.jammed.contains(loop.variable) {
        writeComment(loop)
        writeJammed(loop, tile: [])
      } else {
        writeLoop(loop)
      }
    }
  }

  /// `const float v1 = `, or the assignment to its place in a local array.
  private mutating func startAssignment(_ value: LoopValue) {
    out.startLine()
    if tile(of: value) == nil {
      out.write("const ")
      out.write(localType(value))
      out.write(" ")
      noteType(type(of: value))
    }
    writeName(value)
    out.write(" = ")
  }

  private mutating func noteType(_ type: ElementType) {
    if type == .int32 { needs(.intType) }
  }

  private mutating func writeTrailing(_ trailing: Trailing) {
    switch trailing {
    case .start(let items):
      for item in items {
        out.startLine()
        writeName(item.argument)
        out.write(" = ")
        write(item.initial, minimum: 0)
        out.write(";\n")
      }
    case .update(let items):
      let arguments = Set(items.map(\.argument))
      let moved = items.filter { $0.next != $0.argument }
      let exchanged = moved.filter { arguments.contains($0.next) }
      for item in exchanged {
        out.startLine()
        out.write("const \(localType(item.next)) next\(item.argument.raw) = ")
        write(item.next, minimum: 0)
        out.write(";\n")
      }
      for item in moved {
        out.startLine()
        writeName(item.argument)
        out.write(" = ")
        if arguments.contains(item.next) {
          out.write("next\(item.argument.raw)")
        } else {
          write(item.next, minimum: 0)
        }
        out.write(";\n")
      }
    case .lane(let fold, let variable):
      out.startLine()
      out.write("lanes\(fold.result.raw)[\(variable.cName)] = ")
      write(fold.value, minimum: 0)
      out.write(";\n")
    }
  }

  // MARK: Loops as they stand

  private mutating func writeComment(_ loop: Loop) {
    for line in loop.comment.split(separator: "\n") { out.writeLine("/* \(cComment(String(line))) */") }
  }

  private mutating func writeLoop(_ loop: Loop) {
    let items = loop.carried.filter { analysis.isUsed($0.result) }
    let folds = loop.folds.filter { analysis.isUsed($0.result) }
    writeComment(loop)
    for item in items {
      out.startLine()
      noteType(type(of: item.argument))
      out.write("\(localType(item.argument)) \(baseName(item.argument)) = ")
      write(item.initial, minimum: 0)
      out.write(";\n")
    }
    for fold in folds {
      noteType(type(of: fold.result))
      out.writeLine("\(localArrayType(fold.result)) lanes\(fold.result.raw)[\(loop.extent)];")
    }
    openLoop(loop)
    var trailing = folds.map { Trailing.lane($0, loop.variable) }
    if !items.isEmpty { trailing.append(.update(items)) }
    writeList(loop.body, trailing: trailing)
    closeBlock()
    for fold in folds {
      writeHalving("lanes\(fold.result.raw)", fold, extent: loop.extent)
      startAssignment(fold.result)
      out.write("lanes\(fold.result.raw)[0];\n")
    }
  }

  private mutating func openLoop(_ loop: Loop) {
    let variable = loop.variable.cName
    extents[loop.variable.index] = loop.extent
    enclosing.append(loop.variable)
    if loop.axis == .parallel {
      let last = "last\(loop.variable.raw)"
      let share = WorkerShare(extent: loop.extent)
      out.writeLine("const long \(last) = \(share.end);")
      out.writeLine("for (long \(variable) = \(share.first); \(variable) < \(last); \(variable)++) {")
    } else {
      out.writeLine("for (long \(variable) = 0; \(variable) < \(loop.extent); \(variable)++) {")
    }
    out.indent()
  }

  private mutating func closeBlock() {
    enclosing.removeLast()
    out.outdent()
    out.writeLine("}")
  }

  private func localArrayType(_ value: LoopValue) -> String { memoryType(type(of: value)) }

  /// Combines the lanes of `array` (a name with all but its last index) into its first.
  private mutating func writeHalving(_ array: String, _ fold: Loop.Fold, extent: Int) {
    guard extent > 1 else { return }
    let combined = combine(
      fold.combiner, type(of: fold.result), "\(array)[lane]", "\(array)[lane + half]")
    if extent == 2 {
      out.writeLine(
        "\(array)[0] = \(combine(fold.combiner, type(of: fold.result), "\(array)[0]", "\(array)[1]"));")
      return
    }
    out.writeLine("for (long half = \(extent / 2); half > 0; half /= 2) {")
    out.indent()
    out.writeLine("for (long lane = 0; lane < half; lane++) \(array)[lane] = \(combined);")
    out.outdent()
    out.writeLine("}")
  }

  // MARK: Jammed loops

  private mutating func openTile(_ tile: [TileAxis]) {
    for axis in tile {
      extents[axis.variable.index] = axis.extent
      enclosing.append(axis.variable)
      let variable = axis.variable.cName
      out.writeLine("for (long \(variable) = 0; \(variable) < \(axis.extent); \(variable)++) {")
      out.indent()
    }
  }

  private mutating func closeTile(_ tile: [TileAxis]) { for _ in tile { closeBlock() } }

  private mutating func declareArray(_ value: LoopValue) {
    guard let axes = tile(of: value) else { return }
    noteType(type(of: value))
    if type(of: value) == .bool { needs(.byteType) }
    out.startLine()
    out.write("\(localArrayType(value)) \(baseName(value))")
    for axis in axes { out.write("[\(axis.extent)]") }
    out.write(";\n")
  }

  private mutating func writeJammed(_ loop: Loop, tile: [TileAxis]) {
    let inner = tile + [TileAxis(variable: loop.variable, extent: loop.extent)]
    let folds = loop.folds.filter { analysis.isUsed($0.result) }
    // The arrays are this loop's own, but for what the folds leave.
    for fold in folds where !isFoldedInPlace(fold, folds, inner) {
      noteType(type(of: fold.result))
      out.writeLine("\(localArrayType(fold.result)) lanes\(fold.result.raw)[\(loop.extent)];")
    }
    writeJammed(loop.body, tile: inner, update: [])
    guard !folds.isEmpty else { return }
    openTile(tile)
    for fold in folds {
      var array = "lanes\(fold.result.raw)"
      if isFoldedInPlace(fold, folds, inner) {
        array = baseName(fold.value)
        for axis in tile { array += "[\(axis.variable.cName)]" }
      } else {
        openTile([inner[inner.count - 1]])
        writeTrailing(.lane(fold, loop.variable))
        closeTile([inner[inner.count - 1]])
      }
      writeHalving(array, fold, extent: loop.extent)
      startAssignment(fold.result)
      out.write("\(array)[0];\n")
    }
    closeTile(tile)
  }

  /// Whether the value's own array can take the sums: it has one element for each point, and only this fold
  /// reads it.
  private func isFoldedInPlace(_ fold: Loop.Fold, _ folds: [Loop.Fold], _ inner: [TileAxis]) -> Bool {
    tile(of: fold.value) == inner && folds.count { $0.value == fold.value } == 1
      && folds.count { baseName($0.value) == baseName(fold.value) } == 1
  }

  /// The same parts as the analysis made: between loops that hold sequential loops, one nest over the tile.
  private mutating func writeJammed(_ list: [LoopStatement], tile: [TileAxis], update: [Loop.Carried]) {
    for statement in list {
      switch statement {
      case .define(let value, _): if analysis.values[value.index].tile >= 0 { declareArray(value) }
      case .loop(let loop) where analysis.hasEffect(loop):
        for item in loop.carried where analysis.isUsed(item.result) { declareArray(item.argument) }
        for fold in loop.folds where analysis.isUsed(fold.result) { declareArray(fold.result) }
      default: break
      }
    }
    var start = 0
    for (position, statement) in list.enumerated() {
      guard case .loop(let loop) = statement,
        loop.axis == .sequential || CKernelAnalysis.containsSequential(loop.body)
      else { continue }
      guard analysis.hasEffect(loop) else { continue }
      let items = loop.carried.filter { analysis.isUsed($0.result) }
      writeNest(list, start..<position, tile, items.isEmpty ? [] : [.start(items)])
      writeComment(loop)
      if loop.axis == .sequential {
        openLoop(loop)
        writeJammed(loop.body, tile: tile, update: items)
        closeBlock()
      } else {
        writeJammed(loop, tile: tile)
      }
      start = position + 1
    }
    writeNest(list, start..<list.count, tile, update.isEmpty ? [] : [.update(update)])
  }

  private mutating func writeNest(
    _ list: [LoopStatement], _ range: Range<Int>, _ tile: [TileAxis], _ trailing: [Trailing]
  ) {
    let hasMoves = trailing.contains { if case .update(let items) = $0 { !items.isEmpty } else { true } }
    guard hasMoves || list[range].contains(where: { isPrinted($0) }) else {
      // A part of constants alone prints nothing, but later parts and loops write them where they use them.
      for case .define(let value, .constant) in list[range] { isInlined[value.index] = true }
      return
    }
    openTile(tile)
    writePart(list, range, trailing: trailing)
    closeTile(tile)
  }

  private func isPrinted(_ statement: LoopStatement) -> Bool {
    switch statement {
    case .define(let value, .constant): tile(of: value) != nil && analysis.isUsed(value)
    case .define(let value, _): analysis.isUsed(value)
    case .store, .check: true
    case .prefetch: false
    case .loop(let loop): analysis.hasEffect(loop)
    }
  }
}
