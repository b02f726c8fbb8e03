import CinchGraph

/// Prints a `LoopProgram` as one C file that includes nothing and calls nothing.
public struct CPrinter: Sendable {
  public enum Dialect: Sendable, Hashable {
    /// C99 for people, gcc, clang, export; libtcc compiles it unchanged as its scalar engine.
    case portable
    /// The same functions for libtcc alone; vector instructions as bytes where the target has them.
    case tinycc(Target)

    var hasFMA: Bool {
      if case .tinycc(let target) = self { target.vectorSet != .scalar } else { false }
    }
  }

  /// The C statements of a kernel's function body to print instead of the loops, or nil for the loops.
  ///
  /// They see `state`, `scratch` (both `unsigned char *`), `inputs` (`unsigned char *const *`), `worker` and
  /// `workers` (`long`); worker scratch is at `scratch + workerByteOffset + worker * workerByteStride`.
  public typealias VectorBody = (LoopKernel, LoopProgram) -> String?

  public var dialect: Dialect
  typealias Call = (function: String, arguments: [String])

  /// The entry point's name: the one that was asked for, as an identifier; if C or the file itself has that, `_step` follows it.
  public private(set) var functionName: String

  /// Where the step adds up the time of each kernel; nil for code that measures nothing.
  public var profile: ProfileTable?

  public init(dialect: Dialect = .portable, functionName: String = "step", profile: ProfileTable? = nil) {
    self.dialect = dialect
    self.functionName = cFunctionName(functionName)
    self.profile = profile
  }

  /// The whole file. The same program gives the same text everywhere.
  public func print(_ program: LoopProgram, vectorBody: VectorBody = { _, _ in nil }) -> String {
    var step = StepText()
    write(program, prefix: "", vectorBody: vectorBody, to: &step)
    return file(title: program.name, step)
  }

  /// Several steps in one file, under names of their own and with one prelude: for compilers that take longer to start than
  /// for a step. `functionName` isn't used.
  public func print(_ steps: [(functionName: String, program: LoopProgram)]) -> String {
    var text = StepText()
    for step in steps {
      var printer = self
      printer.functionName = cFunctionName(step.functionName)
      printer.write(step.program, prefix: printer.functionName + "_", vectorBody: { _, _ in nil }, to: &text)
    }
    return file(title: "\(steps.count) steps", text)
  }

  /// Kernels and steps, and what they need in the prelude.
  private struct StepText {
    var functions = TextBuffer()
    var helpers: Set<CHelper> = []
  }

  private func write(_ program: LoopProgram, prefix: String, vectorBody: VectorBody, to text: inout StepText) {
    if !program.checks.isEmpty { text.helpers.insert(.longType) }
    if profile != nil { text.helpers.insert(.lap) }
    var calls: [Call] = []
    calls.reserveCapacity(program.kernels.count)
    for (index, kernel) in program.kernels.enumerated() {
      // Kernels of a step are numbered by their own names.
      let number = "k\(index)_"
      let name = prefix + (kernel.name.hasPrefix(number) ? "" : number) + cIdentifier(kernel.name)
      text.functions.write("\n")
      for line in kernel.origin { text.functions.writeLine("/* \(cComment(line)) */") }
      if let body = vectorBody(kernel, program) {
        let loops = (0..<Self.loopDepth(around: kernel, program)).map(Self.loopVariable)
        text.functions.writeLine(
          "static void \(name)(\(Self.segmentParameters)\(loops.map { ", long \($0)" }.joined())) {")
        text.functions.write(body)
        text.functions.writeLine("}")
        calls.append((name, Self.segmentArguments + loops))
      } else {
        var writer = CKernelWriter(kernel, of: program, name: name, into: text.functions)
        writer.writeFunction()
        text.functions = writer.out
        text.helpers.formUnion(writer.helpers)
        calls.append((name, writer.arguments))
      }
    }
    writeStep(program, calls: calls, to: &text.functions)
  }

  private func file(title: String, _ text: consuming StepText) -> String {
    var beginning = TextBuffer()
    beginning.writeLine("/* \(cComment(title)) */")
    beginning.writeLine(cFileBegin)
    writePrelude(text.helpers, to: &beginning)
    text.functions.bytes.insert(contentsOf: beginning.bytes, at: 0)
    text.functions.writeLine(cFileEnd)
    return text.functions.text
  }

  /// Of the schedule's loops, by how many are around.
  static func loopVariable(_ depth: Int) -> String { "repeat\(depth)" }

