import Cinch
import Testing

@Suite struct DataHostTensorTests {
  @Test func rowsKeepShapeAndType() {
    let tensor = HostTensor((0..<24).map { Float($0) }, shape: [4, 3, 2])
    #expect(tensor.rows(1..<2) == HostTensor([6, 7, 8, 9, 10, 11], shape: [1, 3, 2]))
    #expect(tensor.rows(at: [3, 0, 3]).floats == [18, 19, 20, 21, 22, 23, 0, 1, 2, 3, 4, 5, 18, 19, 20, 21, 22, 23])
    #expect(HostTensor([5, 6, 7] as [Int32]).rows(at: [2]) == HostTensor([7] as [Int32]))
    #expect(tensor[2, 1, 1] == 15)
  }

  @Test func randomTensorsAreFunctionsOfTheSeed() {
    let one = HostTensor.randomUniform([50, 40], from: -2, to: 6, seed: 3)
    #expect(one == HostTensor.randomUniform([50, 40], from: -2, to: 6, seed: 3))
    #expect(one != HostTensor.randomUniform([50, 40], from: -2, to: 6, seed: 4))
    #expect(one.floats.allSatisfy { $0 >= -2 && $0 <= 6 })
    #expect(abs(one.floats.reduce(0, +) / 2000 - 2) < 0.2)
  }

  @Test func reshapingChecksTheCount() throws {
    let tensor = HostTensor.linearSpace(from: 0, through: 1, count: 6)
    #expect(tensor.floats == [0, 0.2, 0.4, 0.6, 0.8, 1])
    #expect(try tensor.reshaped(to: [-1, 2]).shape == [3, 2])
    #expect(throws: DataError.self) { try tensor.reshaped(to: [4, -1]) }
    #expect(throws: DataError.self) { try tensor.reshaped(to: [7]) }
    #expect(throws: DataError.self) { try tensor.reshaped(to: [-1, -1]) }
    #expect(throws: DataError.self) { try HostTensor(rows: [[1, 2], [3]]) }
    #expect(try HostTensor(rows: [[1, 2], [3, 4]]) == HostTensor([1, 2, 3, 4], shape: [2, 2]))
  }

  @Test func datasetsRefuseWhatDoesNotFit() throws {
    func message(_ x: HostTensor, _ y: HostTensor) -> String {
      do {
        _ = try Dataset(x, y)
        return "no error"
      } catch { return "\(error)" }
    }
    #expect(
      message(.zeros([3, 2]), .zeros([4])) == "error: x has 3 rows ([3, 2]), y has 4 ([4]); each input needs its target")
    #expect(message(.zeros([]), .zeros([1])).contains("needs rows"))
    #expect(message(.zeros([0, 2]), .zeros([0])).contains("no data"))
    let bad = HostTensor([0, 1, .nan, 3, 4, 5], shape: [3, 2])
    #expect(message(bad, .zeros([3])).hasPrefix("error: x[1, 0] is NaN"))
    #expect(message(.zeros([1, 1]), HostTensor([-.infinity], shape: [1, 1])).hasPrefix("error: y[0, 0] is -inf"))
  }

  @Test func splitsAreDisjointCompleteAndSeeded() throws {
    let labels = (0..<100).map { Int32($0 % 4 == 0 ? 1 : 0) }
    let data = try Dataset(HostTensor.linearSpace(from: 0, through: 99, count: 100), HostTensor(labels))
    for stratified in [false, true] {
      let (train, test) = try data.split(testFraction: 0.2, seed: 5, stratified: stratified)
      #expect(train.count == 80 && test.count == 20)
      #expect((train.x.floats + test.x.floats).sorted() == data.x.floats)
      let again = try data.split(testFraction: 0.2, seed: 5, stratified: stratified)
      #expect(again.test.x == test.x)
      #expect(try data.split(testFraction: 0.2, seed: 6, stratified: stratified).test.x != test.x)
      #expect(zip(test.x.floats, test.y.floats).allSatisfy { (Int($0) % 4 == 0 ? 1 : 0) == $1 })
      if stratified { #expect(test.y.floats.reduce(0, +) == 5) }
    }
    #expect(throws: DataError.self) { try data.split(testFraction: 0.001, seed: 1) }
    #expect(throws: DataError.self) { try data.split(testFraction: 1, seed: 1) }
    #expect(throws: DataError.self) { try Dataset(data.x, data.x).split(testFraction: 0.5, seed: 1, stratified: true) }
  }
}
