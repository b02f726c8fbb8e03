/// `0 <= expression < bound`: what a condition says about loop variables.
struct IndexConstraint: Hashable {
  var expression: AffineExpression
  var bound: Int
}

/// Arithmetic that stays far from overflow instead of trapping: ranges of hostile indices are merely huge.
enum Saturating {
  static let limit = 1 << 60

  static func product(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    if overflow { return (a < 0) == (b < 0) ? limit : -limit }
    return clamp(product)
  }

  static func sum(_ a: Int, _ b: Int) -> Int { clamp(a + b) }

  private static func clamp(_ value: Int) -> Int { max(-limit, min(limit, value)) }
}

/// The elements that an access can touch: blocks of consecutive elements, repeated at some strides.
struct IndexSet: Hashable {
  /// A step that blocks are repeated at.
  struct Stride: Hashable {
    var step: Int
    var count: Int

    /// Steps below a longer step, and those of the longer step, which together reach all of these and perhaps some more; nil
    /// where the longer step isn't a whole number of these, or is beyond them.
    func split(at longer: Int) -> (below: Stride, Stride)? {
      let (number, rest) = longer.quotientAndRemainder(dividingBy: step)
      guard rest == 0, number > 1, count > number else { return nil }
      return (Stride(step: step, count: number), Stride(step: longer, count: count.dividedUp(by: number)))
    }
  }

  var first = 0
  /// Consecutive elements of one block.
  var block = 1
  /// Ascending; each step leaves a gap after what is before it.
  var strides: [Stride] = []
  /// Whether it is exactly these elements; otherwise it may be fewer.
  var isExact = true
  /// No point is allowed by the constraints.
  var isEmpty = false

  init() {}

  /// Some of the elements of a range; none where it is nil.
  init(within range: ClosedRange<Int>?) {
    isExact = false
    isEmpty = range == nil
    guard let range else { return }
    first = range.lowerBound
    block = range.count
  }

  var last: Int {
    strides.reduce(Saturating.sum(first, block - 1)) {
      Saturating.sum($0, Saturating.product($1.step, $1.count - 1))
    }
  }

  /// Of `index` for all values of the variables in `extents` that satisfy the constraints.
  ///
  /// A constraint `0 <= f < bound` restricts an index `a·f + rest`: it is then `a` times a number of that range,
  /// plus `rest`, whose variables are others.
  ///
  /// - Parameter usesAll: takes out every constraint that shares variables with the index, even where that doesn't make
  ///   its range narrower: it may move the range, and let the next constraint narrow it.
  init(_ index: AffineExpression, _ constraints: [IndexConstraint], extents: [Int], usesAll: Bool = false) {
    guard let box = NarrowedBox(index, Self.merged(constraints), extents) else {
      isEmpty = true
      return
    }
    let (index, extents) = (box.index, box.extents)
    var rest = index
    var parts: [Stride] = []
    var consumed: Set<LoopVariable> = []
    for constraint in box.constraints {
      let range = Self.range(of: constraint.expression, extents)
      let least = max(0, range.least)
      let greatest = min(constraint.bound - 1, range.greatest)
      if least > greatest {
        isEmpty = true
        return
      }
      if range.least >= 0, range.greatest < constraint.bound { continue }
      let variables = constraint.expression.terms.map(\.variable)
      if variables.contains(where: { consumed.contains($0) }) { isExact = false }
      guard let (factor, others) = Self.factor(of: constraint.expression, in: rest, least...greatest, extents, usesAll) else {
        // Nothing to do with the index, unless it shares variables with it.
        if variables.contains(where: { index.coefficient(of: $0) != 0 }) { isExact = false }
        consumed.formUnion(variables)
        continue
      }
      rest = others
      if variables.contains(where: { rest.coefficient(of: $0) != 0 }) { isExact = false }
      if !Self.isDense(constraint.expression, extents) { isExact = false }
      consumed.formUnion(variables)
      first = Saturating.sum(first, Saturating.product(factor, factor > 0 ? least : greatest))
      parts.append(Stride(step: abs(factor), count: greatest - least + 1))
    }
    first = Saturating.sum(first, rest.constant)
    for term in rest.terms {
      let count = extents[term.variable.index]
      if term.coefficient < 0 { first = Saturating.sum(first, Saturating.product(term.coefficient, count - 1)) }
      parts.append(Stride(step: abs(term.coefficient), count: count))
    }
    strides = parts.filter { $0.count > 1 }.sorted { ($0.step, $0.count) < ($1.step, $1.count) }
    condense()
  }

