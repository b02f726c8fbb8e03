import Cinch
import TestSupport

@testable import CinchCodegen

/// A mistake that a stage of the compiler could make, and who has to notice it.
struct PlantedFault: Sendable {
  let name: String
  /// Who has to notice it. Behind the proof, what is wrong shows in canaries, as a NaN, or as another number.
  let finders: Set<FaultFinding.Finder>
  let find: @Sendable () throws -> FaultFinding?

  init(_ name: String, _ finder: FaultFinding.Finder, _ find: @escaping @Sendable () throws -> FaultFinding?) {
    self.name = name
    finders = finder == .testMode || finder == .engines ? [.testMode, .engines] : [finder]
    self.find = find
  }

  static let all = graphs + loops + memory + code

  // MARK: What the faults are planted in

  /// A contraction with an epilogue, checked rows of a table, sums of 65 numbers, a map whose last vector isn't whole, and
  /// updates in place.
  static let step = Result {
    let graph = Graph("step") { g in
      let x = g.input("x", [37, 33])
      let rows = g.input("rows", [37], type: .int32)
      let w = g.parameter("w", [33, 65], .xavierNormal)
      let b = g.parameter("b", [65], .xavierNormal)
      let table = g.parameter("table", [20, 65], .xavierNormal)
      let hidden = relu(matmul(x, w) + b)
      let z = tanh(hidden - gather(table, at: rows) * 0.5)
      g.output("z", z)
      g.output("sums", (z * z).sum(along: 1))
      g.output("map", (x - 0.25) / (x * x + 1))
      g.output("columns", (matmul(x.transposed(to: [1, 0]), x) * 0.1).sum(along: 1))
      let loss = (z * z).mean()
      for (parameter, gradient) in zip([w, b, table], gradients(of: loss, withRespectTo: [w, b, table])) {
        g.update(parameter, to: parameter - gradient * 10)
      }
    }
    return try FaultBench("step", graph, ["x": uniform(37 * 33), "rows": .int32((0..<37).map { Int32($0 * 7 % 20) })])
  }

  /// Forty values that are all alive at once: more than there are registers.
  static let crowded = Result {
    let graph = Graph("crowded") { g in
      let x = g.input("x", [1221])
      let terms = (0..<40).map { sqrt(x * Float($0 + 1) + 3) }
      let sum = terms.dropFirst().reduce(terms[0], +) * 0.02
      g.output("y", terms.dropFirst().reduce(terms[0]) { $0 + maximum($1, sum) })
    }
    return try FaultBench("crowded", graph, ["x": .float32((0..<1221).map { Float($0 % 97) / 97 })])
  }

  /// A loop whose iterations write a row of a stack that another kernel of the same iteration reads.
  static let scanning = Result {
    let graph = Graph("scanning") { g in
      let x = g.input("x", [5, 3, 17])
      let w = g.input("w", [17, 17])
      let (last, all) = scan(over: [x], initial: [g.input("h", [3, 17])]) { slices, carried in
        let state = tanh(slices[0] + carried[0])
        return (carried: [matmul(state, w) * 0.2], outputs: [state])
      }
      g.output("last", last[0])
      g.output("all", all[0])
    }
    return try FaultBench(
      "scanning", graph, ["x": uniform(5 * 3 * 17), "w": uniform(17 * 17), "h": uniform(3 * 17)])
  }

  private static func uniform(_ count: Int) -> ElementArray {
    var random = SplitMix(seed: 3)
    return .float32((0..<count).map { _ in random.float(in: -1...1) })
  }

  // MARK: Graphs

  private static func changed(_ change: (inout Node) -> Bool) throws -> Graph? {
    var graph = try step.get().tested.optimised
    for index in graph.nodes.indices where change(&graph.nodes[index]) { return graph }
    return nil
  }

