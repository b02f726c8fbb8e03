/// Other forms of the same function, which neither overflow nor cancel: log softmax for the logarithm of a softmax, softplus for
/// log(1 + eᵃ).
///
/// Used twice, by a pass and by differentiation: the gradient of the unstable form is unstable too (of log softmax, 1 / 0 · 0).
struct StableForms {
  /// Nodes that count as variables and are not looked into, whatever they were computed from.
  let isOpaque: (NodeID) -> Bool

  /// What a logarithm is known to be.
  struct Logarithm {
    let value: Tensor
    /// Whether the number itself may be 0 by underflow, or infinite, where its logarithm is finite.
    var isBetter = true
    /// Whether the number itself may overflow.
    var mayOverflow = false
  }

  /// Forms lie inside of each other, but not deeply; the search must end.
  private static let maximumDepth = 8

  func form(of op: any Op, _ x: [Tensor]) -> Tensor? {
    switch op {
    case is Log: logarithm(of: x[0])
    case is Log1p: known(x[0]).flatMap { $0.mayOverflow ? softplus($0.value) : nil }
    case is SquareRoot: known(x[0]).flatMap { $0.isBetter ? exp(0.5 * $0.value) : nil }
    case is Divide: quotient(x[0], x[1])
    default: nil
    }
  }

  private func logarithm(of x: Tensor) -> Tensor? {
    if let known = better(x) { return known }
    guard !isOpaque(x.id) else { return nil }
    let match = Match(x)
    if let (a, b) = match.binary(Multiply.self) {
      if let known = better(a) { return known + log(b) }
      if let known = better(b) { return log(a) + known }
    }
    if let (a, b) = match.binary(Divide.self) {
      if let known = better(a) { return known - log(b) }
      if let known = better(b) { return log(a) - known }
    }
    if let a = match.onePlus() { return log1p(a) }
    if let a = match.oneMinus() { return log1p(-a) }
    return nil
  }

  private func better(_ x: Tensor) -> Tensor? { known(x).flatMap { $0.isBetter ? $0.value : nil } }

