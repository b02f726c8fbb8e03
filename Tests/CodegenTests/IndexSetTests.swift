import CinchGraph
import TestSupport
import Testing

@testable import CinchCodegen

@Suite struct IndexSetTests {
  private static func set(_ first: Int, _ block: Int, _ strides: (step: Int, count: Int)...) -> IndexSet {
    var extents = [block]
    var index = AffineExpression(LoopVariable(raw: 0))
    for (position, stride) in strides.enumerated() {
      index.add(AffineExpression(LoopVariable(raw: Int32(position + 1))), times: stride.step)
      extents.append(stride.count)
    }
    return IndexSet(index + first, [], extents: extents)
  }

  private static func elements(_ set: IndexSet) -> Set<Int> {
    set.strides.reduce(Set(set.first..<set.first + set.block)) { elements, stride in
      Set(elements.flatMap { element in (0..<stride.count).map { element + $0 * stride.step } })
    }
  }

  /// Nothing is told that isn't so; that much is told shows below.
  @Test func randomSetsAreTheirElements() {
    var random = SplitMix(seed: 20)
    func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    func any() -> IndexSet {
      let inner = number(1...4) * 2
      return Self.set(
        number(0...12), number(1...3), (inner, number(1...4)), (inner * number(1...3), number(1...3)))
    }
    var (contained, joined) = (0, 0)
    for _ in 0..<20_000 {
      let (a, b) = (any(), any())
      let (first, second) = (Self.elements(a), Self.elements(b))
      if a.contains(b) {
        #expect(second.isSubset(of: first), "\(a) isn't all of \(b)")
        contained += 1
      }
      if let union = a.union(b) {
        #expect(Self.elements(union) == first.union(second), "\(a) and \(b) aren't \(union)")
        joined += 1
      }
    }
    #expect(contained > 100 && joined > 100)
  }

  /// Constraints that share variables, alone too weak: the values of the index are found exactly, and nothing less is proved.
  @Test func randomConstraintsTogetherBoundAnIndex() {
    var random = SplitMix(seed: 21)
    func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    func expression(_ range: ClosedRange<Int>) -> AffineExpression {
      var result = AffineExpression(constant: number(-6...6))
      for variable in 0..<4 { result.add(AffineExpression(LoopVariable(raw: Int32(variable))), times: number(range)) }
      return result
    }
    func value(_ expression: AffineExpression, _ point: [Int]) -> Int {
      expression.terms.reduce(expression.constant) { $0 + $1.coefficient * point[$1.variable.index] }
    }
    var (proved, refuted) = (0, 0)
    for _ in 0..<2_000 {
      let extents = (0..<4).map { _ in number(1...4) }
      let index = expression(-9...9)
      let constraints = (0..<number(1...3)).map { _ in IndexConstraint(expression: expression(-3...3), bound: number(1...6)) }
      var values: [Int] = []
      for position in 0..<extents.reduce(1, *) {
        var (point, rest) = ([Int](), position)
        for extent in extents {
          point.append(rest % extent)
          rest /= extent
        }
        let isAllowed = constraints.allSatisfy { (0..<$0.bound).contains(value($0.expression, point)) }
        if isAllowed { values.append(value(index, point)) }
      }
      guard let least = values.min(), let greatest = values.max() else { continue }
      if let found = SplitBox.range(of: index, constraints, extents, within: least..<greatest + 1) {
        #expect(found == least...greatest)
        proved += 1
      }
      #expect(SplitBox.range(of: index, constraints, extents, within: least + 1..<greatest + 1) == nil)
      #expect(SplitBox.range(of: index, constraints, extents, within: least..<greatest) == nil)
      refuted += 1
    }
    #expect(proved == refuted && proved > 500, "\(proved) of \(refuted)")
  }

  @Test func fewerStepsAreContained() {
    let all = Self.set(0, 34, (48, 2_730))
    #expect(all.contains(Self.set(0, 34, (48, 1_783))))
    #expect(all.contains(Self.set(48 * 947 + 2, 32, (48, 1_783))))
    #expect(all.contains(Self.set(48 * 2_729, 34)))
    #expect(!all.contains(Self.set(48 * 948, 34, (48, 1_783))))
    #expect(!all.contains(Self.set(1, 34, (48, 2))))
    #expect(!all.contains(Self.set(0, 34, (49, 2))))
    // Steps that are shorter than a block.
    let lines = Self.set(0, 286, (288, 3))
    #expect(lines.contains(Self.set(216, 18, (26, 3), (288, 3))))
    #expect(lines.contains(Self.set(216, 18, (26, 3))))
    let panel = Self.set(0, 22, (32, 292))
    #expect(panel.contains(Self.set(1920, 22, (32, 13), (2336, 2), (4672, 2))))
    #expect(panel.contains(Self.set(64, 22, (64, 145))))
    #expect(!panel.contains(Self.set(64, 22, (64, 146))))
    #expect(!panel.contains(Self.set(1920, 22, (32, 13), (2340, 2))))
    #expect(!lines.contains(Self.set(217, 18, (26, 3), (288, 3))))
    #expect(!lines.contains(Self.set(216, 18, (26, 4), (288, 3))))
    // Steps that the lines of a window and the rows of a panel have in common.
    let window = Self.set(0, 64, (96, 48))
    #expect(window.contains(Self.set(0, 16, (48, 96))))
    #expect(window.contains(Self.set(96, 16, (48, 93))))
    #expect(!window.contains(Self.set(0, 17, (48, 96))))
    #expect(!window.contains(Self.set(0, 16, (48, 97))))
    #expect(!window.contains(Self.set(0, 16, (32, 96))))
    let planes = Self.set(7, 2, (10, 5), (100, 4))
    #expect(planes.contains(Self.set(127, 2, (10, 3), (100, 3))))
    #expect(planes.contains(Self.set(17, 1, (100, 2))))
    #expect(!planes.contains(Self.set(127, 2, (10, 4), (100, 3))))
    #expect(!planes.contains(Self.set(7, 2, (100, 5))))
  }

  @Test func setsThatGoOnAreJoined() {
    #expect(Self.set(0, 32, (48, 170)).union(Self.set(48 * 170, 32, (48, 10))) == Self.set(0, 32, (48, 180)))
    #expect(Self.set(0, 32, (48, 170)).union(Self.set(32, 2, (48, 170))) == Self.set(0, 34, (48, 170)))
    #expect(Self.set(0, 32, (48, 170)).union(Self.set(48 * 171, 32, (48, 10))) == nil)
  }
}
