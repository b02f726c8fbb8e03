import CinchCodegen
import Testing

@testable import CinchRunner

@Suite(.serialized) struct MachineLimitsTests {
  @Test(arguments: [1, 2]) func limitsAreOrderedAndPlausible(_ workers: Int) throws {
    guard Target.current().vectorSet != .scalar else { return }
    let limits = try #require(try MachineLimits.measured(workers: workers, rounds: 3, memoryBytes: 64 << 20))
    #expect(limits.levels.map(\.name) == ["L1", "L2", "L3", "memory"])
    // No core of today gives more than 1 TFLOP/s; how little one gives depends on who else runs.
    #expect((1e8...1e12).contains(limits.flopsPerSecond / Double(workers)))
    for level in limits.levels {
      #expect(level.read > 1e7 && level.copy > 1e7 && level.update > 1e7, "\(level)")
      #expect(level.best / Double(workers) < 1e12, "\(level)")
    }
    #expect(zip(limits.levels, limits.levels.dropFirst()).allSatisfy { $0.capacity < $1.capacity })
  }

  @Test func theLoopsDoWhatTheyAreTimedFor() throws {
    guard Target.current().vectorSet != .scalar else { return }
    for family in [VectorFamily.avx2] + (Target.current().vectorSet == .avx512 ? [.avx512] : []) {
      let loops = try LimitLoops(family)
      let bytes = 2 * LimitLoops.granularity
      let memory = try MemorySegment(byteCount: bytes + LimitLoops.copyGap)
      let input = try MemorySegment(byteCount: 24)
      input.write([0, bytes, 3], at: 0)
      var inputs: [UnsafeMutablePointer<UInt8>?] = [input.baseAddress.assumingMemoryBound(to: UInt8.self)]
      let pool = try WorkerPool(workerCount: 1)
      let numbers = (0..<bytes / 4).map { Float($0) }
      for kind in LimitLoops.Kind.allCases {
        memory.clear()
        memory.write(numbers, at: 0)
        #expect(pool.run(loops.function(kind), scratch: memory.baseAddress, inputs: &inputs) == 0)
        #expect(memory.read(at: 0, count: numbers.count / 2, as: Float.self) == Array(numbers.prefix(numbers.count / 2)))
        if kind == .copy {
          let copied = memory.read(at: bytes / 2 + LimitLoops.copyGap, count: numbers.count / 2, as: Float.self)
          #expect(copied == Array(numbers.prefix(numbers.count / 2)))
        }
      }
    }
  }

  @Test func theRooflineIsTheSlowerOfArithmeticAndMoving() {
    let levels = [("L1", 1_000, 8e9), ("memory", Int.max, 1e9)].map { name, capacity, rate in
      MachineLimits.Level(name: name, capacity: capacity, measuredBytes: 0, read: rate, copy: rate / 2, update: rate / 4)
    }
    let limits = MachineLimits(workers: 1, vectorSet: .avx2, flopsPerSecond: 1e10, levels: levels)
    #expect(limits.leastTime(flopCount: 10_000, byteCount: 1_000) == .microseconds(1))
    #expect(limits.leastTime(flopCount: 10, byteCount: 800) == .nanoseconds(100))
    #expect(limits.leastTime(flopCount: 10, byteCount: 2_000) == .microseconds(2))
  }

  @Test func theyAreMeasuredOncePerProcess() throws {
    let clock = ContinuousClock()
    _ = try MachineLimits.current()
    let start = clock.now
    _ = try MachineLimits.current()
    #expect(clock.now - start < .milliseconds(5))
  }
}