  /// The logarithm of a number that is never negative, by how it was made; nil where nothing is gained.
  private func known(_ x: Tensor, depth: Int = 0) -> Logarithm? {
    guard !isOpaque(x.id), depth < Self.maximumDepth, x.elementType == .float32 else { return nil }
    let match = Match(x)
    if let literal = match.splat {
      return literal.asDouble >= 0 ? Logarithm(value: constant(logOf(literal.asDouble), like: x), isBetter: false) : nil
    }
    if let a = sigmoidArgument(x, depth: depth) { return Logarithm(value: -softplus(opposite(a))) }
    func next(_ operand: Int) -> Logarithm? { known(match.operand(operand), depth: depth + 1) }
    func both(_ combine: (Tensor, Tensor) -> Tensor) -> Logarithm? {
      guard let a = next(0), let b = next(1) else { return nil }
      return Logarithm(
        value: combine(a.value, b.value), isBetter: a.isBetter || b.isBetter, mayOverflow: a.mayOverflow || b.mayOverflow)
    }
    switch match.op {
    case is Exp:
      return Logarithm(value: match.operand(0), mayOverflow: true)
    case let op as SoftmaxOp:
      return Logarithm(value: logSoftmax(match.operand(0), axis: op.axis))
    // The logarithm of the largest is the largest logarithm.
    case is Maximum: return both { maximum($0, $1) }
    case is Minimum: return both { minimum($0, $1) }
    case is Multiply: return both(+)
    case is Divide: return both(-)
    case is Add:
      guard let a = next(0), let b = next(1) else { return nil }
      // Beside a constant, a bounded number neither overflows nor vanishes.
      guard a.isBetter && b.isBetter || a.mayOverflow || b.mayOverflow else { return nil }
      let mayOverflow = a.mayOverflow || b.mayOverflow
      if let one = match.onePlus(), let (known, _) = [(a, 1), (b, 0)].first(where: { match.operand(1 - $0.1).id == one.id }) {
        return Logarithm(value: softplus(known.value), mayOverflow: mayOverflow)
      }
      return Logarithm(value: logAddExp(a.value, b.value), mayOverflow: mayOverflow)
    case let op as Sum:
      guard let a = next(0), a.isBetter, !isShifted(a.value) else { return nil }
      return Logarithm(value: a.value.logSumExp(axes: op.axes), mayOverflow: a.mayOverflow)
    case let op as Mean:
      guard let a = next(0), a.isBetter, !isShifted(a.value) else { return nil }
      let count = op.axes.reduce(1) { $0 * match.operand(0).shape[$1] }
      return Logarithm(value: a.value.logSumExp(axes: op.axes) - Float(logOf(Double(count))), mayOverflow: a.mayOverflow)
    case is Power:
      guard let a = next(0), let exponent = Match(match.operand(1)).splat?.floatValue, exponent != 0 else { return nil }
      return Logarithm(value: exponent * a.value, isBetter: a.isBetter, mayOverflow: a.mayOverflow)
    case is SquareRoot:
      return next(0).map { Logarithm(value: 0.5 * $0.value, isBetter: $0.isBetter, mayOverflow: $0.mayOverflow) }
    case is Select:
      let chosen = (known(match.operand(1), depth: depth + 1), known(match.operand(2), depth: depth + 1))
      guard let a = chosen.0, let b = chosen.1 else { return nil }
      return Logarithm(
        value: select(match.operand(0), a.value, b.value), isBetter: a.isBetter || b.isBetter,
        mayOverflow: a.mayOverflow || b.mayOverflow)
    case is OneHot, is Cast:
      guard match.op is OneHot || match.operand(0).elementType == .bool else { return nil }
      let never = constant(-.infinity, like: x)
      return Logarithm(value: select(x .== Tensor.zeros(like: x), never, Tensor.zeros(like: x)), isBetter: false)
    case let op
    where op is Reshape || op is Transpose || op is Broadcast || op is Slice || op is Gather || op is Max
      || op is Min:
      return next(0).map {
        let operands = [$0.value] + match.operands.dropFirst()
        return Logarithm(value: x.builder.add(op, operands, at: x.site), isBetter: $0.isBetter, mayOverflow: $0.mayOverflow)
      }
    case let op as Concatenate:
      let parts = match.operands.compactMap { known($0, depth: depth + 1) }
      guard parts.count == match.operands.count else { return nil }
      return Logarithm(
        value: x.builder.add(op, parts.map(\.value), at: x.site), isBetter: parts.contains { $0.isBetter },
        mayOverflow: parts.contains { $0.mayOverflow })
    default:
      return nil
    }
  }

  /// `a` where this is sigmoid(a), by whatever formula.
  private func sigmoidArgument(_ x: Tensor, depth: Int = 0) -> Tensor? {
    guard !isOpaque(x.id), depth < Self.maximumDepth else { return nil }
    let match = Match(x)
    switch match.op {
    case is Logistic: return match.operand(0)
    case is Divide: return sigmoidArgument(match.operand(0), over: match.operand(1), depth: depth + 1)
    case is Subtract: return match.oneMinus().flatMap { sigmoidArgument($0, depth: depth + 1) }.map(opposite)
    default: return nil
    }
  }

  /// 1 / (1 + e⁻ᵃ) or eᵃ / (1 + eᵃ).
  private func sigmoidArgument(_ x: Tensor, over y: Tensor, depth: Int = 0) -> Tensor? {
    guard let (a, exponential) = onePlusExponential(y, depth: depth) else { return nil }
    if Match(x).isSplat(1) { return opposite(a) }
    return !isOpaque(x.id) && Match.areEqual(x, exponential) ? a : nil
  }

  /// `a` and eᵃ where this is 1 + eᵃ.
  private func onePlusExponential(_ x: Tensor, depth: Int) -> (Tensor, exponential: Tensor)? {
    guard !isOpaque(x.id), let exponential = Match(x).onePlus(), let a = known(exponential, depth: depth), a.mayOverflow
    else { return nil }
    return (a.value, exponential)
  }

  private func quotient(_ x: Tensor, _ y: Tensor) -> Tensor? {
    if let a = sigmoidArgument(x, over: y) { return sigmoid(a) }
    if let (a, _) = onePlusExponential(y, depth: 0) { return x * sigmoid(opposite(a)) }
    if let a = tanhArgument(x, y) { return tanh(a) }
    guard let a = known(x), let b = known(y), a.isBetter, b.isBetter, a.mayOverflow, b.mayOverflow, !isShifted(a.value)
    else { return nil }
    if let axis = softmaxAxis(x, y) { return softmax(a.value, axis: axis) }
    return exp(a.value - b.value)
  }

