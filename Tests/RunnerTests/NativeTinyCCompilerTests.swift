import Foundation
import Glibc
import Testing

@testable import CinchRunner

@Suite struct NativeTinyCCompilerTests {
  typealias IntegerFunction = @convention(c) (Int32) -> Int32

  @Test func compiledFunctionIsCalled() throws {
    let code = try TinyCCompiler.compile(
      """
      static const int table[4] = {10, 20, 30, 40};
      static const int *const middle[1] = {table + 1};
      int pick(int index) { return middle[0][index]; }
      """)
    let pick = try code.function("pick", as: IntegerFunction.self)
    #expect(pick(0) == 20)
    #expect(pick(2) == 40)
    #expect(code.warnings == [])
    #expect(code.compileDuration > .zero)
  }

  @Test func hostFunctionIsCalledThroughItsSymbol() throws {
    let double: IntegerFunction = { 2 * $0 }
    let symbol = TinyCCompiler.HostSymbol(
      "host_double", at: unsafeBitCast(double, to: UnsafeRawPointer.self))
    let code = try TinyCCompiler.compile(
      "int host_double(int); int quadruple(int x) { return host_double(host_double(x)); }", symbols: [symbol])
    #expect(try code.function("quadruple", as: IntegerFunction.self)(21) == 84)
  }

  @Test func missingFunctionIsNamed() throws {
    let code = try TinyCCompiler.compile("int present(int x) { return x; }")
    #expect(throws: NativeError.functionMissing("absent")) { try code.address(of: "absent") }
  }

