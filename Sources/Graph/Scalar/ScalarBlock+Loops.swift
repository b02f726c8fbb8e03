/// One loop for each shape of instruction; `ScalarMeaning.swift` says what an opcode does to one element.
extension ScalarBlock {
  func float32Step(_ opcode: ScalarOpcode, _ operands: [Int], _ result: Int) -> Step? {
    let a = pointer(operands[0], as: Float.self)
    if opcode.isComparison {
      guard let meaning = opcode.float32Comparison else { return nil }
      let b = pointer(operands[1], as: Float.self)
      let out = pointer(result, as: Bool.self)
      return { count in for i in 0..<count { out[i] = meaning(a[i], b[i]) } }
    }
    let out = pointer(result, as: Float.self)
    switch opcode.operandCount {
    case 1:
      guard let meaning = opcode.float32Unary else { return nil }
      return { count in for i in 0..<count { out[i] = meaning(a[i]) } }
    case 2:
      guard let meaning = opcode.float32Binary else { return nil }
      let b = pointer(operands[1], as: Float.self)
      return { count in for i in 0..<count { out[i] = meaning(a[i], b[i]) } }
    default:
      guard opcode == .fusedMultiplyAdd else { return nil }
      let b = pointer(operands[1], as: Float.self)
      let c = pointer(operands[2], as: Float.self)
      return { count in for i in 0..<count { out[i] = c[i].addingProduct(a[i], b[i]) } }
    }
  }

  func float64Step(_ opcode: ScalarOpcode, _ operands: [Int], _ result: Int) -> Step? {
    let a = pointer(operands[0], as: Double.self)
    if opcode.isComparison {
      guard let meaning = opcode.float64Comparison else { return nil }
      let b = pointer(operands[1], as: Double.self)
      let out = pointer(result, as: Bool.self)
      return { count in for i in 0..<count { out[i] = meaning(a[i], b[i]) } }
    }
    let out = pointer(result, as: Double.self)
    switch opcode.operandCount {
    case 1:
      guard let meaning = opcode.float64Unary else { return nil }
      return { count in for i in 0..<count { out[i] = meaning(a[i]) } }
    case 2:
      guard let meaning = opcode.float64Binary else { return nil }
      let b = pointer(operands[1], as: Double.self)
      return { count in for i in 0..<count { out[i] = meaning(a[i], b[i]) } }
    default:
      guard opcode == .fusedMultiplyAdd else { return nil }
      let b = pointer(operands[1], as: Double.self)
      let c = pointer(operands[2], as: Double.self)
      return { count in for i in 0..<count { out[i] = c[i].addingProduct(a[i], b[i]) } }
    }
  }

  func int32Step(_ opcode: ScalarOpcode, _ operands: [Int], _ result: Int) -> Step? {
    let a = pointer(operands[0], as: Int32.self)
    if opcode.isComparison {
      guard let meaning = opcode.int32Comparison else { return nil }
      let b = pointer(operands[1], as: Int32.self)
      let out = pointer(result, as: Bool.self)
      return { count in for i in 0..<count { out[i] = meaning(a[i], b[i]) } }
    }
    let out = pointer(result, as: Int32.self)
    if opcode.operandCount == 1 {
      guard let meaning = opcode.int32Unary else { return nil }
      return { count in for i in 0..<count { out[i] = meaning(a[i]) } }
    }
    guard opcode.operandCount == 2, let meaning = opcode.int32Binary else { return nil }
    let b = pointer(operands[1], as: Int32.self)
    return { count in for i in 0..<count { out[i] = meaning(a[i], b[i]) } }
  }

  func boolStep(_ opcode: ScalarOpcode, _ operands: [Int], _ result: Int) -> Step? {
    let a = pointer(operands[0], as: Bool.self)
    let out = pointer(result, as: Bool.self)
    if opcode == .not { return { count in for i in 0..<count { out[i] = !a[i] } } }
    guard opcode.operandCount == 2, let meaning = opcode.boolBinary else { return nil }
    let b = pointer(operands[1], as: Bool.self)
    return { count in for i in 0..<count { out[i] = meaning(a[i], b[i]) } }
  }

  func selectStep(_ operands: [Int], _ result: Int, byteCount: Int) -> Step {
    let condition = pointer(operands[0], as: Bool.self)
    switch byteCount {
    case 1:
      let a = pointer(operands[1], as: UInt8.self)
      let b = pointer(operands[2], as: UInt8.self)
      let out = pointer(result, as: UInt8.self)
      return { count in for i in 0..<count { out[i] = condition[i] ? a[i] : b[i] } }
    case 4:
      let a = pointer(operands[1], as: UInt32.self)
      let b = pointer(operands[2], as: UInt32.self)
      let out = pointer(result, as: UInt32.self)
      return { count in for i in 0..<count { out[i] = condition[i] ? a[i] : b[i] } }
    default:
      let a = pointer(operands[1], as: UInt64.self)
      let b = pointer(operands[2], as: UInt64.self)
      let out = pointer(result, as: UInt64.self)
      return { count in for i in 0..<count { out[i] = condition[i] ? a[i] : b[i] } }
    }
  }

  func copyStep(_ operand: Int, _ result: Int, byteCount: Int) -> Step {
    let a = UnsafeMutableRawPointer(pointer(operand, as: UInt8.self))
    let out = UnsafeMutableRawPointer(pointer(result, as: UInt8.self))
    return { count in out.copyMemory(from: a, byteCount: count * byteCount) }
  }

  func convertStep(_ operand: Int, from source: ElementType, _ result: Int, to target: ElementType) -> Step {
    func loop<From, To>(_ meaning: @escaping (From) -> To) -> Step {
      let a = pointer(operand, as: From.self)
      let out = pointer(result, as: To.self)
      return { count in for i in 0..<count { out[i] = meaning(a[i]) } }
    }
    switch (source, target) {
    case (.float32, .float64): return loop { (x: Float) in Double(x) }
    case (.float32, .int32): return loop { (x: Float) in Int32(truncatingAndSaturating: Double(x)) }
    case (.float32, .bool): return loop { (x: Float) in x != 0 }
    case (.float64, .float32): return loop { (x: Double) in Float(x) }
    case (.float64, .int32): return loop { (x: Double) in Int32(truncatingAndSaturating: x) }
    case (.float64, .bool): return loop { (x: Double) in x != 0 }
    case (.int32, .float32): return loop { (x: Int32) in Float(x) }
    case (.int32, .float64): return loop { (x: Int32) in Double(x) }
    case (.int32, .bool): return loop { (x: Int32) in x != 0 }
    case (.bool, .float32): return loop { (x: Bool) in x ? Float(1) : 0 }
    case (.bool, .float64): return loop { (x: Bool) in x ? Double(1) : 0 }
    case (.bool, .int32): return loop { (x: Bool) in x ? Int32(1) : 0 }
    case (.float32, .float32), (.float64, .float64), (.int32, .int32), (.bool, .bool):
      return copyStep(operand, result, byteCount: source.byteCount)
    }
  }
}
