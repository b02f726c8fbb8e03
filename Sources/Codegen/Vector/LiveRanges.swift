/// From which line to which line each register holds a value that is still needed. Lines in loops run again: what
/// comes into a loop and is used there lives to the loop's end.
///
/// Line `i` reads at `2i` and writes at `2i + 1`.
struct LiveRanges {
  private(set) var start: [Int32]
  private(set) var end: [Int32]
  /// The cost of having the register in memory: reads and writes, inner loops counting more.
  private(set) var weight: [Float]
  /// The line of each loop's end, by the line of its beginning.
  private let loopEnds: [Int32]

  init(_ code: MachineCode) {
    let count = code.registers.count
    start = [Int32](repeating: -1, count: count)
    end = [Int32](repeating: -1, count: count)
    weight = [Float](repeating: 0, count: count)
    loopEnds = Self.loopEnds(code)
    var open: [Int32] = []
    var cost: Float = 1
    for (index, line) in code.lines.enumerated() {
      let line32 = Int32(truncatingIfNeeded: index)
      switch line {
      case .loopBegin:
        open.append(line32)
        cost *= 8
      case .loopEnd:
        open.removeLast()
        cost /= 8
      case .coldBegin: cost *= MachineLine.coldCost
      case .coldEnd: cost /= MachineLine.coldCost
      case .instruction(let instruction):
        instruction.forEachUse { register in
          let r = register.index
          weight[r] += cost
          var last = 2 * line32
          let first = start[r]
          for loop in open where 2 * loop > first {
            last = 2 * loopEnds[Int(loop)] + 1
            break
          }
          end[r] = max(end[r], last)
        }
        if let register = instruction.definition {
          let r = register.index
          weight[r] += cost
          if start[r] < 0 { start[r] = 2 * line32 + 1 }
          end[r] = max(end[r], 2 * line32 + 1)
        }
      }
    }
  }

  static func loopEnds(_ code: MachineCode) -> [Int32] {
    var ends = [Int32](repeating: 0, count: code.lines.count)
    var open: [Int] = []
    for (index, line) in code.lines.enumerated() {
      switch line {
      case .loopBegin: open.append(index)
      case .loopEnd: ends[open.removeLast()] = Int32(truncatingIfNeeded: index)
      case .instruction, .coldBegin, .coldEnd: break
      }
    }
    return ends
  }

  /// Whether the register is read on this line for the last time.
  func dies(_ register: VirtualRegister, at line: Int) -> Bool { end[register.index] == 2 * line }
}

extension MachineLine {
  /// How much a line of a cold region weighs beside one that always runs.
  static let coldCost: Float = 1 / 64
}
