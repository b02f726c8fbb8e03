import BenchmarkWorkloads
import Cinch
import FoundationEssentials

/// W7's step by libtcc beside the same loop written by hand with intrinsics (`Elementwise.c`) and compiled by gcc, in turns, in one
/// process and on one thread.
struct IntrinsicsComparison {
  /// Of both together.
  let seconds: Double

  private typealias Step =
    @convention(c) (
      UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, UnsafePointer<Float>, Float, Int
    ) -> Float

  func write() throws {
    guard ProcessorFeatures.current.hasAVX512, let workload = Workload.named("W7") else {
      return print("The loop with intrinsics needs AVX-512.")
    }
    let data = workload.data()
    let bound = try BoundWorkload(workload, data, ProgramOptions())
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Elementwise.c")
    var compiler = SystemCompiler(executable: "gcc")
    compiler.flags += ["-std=gnu99"]
    let code = try compiler.compile(String(contentsOf: file, encoding: .utf8))
    let function = try code.function("elementwise_step", as: Step.self)

    let tensors = data.parameters.map(\.value) + [data.inputs["x"]].compactMap { $0 }
    let count = tensors[0].shape.elementCount
    let memory = try MemorySegment(byteCount: 4 * 4 * count)
    func elements(_ index: Int) -> UnsafeMutablePointer<Float>? {
      memory.elements(at: index * 4 * count, count: count, as: Float.self).baseAddress
    }
    guard let a = elements(0), let b = elements(1), let c = elements(2), let x = elements(3) else { return }
    let rate = data.inputs["learningRate"]?.scalar ?? 0
    func reset() {
      for (index, tensor) in tensors.enumerated() {
        for (element, value) in tensor.floats.enumerated() { elements(index)?[element] = value }
      }
    }
    reset()
    for _ in 0..<3 {
      let (loss, expected) = (function(a, b, c, x, rate, count), try bound.stepGivingLoss())
      guard loss == expected else { throw WrongResult(workload: "W7", mistakes: ["the loss is \(loss), not \(expected)"]) }
    }
    for (index, name) in ["a", "b", "c"].enumerated() {
      let found = memory.read(at: index * 4 * count, count: count, as: Float.self)
      guard try bound.state.value(of: name).floats == found else {
        throw WrongResult(workload: "W7", mistakes: ["\(name) differs from the loop with intrinsics"])
      }
    }
    let times = try [Double](inTurns: seconds, [{ try bound.step() }, { _ = function(a, b, c, x, rate, count) }])
    print("W7, medians: libtcc \(fixed(times[0] * 1e6)) µs, intrinsics by gcc -O3 \(fixed(times[1] * 1e6)) µs")
    print("libtcc's code runs at \(fixed(100 * times[1] / times[0])) % of the speed of the loop with intrinsics; the same bits")
  }
}

extension [Double] {
  /// The median time of each body, called in turns for so many seconds.
  fileprivate init(inTurns seconds: Double, _ bodies: [() throws -> Void]) throws {
    let clock = ContinuousClock()
    var times = [[Double]](repeating: [], count: bodies.count)
    let start = clock.now
    while (clock.now - start).seconds < seconds || times[0].count < 20 {
      for (index, body) in bodies.enumerated() {
        let start = clock.now
        try body()
        times[index].append((clock.now - start).seconds)
      }
    }
    self = times.map { $0.sorted().median }
  }
}
