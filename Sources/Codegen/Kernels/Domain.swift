// A domain is a list of extents, outermost first, none of them 1: the axes that a kernel loops over. Tensors whose
// shapes cut the same row-major run at other places meet in a common refinement.

enum Domain {
  static func withoutOnes(_ extents: [Int]) -> [Int] { extents.filter { $0 != 1 } }

  /// What two domains have in common from the outside, cut at all places where either is cut, and what each has left.
  static func commonPrefix(_ a: [Int], _ b: [Int]) -> (common: [Int], restA: [Int], restB: [Int])? {
    if a == b { return (a, [], []) }
    var common: [Int] = []
    var i = 0
    var j = 0
    var left = a.first ?? 1
    var right = b.first ?? 1
    while i < a.count, j < b.count {
      if left == right {
        common.append(left)
        i += 1
        j += 1
        left = i < a.count ? a[i] : 1
        right = j < b.count ? b[j] : 1
      } else if left < right {
        guard right % left == 0 else { return nil }
        common.append(left)
        right /= left
        i += 1
        left = i < a.count ? a[i] : 1
      } else {
        guard left % right == 0 else { return nil }
        common.append(right)
        left /= right
        j += 1
        right = j < b.count ? b[j] : 1
      }
    }
    let restA = i < a.count ? withoutOnes([left]) + a[(i + 1)...] : []
    let restB = j < b.count ? withoutOnes([right]) + b[(j + 1)...] : []
    return (common, restA, restB)
  }

  /// The common refinement of two domains of as many points.
  static func refine(_ a: [Int], _ b: [Int]) -> [Int]? {
    guard let (common, restA, restB) = commonPrefix(a, b), restA.isEmpty, restB.isEmpty else { return nil }
    return common
  }

  /// Each of a tensor's axes as an expression of a domain's variables, which start at `first`; nil unless the domain
  /// refines the axes.
  static func coordinates(
    of axes: [Int], over domain: ArraySlice<Int>, first: Int
  ) -> [AffineExpression]? {
    var result = [AffineExpression](repeating: AffineExpression(), count: axes.count)
    var position = domain.endIndex
    for axis in axes.indices.reversed() {
      var covered = 1
      while covered < axes[axis] {
        guard position > domain.startIndex else { return nil }
        position -= 1
        let variable = LoopVariable(raw: Int32(first + position - domain.startIndex))
        result[axis].add(AffineExpression(variable), times: covered)
        covered *= domain[position]
      }
      guard covered == axes[axis] else { return nil }
    }
    return domain[domain.startIndex..<position].allSatisfy { $0 == 1 } ? result : nil
  }

  static func coordinates(of axes: [Int], over domain: [Int], first: Int = 0) -> [AffineExpression]? {
    coordinates(of: axes, over: domain[...], first: first)
  }

  static func count(_ extents: [Int]) -> Int { extents.reduce(1, *) }
}