  /// Takes strides without gaps into the block, and joins strides that continue each other.
  mutating func condense() {
    var kept: [Stride] = []
    for stride in strides {
      if kept.isEmpty, stride.step <= block {
        block = Saturating.sum(block, Saturating.product(stride.step, stride.count - 1))
      } else if let before = kept.last, stride.step == Saturating.product(before.step, before.count) {
        kept[kept.count - 1].count = Saturating.product(before.count, stride.count)
      } else {
        kept.append(stride)
      }
    }
    strides = kept
  }

  /// Whether every element of `other` is one of these, as far as steps of both tell.
  func contains(_ other: IndexSet) -> Bool {
    if other.isEmpty { return true }
    guard isExact, !isEmpty else { return false }
    if strides.isEmpty { return first <= other.first && other.last <= last }
    var distance = other.first - first
    var remaining = other.strides[...]
    for stride in strides.reversed() {
      // Steps that are whole numbers of this one go along it, all together.
      var count = 1
      while var last = remaining.last {
        if let (below, longer) = last.split(at: stride.step) {
          remaining[remaining.endIndex - 1] = below
          remaining.append(longer)
          last = longer
        }
        guard last.step % stride.step == 0 else { break }
        count = Saturating.sum(count, Saturating.product(last.step / stride.step, last.count - 1))
        remaining.removeLast()
      }
      // Those of `other` begin so many steps later.
      let skipped = distance / stride.step
      guard distance >= 0, skipped + count <= stride.count else { return false }
      distance -= skipped * stride.step
    }
    // What is left of the other's strides may lie in one of these blocks.
    let span = remaining.reduce(other.block) { Saturating.sum($0, Saturating.product($1.step, $1.count - 1)) }
    return Saturating.sum(distance, span) <= block
  }

  /// The union, if it has this form too.
  func union(_ other: IndexSet) -> IndexSet? {
    guard isExact, other.isExact else { return nil }
    let (low, high) = first <= other.first ? (self, other) : (other, self)
    if low.strides != high.strides { return Self.continuing(low, high) }
    guard high.first <= low.first + low.block else { return Self.continuing(low, high) }
    var result = low
    result.block = max(low.block, Saturating.sum(high.first + high.block, -low.first))
    result.condense()
    return result
  }

  /// The union of sets that are alike but for the count of one stride, if one goes on where the other ends.
  private static func continuing(_ low: IndexSet, _ high: IndexSet) -> IndexSet? {
    guard low.block == high.block else { return nil }
    func joined(_ step: Int, _ lowCount: Int, _ highCount: Int) -> Int? {
      let (number, rest) = (high.first - low.first).quotientAndRemainder(dividingBy: step)
      return rest == 0 && number <= lowCount ? max(lowCount, Saturating.sum(number, highCount)) : nil
    }
    var result = low
    if low.strides.count == high.strides.count {
      let different = low.strides.indices.filter { low.strides[$0] != high.strides[$0] }
      // Alike in all strides, they may continue each other along any.
      for position in different.isEmpty ? Array(low.strides.indices) : different {
        let (a, b) = (low.strides[position], high.strides[position])
        guard different.count <= 1, a.step == b.step, let count = joined(a.step, a.count, b.count) else { continue }
        result.strides[position].count = count
        result.condense()
        return result
      }
      return nil
    }
    // One has the stride once.
    let (longer, shorter) = low.strides.count > high.strides.count ? (low, high) : (high, low)
    guard longer.strides.count == shorter.strides.count + 1 else { return nil }
    for position in longer.strides.indices {
      var others = longer.strides
      let stride = others.remove(at: position)
      guard others == shorter.strides else { continue }
      let isLow = low.strides.count > high.strides.count
      guard let count = joined(stride.step, isLow ? stride.count : 1, isLow ? 1 : stride.count) else { continue }
      result.strides = longer.strides
      result.strides[position].count = count
      result.condense()
      return result
    }
    return nil
  }

