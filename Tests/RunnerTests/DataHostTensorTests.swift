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

  @Test func numbersOfAnyTypeMakeTensors() {
    let (integers, doubles, bytes, floats) = ([1, 2, 3] as [Int], [0.5, 1.5], [7, 255] as [UInt8], [[0.5, 1], [2, 3]] as [[Float]])
    #expect(HostTensor(integers) == HostTensor([1, 2, 3] as [Int32]))
    #expect(HostTensor(integers, type: .float32) == HostTensor([1, 2, 3]))
    #expect(HostTensor(doubles) == HostTensor([0.5, 1.5]))
    #expect(HostTensor(doubles, type: .float64) == HostTensor(.float64([0.5, 1.5]), shape: [2]))
    #expect(HostTensor(bytes, shape: [2, 1]) == HostTensor([7, 255] as [Int32], shape: [2, 1]))
    #expect(HostTensor(floats) == HostTensor([0.5, 1, 2, 3], shape: [2, 2]))
    // Literals of whole numbers are floats in any depth.
    #expect(HostTensor([[1, 2], [3, 4]]) == HostTensor([1, 2, 3, 4], shape: [2, 2]))
    #expect(HostTensor([[[1], [2]], [[3], [4]]]) == HostTensor([1, 2, 3, 4], shape: [2, 2, 1]))
    #expect(HostTensor([[1, 2], [3, 4]] as [[Int]]) == HostTensor([1, 2, 3, 4] as [Int32], shape: [2, 2]))
    #expect(HostTensor([[[[1], [2]]]]) == HostTensor([1, 2], shape: [1, 1, 2, 1]))
    #expect(HostTensor([[[[1.5]]]] as [[[[Double]]]]).shape == [1, 1, 1, 1] && HostTensor([]).shape == [0])
    #expect(HostTensor([true, false]).elementType == .bool)
    #expect(HostTensor(3) == HostTensor([3], shape: []) && HostTensor(integers[2]) == HostTensor([3] as [Int32], shape: []))
    #expect(HostTensor([] as [Int]).shape == [0] && HostTensor([[]] as [[Double]]).shape == [1, 0])
  }

  @Test func tensorsPrintShort() {
    #expect("\(HostTensor([[1, 2.5], [3, -4]]))" == "f32[2, 2] [[1.0, 2.5], [3.0, -4.0]]")
    #expect("\(HostTensor([true, false]))" == "bool[2] [true, false]" && "\(HostTensor(2))" == "f32[] 2.0")
    #expect(
      "\(HostTensor(Array(0..<1000), shape: [2, 500]))"
        == "i32[2, 500] [[0, 1, 2, …, 497, 498, 499], [500, 501, 502, …, 997, 998, 999]]")
    #expect("\(HostTensor.zeros([1_000_000, 8]))".count < 300 && "\(HostTensor.zeros([3, 0]))" == "f32[3, 0] [[], [], []]")
  }

  #if compiler(>=6.2)
    /// Calls that can't throw end the process with a sentence, the caller's line and the values, optimised or not.
    @Test func mistakesThatCannotBeThrownSayWhy() async throws {
      func said(_ result: ExitTest.Result?, _ line: Int) -> String {
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        return text.contains("DataHostTensorTests.swift:\(line): Fatal error: ") ? text : "not at line \(line): \(text)"
      }
      var line = #line + 2
      let short = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = HostTensor([1, 2, 3], shape: [2, 2])
      }
      #expect(said(short, line).contains("Fatal error: 3 elements don't fill a tensor of shape [2, 2], which has 4"))
      line = #line + 2
      let outside = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = HostTensor.zeros([2, 3])[20, 0]
      }
      #expect(said(outside, line).contains("Fatal error: there is no element [20, 0] in a tensor of shape [2, 3]"))
      line = #line + 2
      let rows = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = HostTensor.zeros([20, 3]).rows(10..<30)
      }
      #expect(
        said(rows, line).contains("there are no rows 10..<30 in a tensor of shape [20, 3], whose rows are 0..<20"))
      line = #line + 2
      let large = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = HostTensor([1, 3_000_000_000] as [Int])
      }
      #expect(said(large, line).contains("a tensor can't be made of number 1 of 2: 3e+09 is out of range for Int32"))
    }
  #endif
}
