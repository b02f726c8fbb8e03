/// Evaluates scalar functions on many elements: one instruction after the other, over blocks of elements.
///
/// This is the definition that generated code is compared with. It uses plain pointers because it runs over
/// billions of elements in tests, and because array subscripts are slow in debug builds.
extension ScalarFunction {
  /// The function of each position of the inputs.
  ///
  /// The inputs have the function's input types and one common count; an input with one element stands for
  /// that element repeated. A verified function is assumed.
  public func evaluate(_ inputs: [ElementArray]) -> ElementArray {
    precondition(
      inputs.map(\.elementType) == inputTypes,
      "scalar function of \(inputTypes) given \(inputs.map(\.elementType)): a bug in Cinch")
    let count = inputs.first { $0.count != 1 }?.count ?? 1
    precondition(
      inputs.allSatisfy { $0.count == 1 || $0.count == count },
      "scalar function given \(inputs.map(\.count)) elements: a bug in Cinch")

    let capacity = Swift.min(Swift.max(count, 1), ScalarBlock.standardCapacity(of: self))
    let block = ScalarBlock(function: self, capacity: capacity)
    defer { block.deallocate() }
    let steps = instructions.enumerated().compactMap { position, instruction in
      block.step(instruction, to: inputTypes.count + position)
    }
    for (position, input) in inputs.enumerated() where input.count == 1 {
      block.fill(position, with: input[0])
    }

    var result = ElementArray(zeros: count, type: resultType)
    for start in stride(from: 0, to: count, by: capacity) {
      let length = Swift.min(count - start, capacity)
      for (position, input) in inputs.enumerated() where input.count != 1 {
        block.load(position, from: input, start: start, count: length)
      }
      for step in steps { step(length) }
      block.store(self.result.index, into: &result, start: start, count: length)
    }
    return result
  }
}

/// Memory for every value of a function, a block of elements each, and the loops over it.
struct ScalarBlock {
  /// So many elements that the blocks of all values stay in the second-level cache together.
  static func standardCapacity(of function: ScalarFunction) -> Int {
    Swift.max(64, Swift.min(1024, (1 << 15) / (function.inputTypes.count + function.instructions.count)))
  }

  /// Runs one instruction over the first elements of the block.
  typealias Step = (_ count: Int) -> Void

  private let memory: UnsafeMutableRawPointer
  private let function: ScalarFunction
  private let capacity: Int

  init(function: ScalarFunction, capacity: Int) {
    self.function = function
    self.capacity = capacity
    let values = function.inputTypes.count + function.instructions.count
    memory = .allocate(byteCount: Swift.max(1, values * capacity) * 8, alignment: 64)
  }

  func deallocate() { memory.deallocate() }

  func pointer<Element>(_ value: Int, as type: Element.Type) -> UnsafeMutablePointer<Element> {
    (memory + value * capacity * 8).bindMemory(to: type, capacity: capacity)
  }

  func fill(_ value: Int, with literal: ScalarLiteral) {
    switch literal.type {
    case .float32: pointer(value, as: Float.self).update(repeating: literal.floatValue, count: capacity)
    case .float64: pointer(value, as: Double.self).update(repeating: literal.doubleBits, count: capacity)
    case .int32: pointer(value, as: Int32.self).update(repeating: literal.intValue, count: capacity)
    case .bool: pointer(value, as: Bool.self).update(repeating: literal.boolValue, count: capacity)
    }
  }

  func load(_ value: Int, from array: ElementArray, start: Int, count: Int) {
    let size = array.elementType.byteCount
    let target = memory + value * capacity * 8
    func copy(_ bytes: UnsafeRawBufferPointer) {
      target.copyMemory(from: bytes.baseAddress! + start * size, byteCount: count * size)
    }
    switch array {
    case .float32(let elements): elements.withUnsafeBytes(copy)
    case .float64(let elements): elements.withUnsafeBytes(copy)
    case .int32(let elements): elements.withUnsafeBytes(copy)
    case .bool(let elements): elements.withUnsafeBytes(copy)
    }
  }

  func store(_ value: Int, into array: inout ElementArray, start: Int, count: Int) {
    let size = array.elementType.byteCount
    let source = memory + value * capacity * 8
    func copy(_ bytes: UnsafeMutableRawBufferPointer) {
      (bytes.baseAddress! + start * size).copyMemory(from: source, byteCount: count * size)
    }
    // The storage is moved out while it changes, so that it is not copied.
    switch array {
    case .float32(var elements):
      array = .float32([])
      elements.withUnsafeMutableBytes(copy)
      array = .float32(elements)
    case .float64(var elements):
      array = .float64([])
      elements.withUnsafeMutableBytes(copy)
      array = .float64(elements)
    case .int32(var elements):
      array = .int32([])
      elements.withUnsafeMutableBytes(copy)
      array = .int32(elements)
    case .bool(var elements):
      array = .bool([])
      elements.withUnsafeMutableBytes(copy)
      array = .bool(elements)
    }
  }

  /// The loop of one instruction, or `nil` for a constant, whose elements are written at once.
  func step(_ instruction: ScalarInstruction, to result: Int) -> Step? {
    switch instruction {
    case .constant(let literal):
      fill(result, with: literal)
      return nil
    case .apply(let opcode, let operands, let type):
      let indices = operands.map(\.index)
      let operandType = function.type(of: operands[operands.count - 1])
      let step: Step? =
        switch (opcode, operandType) {
        case (.convert, _): convertStep(indices[0], from: operandType, result, to: type)
        case (.bitcast, _): copyStep(indices[0], result, byteCount: type.byteCount)
        case (.select, _), (.selectRarely, _): selectStep(indices, result, byteCount: type.byteCount)
        case (_, .float32): float32Step(opcode, indices, result)
        case (_, .float64): float64Step(opcode, indices, result)
        case (_, .int32): int32Step(opcode, indices, result)
        case (_, .bool): boolStep(opcode, indices, result)
        }
      guard let step else {
        preconditionFailure("no meaning for \(opcode.rawValue) of \(operandType): a bug in Cinch")
      }
      return step
    }
  }
}
