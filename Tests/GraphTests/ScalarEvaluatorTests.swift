import Testing

@testable import CinchGraph

@Suite struct ScalarEvaluatorTests {
  /// x · y + 1, of two Float32.
  let function = ScalarFunction([.float32, .float32]) { b, x in b.fma(x[0], x[1], b.float(1)) }

  @Test(arguments: [0, 1, 2, 1023, 1024, 1025, 5000]) func everyElementOfEveryBlock(count: Int) {
    let x = (0..<count).map { Float($0) }
    let result = function.evaluate([.float32(x), .float32(x.reversed())])
    let expected = (0..<count).map { Float($0) * Float(count - 1 - $0) + 1 }
    #expect(result.bitsEqual(to: .float32(expected)))
  }

  @Test func oneElementStandsForAll() {
    let x = (0..<3000).map { Float($0) }
    let expected = ElementArray.float32(x.map { $0 * 2 + 1 })
    #expect(function.evaluate([.float32(x), .float32([2])]).bitsEqual(to: expected))
    #expect(function.evaluate([.float32([2]), .float32(x)]).bitsEqual(to: expected))
    #expect(function.evaluate([.float32([2]), .float32([])]).count == 0)
  }

  @Test func functionsWithoutInstructionsOrInputs() {
    let identity = ScalarFunction([.bool]) { _, x in x[0] }
    #expect(identity.evaluate([.bool([true, false])]).bitsEqual(to: .bool([true, false])))
    let constant = ScalarFunction([]) { b, _ in b.int(7) }
    #expect(constant.evaluate([]).bitsEqual(to: .int32([7])))
  }

  @Test func verifierNamesTheBrokenRule() {
    func message(_ inputs: [ElementType], _ instruction: ScalarInstruction) -> String? {
      var function = ScalarFunction(inputs) { _, x in x[0] }
      function.instructions = [instruction]
      do {
        try function.verify()
        return nil
      } catch {
        return "\(error)"
      }
    }
    let first = ScalarValue(raw: 0)
    let second = ScalarValue(raw: 1)
    let itself = ScalarValue(raw: 2)
    let mixed: [ElementType] = [.float32, .int32]
    let bools: [ElementType] = [.bool, .bool]
    let floats: [ElementType] = [.float32, .float32]
    let ints: [ElementType] = [.int32, .int32]
    #expect(message(floats, .apply(.add, [first, second], type: .float32)) == nil)
    #expect(
      message(floats, .apply(.add, [first], type: .float32)) == "scalar value 2: add takes 2 operands, not 1")
    #expect(
      message(floats, .apply(.add, [first, itself], type: .float32))
        == "scalar value 2: add uses value 2, which does not come before it")
    #expect(
      message(mixed, .apply(.add, [first, second], type: .float32))
        == "scalar value 2: add has operands of different types: f32, i32")
    #expect(
      message(ints, .apply(.divide, [first, second], type: .int32))
        == "scalar value 2: divide is not defined for i32")
    #expect(
      message(bools, .apply(.less, [first, second], type: .bool)) == "scalar value 2: less is not defined for bool")
    #expect(
      message(floats, .apply(.less, [first, second], type: .float32))
        == "scalar value 2: less gives bool, not f32")
    #expect(
      message(floats, .apply(.select, [first, first, second], type: .float32))
        == "scalar value 2: select takes a bool condition, not f32")
    #expect(
      message(floats, .apply(.bitcast, [first], type: .float64))
        == "scalar value 2: bitcast from f32 to f64 changes the width")
    #expect(
      message(floats, .constant(ScalarLiteral(type: .float32, bits: 1 << 32)))
        == "scalar value 2: a constant of f32 has bits beyond its width")
    var function = function
    function.result = ScalarValue(raw: 99)
    #expect(throws: ScalarVerificationError.self) { try function.verify() }
  }
}

@Suite struct ElementArrayTests {
  let samples: [ElementArray] = [
    .float32([1, -0.0, 3]), .float64([1, -0.0, 3]), .int32([1, -2, 3]), .bool([true, false, true]),
  ]

  @Test func elementsReadAndWriteThroughLiterals() {
    for sample in samples {
      var copy = ElementArray(zeros: 3, type: sample.elementType)
      for index in 0..<3 { copy[index] = sample[index] }
      #expect(copy.bitsEqual(to: sample))
      copy[1] = sample[0]
      #expect(copy.firstDifference(from: sample) == 1)
      #expect(sample.gathered([2, 0, 0])[0] == sample[2])
      #expect(sample.gathered([1, 1]).doubles == [sample[1].asDouble, sample[1].asDouble])
      #expect(ElementArray(repeating: sample[1], count: 4)[3] == sample[1])
    }
  }

  @Test func equalityIsOfBits() {
    let nan = Float(bitPattern: 0xffc0_0001)
    #expect(ElementArray.float32([.nan, 1]).bitsEqual(to: .float32([nan, 1])))
    #expect(!ElementArray.float32([0]).bitsEqual(to: .float32([-0.0])))
    #expect(!ElementArray.float64([0]).bitsEqual(to: .float64([-0.0])))
    #expect(ElementArray.float64([.nan]).bitsEqual(to: .float64([-.nan])))
    #expect(!ElementArray.float32([]).bitsEqual(to: .int32([])))
    #expect(ElementArray.float32([1, 2]).firstDifference(from: .float32([1])) == 1)
    #expect(ElementArray.int32([1, 2]).firstDifference(from: .int32([1, 3])) == 1)
    #expect(ElementArray.bool([true]).firstDifference(from: .bool([true])) == nil)
  }
}
