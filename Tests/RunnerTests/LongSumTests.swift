import Cinch
import Foundation
import Testing

/// Sums of many terms are nearly as exact as Float32 is, whatever the axes: the bound of docs/Bits.md. Equal terms are the worst
/// case, since a chain rounds all in the same direction.
@Suite struct LongSumTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    /// From the number of terms.
    var shapes: @Sendable (Int) -> [Shape]
    var build: @Sendable ([Tensor]) -> Tensor
      var testDescription: String { name }
  }

  static let cases: [Case] = [
    Case(name: "rows added up", shapes: { [[$0, 3]] }, build: { $0[0].sum(along: 0) }),
    Case(name: "the mean of rows", shapes: { [[$0, 2]] }, build: { $0[0].mean(along: 0) }),
    Case(name: "many columns", shapes: { [[$0, 37]] }, build: { $0[0].sum(along: 0) }),
    Case(name: "an axis in the middle", shapes: { [[2, $0, 3]] }, build: { $0[0].sum(along: 1) }),
    Case(name: "the last axis", shapes: { [[2, $0]] }, build: { $0[0].sum(along: 1) }),
    Case(name: "all", shapes: { [[$0 / 5, 5]] }, build: { $0[0].sum() }),
    Case(name: "the first and the last axis", shapes: { [[$0 / 10, 3, 10]] }, build: { $0[0].sum(along: 0, 2) }),
    Case(name: "two leading axes", shapes: { [[$0 / 100, 100, 3]] }, build: { $0[0].sum(along: 0, 1) }),
    Case(
      name: "rows of a transposed tensor", shapes: { [[3, 7, $0 / 7]] },
      build: { $0[0].transposed(to: [1, 2, 0]).sum(along: 0, 1) }),
    Case(
      name: "a gradient of weights", shapes: { [[$0, 9], [$0, 20]] }, build: { matmul($0[0].transposed(to: [1, 0]), $0[1]) }),
    Case(name: "a product of long rows", shapes: { [[9, $0], [$0, 20]] }, build: { matmul($0[0], $0[1]) }),
    Case(name: "a row times a matrix", shapes: { [[1, $0], [$0, 20]] }, build: { matmul($0[0], $0[1]) }),
    Case(name: "a matrix times a column", shapes: { [[5, $0], [$0, 1]] }, build: { matmul($0[0], $0[1]) }),
    Case(
      name: "a gradient of a convolution's weights", shapes: { [[4, 1, $0 / 100, 25], [9, 1, 1, 1]] },
      build: { x in gradient(of: conv2d(x[0], x[1]).sum(), withRespectTo: x[1]) }),
  ]

  @Test(arguments: cases, [1000, 4099, 65_536, 300_007])
  func errorsAreAFewUnits(_ test: Case, _ count: Int) throws { try check(test, count) }

  @Test(arguments: ["the mean of rows", "all", "a gradient of weights"])
  func errorsOfVeryLongSums(_ name: String) throws {
    try check(#require(Self.cases.first { $0.name == name }), name == "a gradient of weights" ? 1 << 21 : 20_000_000)
  }

  /// What a loop's iterations add to a gradient: here 0.1 in each.
  @Test(arguments: [1000, 4099]) func gradientsAddedUpInALoop(_ count: Int) throws {
    let graph = Graph { g in
      let bias = g.input("bias", [3])
      let (last, _) = scan(over: g.input("x", [count, 3]), initial: Tensor.zeros(like: bias)) { x, state in
        let next = state + (x + bias) * 0.1
        return (next, next)
      }
      g.output("y", gradient(of: last.sum(), withRespectTo: bias))
    }
    let result = try #require(try graph.compile().run(["x": .zeros([count, 3]), "bias": .zeros([3])])["y"])
    let expected = Double(count) * Double(Float(0.1))
    for value in result.floats {
      #expect(abs(Double(value) / expected - 1) <= 3 * log2(Double(count)) * 0x1p-23, "\(value)")
    }
  }

  @Test(arguments: [1, 3, 100], [4096, 70_001]) func rowsAddedToOneOfATable(_ rows: Int, _ count: Int) throws {
    let graph = Graph { g in
      let indices = g.input("indices", [count], type: .int32)
      g.output("y", scatterAdd(g.input("x", [count, 2]), at: indices, count: rows))
    }
    let inputs = [
      "x": HostTensor([Float](repeating: 0.1, count: 2 * count), shape: [count, 2]),
      "indices": HostTensor([Int32](repeating: Int32(rows - 1), count: count)),
    ]
    let result = try #require(try graph.compile().run(inputs)["y"]).floats
    let expected = Double(count) * Double(Float(0.1))
    #expect(result.dropLast(2).allSatisfy { $0 == 0 })
    for value in result.suffix(2) {
      #expect(abs(Double(value) / expected - 1) <= 2000 * 0x1p-23, "\(value), not \(expected)")
    }
    let wrong = [Int32](repeating: 0, count: count - 1) + [Int32(rows)]
    let mistake = #expect(throws: RuntimeCheckError.self) {
      try graph.compile().run(["x": inputs["x"] ?? HostTensor(0), "indices": HostTensor(wrong)])
    }
    #expect(mistake?.description.contains("\(rows)") == true)
    guard count == 4096 || rows == 3 else { return }
    var small = inputs
    small["indices"] = HostTensor((0..<count).map { Int32($0 * $0 % 7 % rows) })
    let interpreted = try graph.compile(ProgramOptions(engine: .interpreter)).run(small)
    #expect(try graph.compile().run(small) == interpreted)
  }

  private func check(_ test: Case, _ count: Int) throws {
    let shapes = test.shapes(count)
    let graph = Graph { g in
      let operands = shapes.enumerated().map { g.input("x\($0.offset)", $0.element) }
      g.output("y", test.build(operands))
    }
    let program = try graph.compile()
    for value in [Float(0.1), 1] {
      let factors = shapes.map { HostTensor([Float](repeating: value, count: $0.elementCount), shape: $0) }
      let inputs = Dictionary(uniqueKeysWithValues: factors.enumerated().map { ("x\($0.offset)", $0.element) })
      let result = try #require(try program.run(inputs)["y"])
      // What each term is, and how many there are.
      let isMean = test.name.contains("mean")
      let isProduct = shapes.count == 2 && !test.name.contains("convolution")
      let term = isProduct ? Double(value) * Double(value) : Double(value)
      let results = isProduct ? shapes[0].elementCount / count : test.name.contains("convolution") ? 1 : result.count
      let terms = Double(shapes[0].elementCount / results)
      let expected = isMean ? term : term * terms
      let bound = 3 * log2(Double(count)) * 0x1p-23
      let worst = result.floats.map { abs(Double($0) / expected - 1) }.max() ?? .infinity
      #expect(worst <= bound, "\(test.name), \(count) terms of \(value): \(worst / 0x1p-23) units")
    }
  }
}
