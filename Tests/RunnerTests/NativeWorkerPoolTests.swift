import CTinyCC
import Foundation
import Glibc
import Synchronization
import Testing

@testable import CinchRunner

@Suite struct NativeWorkerPoolTests {
  /// Compiles the body of a step; the arguments have the names of the step ABI.
  private func step(_ body: String) throws -> (code: NativeCode, function: StepFunction) {
    let code = try TinyCCompiler.compile(
      """
      int step(unsigned char *state, unsigned char *scratch, unsigned char *const *inputs, long worker,
               long workers, void (*barrier)(void *), void *context) {
        \(body)
      }
      """)
    return (code, try code.function("step", as: StepFunction.self))
  }

  @Test(arguments: [1, 2, 3, 8])
  func workersMeetAtEveryBarrier(workerCount: Int) throws {
    let pool = try WorkerPool(workerCount: workerCount)
    let rounds = 2_000
    // Each worker counts in its own cache line, and after each barrier looks at all the others.
    let (code, function) = try step(
      """
      long *counts = (long *)state, *mistakes = (long *)scratch;
      for (long round = 1; round <= \(rounds); round++) {
        counts[worker * 8]++;
        barrier(context);
        for (long other = 0; other < workers; other++) mistakes[worker * 8] += counts[other * 8] != round;
        barrier(context);
      }
      return 0;
      """)
    let counts = try MemorySegment(byteCount: 64 * workerCount)
    let mistakes = try MemorySegment(byteCount: 64 * workerCount)
    for _ in 0..<3 {
      counts.clear()
      #expect(pool.run(function, state: counts.baseAddress, scratch: mistakes.baseAddress) == 0)
      for worker in 0..<workerCount {
        #expect(counts.read(at: 64 * worker, count: 1, as: Int.self) == [rounds])
        #expect(mistakes.read(at: 64 * worker, count: 1, as: Int.self) == [0])
      }
    }
    withExtendedLifetime(code) {}
  }

  /// Each step waits for the other one, for some seconds.
  @Test func stepsOfOneWorkerRunBesideEachOther() throws {
    let pool = try WorkerPool(workerCount: 1)
    let (code, function) = try step(
      """
      volatile long *arrived = (volatile long *)state;
      arrived[*(long *)scratch] = 1;
      for (long i = 0; i < 20000000000; i++) if (arrived[0] && arrived[1]) return 0;
      return 7;
      """)
    let arrived = try MemorySegment(byteCount: 64)
    let numbers = try (0..<2).map { number in
      let segment = try MemorySegment(byteCount: 64)
      segment.write([number], at: 0)
      return segment
    }
    let results = Mutex<[Int32]>([])
    let group = DispatchGroup()
    for number in numbers {
      DispatchQueue(label: "step").async(group: group) {
        let result = pool.run(function, state: arrived.baseAddress, scratch: number.baseAddress)
        results.withLock { $0.append(result) }
      }
    }
    group.wait()
    #expect(results.withLock { $0 } == [0, 0])
    withExtendedLifetime(code) {}
  }

  @Test(arguments: [1, 2, 3, 8])
  func everyWorkerRunsEveryStepOnce(workerCount: Int) throws {
    let pool = try WorkerPool(workerCount: workerCount)
    let (code, function) = try step(
      "((long *)state)[worker * 8] += ((long *)inputs[0])[0] + workers; return 0;")
    let sums = try MemorySegment(byteCount: 64 * workerCount)
    let input = try MemorySegment(byteCount: 8)
    var inputs: [UnsafeMutablePointer<UInt8>?] = [input.baseAddress.assumingMemoryBound(to: UInt8.self)]
    for run in 1...5_000 {
      input.write([run], at: 0)
      #expect(pool.run(function, state: sums.baseAddress, inputs: &inputs) == 0)
    }
    for worker in 0..<workerCount {
      let sum = sums.read(at: 64 * worker, count: 1, as: Int.self)
      #expect(sum == [5_000 * 5_001 / 2 + 5_000 * workerCount])
    }
    withExtendedLifetime(code) {}
  }

  @Test(arguments: [1, 2, 5])
  func smallestFailureIsReturnedAndForgottenByTheNextRun(workerCount: Int) throws {
    let pool = try WorkerPool(workerCount: workerCount)
    let (failing, fail) = try step("return worker == 0 ? 0 : 100 - worker;")
    let (succeeding, succeed) = try step("return 0;")
    #expect(pool.run(fail) == (workerCount == 1 ? 0 : Int32(100 - (workerCount - 1))))
    #expect(pool.run(succeed) == 0)
    let (lonely, failOnCaller) = try step("return worker == 0 ? 7 : 0;")
    #expect(pool.run(failOnCaller) == 7)
    withExtendedLifetime((failing, succeeding, lonely)) {}
  }

  @Test(arguments: [1, 3])
  func stepsKeepSubnormalNumbersWhateverTheCallerDoes(workerCount: Int) throws {
    let (code, function) = try step("((float *)state)[worker] = ((float *)inputs[0])[0] * 0.5f; return 0;")
    let results = try MemorySegment(byteCount: 64)
    let input = try MemorySegment(byteCount: 4)
    let subnormal = Float.leastNormalMagnitude / 128
    input.write([subnormal], at: 0)
    var inputs: [UnsafeMutablePointer<UInt8>?] = [input.baseAddress.assumingMemoryBound(to: UInt8.self)]
    let formerMode = cinch_get_mxcsr()
    let flushingMode = cinch_default_mxcsr | 0x8040
    cinch_set_mxcsr(flushingMode)
    // Threads start with the mode of the thread that starts them.
    let pool = Result { try WorkerPool(workerCount: workerCount) }
    let result = (try? pool.get())?.run(function, state: results.baseAddress, inputs: &inputs)
    let modeAfterwards = cinch_get_mxcsr()
    cinch_set_mxcsr(formerMode)
    #expect(result == 0)
    #expect(modeAfterwards & 0xFFC0 == flushingMode & 0xFFC0)
    let halves = results.read(at: 0, count: workerCount, as: Float.self)
    #expect(halves == Array(repeating: subnormal * 0.5, count: workerCount))
    #expect(halves[0] > 0)
    withExtendedLifetime(code) {}
  }

