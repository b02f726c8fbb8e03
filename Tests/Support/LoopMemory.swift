public import CinchCodegen
import CinchGraph

// Bytes for loop programs, and comparing them as docs/Bits.md says: any NaN equals any NaN, all else bit for bit.

/// Plausible contents of every segment: ordinary numbers with special ones between; Int32 inputs are below the limits
/// of the indirections that use them.
public func sampleMemory(for program: LoopProgram, workers: Int, seed: UInt64) -> LoopEvaluator.Memory {
  var generator = SplitMix(seed: seed)
  var memory = LoopEvaluator.Memory(for: program, workers: workers)
  let indexLimit = program.checks.map(\.limit).min()
  let inputCount = program.buffers.reduce(0) {
    if case .input(let index) = $1.segment { max($0, index + 1) } else { $0 }
  }
  memory.inputs = (0..<inputCount).map { input in
    let bytes = program.buffers.filter { $0.segment == .input(input) }.map { $0.byteOffset + $0.byteCount }.max() ?? 0
    return Array(repeating: 0, count: bytes)
  }
  for buffer in program.buffers {
    let content = (0..<buffer.elementCount).flatMap { _ in
      element(buffer.elementType, indexLimit, &generator)
    }
    let range = buffer.byteOffset..<buffer.byteOffset + buffer.byteCount
    switch buffer.segment {
    case .state: memory.state.replaceSubrange(range, with: content)
    case .input(let index): memory.inputs[index].replaceSubrange(range, with: content)
    case .scratch, .worker: break
    }
  }
  return memory
}

private func element(_ type: ElementType, _ indexLimit: Int?, _ generator: inout SplitMix) -> [UInt8] {
  let number = Double(generator.next() >> 11) / Double(1 << 52) * 4 - 2
  let choice = generator.next() % 12
  switch type {
  case .float32:
    let special: [Float] = [.infinity, -0.0, .nan, Float(bitPattern: 714), -.greatestFiniteMagnitude, 3e9]
    return bytes([indexLimit == nil && choice == 0 ? special[Int(generator.next() % 6)] : Float(number)])
  case .float64:
    let special: [Double] = [
      -.infinity, 0.0, .nan, Double(bitPattern: 0x1268_8b70_e62b), 1e308, -Double.leastNonzeroMagnitude, 2.2250738585072014e-308,
      1e-160,
    ]
    return bytes([choice < 4 ? special[Int(generator.next() % 8)] : number])
  case .int32:
    if let indexLimit { return bytes([Int32(generator.next() % UInt64(indexLimit))]) }
    return bytes([choice == 0 ? Int32.min : Int32(truncatingIfNeeded: generator.next() >> (choice * 4))])
  case .bool: return [UInt8(choice & 1)]
  }
}

/// Where the buffers of state and scratch differ, a line each, the first few.
public func differences(
  _ program: LoopProgram, _ actual: LoopEvaluator.Memory, _ expected: LoopEvaluator.Memory
) -> [String] {
  var lines: [String] = []
  for buffer in program.buffers {
    let (a, b): ([UInt8], [UInt8])
    switch buffer.segment {
    case .state: (a, b) = (actual.state, expected.state)
    case .scratch: (a, b) = (actual.scratch, expected.scratch)
    case .input, .worker: continue
    }
    let size = buffer.elementType.byteCount
    for element in 0..<buffer.elementCount {
      let offset = buffer.byteOffset + element * size
      let literals = [a, b].map { bytes in
        ScalarLiteral(
          type: buffer.elementType,
          bits: (0..<size).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) })
      }
      if literals[0] == literals[1] || (literals[0].asDouble.isNaN && literals[1].asDouble.isNaN) { continue }
      if lines.count < 5 {
        lines.append("\(buffer.name)[\(element)]: \(literals[0].asDouble), expected \(literals[1].asDouble)")
      }
    }
  }
  return lines
}

public func bytes<Element: BitwiseCopyable>(_ elements: [Element]) -> [UInt8] {
  elements.withUnsafeBytes { Array($0) }
}

public func words(_ bytes: [UInt8], at offset: Int) -> [Int] {
  (0..<3).map { word in
    (0..<8).reduce(0) { $0 | Int(bytes[offset + 8 * word + $1]) << (8 * $1) }
  }
}
