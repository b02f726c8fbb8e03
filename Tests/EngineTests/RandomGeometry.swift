import Cinch
import TestSupport

/// A convolution or a pool of random geometry with its first and second gradients, a function of its seed alone.
struct RandomGeometry {
  let description: String
  let program: RandomProgram

  /// Whole numbers so small that no engine rounds: results are those of real numbers to the bit.
  ///
  /// - Parameter isLarge: many channels and windows, so that contractions are tiled and packed; there are no numbers then.
  init(seed: UInt64, isLarge: Bool = false) {
    var random = SplitMix(seed: seed)
    func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    let rank = [1, 2, 2, 2, 3][number(0...4)]
    let isPool = number(0...4) == 0
    let longest = [9, 9, 9, 4][rank]
    let window = (0..<rank).map { _ in number(1...longest) }
    let strides = (0..<rank).map { _ in number(1...5) }
    let dilations = (0..<rank).map { _ in random.oneIn(3) ? number(2...3) : 1 }
    let padding = (0..<rank).map { axis in
      let most = isPool ? window[axis] / 2 : window[axis]
      return (low: random.oneIn(2) ? number(0...most) : 0, high: random.oneIn(2) ? number(0...most) : 0)
    }
    let extents = (0..<rank).map { axis in
      let reach = (window[axis] - 1) * dilations[axis] + 1
      let windows = random.oneIn(4) ? 1 : number(1...(isLarge ? 33 : rank == 1 ? 20 : 5))
      let covered = reach + (windows - 1) * strides[axis] + number(0...strides[axis] - 1)
      return Swift.max(1, covered - padding[axis].low - padding[axis].high)
    }
    let groups = random.oneIn(3) ? number(2...3) : 1
    let (depth, filters) = isLarge ? (number(1...24), number(1...40)) : (number(1...3), number(1...3))
    let batch = number(1...2)
    let (low, high) = (padding.map(\.low), padding.map(\.high))
    description =
      "seed \(seed): \(isPool ? "pool" : "convolution") of \(extents), windows \(window), strides \(strides), "
      + "padding \(low) and \(high), dilations \(dilations), \(groups) groups of \(depth) to \(filters), batch \(batch)"

    var inputs: [String: ElementArray] = [:]
    let graph = Graph("geometry") { g in
      func input(_ name: String, _ shape: Shape) -> Tensor {
        if !isLarge { inputs[name] = .float32((0..<shape.elementCount).map { _ in Float(number(-2...2)) }) }
        return g.input(name, shape)
      }
      let site = CallSite(#filePath, #line)
      let x = input("x", Shape([batch, groups * depth] + extents))
      var operands = [x]
      let y: Tensor
      if isPool {
        let geometry = PoolingGeometry(window: window, strides: strides, low: low, high: high, dilations: dilations)
        y = g.add(MaxPool(geometry), [x], at: site)
      } else {
        operands.append(input("w", Shape([groups * filters, depth] + window)))
        let geometry = ConvolutionGeometry(
          strides: strides, low: low, high: high, dilations: dilations, groups: groups)
        y = g.add(Convolution(geometry), operands, at: site)
      }
      g.output("y", y)
      let first = gradients(of: (y * input("dy", y.shape)).sum(), withRespectTo: operands)
      var sum = g.constant(0)
      for (number, gradient) in first.enumerated() {
        g.output("g\(number)", gradient)
        sum = sum + (gradient * input("d\(number)", gradient.shape)).sum()
      }
      // A pool's gradient doesn't depend on its operand but by comparisons.
      guard !isPool else { return }
      for (number, gradient) in gradients(of: sum, withRespectTo: operands).enumerated() {
        g.output("h\(number)", gradient)
      }
    }
    program = RandomProgram(seed: seed, graph: graph, inputs: inputs, state: [:])
  }
}
