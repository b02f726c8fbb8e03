import CinchGraph
import Synchronization

/// Random numbers for initial values and data, by machine code: two orders of magnitude faster than Swift, and more in debug
/// builds. Code that makes a block of numbers is compiled once, as soon as that is worth it.
final class RandomNumbers: Sendable {
  /// Of the process.
  static let shared = RandomNumbers()

  /// A block stays in the second-level cache between being made and being copied.
  static let blockLength = 1 << 15

  /// Numbers of each distribution that Swift makes before code for them is compiled, which takes about as long.
  static func leastCompiled(_ distribution: RandomDraw.Distribution) -> Int {
    switch distribution {
    case .uniform: 1 << 16
    case .normal: 1 << 12
    }
  }

  /// Numbers below which Swift is faster than a whole block of the code's.
  private static func leastDrawn(_ distribution: RandomDraw.Distribution) -> Int {
    switch distribution {
    case .uniform: 1 << 11
    case .normal: 1 << 6
    }
  }

  private struct Generator: Sendable {
    /// How many numbers Swift has made.
    var drawnCount = 0
    var program: Program?
    /// Whether this machine refuses to compile or run the code; Swift goes on making the numbers.
    var isRefused = false
  }

  private let generators = Mutex<[RandomDraw.Distribution: Generator]>([:])

  /// The numbers of a part of a draw. The bits don't depend on what makes them.
  func numbers(_ draw: RandomDraw, _ part: Range<Int>) -> [Float] {
    // One thread at a time, which costs little: several would wait for memory.
    generators.withLock { generators in
      Self.numbers(draw, part, &generators[draw.distribution, default: Generator()])
    }
  }

  func hasCode(_ distribution: RandomDraw.Distribution) -> Bool {
    generators.withLock { $0[distribution]?.program != nil }
  }

  private static func numbers(_ draw: RandomDraw, _ part: Range<Int>, _ generator: inout Generator) -> [Float] {
    let isEarned = generator.drawnCount + part.count >= leastCompiled(draw.distribution)
    guard isEarned, !generator.isRefused, part.count >= leastDrawn(draw.distribution) else {
      generator.drawnCount += min(part.count, leastCompiled(draw.distribution))
      return draw.numbers(part)
    }
    do {
      let program = try generator.program ?? compile(draw.distribution)
      generator.program = program
      return try numbers(draw, part, program)
    } catch {
      generator = Generator(isRefused: true)
      return draw.numbers(part)
    }
  }

  private static func numbers(_ draw: RandomDraw, _ part: Range<Int>, _ program: Program) throws -> [Float] {
    try [Float](unsafeUninitializedCapacity: part.count) { numbers, count in
      while count < part.count {
        let block = try self.block(draw, first: part.lowerBound + count, program)
        let length = min(block.count, part.count - count)
        block.withUnsafeBufferPointer { block in
          guard let source = block.baseAddress, let start = numbers.baseAddress else { return }
          (start + count).initialize(from: source, count: length)
        }
        count += length
      }
    }
  }

  private static func block(_ draw: RandomDraw, first: Int, _ program: Program) throws -> [Float] {
    var inputs: [String: HostTensor] = [:]
    for (name, value) in draw.inputs(first: first) {
      inputs[name] = HostTensor(ElementArray(repeating: value, count: 1), shape: [])
    }
    guard case .float32(let block)? = try program.run(inputs)["numbers"]?.elements, !block.isEmpty else {
      throw InternalError(stage: "drawing random numbers", message: "there is no block of floats")
    }
    return block
  }

  private static func compile(_ distribution: RandomDraw.Distribution) throws -> Program {
    try RandomDraw.program(distribution, count: blockLength)
      .compile(ProgramOptions(skippedPasses: ["fma"], usesCache: false))
  }
}