  private static let graphs: [PlantedFault] = [
    PlantedFault("a rewrite swaps the operands of a difference", .meaning) {
      try changed { node in
        guard node.op is Subtract else { return false }
        node.operands.reverse()
        return true
      }.flatMap { try step.get().finding($0) }
    },
    PlantedFault("a sum over the wrong axis", .graphVerifier) {
      try changed { node in
        guard let sum = node.op as? Sum, sum.axes == [1], node.type.shape == [37] else { return false }
        node.op = Sum(axes: [0], order: sum.order)
        return true
      }.flatMap { try step.get().finding($0) }
    },
    PlantedFault("a rule that takes one function for another", .meaning) {
      try changed { node in
        guard node.op is TanhOp else { return false }
        node.op = Sine()
        return true
      }.flatMap { try step.get().finding($0) }
    },
    PlantedFault("a schedule that adds up in another order", .engines) {
      try changed { node in
        guard let sum = node.op as? Sum, sum.order == .lanes(64), node.type.shape == [37] else { return false }
        node.op = Sum(axes: sum.axes, order: .chain)
        return true
      }.flatMap { try step.get().finding(codeFor: $0) }
    },
  ]

  // MARK: Loops

  private static func changed(isProved: Bool = true, _ change: (LoopStatement) -> LoopStatement?) throws -> FaultFinding? {
    let bench = try step.get()
    var loops = bench.scalar.step.loops
    return loops.patch(change) ? try bench.finding(loops, isProved: isProved) : nil
  }

  private static let loops: [PlantedFault] = [
    PlantedFault("a condition of a tail that lets one element more in", .loopVerifier) {
      try changed { statement in
        guard case .define(let value, .within(let index, let bound)) = statement else { return nil }
        return .define(value, .within(index, bound: bound + 1))
      }
    },
    PlantedFault("a loop that runs once too often", .loopVerifier) {
      try changed { statement in
        // A strip's last element would come again with the next strip; behind a rest there is nothing.
        guard case .loop(var loop) = statement, loop.axis == .vector, loop.folds.isEmpty, loop.extent % 8 != 0 else { return nil }
        loop.extent += 1
        return .loop(loop)
      }
    },
    PlantedFault("a loop that ends one element early", .loopVerifier) {
      try changed { statement in
        guard case .loop(var loop) = statement, loop.axis == .vector, loop.folds.isEmpty else { return nil }
        loop.extent -= 1
        return .loop(loop)
      }
    },
    PlantedFault("an epilogue that isn't there", .engines) {
      try changed { statement in
        guard case .define(let value, .apply(.maximum, let operands)) = statement else { return nil }
        return .define(value, .apply(.maximum, [operands[0], operands[0]]))
      }
    },
    PlantedFault("an index that takes its neighbour's element", .engines) {
      try changed { statement in
        guard case .define(let value, .load(var access, nil, nil)) = statement, access.index.terms.count > 1,
          access.index.terms.contains(where: { $0.coefficient == 33 })
        else { return nil }
        access.index = access.index * -1 + (37 * 33 - 1)
        return .define(value, .load(access, condition: nil, otherwise: nil))
      }
    },
    PlantedFault("swapped operands in a kernel", .engines) {
      try changed { statement in
        guard case .define(let value, .apply(.subtract, let operands)) = statement else { return nil }
        return .define(value, .apply(.subtract, operands.reversed()))
      }
    },
  ]

  // MARK: Schedule and memory

  private static func changed(isProved: Bool = true, _ change: (inout LoopProgram) -> Bool) throws -> FaultFinding? {
    let bench = try step.get()
    var loops = bench.scalar.step.loops
    return change(&loops) ? try bench.finding(loops, isProved: isProved) : nil
  }

  private static func remove(_ loops: inout LoopProgram, _ isWanted: (ScheduleItem) -> Bool) -> Bool {
    guard let position = loops.schedule.firstIndex(where: isWanted) else { return false }
    loops.schedule.remove(at: position)
    return true
  }

  private static func isCheck(_ item: ScheduleItem, _ loops: LoopProgram) -> Bool {
    guard case .run(let kernel) = item else { return false }
    return "\(loops.kernels[kernel].body)".contains("check(")
  }

