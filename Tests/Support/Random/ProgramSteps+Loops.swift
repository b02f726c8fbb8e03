import Cinch

extension ProgramStep {
  /// Loops along the leading axis of what the program has computed before, with weights of the graph around.
  static let loops: [ProgramStep] = [
    // A recurrent layer: its last state, and all of them.
    ProgramStep(Repeat.self) { w in
      let x = w.sequence(rank: 3)
      let (batch, depth) = (x.tensor.shape[1], x.tensor.shape[2])
      let units = [1, 3, 15, 17].randomElement(using: &w.random) ?? 3
      let (input, hidden) = (w.newFloat([depth, units], in: -1...1), w.newFloat([units, units], in: -1...1))
      let (last, all) = scan(over: x.tensor, initial: w.newFloat([batch, units]), reversed: w.random.oneIn(2)) { slice, state in
        let next = tanh(matmul(slice, input) * 0.2 + matmul(state, hidden) * 0.2)
        return (carried: next, output: next * 0.5)
      }
      w.add(last, bound: 1)
      w.add(all, bound: 0.5)
    },
    // Running sums of rows, decayed; another value counts along.
    ProgramStep(Projection.self) { w in
      let x = w.sequence(rank: 2)
      let decay = w.newFloat([x.tensor.shape[1]], in: 0...0.75)
      let start = w.newFloat([x.tensor.shape[1]], in: -1...1)
      let number = w.builder.constant(1)
      let (last, all) = scan(over: [x.tensor], initial: [start, number], reversed: w.random.oneIn(2)) { slices, carried in
        let sum = carried[0] * decay + slices[0]
        return (carried: [sum, carried[1] * 0.5], outputs: [sum * carried[1], sin(slices[0])])
      }
      w.add(all[0] + all[1], bound: 4 * x.bound + 2)
      w.add(last[0] * last[1], bound: 4 * x.bound + 1)
    },
    // No sequence: values that change places.
    ProgramStep(Repeat.self) { w in
      let x = w.anyFloat()
      let (last, all) = scan(initial: [x.tensor, cos(x.tensor)], count: Int.random(in: 1...4, using: &w.random)) { _, carried in
        (carried: [carried[1], sin(carried[0] - carried[1] * 0.5)], outputs: [carried[1].mean()])
      }
      w.add(last[0] - last[1], bound: x.bound + 1)
      w.add(all[0], bound: x.bound + 1)
    },
    // A loop in a loop.
    ProgramStep(Projection.self) { w in
      let x = w.sequence(rank: 3)
      let start = w.newFloat([x.tensor.shape[2]])
      let (last, all) = scan(over: x.tensor, initial: start) { rows, carried in
        let (inner, sums) = scan(over: rows, initial: carried * 0.5, reversed: true) { row, sum in
          let next = tanh(row) * 0.5 + sum * 0.25
          return (carried: next, output: next * row)
        }
        return (carried: inner, output: sums.sum(along: 0) * 0.1)
      }
      w.add(last, bound: 2)
      w.add(all, bound: x.bound)
    },
  ]
}

extension ProgramWriter {
  /// A tensor of so many axes with a short leading one: the first slices of one there is, or a new one.
  fileprivate mutating func sequence(rank: Int) -> Entry {
    let steps = [1, 3, 5, 16, 17].randomElement(using: &random) ?? 3
    let fitting = floats.filter { $0.tensor.shape.rank == rank && $0.tensor.shape[0] >= steps }
    guard let x = fitting.randomElement(using: &random), !random.oneIn(3) else {
      var shape = shape(rank: rank...rank)
      shape.extents[0] = steps
      while shape.elementCount > ProgramWriter.maximumElementCount {
        shape.extents[shape.rank - 1] = extent()
      }
      return Entry(tensor: newFloat(shape), bound: 2)
    }
    return Entry(tensor: x.tensor.sliced(along: 0, 0..<steps), bound: x.bound)
  }
}