  @Test func compileErrorShowsTheLines() throws {
    let source = (1...9).map { $0 == 5 ? "int f(void) { return missing; }" : "int v\($0)(void);" }
    let error = try #require(throws: NativeError.self) {
      try TinyCCompiler.compile(source.joined(separator: "\n"))
    }
    #expect(error.isCinchBug)
    let text = error.description
    #expect(text.contains("'missing' undeclared"))
    #expect(text.contains("> 5 | int f(void) { return missing; }"))
    #expect(text.contains("  2 | int v2(void);"))
    #expect(text.contains("  8 | int v8(void);"))
    #expect(!text.contains("1 | int v1") && !text.contains("9 | int v9"))
    #expect(text.contains("bug in Cinch"))
  }

  @Test func undefinedSymbolsAreNamed() throws {
    let error = try #require(throws: NativeError.self) {
      try TinyCCompiler.compile("int left(int); int right(int); int f(int x) { return left(x) + right(x); }")
    }
    guard case .undefinedSymbols(let names) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(Set(names) == ["left", "right"])
    #expect(error.isCinchBug)
  }

  @Test func compileErrorAfterLineDirectiveShowsTheGeneratedLines() throws {
    let error = try #require(throws: NativeError.self) {
      try TinyCCompiler.compile(
        """
        int before(void);
        #line 70 "model.swift"
        int f(void) { return missing; }
        int after(void);
        """)
    }
    #expect(error.description.contains("model.swift:70: error:"))
    #expect(error.description.contains("> 3 | int f(void) { return missing; }"))
  }

  @Test func warningsOfACompileThatSucceedsAreKept() throws {
    let code = try TinyCCompiler.compile(
      "int f(int x) { return undeclared(x); } int undeclared(int x) { return x; }")
    #expect(code.warnings.count == 1)
    #expect(code.warnings.first?.contains("undeclared") == true)
  }

  @Test func importedSymbolsAreListedExactly() throws {
    let call: @convention(c) (UnsafeMutableRawPointer?) -> Void = { _ in }
    let address = unsafeBitCast(call, to: UnsafeRawPointer.self)
    let code = try TinyCCompiler.compile(
      "void used(void *); void unused(void *); int f(int x) { used(0); return x; }",
      symbols: [.init("used", at: address), .init("unused", at: address), .init("other", at: address)])
    #expect(code.importedSymbols == ["used"])
  }

  @Test func hostVariableIsReadThroughItsSymbol() throws {
    let segment = try MemorySegment(byteCount: 4)
    segment.write([7 as Int32], at: 0)
    let code = try TinyCCompiler.compile(
      "extern int shared; int f(int x) { return shared + x; }",
      symbols: [.init("shared", at: segment.baseAddress)])
    let function = try code.function("f", as: IntegerFunction.self)
    #expect(function(1) == 8)
    segment.write([-7 as Int32], at: 0)
    #expect(function(1) == -6)
  }

  @Test func noPageIsWritableAndCodeAndConstantsAreApart() throws {
    let code = try TinyCCompiler.compile("const int table[2] = {1, 2}; int f(int x) { return table[x]; }")
    #expect(try memoryPermissions(at: UInt(bitPattern: code.address(of: "f"))) == "r-xp")
    #expect(try memoryPermissions(at: UInt(bitPattern: code.address(of: "table"))) == "r--p")
  }

  @Test func constantsKeepTheirAlignment() throws {
    let code = try TinyCCompiler.compile(
      """
      const char odd[3] = {1, 2, 3};
      const float lanes[16] __attribute__((aligned(64))) = {1.0f};
      const char odder[1] = {1};
      const float more[16] __attribute__((aligned(64))) = {2.0f};
      """)
    #expect(UInt(bitPattern: try code.address(of: "lanes")) % 64 == 0)
    #expect(UInt(bitPattern: try code.address(of: "more")) % 64 == 0)
    #expect(try code.address(of: "more").load(as: Float.self) == 2)
  }

  @Test func manyFunctionsCallEachOtherAcrossPages() throws {
    let count = 2_000
    var source = "static int f0(int x) { return x; }\n"
    for index in 1...count {
      source += "static int f\(index)(int x) { return f\(index - 1)(x + \(index)); }\n"
    }
    source += "int last(int x) { return f\(count)(x); }"
    let code = try TinyCCompiler.compile(source)
    #expect(try code.function("last", as: IntegerFunction.self)(5) == Int32(5 + count * (count + 1) / 2))
  }

  /// The child of a fork has memory and code of its parent, and none of its threads.
  @Test(arguments: [1, 2, 3]) func childrenOfAForkRunPrograms(workers: Int) throws {
    #expect(try output(of: "CompileEndurance", ["fork", "\(workers)"]) == "child and parent agree\n")
  }

  /// libtcc would end the process.
  @Test func littleMemoryIsNoBug() throws {
    #expect(try output(of: "CompileEndurance", ["poor", "16"]).hasPrefix("refused: error: cannot allocate 33.6 MB"))
    #expect(try output(of: "CompileEndurance", ["poor", "200"]) == "compiled\n")
  }

  /// Where /proc is not mounted, an object goes through a temporary file, of which nothing stays.
  @Test func compilesWithoutProc() throws {
    func objects() -> [String] {
      [NSTemporaryDirectory(), "/dev/shm"].flatMap { (try? FileManager.default.contentsOfDirectory(atPath: $0)) ?? [] }
        .filter { $0.hasPrefix("cinch-object") }
    }
    let code = try TinyCCompiler.compile("int f(int x) { return x + 1; }", descriptors: "/nonexistent")
    #expect(try code.function("f", as: IntegerFunction.self)(5) == 6)
    #expect(objects() == [])
  }

  /// In a process of its own, because tests that run at the same time use memory too.
  @Test(arguments: ["graph", "c"])
  func memoryDoesNotGrowOverCompiles(_ what: String) throws {
    let text = try output(of: "CompileEndurance", [what, "10000"])
    let uses = text.split(separator: "\n").map { $0.split(separator: " ").compactMap { Int($0) } }
    try #require(uses.count == 2 && uses.allSatisfy { $0.count == 3 }, "\(text)")
    let (early, late) = (uses[0], uses[1])
    // Of 8,000 compiles; a leak of 100 bytes in each would be 195 pages.
    #expect(late[0] - early[0] < 150, "resident pages: \(text)")
    #expect(late[1] == early[1], "descriptors: \(text)")
    #expect(late[2] - early[2] < 10, "mappings: \(text)")
  }

  @Test func threadsCompileAtTheSameTime() async throws {
    try await withThrowingTaskGroup(of: Int32.self) { group in
      for thread in 0..<4 {
        group.addTask {
          var sum: Int32 = 0
          for index in 0..<50 {
            let code = try TinyCCompiler.compile("int f(int x) { return x * \(thread) + \(index); }")
            sum += try code.function("f", as: IntegerFunction.self)(1_000)
            if index % 5 == 0 {
              #expect(throws: NativeError.self) {
                try TinyCCompiler.compile("int f(void) { return missing\(thread); }")
              }
            }
          }
          return sum
        }
      }
      let sums = try await group.reduce(into: []) { $0.append($1) }
      #expect(sums.sorted() == [1_225, 51_225, 101_225, 151_225])
    }
  }
}
