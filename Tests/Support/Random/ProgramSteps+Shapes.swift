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
    // Pieces of which some are reduced too, then what is read from all of them, in short axes that loops share.
    ProgramStep(Concatenate.self) { w in
      let x = w.smallFloat()
      let axis = Int.random(in: 0..<x.tensor.shape.rank, using: &w.random)
      var shape = x.tensor.shape
      shape.extents[axis] = w.smallExtent()
      let choices = [
        x.tensor, tanh(x.tensor), x.tensor.max(along: axis, keepingAxes: true), w.newFloat(shape),
        layerNorm(x.tensor, axes: Int.random(in: 1...shape.rank, using: &w.random), epsilon: 0.5),
      ]
      let pieces = choices.shuffled(using: &w.random).prefix(Int.random(in: 2...3, using: &w.random))
      let all = concatenate(Array(pieces), along: axis)
      let bound = 1.5 * x.bound
      if w.random.oneIn(2) { w.add(all, bound: bound) }
      if w.random.oneIn(2) { w.add(w.summed(x.tensor), bound: bound * Double(x.tensor.shape.elementCount)) }
      if w.random.oneIn(2) { w.add(w.summed(all), bound: bound * Double(all.shape.elementCount)) }
      w.add(w.random.oneIn(2) ? relu(all) : all.mean() * x.tensor, bound: bound * Swift.max(1, x.bound))
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
      if w.random.oneIn(3) {
        // So many rows for few results that they go to several results first.
        let count = Int.random(in: 1...8, using: &w.random)
        let extents = [Int.random(in: 65...70, using: &w.random), 64]
        let columns = w.random.oneIn(2) ? [] : [2]
        let rows = w.newFloat(Shape(extents + columns)) * (1 / Float(64))
        w.add(scatterAdd(rows, at: w.newIndices(Shape(extents), limit: count), count: count), bound: 300)
        return
      }
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
  fileprivate mutating func smallExtent() -> Int { [1, 2, 2, 3, 4, 8, 16].randomElement(using: &random) ?? 2 }

  /// A tensor of two to four short axes: one there is, or a new one.
  fileprivate mutating func smallFloat() -> Entry {
    let fitting = floats.filter { $0.tensor.shape.rank >= 2 && $0.tensor.shape.extents.allSatisfy { $0 <= 16 } }
    if let found = fitting.randomElement(using: &random), !random.oneIn(3) { return found }
    let rank = Int.random(in: 2...4, using: &random)
    return Entry(tensor: newFloat(Shape((0..<rank).map { _ in smallExtent() })), bound: 2)
  }

  /// A sum along some axes.
  fileprivate mutating func summed(_ x: Tensor) -> Tensor {
    let first = Int.random(in: 0..<x.shape.rank, using: &random)
    let axes = Array(first..<Int.random(in: (first + 1)...x.shape.rank, using: &random))
    return x.builder.add(Sum(axes: axes), [x], at: x.site)
  }

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
