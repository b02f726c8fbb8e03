import Cinch
import Foundation
import Testing

@testable import CinchRunner

@Suite struct NativeSystemCompilerTests {
  typealias IntegerFunction = @convention(c) (Int32) -> Int32

  @Test func bothCompilersOfTheTestSetupAreFound() {
    #expect(SystemCompiler.installed.map(\.executable) == ["gcc", "clang"])
  }

  @Test(arguments: ["gcc", "clang"])
  func compiledFunctionIsCalled(executable: String) throws {
    let code = try SystemCompiler(executable: executable).compile(
      "static const int table[3] = {4, 5, 6}; int pick(int index) { return table[index]; }")
    #expect(try code.function("pick", as: IntegerFunction.self)(2) == 6)
    #expect(code.warnings == [])
    #expect(code.compileDuration > .zero)
    #expect(throws: NativeError.functionMissing("absent")) { try code.address(of: "absent") }
  }

  @Test(arguments: ["gcc", "clang"])
  func codesOfTheSameNameStandSideBySide(executable: String) throws {
    let compiler = SystemCompiler(executable: executable, flags: ["-O0", "-fPIC", "-shared", "-nostdlib"])
    let codes = try (1...3).map { try compiler.compile("int f(int x) { return x * \($0); }") }
    #expect(try codes.map { try $0.function("f", as: IntegerFunction.self)(10) } == [10, 20, 30])
  }

  @Test(arguments: ["gcc", "clang"])
  func rejectedSourceCarriesTheCompilersWords(executable: String) throws {
    let error = try #require(throws: NativeError.self) {
      try SystemCompiler(executable: executable).compile("int before;\nint f(void) { return missing; }")
    }
    #expect(error.isCinchBug)
    #expect(error.description.contains("missing"))
    #expect(error.description.contains("program.c:2:"))
    #expect(!error.description.contains("cinch-"))
  }

  @Test(arguments: ["gcc", "clang"])
  func undefinedSymbolIsNamed(executable: String) {
    #expect(throws: NativeError.undefinedSymbols(["cinch_nobody"])) {
      try SystemCompiler(executable: executable).compile(
        "int cinch_nobody(int); int f(int x) { return cinch_nobody(x); }")
    }
  }

  @Test(arguments: ["cinch-no-such-compiler", "/nowhere/gcc"])
  func missingCompilerIsNamed(executable: String) throws {
    let error = try #require(throws: NativeError.self) {
      try SystemCompiler(executable: executable).compile("int x;")
    }
    #expect(error == .compilerNotFound(executable))
    #expect(error.description.contains(executable))
    #expect(!error.isCinchBug)
  }

  @Test func unknownFlagIsNotBlamedOnTheSource() throws {
    let error = try #require(throws: NativeError.self) {
      try SystemCompiler(executable: "gcc", flags: ["-shared", "--no-such-flag"]).compile("int x;")
    }
    #expect(!error.isCinchBug)
    #expect(error.description.contains("--no-such-flag"))
  }

  @Test func compilerThatFailsWithoutAWordIsReported() throws {
    let error = try #require(throws: NativeError.self) {
      try SystemCompiler(executable: "false").compile("int x;")
    }
    #expect(error == .compilerUnusable("false", reason: "it ended with status 1"))
  }

  @Test func sharedObjectIsClosedAndNothingStaysOnDisk() throws {
    var code: NativeCode? = try SystemCompiler().compile("int f(int x) { return x; }")
    let address = UInt(bitPattern: try code?.address(of: "f"))
    let maps = try textOfFile("/proc/self/maps").split(separator: "\n")
    let mapping = maps.first { line in
      let bounds = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt($0, radix: 16) }
      return bounds[0] <= address && address < bounds[1]
    }
    let path = try #require(
      mapping?.split(separator: " ", omittingEmptySubsequences: true).dropFirst(5).first)
    #expect(path.contains("/cinch-"))
    #expect(access(String(path), F_OK) != 0)
    #expect(access(String(path.prefix(upTo: path.lastIndex(of: "/")!)), F_OK) != 0)
    code = nil
    #expect(try !textOfFile("/proc/self/maps").contains(path))
  }

  /// clang has a macro of its own for a processor's fma: without it every multiply-add is a dozen operations.
  @Test(arguments: SystemCompiler.installed)
  func multiplyAddIsAnInstructionWhereTheProcessorHasIt(_ compiler: SystemCompiler) throws {
    guard ProcessorFeatures.current.hasAVX2AndFMA else { return }
    let graph = Graph("products") { g in
      g.output("y", matmul(g.input("a", [3, 5]), g.input("b", [5, 7])))
      let (a, b) = (g.input("c", [3, 5], type: .float64), g.input("d", [5, 7], type: .float64))
      g.output("z", matmul(a, b))
    }
    let program = try graph.compile(ProgramOptions(engine: .tinycc(.scalar)))
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("cinch-\(UUID()).c")
    try program.c.write(to: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: path) }
    let preprocessed = try output(
      of: URL(fileURLWithPath: "/usr/bin/env"), [compiler.executable, "-E", "-march=native", "-std=c99", path.path])
    #expect(preprocessed.contains("fma_f32") && preprocessed.contains("fma_f64"))
    #expect(!preprocessed.contains("raw_f64") && !preprocessed.contains("addend"), "fma is computed step by step")
  }
}
