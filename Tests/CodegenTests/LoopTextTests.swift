import CinchCodegen
import CinchGraph
import TestSupport
import Testing

/// `parse(print(p)) == p`, and errors say where.
@Suite struct LoopTextTests {
  @Test(arguments: LoopSample.all)
  func samplesSurviveTheRoundTrip(_ sample: LoopSample) throws {
    let program = try sample.program
    #expect(try LoopProgram(parsing: program.description) == program)
  }

  /// Printing reproduces a text that is already in the printer's style.
  @Test(arguments: [LoopSample.chain, .matmul, .gather])
  func printingParsedTextGivesTheText(_ sample: LoopSample) throws {
    func lines(_ text: String) -> [Substring] { text.split(separator: "\n") }
    #expect(lines(try sample.program.description) == lines(sample.text))
  }

  /// Programs that mean nothing print and parse all the same: a verifier's error must show them as they are.
  @Test func randomProgramsSurviveTheRoundTrip() throws {
    for seed in 0..<300 as Range<UInt64> {
      var generator = RandomLoopProgram(seed: seed)
      let program = generator.program()
      let text = program.description
      let parsed = try LoopProgram(parsing: text)
      #expect(parsed == program, "seed \(seed)\n\(text)")
      // Nor does what means nothing trap.
      _ = try? program.verify()
    }
  }

  @Test(arguments: [
    ("program \"x\" {\n  state 5\n  colour 7\n}", 3, 11, "`colour` is no part of a program"),
    ("program \"x\" {\n  buffer a: f16[4] at state + 0\n}", 2, 13, "expected a type: f32, f64, i32 or bool, found `f16`"),
    ("program \"x\" {\n  buffer a: f32[4] at heap + 0\n}", 2, 28, "`heap` is no segment"),
    (
      "program \"x\" {\n  buffer a: f32[4] at state + 0\n  buffer a: f32[4] at state + 0\n}", 3, 11,
      "a second buffer `a`"
    ),
    ("program \"x\" {\n  kernel k {\n    v0: f32 = load y[i0]\n  }\n}", 3, 21, "no buffer `y`"),
    ("program \"x\" {\n  kernel k {\n    v0: f32 = power v1, v2\n  }\n}", 3, 21, "`power` is no opcode"),
    ("program \"x\" {\n  kernel k {\n    v0: i32 = constant 1.5\n  }\n}", 3, 24, "expected a literal of i32"),
    ("program \"x\" {\n  kernel k {\n    sequential i0 in 4 {\n", 4, 1, "expected `}`, found the end"),
    ("program \"x\" {\n  schedule {\n    run nothing\n  }\n}", 4, 3, "no kernel `nothing`"),
    ("program \"x\" {\n  state 99999999999999999999\n}", 2, 9, "expected a whole number below 2^48"),
    ("program \"x\" {\n  scratch -64\n}", 2, 11, "expected a whole number below 2^48, found `-`"),
    ("program \"x\" {\n  buffer a: f32[-4] at state + 0\n}", 2, 17, "expected a whole number below 2^48, found `-`"),
    (
      "program \"x\" {\n  kernel k {\n    variables 281474976710655\n  }\n}", 3, 15,
      "more loop variables than a kernel of this text can have"
    ),
    (
      "program \"x\" {\n  kernel k {\n    v0: i32 = index i0*200000000000000 + 1 + i0*100000000000000\n  }\n}", 3, 46,
      "terms of the index add up to 2^48 or more"
    ),
    ("program \"x\n", 1, 9, "a string without its closing quote"),
    ("program \"x\" {\n  kernel k {\n    v1: i32 = constant 1\n  }\n}", 5, 1, "kernel `k` does not define v0"),
    ("program \"x\" {}\nmore", 2, 1, "expected the end, found `more`"),
  ])
  func parseErrorsSayWhere(_ text: String, _ line: Int, _ column: Int, _ message: String) throws {
    let error = try #require(throws: LoopParseError.self) { try LoopProgram(parsing: text) }
    #expect(error.line == line)
    #expect(error.message.hasPrefix(message), "\(error)")
    #expect(error.column <= column)
  }

  @Test func deepNestingIsAnErrorNotACrash() {
    let text = "program \"x\" { kernel k { " + String(repeating: "sequential i0 in 1 { ", count: 100_000)
    #expect(throws: LoopParseError.self) { try LoopProgram(parsing: text) }
  }

  @Test(arguments: [0, 1, 2, 3] as [UInt64])
  func brokenTextNeverTraps(_ seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    for sample in LoopSample.all {
      var text = Array(sample.text.utf8)
      for _ in 0..<20 {
        let position = Int(random.next() % UInt64(text.count))
        if random.oneIn(2) { text.remove(at: position) } else { text[position] = UInt8(random.next() % 95 + 32) }
        _ = try? LoopProgram(parsing: String(decoding: text, as: UTF8.self)).verify()
      }
    }
  }

