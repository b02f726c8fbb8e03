import Foundation
import TestSupport
import Testing

@testable import CinchGraph

/// How many additions a term of a sum goes through in the standard orders: what the bound in docs/Bits.md rests on.
@Suite struct AccumulationOrderTests {
  private static func additions(_ order: AccumulationOrder, _ count: Int) -> Int {
    var length = min(order.runs.first ?? count, count)
    var result = length
    if case .lanes(let lanes) = order.leaf { result = (length + lanes - 1) / lanes + lanes.trailingZeroBitCount }
    for next in order.runs.dropFirst() + [count] where !order.runs.isEmpty {
      result += (min(next, count) + length - 1) / length
      length = next
    }
    return result
  }

  @Test func noTermGoesThroughManyAdditions() {
    var random = SplitMix(seed: 3)
    for _ in 0..<4000 {
      var factors: [Int] = []
      let most = Int.random(in: 2...(1 << Int.random(in: 2...24, using: &random)), using: &random)
      while factors.count < 4 {
        let left = most / factors.reduce(1, *)
        factors.insert(random.oneIn(3) ? max(1, left) : Int.random(in: 1...max(1, left), using: &random), at: 0)
      }
      let count = factors.reduce(1, *)
      let bound = count <= 512 ? count + 6 : 256 * Int(ceil(log2(Double(count)) / 6))
      for order in [
        AccumulationOrder.standard(reducing: [0], of: [count, 3], by: .sum, .float32, factors: factors),
        .standard(reducing: [1], of: [3, count], by: .sum, .float32, factors: factors),
        .standard(contracting: count, columns: 1, factors: factors),
        .standard(contracting: count, columns: 7, factors: factors),
      ] {
        #expect(Self.additions(order, count) <= bound, "\(order) of \(factors)")
        #expect(zip(order.runs, order.runs.dropFirst()).allSatisfy(<), "\(order) of \(factors)")
        if order.isByChains { #expect(order.fits(factors.filter { $0 > 1 }), "\(order) of \(factors)") }
      }
    }
  }
}
