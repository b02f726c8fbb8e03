/// Gives a carried value and its next value one register where both are never needed at the same time, so that
/// loops contain no copies.
struct Coalescing {
  private struct Occurrences {
    var definitions: [Int] = []
    var uses: [Int] = []
  }

  static func coalesce(_ code: inout MachineCode) {
    var copies: [Int] = []
    for (index, line) in code.lines.enumerated() {
      if case .instruction(let instruction) = line, instruction.kind == .copy { copies.append(index) }
    }
    guard !copies.isEmpty else { return }
    var coalescing = Coalescing(code)
    // At loop ends first, inner loops before outer ones; then what loops start with.
    for line in copies { coalescing.mergeBackEdge(line, code) }
    for line in copies { coalescing.mergeEntry(line, code) }
    coalescing.rewrite(&code)
  }

  private var leader: [VirtualRegister]
  /// By register, of those that copies name.
  private var occurrences: [Occurrences]
  /// For each line the loops around it, as line ranges from the outermost in.
  private var loops: [(begin: Int, end: Int)] = []

  private init(_ code: MachineCode) {
    leader = code.registers.indices.map { VirtualRegister($0) }
    occurrences = [Occurrences](repeating: Occurrences(), count: code.registers.count)
    var isInteresting = [Bool](repeating: false, count: code.registers.count)
    for line in code.lines {
      guard case .instruction(let instruction) = line, instruction.kind == .copy else { continue }
      if let destination = instruction.definition { isInteresting[destination.index] = true }
      if let source = instruction.first.register { isInteresting[source.index] = true }
    }
    let ends = LiveRanges.loopEnds(code)
    for (index, line) in code.lines.enumerated() {
      switch line {
      case .loopBegin: loops.append((index, Int(ends[index])))
      case .loopEnd, .coldBegin, .coldEnd: break
      case .instruction(let instruction):
        instruction.forEachUse { register in
          if isInteresting[register.index] { occurrences[register.index].uses.append(index) }
        }
        if let register = instruction.definition, isInteresting[register.index] {
          occurrences[register.index].definitions.append(index)
        }
      }
    }
  }

  private func find(_ register: VirtualRegister) -> VirtualRegister {
    var register = register
    while leader[register.index] != register { register = leader[register.index] }
    return register
  }

  private mutating func merge(_ source: VirtualRegister, into destination: VirtualRegister) {
    leader[source.index] = destination
    occurrences[destination.index].definitions += occurrences[source.index].definitions
    occurrences[destination.index].uses += occurrences[source.index].uses
    occurrences[source.index] = Occurrences()
  }

  private func operands(
    _ line: Int, _ code: MachineCode
  ) -> (destination: VirtualRegister, source: VirtualRegister)? {
    guard case .instruction(let copy) = code.lines[line], let destination = copy.definition,
      let source = copy.first.register
    else { return nil }
    let ends = (find(destination), find(source))
    if ends.0 == ends.1 || code[ends.1].remat != nil || code[ends.0].remat != nil { return nil }
    return ends
  }

  /// The innermost loop around a line.
  private func loop(around line: Int) -> (begin: Int, end: Int)? {
    loops.last { $0.begin < line && line < $0.end }
  }

  /// Where the need for a value used at `line` ends, inside `outer`: at the end of a loop in between.
  private func needEnds(_ line: Int, in outer: (begin: Int, end: Int)) -> Int {
    for loop in loops where loop.begin > outer.begin && loop.end < outer.end {
      if loop.begin < line && line < loop.end { return loop.end }
    }
    return line
  }

  private mutating func mergeBackEdge(_ line: Int, _ code: MachineCode) {
    guard let (destination, source) = operands(line, code), let loop = loop(around: line) else { return }
    let (carried, next) = (occurrences[destination.index], occurrences[source.index])
    guard let firstDefinition = next.definitions.min(),
      // The copy belongs to the loop's end: the carried value was set before the loop.
      carried.definitions.contains(where: { $0 < loop.begin }),
      next.definitions.allSatisfy({ loop.begin < $0 && $0 < loop.end }),
      next.uses.allSatisfy({ loop.begin < $0 && $0 < loop.end })
    else { return }
    let isFree = carried.uses.allSatisfy { use in
      use < loop.begin || use > loop.end || use == line || needEnds(use, in: loop) <= firstDefinition
    }
    let isOnlyDefinition = carried.definitions.allSatisfy { definition in
      definition < loop.begin || definition > loop.end || definition == line
    }
    if isFree && isOnlyDefinition { merge(source, into: destination) }
  }

  private mutating func mergeEntry(_ line: Int, _ code: MachineCode) {
    guard let (destination, source) = operands(line, code) else { return }
    let (carried, initial) = (occurrences[destination.index], occurrences[source.index])
    guard initial.uses.allSatisfy({ $0 <= line }), initial.definitions.allSatisfy({ $0 < line }),
      carried.definitions.allSatisfy({ $0 >= line }), carried.uses.allSatisfy({ $0 > line })
    else { return }
    // In a loop, both have to be made anew each time.
    if let loop = loop(around: line) {
      guard initial.definitions.allSatisfy({ $0 > loop.begin }), carried.uses.allSatisfy({ $0 < loop.end })
      else { return }
    }
    merge(source, into: destination)
  }

  private func rewrite(_ code: inout MachineCode) {
    var lines: [MachineLine] = []
    lines.reserveCapacity(code.lines.count)
    for line in code.lines {
      guard case .instruction(var instruction) = line else {
        lines.append(line)
        continue
      }
      instruction.rename { find($0) }
      if instruction.kind == .copy, instruction.definition == instruction.first.register { continue }
      lines.append(.instruction(instruction))
    }
    code.lines = lines
  }
}