  /// How many of the schedule's loops around the call slices of the kernel move with.
  static func loopDepth(around kernel: LoopKernel, _ program: LoopProgram) -> Int {
    kernel.buffers.reduce(0) { max($0, program.buffers[$1.index].motion?.steps.count ?? 0) }
  }

  /// Parameters of functions that find their tensors in the segments.
  static let segmentParameters =
    "unsigned char *state, unsigned char *scratch, unsigned char *const *inputs, long worker, long workers"
  static let segmentArguments = ["state", "scratch", "inputs", "worker", "workers"]

  private func writePrelude(_ used: Set<CHelper>, to file: inout TextBuffer) {
    var needed = used
    var open = Array(used)
    while let helper = open.popLast() {
      for need in helper.needs where needed.insert(need).inserted { open.append(need) }
    }
    for helper in CHelper.allCases where needed.contains(helper) { file.writeLine(helper.text(dialect)) }
  }

  private func writeStep(_ program: LoopProgram, calls: [Call], to file: inout TextBuffer) {
    file.write("\n")
    let perWorker = program.workerByteStride == 0 ? "" : " and \(program.workerByteStride) for each worker"
    file.writeLine("/*")
    file.writeLine("  Every worker runs this, with its number and how many there are; the barrier waits for all.")
    file.writeLine(
      "  state: \(program.stateByteCount) bytes; scratch: \(program.workerByteOffset) bytes\(perWorker).")
    if program.checks.isEmpty {
      file.writeLine("  Returns 0.")
    } else {
      file.writeLine("  Returns 0, or the number of the run-time check that failed:")
    }
    for (index, check) in program.checks.enumerated() {
      let site = check.site.short
      file.writeLine(
        "    \(index + 1): \(cComment(check.operation)): 0 <= index < \(check.limit)"
          + (site.isEmpty ? "" : " (\(cComment(site)))"))
    }
    file.writeLine("*/")
    file.writeLine("int \(functionName)(unsigned char *state, unsigned char *scratch,")
    let margin = String(repeating: " ", count: functionName.utf8.count + 5)
    file.writeLine("\(margin)unsigned char *const *inputs, long worker, long workers,")
    file.writeLine("\(margin)void (*barrier)(void *), void *context) {")
    file.indent()
    file.writeLine(
      "(void)state, (void)scratch, (void)inputs, (void)worker, (void)workers, (void)barrier, (void)context;")
    if !program.checks.isEmpty {
      file.writeLine("i64 *const failure = (i64 *)(scratch + \(program.failureOffset));")
      file.writeLine("if (worker == 0) failure[0] = failure[1] = failure[2] = 0;")
    }
    if let profile {
      file.writeLine("u64 *const times = (u64 *)(scratch + \(profile.byteOffset) + worker * \(profile.byteStride));")
      file.writeLine("u64 mark = ticks();")
    }
    var depth = 0
    writeSchedule(program.schedule, program, calls, &depth, to: &file)
    file.writeLine("return 0;")
    file.outdent()
    file.writeLine("}")
  }

  /// The time since the last mark belongs to this entry of the profile's table.
  private func writeLap(_ entry: Int, to file: inout TextBuffer) {
    if profile != nil { file.writeLine("mark = lap(times + \(entry), mark);") }
  }

  private func writeSchedule(
    _ items: [ScheduleItem], _ program: LoopProgram, _ calls: [Call], _ depth: inout Int,
    to file: inout TextBuffer
  ) {
    for item in items {
      switch item {
      case .run(let kernel):
        file.startLine()
        if !program.kernels[kernel].isParallel { file.write("if (worker == 0) ") }
        file.write("\(calls[kernel].function)(")
        file.write(list: calls[kernel].arguments)
        file.write(");\n")
        writeLap(kernel, to: &file)
      case .barrier:
        file.writeLine("if (workers > 1) barrier(context);")
        writeLap(program.kernels.count, to: &file)
      case .stopIfFailed:
        if !program.checks.isEmpty { file.writeLine("if (failure[0] != 0) return (int)failure[0];") }
      case .loop(let count, let body):
        let variable = Self.loopVariable(depth)
        file.writeLine("for (long \(variable) = 0; \(variable) < \(count); \(variable)++) {")
        file.indent()
        depth += 1
        writeSchedule(body, program, calls, &depth, to: &file)
        depth -= 1
        file.outdent()
        file.writeLine("}")
      }
    }
  }
}
