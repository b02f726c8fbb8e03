import CinchGraph

/// Writes the order of accumulation onto each node that has one and doesn't say it yet.
enum AccumulationOrders {
  /// - Parameter runs: lengths for contractions by chains over axes of the given extents; by default what is standard.
  static func run(_ graph: Graph, runs: ((_ factors: [Int]) -> [Int])? = nil) -> Graph {
    var graph = graph
    for index in graph.nodes.indices {
      guard var op = graph.nodes[index].op.accumulating, op.order == nil else { continue }
      let node = graph.nodes[index]
      let operand = graph.type(of: node.operands[0])
      switch graph.meaning(of: NodeID(index)) {
      case .reduce(let reduction):
        let factors = reduction.axes.flatMap { graph.factors(of: node.operands[0], axis: $0) }
        op.order = .standard(
          reducing: reduction.axes, of: operand.shape, by: reduction.combiner, operand.elementType, factors: factors)
      case .contract:
        let shape = node.type.shape
        let (row, column) = (operand.shape.rank - 2, operand.shape.rank - 1)
        let factors = common(
          graph.factors(of: node.operands[0], axis: column), graph.factors(of: node.operands[1], axis: row))
        var order = AccumulationOrder.standard(contracting: operand.shape[column], columns: shape[column], factors: factors)
        if let runs, order.isByChains { order.runs = runs(factors) }
        op.order = order
      default: continue
      }
      graph.nodes[index].op = op
    }
    return graph
  }

  /// Extents of which both lists consist; the first list if there are none.
  private static func common(_ a: [Int], _ b: [Int]) -> [Int] {
    func ends(_ extents: [Int]) -> [Int] {
      extents.reversed().reduce(into: [1]) { $0.append($0[$0.count - 1] * $1) }
    }
    let all = Set(ends(a) + ends(b)).sorted()
    guard zip(all, all.dropFirst()).allSatisfy({ $1 % $0 == 0 }) else { return a }
    return zip(all, all.dropFirst()).map { $1 / $0 }.reversed()
  }
}

extension Graph {
  /// The extents that an axis has been made of by reshapes, outermost first: a kernel that reads through them has a loop for each.
  ///
  /// - Parameter depth: how many nodes it looks through.
  fileprivate func factors(of id: NodeID, axis: Int, depth: Int = 12) -> [Int] {
    let shape = type(of: id).shape
    let whole = [shape[axis]]
    guard shape[axis] > 1, depth > 0 else { return whole }
    let operands = nodes[id.index].operands
    switch meaning(of: id) {
    case .elementwise:
      for operand in operands {
        let factors = factors(of: operand, axis: axis, depth: depth - 1)
        if factors.count > 1 { return factors }
      }
    case .view(let map, _):
      let source = type(of: operands[0]).shape
      let coordinate = map.axes.indices.first { position in
        let coefficients = map.axes[position].coefficients
        return source[position] == shape[axis] && map.axes[position].offset == 0 && coefficients[axis] == 1
          && coefficients.indices.allSatisfy { $0 == axis || coefficients[$0] == 0 }
      }
      if let coordinate { return factors(of: operands[0], axis: coordinate, depth: depth - 1) }
    case .reshape:
      let source = type(of: operands[0]).shape
      let before = shape.extents[..<axis].reduce(1, *)
      var product = 1
      var position = 0
      while position < source.rank, product < before {
        product *= source[position]
        position += 1
      }
      guard product == before else { return whole }
      var axes: [Int] = []
      product = 1
      while position < source.rank, product < shape[axis] {
        product *= source[position]
        if source[position] > 1 { axes.append(position) }
        position += 1
      }
      guard product == shape[axis] else { return whole }
      return axes.flatMap { factors(of: operands[0], axis: $0, depth: depth - 1) }
    default: break
    }
    return whole
  }
}