  private static let memory: [PlantedFault] = [
    PlantedFault("indices that nothing checks", .loopVerifier) {
      try changed { loops in
        let before = loops
        return remove(&loops) { isCheck($0, before) }
      }
    },
    PlantedFault("a step that goes on after a failed check", .loopVerifier) {
      try changed { loops in remove(&loops) { $0 == .stopIfFailed } }
    },
    PlantedFault("a barrier that isn't there", .loopVerifier) {
      try changed { loops in
        // The last one: the first waits for checks.
        guard let position = loops.schedule.lastIndex(of: .barrier) else { return false }
        loops.schedule.remove(at: position)
        return true
      }
    },
    PlantedFault("two tensors that live at the same time in one place", .loopVerifier) {
      let places = try step.get().scalar.step.memory.places
      return try changed { loops in
        for (number, place) in places.enumerated() {
          for other in places[..<number] where other.lifetime.overlaps(place.lifetime) {
            let buffers = loops.buffers.indices.filter {
              loops.buffers[$0].name == place.name && loops.buffers[$0].segment == .scratch
            }
            guard buffers.count == 1 else { continue }
            loops.buffers[buffers[0]].byteOffset = other.byteOffset
            return true
          }
        }
        return false
      }
    },
    PlantedFault("a kernel that runs before the one that it reads from", .loopVerifier) {
      try changed { loops in
        let runs = loops.schedule.indices.filter { if case .run = loops.schedule[$0] { true } else { false } }
        guard runs.count > 3 else { return false }
        let last = runs[runs.count - 1]
        loops.schedule.swapAt(runs[1], last)
        return true
      }
    },
    PlantedFault("an iteration that reads what only a later one writes", .loopVerifier) {
      let bench = try scanning.get()
      var loops = bench.scalar.step.loops
      guard let slice = loops.writtenSlice, let motion = loops.buffers[slice.index].motion else { return nil }
      // The same rows, the last one first.
      var turned = loops.buffers[slice.index]
      turned.byteOffset += motion.steps[0] * 4
      turned.motion?.steps = motion.steps.map { -$0 }
      let other = BufferID(raw: Int32(loops.buffers.count))
      loops.buffers.append(turned)
      let isChanged = loops.patch { statement in
        guard case .define(let value, .load(var access, nil, nil)) = statement, access.buffer == slice else { return nil }
        access.buffer = other
        return .define(value, .load(access, condition: nil, otherwise: nil))
      }
      return isChanged ? try bench.finding(loops) : nil
    },
    PlantedFault("rows of the last result that aren't computed", .loopVerifier) {
      try changed { loops in
        for case .run(let kernel) in loops.schedule.reversed() {
          guard case .loop(var loop)? = loops.kernels[kernel].body.last, loop.extent > 1, loop.axis != .vector else { continue }
          loop.extent -= 1
          loops.kernels[kernel].body[loops.kernels[kernel].body.count - 1] = .loop(loop)
          return true
        }
        return false
      }
    },
    PlantedFault("a stale buffer, past the proof", .testMode) {
      // Without the proof, and without the kernel that fills a buffer: what was poison stays poison.
      try changed(isProved: false) { loops in
        let before = loops
        return remove(&loops) { item in
          if case .run(let kernel) = item { before.writesScratchAlone(before.kernels[kernel]) } else { false }
        }
      }
    },
    PlantedFault("a loop in the printed C that runs once too often, past the proof", .testMode) {
      let bench = try step.get()
      var source = CPrinter().print(bench.scalar.step.loops)
      guard let kernel = source.firstRange(of: "map("),
        let limit = source[kernel.upperBound...].firstRange(of: "< 5; ")
      else { return nil }
      source.replaceSubrange(limit, with: "< 6; ")
      return try bench.finding(source: source)
    },
  ]
}

extension LoopProgram {
  /// A buffer that moves with a loop and that some kernel stores to.
  fileprivate var writtenSlice: BufferID? {
    func stored(_ statements: [LoopStatement]) -> BufferID? {
      for statement in statements {
        if case .store(let access, _, _) = statement, buffers[access.buffer.index].motion != nil { return access.buffer }
        if case .loop(let loop) = statement, let found = stored(loop.body) { return found }
      }
      return nil
    }
    return kernels.lazy.compactMap { stored($0.body) }.first
  }

  /// Whether a kernel stores to scratch, and to nothing else.
  fileprivate func writesScratchAlone(_ kernel: LoopKernel) -> Bool {
    var stored: Set<BufferID> = []
    func collect(_ statements: [LoopStatement]) {
      for statement in statements {
        if case .store(let access, _, _) = statement { stored.insert(access.buffer) }
        if case .loop(let loop) = statement { collect(loop.body) }
      }
    }
    collect(kernel.body)
    return !stored.isEmpty && stored.allSatisfy { buffers[$0.index].segment == .scratch }
  }
}
