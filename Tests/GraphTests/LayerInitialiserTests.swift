import Testing

@testable import CinchGraph

@Suite struct LayerInitialiserTests {
  private func values(
    _ initialiser: Initialiser, _ shape: Shape, name: String = "w", seed: UInt64 = 1
  ) -> [Float] {
    StateVariable(name: name, type: TensorType(.float32, shape), role: .parameter, initialiser: initialiser)
      .initialValue(seed: seed).floats ?? []
  }

  /// Known answers from the authors' own test vectors (Random123, kat_vectors: threefry2x32 with 20 rounds).
  @Test func threefryGivesItsAuthorsNumbers() {
    #expect(Random.threefry(key: (0, 0), counter: (0, 0)) == (0x6B20_0159, 0x99BA_4EFE))
    #expect(
      Random.threefry(key: (.max, .max), counter: (.max, .max)) == (0x1CB9_96FC, 0xBB00_2BE7))
    #expect(
      Random.threefry(key: (0x1319_8A2E, 0x0370_7344), counter: (0x243F_6A88, 0x85A3_08D3))
        == (0xC492_3A9C, 0x483D_F7A0))
  }

  @Test func valuesDependOnSeedAndNameAlone() {
    let one = values(.kaimingUniform, [7, 9])
    #expect(one == values(.kaimingUniform, [7, 9]))
    #expect(one != values(.kaimingUniform, [7, 9], name: "v"))
    #expect(one != values(.kaimingUniform, [7, 9], seed: 2))
    #expect(one != values(.kaimingUniform, [7, 9], seed: 1 + 1 << 40))
    // Of a longer tensor, the first elements are the same.
    #expect(Array(values(.uniform(bound: 1), [100]).prefix(10)) == values(.uniform(bound: 1), [10]))
  }

  /// So that large variables can be made piece by piece.
  @Test(arguments: [Initialiser.uniform(bound: 2), .xavierNormal, .constant(3), .zeros]) func partsAreThoseOfTheWhole(
    initialiser: Initialiser
  ) throws {
    let variable = StateVariable(
      name: "w", type: TensorType(.float32, [7, 9]), role: .parameter, initialiser: initialiser)
    let whole = try #require(variable.initialValue(seed: 3).floats)
    for part in [0..<63, 0..<1, 5..<30, 16..<63, 40..<40] {
      #expect(variable.initialValue(seed: 3, of: part).floats == Array(whole[part]))
    }
  }

  @Test(arguments: [
    (Initialiser.xavierUniform, (6.0 / 350).squareRoot()), (.kaimingUniform, (6.0 / 200).squareRoot()),
    (.uniform(bound: 0.25), 0.25), (.fanInUniform(fanIn: 50), (1.0 / 50).squareRoot()),
  ])
  func uniformOnesFillTheirRange(initialiser: Initialiser, bound: Double) {
    let numbers = values(initialiser, [200, 150]).map(Double.init)
    #expect(numbers.allSatisfy { abs($0) <= bound * (1 + 1e-6) })
    #expect((numbers.max() ?? 0) > 0.999 * bound && (numbers.min() ?? 0) < -0.999 * bound)
    let mean = numbers.reduce(0, +) / 30000
    let variance = numbers.map { $0 * $0 }.reduce(0, +) / 30000
    #expect(abs(mean) < 0.02 * bound)
    #expect(abs(variance / (bound * bound / 3) - 1) < 0.03)
  }

  @Test func constantsAndZeros() {
    #expect(values(.zeros, [3]) == [0, 0, 0])
    #expect(values(.constant(2.5), [2]) == [2.5, 2.5])
    let double = StateVariable(
      name: "p", type: TensorType(.float64, []), role: .optimizer, initialiser: .constant(1))
    #expect(double.initialValue(seed: 3).doubles == [1])
    let seed = StateVariable(name: "s", type: TensorType(.int32, []), role: .random, initialiser: .seed)
    #expect(seed.initialValue(seed: 42)[0].intValue == 42)
    let seeds: [UInt64] = [0, .max, 1, 1 << 32, .max - 1]
    #expect(Set(seeds.map { seed.initialValue(seed: $0)[0].intValue }).count == 5)
  }

  @Test func fansOfVectorsMatricesAndConvolutions() {
    func fans(_ shape: Shape) -> [Int] {
      let fans = StateVariable(
        name: "w", type: TensorType(.float32, shape), role: .parameter, initialiser: .zeros
      ).fans
      return [fans.in, fans.out]
    }
    #expect(fans([3, 5]) == [3, 5])
    #expect(fans([32, 16, 3, 3]) == [144, 288])
    #expect(fans([7]) == [7, 1])
    #expect(fans([]) == [1, 1])
  }
}
