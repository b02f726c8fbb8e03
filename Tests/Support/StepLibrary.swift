import CinchRunner
public import Foundation

/// Generated C as a callable step: compiled by libtcc in this process, or by gcc or clang to a shared object.
public final class StepLibrary {
  public enum Compiler: Sendable, Hashable, CustomStringConvertible {
    case tinycc
    /// `gcc` or `clang` with these options after the strict ones.
    case system(String, [String])

    public var description: String {
      switch self {
      case .tinycc: "tcc"
      case .system(let name, let options): ([name] + options).joined(separator: " ")
      }
    }
  }

  public struct Failure: Error, CustomStringConvertible {
    public var description: String
  }

  private typealias Step =
    @convention(c) (
      UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UnsafePointer<UnsafeMutableRawPointer?>?, Int, Int,
      (@convention(c) (UnsafeMutableRawPointer?) -> Void)?, UnsafeMutableRawPointer?
    ) -> Int32

  /// C99 with every warning an error.
  public static let strictOptions = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]

  private let step: Step
  /// Keeps the code alive.
  private let code: Any?

  public init(_ source: String, named functionName: String = "step", with compiler: Compiler) throws {
    switch compiler {
    case .tinycc:
      let compiled = try TinyCCompiler.compile(source)
      guard compiled.warnings.isEmpty else {
        throw Failure(description: "libtcc warns: \(compiled.warnings.joined(separator: "\n"))")
      }
      step = try compiled.function(functionName, as: Step.self)
      code = compiled
    case .system(let name, let options):
      let library = try Self.compile(source, name, Self.strictOptions + options + ["-shared", "-fPIC"])
      defer { try? FileManager.default.removeItem(at: library.deletingLastPathComponent()) }
      guard let handle = dlopen(library.path, RTLD_NOW | RTLD_LOCAL), let symbol = dlsym(handle, functionName) else {
        throw Failure(description: String(cString: dlerror()))
      }
      step = unsafeBitCast(symbol, to: Step.self)
      code = nil
    }
  }

  /// Runs a compiler on `source`; gives the file it made, alone in its folder, or throws what it said.
  public static func compile(_ source: String, _ compiler: String, _ options: [String]) throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cinch-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let input = folder.appendingPathComponent("step.c")
    let output = folder.appendingPathComponent("step.so")
    try source.write(to: input, atomically: false, encoding: .utf8)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [compiler] + options + ["-o", output.path, input.path]
    let pipe = Pipe()
    process.standardError = pipe
    try process.run()
    let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      try? FileManager.default.removeItem(at: folder)
      throw Failure(description: "\(compiler) \(options.joined(separator: " ")):\n\(said)\n\(source)")
    }
    try? FileManager.default.removeItem(at: input)
    return output
  }

  /// Runs one step by `workers` threads in copies of the memory at 64-byte boundaries.
  public func run(_ memory: inout LoopEvaluator.Memory, workers: Int = 1) -> Int {
    let segments = ([memory.state, memory.scratch] + memory.inputs).map { bytes in
      let segment = UnsafeMutableRawBufferPointer.allocate(byteCount: max(64, bytes.count), alignment: 64)
      segment.copyBytes(from: bytes)
      return segment
    }
    defer { for segment in segments { segment.deallocate() } }
    let call = Call(
      step: step, bases: segments.map(\.baseAddress), workers: workers,
      barrier: StepBarrier(count: workers))
    let threads = (1..<max(1, workers)).map { worker in
      let done = DispatchSemaphore(value: 0)
      let thread = Thread {
        call.run(worker)
        done.signal()
      }
      thread.start()
      return done
    }
    let result = call.run(0)
    for done in threads { done.wait() }
    memory.state = Array(segments[0].prefix(memory.state.count))
    memory.scratch = Array(segments[1].prefix(memory.scratch.count))
    return result
  }

  private final class Call: @unchecked Sendable {
    let step: Step
    let bases: [UnsafeMutableRawPointer?]
    let workers: Int
    let barrier: StepBarrier

    init(step: Step, bases: [UnsafeMutableRawPointer?], workers: Int, barrier: StepBarrier) {
      self.step = step
      self.bases = bases
      self.workers = workers
      self.barrier = barrier
    }

    @discardableResult
    func run(_ worker: Int) -> Int {
      Array(bases.dropFirst(2)).withUnsafeBufferPointer { inputs in
        Int(
          step(
            bases[0], bases[1], inputs.baseAddress, worker, workers,
            { Unmanaged<StepBarrier>.fromOpaque($0!).takeUnretainedValue().wait() },
            Unmanaged.passUnretained(barrier).toOpaque()))
      }
    }
  }
}

/// Holds every worker until all have come.
final class StepBarrier: @unchecked Sendable {
  private let condition = NSCondition()
  private let count: Int
  private var waiting = 0
  private var round = 0

  init(count: Int) { self.count = count }

  func wait() {
    condition.lock()
    defer { condition.unlock() }
    waiting += 1
    if waiting == count {
      waiting = 0
      round += 1
      condition.broadcast()
      return
    }
    let mine = round
    while round == mine { condition.wait() }
  }
}
