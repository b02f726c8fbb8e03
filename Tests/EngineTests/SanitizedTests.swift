import Cinch
import Foundation
import TestSupport
import Testing

@testable import CinchCodegen
@testable import CinchRunner

/// The portable C as a program of its own, under gcc's address and undefined-behaviour sanitizers: the catalogue with its
/// gradients, and some random programs.
@Suite struct SanitizedTests {
  static let options = [
    "-std=gnu99", "-O0", "-g1", "-march=native", "-ffp-contract=off", "-fsanitize=address,undefined,float-cast-overflow",
    "-fno-sanitize-recover=all",
  ]

  @Test(arguments: 0..<4) func theCatalogue(part: Int) throws {
    let programs = try CatalogueEngineTests.programs.map { try $0.get() }
    try expectClean(programs.enumerated().filter { $0.offset % 4 == part }.map(\.element))
  }

  @Test func randomPrograms() throws {
    try expectClean((7000..<7020 as Range<UInt64>).map { try TestedProgram("seed \($0)", RandomProgram(seed: $0)) })
  }

  /// The sanitizers would say so.
  @Test func aStrayStoreIsSeen() throws {
    let program = try TestedProgram(
      "map", CatalogueEngineTests.program(try #require(SampleProgram.all.first { $0.op is TanhOp.Type })))
    let harness = try Harness([program])
    _ = try harness.run(harness.source)
    let broken = harness.source.replacing(#/take\(file, (\d+)\)/#) { "take(file, \((Int($0.output.1) ?? 9) - 1))" }
    #expect(throws: SanitizerReport.self) { _ = try harness.run(broken) }
  }

  private func expectClean(_ programs: [TestedProgram]) throws {
    let harness = try Harness(programs)
    let results = try harness.run(harness.source)
    for (program, found) in zip(programs, results) {
      let difference = program.difference(of: found)
      #expect(difference == nil, "\(program.name): \(difference ?? "")")
    }
  }
}

/// What a sanitizer said.
private struct SanitizerReport: Error, CustomStringConvertible {
  var description: String
}

/// Steps with a `main` that takes their memory from a file and leaves it in another.
private struct Harness {
  let programs: [TestedProgram]
  let lowered: [LoweredProgram]
  let source: String

  init(_ programs: [TestedProgram]) throws {
    self.programs = programs
    // Without canaries, so that buffers lie at the ends of what is allocated.
    lowered = try programs.map { try LoweredProgram($0, Target(vectorSet: .scalar), options: LoweringOptions()) }
    let steps = CPrinter().print(lowered.enumerated().map { (functionName: "step\($0)", program: $1.step.loops) })
    var text = "#include <stdio.h>\n#include <stdlib.h>\n" + steps
    text += """

      static unsigned char *room(long count) {
        void *memory = 0;
        if (posix_memalign(&memory, 64, count) != 0) abort();
        for (long i = 0; i < count; i++) ((unsigned char *)memory)[i] = 0xA5;
        return memory;
      }
      static unsigned char *take(FILE *file, long count) {
        unsigned char *memory = room(count);
        if ((long)fread(memory, 1, count, file) > count) abort();
        return memory;
      }

      """
    for (number, program) in lowered.enumerated() {
      let step = program.step
      let sizes = step.inputs.map(\.type.byteCount) + step.constants.map(\.bytes.count)
      text += "static void run\(number)(FILE *file, FILE *results) {\n"
      text += "  unsigned char *state = take(file, \(step.stateLayout.byteCount));\n"
      text += "  unsigned char *scratch = room(\(step.loops.scratchByteCount(workers: 1)));\n"
      text += "  unsigned char *inputs[\(sizes.count + 1)];\n"
      for (index, size) in sizes.enumerated() { text += "  inputs[\(index)] = take(file, \(size));\n" }
      text += "  if (step\(number)(state, scratch, inputs, 0, 1, 0, 0) != 0) abort();\n"
      text += "  fwrite(state, 1, \(step.stateLayout.byteCount), results);\n"
      text += "  fwrite(scratch, 1, \(step.loops.scratchByteCount(workers: 1)), results);\n"
      for index in sizes.indices { text += "  free(inputs[\(index)]);\n" }
      text += "  free(scratch);\n  free(state);\n}\n"
    }
    text += "int main(int count, char **names) {\n  FILE *file = fopen(names[1], \"rb\"), *results = fopen(names[2], \"wb\");\n"
    text += "  if (count != 3 || !file || !results) return 1;\n"
    for number in lowered.indices { text += "  run\(number)(file, results);\n" }
    source = text + "  fclose(file);\n  fclose(results);\n  return 0;\n}\n"
  }

  func run(_ source: String) throws -> [StepResults] {
    let executable = try StepLibrary.compile(source, "gcc", SanitizedTests.options)
    let folder = executable.deletingLastPathComponent()
    defer { try? FileManager.default.removeItem(at: folder) }
    let (given, left) = (folder.appendingPathComponent("given"), folder.appendingPathComponent("left"))
    try Data(zip(lowered, programs).flatMap { try memory($0, $1) }).write(to: given)
    let process = Process()
    process.executableURL = executable
    process.arguments = [given.path, left.path]
    process.environment = ["ASAN_OPTIONS": "detect_leaks=0"]
    let pipe = Pipe()
    process.standardError = pipe
    try process.run()
    let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw SanitizerReport(description: "status \(process.terminationStatus): \(said.prefix(4000))")
    }
    var bytes = ArraySlice([UInt8](try Data(contentsOf: left)))
    return try zip(lowered, programs).map { try results($0, $1, &bytes) }
  }

  private func memory(_ program: LoweredProgram, _ tested: TestedProgram) throws -> [UInt8] {
    let step = program.step
    let state = try ModelState(step.stateLayout)
    for (name, value) in tested.program.state {
      try state.setValue(of: name, to: HostTensor(value, shape: state.value(of: name).shape))
    }
    var bytes = state.segment.read(at: 0, count: step.stateLayout.byteCount, as: UInt8.self)
    for input in step.inputs {
      let segment = try MemorySegment(byteCount: input.type.byteCount)
      if let values = tested.program.inputs[input.name] { segment.write(values, at: 0) }
      bytes += segment.read(at: 0, count: input.type.byteCount, as: UInt8.self)
    }
    return bytes + step.constants.flatMap(\.bytes)
  }

  private func results(
    _ program: LoweredProgram, _ tested: TestedProgram, _ bytes: inout ArraySlice<UInt8>
  ) throws -> StepResults {
    let step = program.step
    func next(_ count: Int) throws -> MemorySegment {
      let segment = try MemorySegment(byteCount: count)
      segment.write(Array(bytes.prefix(count)), at: 0)
      bytes = bytes.dropFirst(count)
      return segment
    }
    let state = try next(step.stateLayout.byteCount)
    let scratch = try next(step.loops.scratchByteCount(workers: 1))
    var results: StepResults = [:]
    for output in step.outputs {
      let buffer = step.loops.buffers[output.buffer.index]
      switch buffer.segment {
      case .state: results[output.name] = state.read(output.type, at: buffer.byteOffset)
      case .scratch: results[output.name] = scratch.read(output.type, at: buffer.byteOffset)
      case .input(let number) where number < step.inputs.count:
        results[output.name] = tested.program.inputs[step.inputs[number].name]
      case .input(let number):
        let constant = step.constants[number - step.inputs.count]
        let segment = try MemorySegment(byteCount: constant.bytes.count)
        segment.write(constant.bytes, at: 0)
        results[output.name] = segment.read(output.type, at: buffer.byteOffset)
      case .worker: break
      }
    }
    for entry in step.stateLayout.entries {
      results[entry.variable.name + "'"] = state.read(entry.variable.type, at: entry.byteOffset)
    }
    return results
  }
}
