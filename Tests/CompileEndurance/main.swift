// Compiles over and over in a process of its own, where nothing else uses memory, and prints what the process holds
// after the first part and at the end: resident pages, descriptors, mappings, a line each. Run by the tests:
// `CompileEndurance graph|c <count>`. Other things that only a process of its own can try: what its child computes on several
// workers (`fork <workers>`), compiling with no more memory than some megabytes (`poor <megabytes>`), and a report of what is
// read and written under a locale (`locale <name> <folder>`).

import Cinch
import CinchRunner
import Glibc

/// From a graph to machine code that runs: autodiff, passes, verifiers, printing, libtcc, loading, memory, a step.
func compileGraph(_ number: Int) throws {
  // Another constant each time, so that no compile is answered from the cache.
  let graph = Graph("endurance") { g in
    let x = g.input("x", [17])
    let w = g.parameter("w", [17])
    let loss = (sigmoid(x * w) * Float(number)).mean()
    g.output("loss", loss)
    g.update(w, to: w - 0.1 * gradient(of: loss, withRespectTo: w))
  }
  let program = try graph.compile(ProgramOptions(engine: .tinycc(nil)))
  let expected = Float(number) / 2
  guard let loss = try program(x: ones)["loss"]?.scalar, abs(loss - expected) < 1e-5 * expected else { throw Unexpected() }
  // Layers and backward passes written by hand hold on to more while a graph is built.
  let model = Sequential { FromScratch.Linear(1, 3) }
  let step = TrainingStep(model, loss: Loss(FromScratch.MeanSquaredError()), optimizer: .adam())
  let type = TensorType(.float32, [5, 1])
  guard step.training(type, target: type).diagnostics.isEmpty else { throw Unexpected() }
}

let ones = HostTensor([Float](repeating: 1, count: 17))

/// Source to machine code, and both kinds of failure.
func compileC(_ number: Int) throws {
  let code = try TinyCCompiler.compile(
    "static const int table[64] = {\(number)}; int f(int x) { return table[0] + x; }")
  let function = try code.function("f", as: (@convention(c) (Int32) -> Int32).self)
  guard function(1) == Int32(number) + 1 else { throw Unexpected() }
  for wrong in ["int g(int); int f(int x) { return g(x); }", "int f(int x) { return missing; }"] {
    guard (try? TinyCCompiler.compile(wrong)) == nil else { throw Unexpected() }
  }
}

struct Unexpected: Error {}

func printUse() throws {
  let pages = try text("/proc/self/statm").split(separator: " ")[1]
  let mappings = try text("/proc/self/maps").split(separator: "\n").count
  print(pages, try entryCount("/proc/self/fd"), mappings)
}

func text(_ path: String) throws -> String {
  guard let file = fopen(path, "r") else { throw Unexpected() }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  while case let byte = getc(file), byte != EOF { bytes.append(UInt8(byte)) }
  return String(decoding: bytes, as: UTF8.self)
}

func entryCount(_ path: String) throws -> Int {
  guard let directory = opendir(path) else { throw Unexpected() }
  defer { closedir(directory) }
  var count = 0
  while readdir(directory) != nil { count += 1 }
  return count
}

/// A child runs the parent's program, compiles another, and ends as programs end.
func runInChild(_ workers: Int) throws {
  let graph = Graph("fork") { g in g.output("y", (exp(g.input("x", [1 << 9, 1 << 12]))).sum(along: 1)) }
  let x = HostTensor.zeros([1 << 9, 1 << 12])
  let program = try graph.compile(ProgramOptions(engine: .tinycc(nil), workers: workers))
  func isRight(_ program: Program) throws -> Bool { try program(x: x)["y"]?.floats.allSatisfy { $0 == 4096 } ?? false }
  guard try isRight(program), program.step.workerCount(of: workers) == workers else { throw Unexpected() }
  // Swift hides it, for not all of a process is there in its child.
  guard let address = dlsym(nil, "fork") else { throw Unexpected() }
  let child = unsafeBitCast(address, to: (@convention(c) () -> pid_t).self)()
  if child == 0 {
    alarm(20)
    let other = try graph.compile(ProgramOptions(engine: .tinycc(nil), workers: workers, usesCache: false))
    for program in [program, other, program] {
      guard try isRight(program) else { throw Unexpected() }
    }
    exit(0)
  }
  var status: Int32 = 1
  while waitpid(child, &status, 0) < 0 && errno == EINTR {}
  guard status == 0, try isRight(program) else { throw Unexpected() }
  print("child and parent agree")
}

/// The limit of addresses is what is in use and some megabytes.
func compileInLittleMemory(_ megabytes: Int) throws {
  let pages = Int(try text("/proc/self/statm").split(separator: " ")[0]) ?? 0
  var limit = rlimit()
  getrlimit(.init(RLIMIT_AS.rawValue), &limit)
  limit.rlim_cur = rlim_t(pages * 4096 + megabytes << 20)
  guard setrlimit(.init(RLIMIT_AS.rawValue), &limit) == 0 else { throw Unexpected() }
  do {
    _ = try TinyCCompiler.compile("int f(int x) { return x; }")
    print("compiled")
  } catch let error as NativeError {
    print(error.isCinchBug ? "a bug in Cinch:" : "refused:", error)
  }
}

let count = Int(CommandLine.arguments[2]) ?? 0
switch CommandLine.arguments[1] {
case "fork": try runInChild(count)
case "poor": try compileInLittleMemory(count)
case "locale": try printReport(locale: CommandLine.arguments[2], folder: CommandLine.arguments[3])
case let what:
  let compile = what == "graph" ? compileGraph : compileC
  // The cache, allocators and libtcc's tables have their size after the first part.
  for number in 1...count {
    try compile(number)
    if number == count / 5 || number == count { try printUse() }
  }
}