  /// One constraint for those that differ by a number only, as padding around padding gives them.
  private static func merged(_ constraints: [IndexConstraint]) -> [IndexConstraint] {
    guard constraints.count > 1 else { return constraints }
    var result: [IndexConstraint] = []
    for constraint in constraints {
      guard let position = result.firstIndex(where: { $0.expression.terms == constraint.expression.terms }) else {
        result.append(constraint)
        continue
      }
      let (a, b) = (result[position], constraint)
      // The smaller of the two expressions must not be negative; each has an end of its own.
      let least = min(a.expression.constant, b.expression.constant)
      let ends = [a, b].map { Saturating.sum($0.bound, -Saturating.sum($0.expression.constant, -least)) }
      result[position].expression.constant = least
      result[position].bound = min(ends[0], ends[1])
    }
    return result
  }

  // MARK: Affine expressions over a box

  static func range(of expression: AffineExpression, _ extents: [Int]) -> (least: Int, greatest: Int) {
    var least = expression.constant
    var greatest = expression.constant
    for term in expression.terms {
      let end = Saturating.product(term.coefficient, extents[term.variable.index] - 1)
      if end < 0 { least = Saturating.sum(least, end) } else { greatest = Saturating.sum(greatest, end) }
    }
    return (least, greatest)
  }

  /// The `a` with which taking `a · part` out of `whole` narrows it most, and what is left.
  private static func factor(
    of part: AffineExpression, in whole: AffineExpression, _ allowed: ClosedRange<Int>, _ extents: [Int], _ isAny: Bool
  ) -> (factor: Int, rest: AffineExpression)? {
    func width(_ expression: AffineExpression) -> Int {
      let range = range(of: expression, extents)
      return range.greatest - range.least
    }
    var best: (factor: Int, rest: AffineExpression)?
    var least = isAny ? Int.max : width(whole)
    for term in part.terms {
      let coefficient = whole.coefficient(of: term.variable)
      guard coefficient != 0, coefficient % term.coefficient == 0 else { continue }
      let factor = coefficient / term.coefficient
      guard factor != best?.factor, let rest = difference(whole, factor, part) else { continue }
      let width = Saturating.sum(width(rest), Saturating.product(abs(factor), allowed.count - 1))
      if width < least {
        least = width
        best = (factor, rest)
      }
    }
    return best
  }

  /// `whole − factor · part`; nil where numbers become so large that further sums could overflow.
  private static func difference(_ whole: AffineExpression, _ factor: Int, _ part: AffineExpression) -> AffineExpression? {
    func isSmall(_ number: Int) -> Bool { abs(number) < Saturating.limit }
    guard isSmall(Saturating.product(factor, part.constant)),
      part.terms.allSatisfy({ isSmall(Saturating.product(factor, $0.coefficient)) })
    else { return nil }
    var rest = whole
    rest.add(part, times: -factor)
    return isSmall(rest.constant) && rest.terms.allSatisfy({ isSmall($0.coefficient) }) ? rest : nil
  }

  /// Whether the expression takes every number of its range.
  private static func isDense(_ expression: AffineExpression, _ extents: [Int]) -> Bool {
    let terms = expression.terms.map { (step: abs($0.coefficient), count: extents[$0.variable.index]) }
      .filter { $0.count > 1 }.sorted { $0.step < $1.step }
    var reach = 1
    for term in terms {
      if term.step > reach { return false }
      reach = Saturating.sum(reach, Saturating.product(term.step, term.count - 1))
    }
    return true
  }
}