  @Test func stepsOfSeveralCallersRunOneAfterTheOther() async throws {
    let pool = try WorkerPool(workerCount: 3)
    let (code, function) = try step("((long *)state)[worker * 8]++; barrier(context); return 0;")
    let counts = try MemorySegment(byteCount: 192)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask { for _ in 0..<500 { _ = pool.run(function, state: counts.baseAddress) } }
      }
    }
    for worker in 0..<3 { #expect(counts.read(at: 64 * worker, count: 1, as: Int.self) == [2_000]) }
    withExtendedLifetime(code) {}
  }

  @Test func idleThreadsUseNoProcessorTimeAndEndWithThePool() throws {
    let (code, function) = try step("barrier(context); return 0;")
    var pool: WorkerPool? = try WorkerPool(workerCount: 4)
    #expect(pool?.run(function) == 0)
    let threads = pool?.threadNumbers ?? []
    #expect(Set(threads).count == 3)
    let before = try threads.map { try #require(workerTime($0)) }
    usleep(300_000)
    let after = try threads.map { try #require(workerTime($0)) }
    for (start, end) in zip(before, after) { #expect(end - start < 100) }
    pool = nil
    // A joined thread may be listed for a moment longer.
    var attempts = 0
    while threads.contains(where: { workerTime($0) != nil }), attempts < 1_000 {
      usleep(10_000)
      attempts += 1
    }
    #expect(threads.allSatisfy { workerTime($0) == nil })
    withExtendedLifetime(code) {}
  }

  /// Programs on different numbers of threads don't run at the same time, or they would fight over the cores.
  @Test func poolsThatTakeTurnsRunOneAtATime() async throws {
    // Worker 0 says that it is inside, and looks for a while whether the other pool's says so too.
    let (code, function) = try step(
      """
      volatile long *inside = (volatile long *)state;
      if (worker == 0) {
        inside[workers] = 1;
        for (long i = 0; i < 100000; i++) if (inside[5 - workers]) ((long *)scratch)[workers]++;
        inside[workers] = 0;
      }
      return 0;
      """)
    let (inside, mistakes) = (try MemorySegment(byteCount: 64), try MemorySegment(byteCount: 64))
    let turns = WorkerPool.Turns()
    let pools = try [2, 3].map { try WorkerPool(workerCount: $0, turns: turns) }
    await withTaskGroup(of: Void.self) { group in
      for pool in pools {
        group.addTask {
          for _ in 0..<100 { _ = pool.run(function, state: inside.baseAddress, scratch: mistakes.baseAddress) }
        }
      }
    }
    #expect(mistakes.read(at: 0, count: 4, as: Int.self) == [0, 0, 0, 0])
    withExtendedLifetime(code) {}
  }

  /// What happens when the process ends, while programs still hold the pool.
  @Test func aStoppedPoolHasJoinedItsThreads() throws {
    let (code, function) = try step("barrier(context); return 0;")
    for hasRun in [false, true] {
      let pool = try WorkerPool(workerCount: 3)
      if hasRun { #expect(pool.run(function) == 0) }
      pool.stop()
      // Twice does nothing more.
      pool.stop()
      for thread in pool.threadNumbers where thread != 0 {
        var attempts = 0
        while workerTime(thread) != nil, attempts < 1_000 {
          usleep(1_000)
          attempts += 1
        }
        #expect(workerTime(thread) == nil)
      }
    }
    withExtendedLifetime(code) {}
  }

  @Test func poolOfOneHasNoThreads() throws {
    #expect(try WorkerPool(workerCount: 1).threadNumbers == [])
  }

  @Test(arguments: [0, -1, 1_025, 10_000, .min, .max])
  func impossibleWorkerCountIsAnError(count: Int) throws {
    let error = try #require(throws: NativeError.self) { try WorkerPool(workerCount: count) }
    #expect(error == .workerCountInvalid(count, limit: 1_024))
    #expect(error.description.hasPrefix("error: 'workers' is \(count): "))
    #expect(error.description.contains("between 1 and 1024"))
  }

  @Test func manyMoreWorkersThanCoresWork() throws {
    let pool = try WorkerPool(workerCount: 100)
    let (code, function) = try step("for (int i = 0; i < 20; i++) barrier(context); return worker == 99;")
    #expect(pool.run(function) == 1)
    withExtendedLifetime(code) {}
  }
}

/// Milliseconds that a worker thread has run so far; nil if there is no such thread (any more).
private func workerTime(_ thread: Int) -> Int? {
  guard let text = try? textOfFile("/proc/self/task/\(thread)/stat"), text.contains("(cinch-worker)") else {
    return nil
  }
  // The 14th and 15th field are user and system time in ticks; the fields after the name start with the
  // third.
  let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ").dropFirst()
  let ticks = fields.dropFirst(11).prefix(2).compactMap { Int($0) }.reduce(0, +)
  return ticks * 1_000 / Int(sysconf(Int32(_SC_CLK_TCK)))
}
