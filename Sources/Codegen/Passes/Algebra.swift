import CinchGraph

/// Rewrites to cheaper forms, one rule a line. They may change a result's last bit or the sign of a zero, which is why they
/// stand here and not below the graph; they never make a finite result infinite or NaN.
enum Algebra {
  static func rewrite(_ builder: GraphBuilder, _ node: Node, _ x: [Tensor]) -> Tensor? {
    switch node.op {
    case is StopGradient, is IdentityOp: x[0]
    case is Add: add(x[0], x[1])
    case is Subtract: subtract(x[0], x[1])
    case is Multiply: multiply(x[0], x[1])
    case is Divide: divide(x[0], x[1])
    case is Negate: Match(x[0]).unary(Negate.self)?.1
    case is Not: Match(x[0]).unary(Not.self)?.1
    case is Power: power(x[0], x[1])
    case is Select: x[1].id == x[2].id ? x[1] : nil
    case let op as Cast: op.target == x[0].elementType ? x[0] : nil
    case let op as Pad: op.low.allSatisfy { $0 == 0 } && op.high == op.low ? x[0] : nil
    case let op as Concatenate: concatenate(op, x)
    case let op as Transpose: transpose(op, x[0])
    case let op as Reshape: reshape(op, x[0])
    case let op as Broadcast: broadcast(op, x[0])
    case is MatMul: matmul(builder, node, x[0], x[1])
    default: nil
    }
  }

  private static func add(_ a: Tensor, _ b: Tensor) -> Tensor? {
    if Match(a).isSplat(0) { return b }
    if Match(b).isSplat(0) { return a }
    if let (_, negated) = Match(b).unary(Negate.self) { return a - negated }
    if let (_, negated) = Match(a).unary(Negate.self) { return b - negated }
    if let both = neighbours(a, b) ?? neighbours(b, a) { return both }
    // With one of two that are added up already: where one of the neighbours is, the other is 0.
    guard let (p, q) = Match(a).binary(Add.self) else { return nil }
    for (part, rest) in [(p, q), (q, p)] {
      if let both = neighbours(part, b) ?? neighbours(b, part) { return add(both, rest) ?? both + rest }
    }
    return nil
  }

  /// Two tensors padded with zeros so that one begins where the other ends are one, padded: the gradient of a tensor of
  /// which slices have been taken.
  private static func neighbours(_ a: Tensor, _ b: Tensor) -> Tensor? {
    guard let (first, x) = Match(a).unary(Pad.self), let (second, y) = Match(b).unary(Pad.self),
      first.fill.asDouble == 0, second.fill.asDouble == 0
    else { return nil }
    let different = first.low.indices.filter { first.low[$0] != second.low[$0] || first.high[$0] != second.high[$0] }
    guard different.count == 1, first.low[different[0]] + x.shape[different[0]] == second.low[different[0]] else { return nil }
    return a.builder.add(
      Pad(low: first.low, high: second.high, fill: first.fill),
      [a.builder.add(Concatenate(axis: different[0]), [x, y], at: a.site)], at: a.site)
  }

  /// Pieces of pieces are pieces.
  private static func concatenate(_ op: Concatenate, _ pieces: [Tensor]) -> Tensor? {
    if pieces.count == 1 { return pieces[0] }
    func parts(_ piece: Tensor) -> [Tensor]? {
      let match = Match(piece)
      guard let inner = match.op as? Concatenate, inner.axis == op.axis else { return nil }
      return match.operands
    }
    guard pieces.contains(where: { parts($0) != nil }) else { return nil }
    let all = pieces.flatMap { parts($0) ?? [$0] }
    return all[0].builder.add(op, all, at: all[0].site)
  }

  private static func subtract(_ a: Tensor, _ b: Tensor) -> Tensor? {
    if Match(b).isSplat(0) { return a }
    if Match(a).isSplat(0) { return -b }
    if let (_, negated) = Match(b).unary(Negate.self) { return a + negated }
    return nil
  }

  private static func multiply(_ a: Tensor, _ b: Tensor) -> Tensor? {
    if Match(a).isSplat(1) { return b }
    if Match(b).isSplat(1) { return a }
    if Match(a).isSplat(-1) { return -b }
    if Match(b).isSplat(-1) { return -a }
    if let (_, p) = Match(a).unary(Negate.self), let (_, q) = Match(b).unary(Negate.self) { return p * q }
    return nil
  }

  private static func divide(_ a: Tensor, _ b: Tensor) -> Tensor? {
    if Match(b).isSplat(1) { return a }
    // Exact for powers of two whose reciprocal is normal.
    if let literal = Match(b).splat, literal.type == .float32 {
      let divisor = literal.floatValue
      if divisor.isNormal, divisor.significand == 1, (1 / divisor).isNormal { return a * (1 / divisor) }
    }
    return nil
  }

  private static func power(_ a: Tensor, _ b: Tensor) -> Tensor? {
    guard let exponent = Match(b).splat?.asDouble else { return nil }
    switch exponent {
    case 1: return a
    case 2: return a * a
    case 3: return a * a * a
    case -1: return 1 / a
    default: return nil
    }
  }

  private static func transpose(_ op: Transpose, _ a: Tensor) -> Tensor? {
    if op.permutation == Array(0..<a.shape.rank) { return a }
    if let (inner, b) = Match(a).unary(Transpose.self) {
      return b.transposed(to: op.permutation.map { inner.permutation[$0] })
    }
    // Where only axes of extent 1 change places among the others, no element moves.
    let moved = op.permutation.filter { a.shape[$0] != 1 }
    return moved == moved.sorted() ? a.reshaped(to: Shape(op.permutation.map { a.shape[$0] })) : nil
  }

  private static func reshape(_ op: Reshape, _ a: Tensor) -> Tensor? {
    if op.shape == a.shape { return a }
    if let (_, b) = Match(a).unary(Reshape.self) { return b.reshaped(to: op.shape) }
    return nil
  }

  private static func broadcast(_ op: Broadcast, _ a: Tensor) -> Tensor? {
    if op.shape == a.shape { return a }
    if let (_, b) = Match(a).unary(Broadcast.self) { return b.broadcast(to: op.shape) }
    return nil
  }

  private static func matmul(_ builder: GraphBuilder, _ node: Node, _ a: Tensor, _ b: Tensor) -> Tensor? {
    let rank = a.shape.rank
    // An outer product adds nothing up.
    if a.shape[rank - 1] == 1 { return a * b }
    // (Aᵀ·v) reads A row by row as vᵀ·A, and the product of each pair is the same.
    if b.shape[rank - 1] == 1, a.shape[rank - 2] != 1, isTransposedMatrix(a) {
      return CinchGraph.matmul(b.transposedMatrix(), a.transposedMatrix()).transposedMatrix()
    }
    // (v·Aᵀ) likewise is one dot for each row of A.
    if a.shape[rank - 2] == 1, b.shape[rank - 1] != 1, isTransposedMatrix(b) {
      return CinchGraph.matmul(b.transposedMatrix(), a.transposedMatrix()).transposedMatrix()
    }
    return nil
  }

  private static func isTransposedMatrix(_ a: Tensor) -> Bool {
    guard let (op, _) = Match(a).unary(Transpose.self) else { return false }
    var swapped = Array(0..<a.shape.rank)
    swapped.swapAt(a.shape.rank - 1, a.shape.rank - 2)
    return op.permutation == swapped
  }
}