  /// Numbers, variables and values in the wrong place or out of all proportion: the verifier says so, and prints it.
  @Test(arguments: [0, 1, 2, 3] as [UInt64])
  func hostileNumbersNeverTrap(_ seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    let numbers = [
      "0", "1", "-1", "64", "65536", "1073741824", "2147483648", "1099511627776", "281474976710655", "-281474976710655",
    ]
    for sample in LoopSample.all {
      let words = sample.text.split(separator: /\b/).map(String.init)
      let places = words.indices.filter { words[$0].wholeMatch(of: /[iv]?[0-9]+/) != nil }
      for _ in 0..<200 {
        var words = words
        for _ in 0..<(1 + random.next() % 3) {
          let place = places[Int(random.next() % UInt64(places.count))]
          if let kind = words[place].first, kind == "i" || kind == "v" {
            words[place] = "\(kind)\(random.next() % 12)"
          } else {
            words[place] = numbers[Int(random.next() % UInt64(numbers.count))]
          }
        }
        do {
          try LoopProgram(parsing: words.joined()).verify()
        } catch { #expect(!"\(error)".isEmpty) }
      }
    }
  }
}

/// Any values of the types at all, valid or not.
private struct RandomLoopProgram {
  private var random: SplitMix

  init(seed: UInt64) { random = SplitMix(seed: seed) }

  private mutating func number(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
  private mutating func pick<Element>(_ elements: [Element]) -> Element { elements[number(elements.count)] }
  private mutating func list<Element>(_ bound: Int, _ make: (inout Self) -> Element) -> [Element] {
    (0..<number(bound + 1)).map { _ in make(&self) }
  }

  private mutating func text() -> String {
    pick(["", "x", "a.b", "two words", "\"quoted\" \\", "line\nbreak", "tab\t\u{1}", "é // ü", "v3", "b1", "k0", "}"])
  }

  mutating func program() -> LoopProgram {
    let buffers = (0..<3).map { index in
      Buffer(
        name: text() + (number(3) == 0 ? "" : "\(index)"), elementType: pick(ElementType.allCases),
        elementCount: number(100), segment: pick([.state, .scratch, .worker, .input(2)]), byteOffset: number(1000))
    }
    let kernels = (0..<2).map { _ in kernel() }
    let checks = list(2) {
      RuntimeCheck(
        operation: $0.text(), limit: $0.number(50), extents: $0.list(2) { $0.number(9) },
        site: $0.number(2) == 0 ? .unknown : CallSite(fileID: $0.text(), filePath: $0.text(), line: $0.number(9)))
    }
    return LoopProgram(
      name: text(), buffers: buffers, kernels: kernels, schedule: schedule(2), checks: checks,
      stateByteCount: number(9), scratchByteCount: number(1 << 40), workerByteCount: number(3),
      failureOffset: number(3))
  }

  private mutating func schedule(_ depth: Int) -> [ScheduleItem] {
    list(3) { random in
      switch random.number(depth > 0 ? 4 : 3) {
      case 0: .run(random.number(2))
      case 1: .barrier
      case 2: .stopIfFailed
      default: .loop(count: random.number(4), random.schedule(depth - 1))
      }
    }
  }

  private mutating func kernel() -> LoopKernel {
    let types = (0..<12).map { _ in pick(ElementType.allCases) }
    return LoopKernel(
      name: text(), origin: list(2) { $0.text() }, valueTypes: types, variableCount: 3 + number(2),
      body: statements(3, types))
  }

  private mutating func value() -> LoopValue { LoopValue(raw: Int32(number(12))) }
  private mutating func variable() -> LoopVariable { LoopVariable(raw: Int32(number(3))) }

  private mutating func index() -> AffineExpression {
    var sum = AffineExpression(constant: number(7) - 3)
    for _ in 0..<number(3) { sum.add(AffineExpression(variable(), coefficient: number(9) - 4), times: 1) }
    return sum
  }

  private mutating func access() -> Access {
    let indirection: Access.Indirection? =
      number(3) == 0 ? .init(value: value(), scale: number(9) - 4, limit: number(5)) : nil
    return Access(BufferID(raw: Int32(number(3))), index(), indirection: indirection)
  }

  private mutating func literal(_ type: ElementType) -> ScalarLiteral {
    switch number(4) {
    case 0: ScalarLiteral(type: pick(ElementType.allCases), bits: random.next())
    case 1: ScalarLiteral(type: type, bits: random.next() & 0xffff_ffff)
    default: ScalarLiteral(type: type, bits: UInt64(number(2)))
    }
  }

  private mutating func statements(_ depth: Int, _ types: [ElementType]) -> [LoopStatement] {
    list(4) { random in
      switch random.number(depth > 0 ? 5 : 4) {
      case 0: return .store(random.access(), random.value(), condition: random.number(2) == 0 ? random.value() : nil)
      case 1: return .check(random.value(), limit: random.number(9), check: random.number(3))
      case 2, 3:
        let value = random.value()
        return .define(value, random.expression(types[value.index]))
      default:
        return .loop(
          Loop(
            random.variable(), extent: random.number(9),
            axis: random.pick([.sequential, .unrolled, .vector, .parallel]),
            carried: random.list(2) {
              .init(argument: $0.value(), initial: $0.value(), next: $0.value(), result: $0.value())
            },
            folds: random.list(2) {
              .init(value: $0.value(), combiner: $0.pick(ScalarOpcode.allCases), result: $0.value())
            },
            comment: random.text(), body: random.statements(depth - 1, types)))
      }
    }
  }

  private mutating func expression(_ type: ElementType) -> LoopExpression {
    switch number(5) {
    case 0: .constant(literal(type))
    case 1: .apply(pick(ScalarOpcode.allCases), [value()] + list(2) { $0.value() })
    case 2: .index(index())
    case 3: .within(index(), bound: number(99))
    default:
      .load(
        access(), condition: number(2) == 0 ? value() : nil, otherwise: number(2) == 0 ? literal(type) : nil)
    }
  }
}