  /// `a` where x / y is (eᵇ − eᶜ) / (eᵇ + eᶜ), the tanh of a = (b − c) / 2.
  private func tanhArgument(_ x: Tensor, _ y: Tensor) -> Tensor? {
    guard !isOpaque(x.id), !isOpaque(y.id), let (p, q) = Match(x).binary(Subtract.self),
      let (r, s) = Match(y).binary(Add.self),
      Match.areEqual(p, r) && Match.areEqual(q, s) || Match.areEqual(p, s) && Match.areEqual(q, r),
      let a = known(p), let b = known(q), a.mayOverflow || b.mayOverflow
    else { return nil }
    return 0.5 * (a.value - b.value)
  }

  /// The axis where y is the sum of x along it, spread over x again.
  private func softmaxAxis(_ x: Tensor, _ y: Tensor) -> Int? {
    guard !isOpaque(y.id), let (_, spread) = Match(y).unary(Broadcast.self) else { return nil }
    let isKept = Match(spread).op is Reshape
    let sum = isKept ? Match(spread).operand(0) : spread
    guard !isOpaque(spread.id), !isOpaque(sum.id), let (op, summed) = Match(sum).unary(Sum.self), op.axes.count == 1,
      Match.areEqual(summed, x)
    else { return nil }
    let axis = op.axes[0]
    // Where an axis is missing, broadcasting aligns the others only if it was the first.
    let kept = Shape(x.shape.extents.enumerated().map { $0.offset == axis ? 1 : $0.element })
    return isKept ? (spread.shape == kept ? axis : nil) : (axis == 0 ? axis : nil)
  }

  /// Whether the largest element has been subtracted by hand, so that its exponential does not overflow.
  private func isShifted(_ x: Tensor) -> Bool {
    guard !isOpaque(x.id), let (_, largest) = Match(x).binary(Subtract.self) else { return false }
    var shown = largest
    while Match(shown).op is Broadcast || Match(shown).op is Reshape || Match(shown).op is StopGradient {
      shown = Match(shown).operand(0)
    }
    return Match(shown).op is Max
  }

  private func opposite(_ x: Tensor) -> Tensor {
    if !isOpaque(x.id), let (_, a) = Match(x).unary(Negate.self) { return a }
    return -x
  }

  private func constant(_ value: Double, like x: Tensor) -> Tensor {
    x.builder.constant(Tensor.literal(Double(Float(value)), x.elementType), shape: x.shape, at: x.site)
  }

  private func logOf(_ value: Double) -> Double { Log().reference([value]) }
}

extension GraphBuilder {
  /// A stable form of an op on operands of this graph; nil where there is none better, and then nothing is added.
  ///
  /// - Parameter isOpaque: which nodes count as variables, whatever they were computed from.
  package func stableForm(
    of op: any Op, _ operands: [Tensor], isOpaque: (NodeID) -> Bool = { _ in false }
  ) -> Tensor? {
    guard op is Log || op is Log1p || op is SquareRoot || op is Divide else { return nil }
    let first = graph.nodes.count
    return withoutActuallyEscaping(isOpaque) { isOpaque in
      let form = StableForms(isOpaque: isOpaque).form(of: op, operands)
      return dropTrials(from: first, keeping: form)
    }
  }

  /// Removes the nodes from `first` on that the form does not need: logarithms of parts of what had none as a whole.
  private func dropTrials(from first: Int, keeping form: Tensor?) -> Tensor? {
    var isNeeded = [Bool](repeating: false, count: graph.nodes.count - first)
    if let form, form.id.index >= first { isNeeded[form.id.index - first] = true }
    for index in isNeeded.indices.reversed() where isNeeded[index] {
      for operand in graph.nodes[first + index].operands where operand.index >= first { isNeeded[operand.index - first] = true }
    }
    let added = Array(graph.nodes[first...])
    graph.nodes.removeSubrange(first...)
    var renumbered: [Int: NodeID] = [:]
    for (index, node) in added.enumerated() where isNeeded[index] {
      var node = node
      node.operands = node.operands.map { renumbered[$0.index] ?? $0 }
      renumbered[first + index] = append(node).id
    }
    return form.map { Tensor(builder: self, id: renumbered[$0.id.index] ?? $0.id) }
  }
}
