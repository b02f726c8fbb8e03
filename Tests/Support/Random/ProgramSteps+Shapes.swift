import Cinch

extension ProgramStep {
  static let shapes: [ProgramStep] = [
    ProgramStep(Transpose.self) { w in
      let x = w.anyFloat(rank: 2)
      w.add(x.tensor.transposed(to: Array(0..<x.tensor.shape.rank).shuffled(using: &w.random)), bound: x.bound)
    },
    ProgramStep(Broadcast.self) { w in
      let x = w.anyFloat()
      w.add(x.tensor.broadcast(to: Shape([3] + x.tensor.shape.extents)), bound: x.bound)
    },
    ProgramStep(Slice.self) { w in
      let x = w.anyFloat(rank: 1)
      var (starts, extents, steps) = ([Int](), [Int](), [Int]())
      for extent in x.tensor.shape.extents {
        let start = Int.random(in: 0...(extent / 3), using: &w.random)
        let step = w.random.oneIn(3) ? 2 : 1
        starts.append(start)
        steps.append(step)
        extents.append(Int.random(in: 1...((extent - start - 1) / step + 1), using: &w.random))
      }
      w.add(x.tensor.sliced(starts: starts, extents: extents, steps: steps), bound: x.bound)
    },
    ProgramStep(Pad.self) { w in
      let x = w.anyFloat(rank: 1)
      let low = x.tensor.shape.extents.map { _ in Int.random(in: 0...3, using: &w.random) }
      let high = x.tensor.shape.extents.map { _ in Int.random(in: 0...3, using: &w.random) }
      w.add(x.tensor.padded(low: low, high: high, with: w.random.oneIn(2) ? 0 : 1.5), bound: x.bound)
    },
    ProgramStep(Reshape.self) { w in
      let x = w.anyFloat(rank: 1)
      w.add(x.tensor.reshaped(to: w.refactored(x.tensor.shape)), bound: x.bound)
    },
    ProgramStep(Concatenate.self) { w in
      let x = w.anyFloat(rank: 1)
      let axis = Int.random(in: 0..<x.tensor.shape.rank, using: &w.random)
      var shape = x.tensor.shape
      shape.extents[axis] = w.extent()
      guard shape.elementCount < 10_000 else { return }
      w.add(concatenate([x.tensor, w.newFloat(shape), sin(x.tensor)], along: axis), bound: x.bound)
    },
    ProgramStep(Constant.self) { w in
      let x = w.anyFloat()
      let values: [Float] = (0..<17).map { _ in w.random.float(in: -1...1) }
      w.add(x.tensor.mean() * w.builder.constant(values, [17]), bound: x.bound)
    },
    ProgramStep(Iota.self) { w in
      let x = w.anyFloat(rank: 1)
      let axis = Int.random(in: 0..<x.tensor.shape.rank, using: &w.random)
      w.add(x.tensor * (w.builder.iota(x.tensor.shape, along: axis).cast(to: .float32) * 0.01), bound: 3 * x.bound)
    },
  ]

  static let indices: [ProgramStep] = [
    ProgramStep(Gather.self) { w in
      let x = w.anyFloat(rank: 1)
      let indices = w.newIndices([w.extent()], limit: x.tensor.shape[0])
      w.add(gather(x.tensor, at: indices), bound: x.bound)
    },
    ProgramStep(ScatterAdd.self) { w in
      let x = w.anyFloat(rank: 1)
      let count = w.extent()
      let indices = w.newIndices([x.tensor.shape[0]], limit: count)
      w.add(scatterAdd(x.tensor, at: indices, count: count), bound: x.bound * Double(Swift.min(x.tensor.shape[0], 20)))
    },
    ProgramStep(OneHot.self) { w in
      let depth = w.extent()
      let hot = oneHot(w.newIndices([w.extent()], limit: depth), depth: depth)
      w.add(hot * w.newFloat([depth]), bound: 2)
    },
    ProgramStep(CheckIndex.self) { w in
      let indices = w.newIndices(w.shape(), limit: 9)
      let checked = indices.builder.add(CheckIndex(limit: 9), [indices], at: indices.site)
      w.add(checked.cast(to: .float32) * 0.1 + w.newFloat(indices.shape), bound: 3)
    },
  ]
}

extension ProgramWriter {
  /// Another shape with as many elements: neighbouring axes merged, or one split.
  fileprivate mutating func refactored(_ shape: Shape) -> Shape {
    var extents = shape.extents
    if extents.count > 1, random.oneIn(2) {
      let axis = Int.random(in: 0..<(extents.count - 1), using: &random)
      extents[axis] *= extents.remove(at: axis + 1)
      return Shape(extents)
    }
    let axis = Int.random(in: 0..<extents.count, using: &random)
    guard let divisor = (2...17).first(where: { extents[axis] % $0 == 0 }) else { return Shape(extents + [1]) }
    extents[axis] /= divisor
    extents.insert(divisor, at: axis + 1)
    return Shape(extents)
  }
}
