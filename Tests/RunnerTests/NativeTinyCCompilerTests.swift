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
}
