import CinchCodegen
import CinchGraph
import TestSupport
import Testing

/// Printed C does what the loop IR says, bit for bit, in every compiler.
@Suite struct PortableCTests {
  static let native = ["-O3", "-march=native", "-ffp-contract=off"]
  static let compilers: [StepLibrary.Compiler] = [
    .tinycc,
    .system("gcc", ["-O2"]),
    .system("gcc", native + ["-fno-math-errno"]),
    .system("gcc", ["-O1", "-fsanitize=undefined,float-cast-overflow", "-fsanitize-undefined-trap-on-error"]),
    .system("clang", ["-O2"]),
    .system("clang", native),
    .system("clang", ["-O1", "-fsanitize=undefined,float-cast-overflow", "-fsanitize-trap=all"]),
  ]

  @Test(arguments: LoopSample.all, compilers)
  func printedProgramDoesWhatTheLoopsSay(_ sample: LoopSample, _ compiler: StepLibrary.Compiler) throws {
    let program = try sample.program
    let step = try StepLibrary(CPrinter().print(program), with: compiler)
    for seed in 0..<3 as Range<UInt64> {
      let start = sampleMemory(for: program, workers: 1, seed: seed)
      var expected = start
      let expectedResult = try LoopEvaluator.run(program, on: &expected)
      var memory = start
      #expect(step.run(&memory) == expectedResult)
      #expect(differences(program, memory, expected) == [], "\(sample.name) by \(compiler)")
    }
  }

  @Test(arguments: LoopSample.all, [2, 3, 5])
  func anyNumberOfWorkersGivesTheSameBits(_ sample: LoopSample, _ workers: Int) throws {
    let program = try sample.program
    let step = try StepLibrary(CPrinter().print(program), with: .tinycc)
    let start = sampleMemory(for: program, workers: workers, seed: 9)
    var expected = start
    let expectedResult = try LoopEvaluator.run(program, on: &expected)
    var memory = start
    #expect(step.run(&memory, workers: workers) == expectedResult)
    #expect(differences(program, memory, expected) == [])
  }

  /// Names that become equal as identifiers, and one that C has since 2023.
  @Test func parametersHaveDifferentNames() throws {
    let graph = Graph { g in
      g.output("y", g.input("a_b2", [5]) + g.input("a", [5]) * g.input("a.", [5]) + g.input("bool", [5]))
    }
    let step = try lower(graph.optimised(), target: Target(vectorSet: .scalar))
    for compiler in [StepLibrary.Compiler.tinycc, .system("gcc", ["-std=c99"])] {
      _ = try StepLibrary(step.portableC, with: compiler)
    }
    #expect(!step.portableC.contains("*restrict bool,"))
  }

  /// Points of vector, unrolled and parallel loops don't depend on each other, so their order is free.
  @Test(arguments: LoopSample.all)
  func orderOfPointsDoesNotMatter(_ sample: LoopSample) throws {
    let program = try sample.program
    let start = sampleMemory(for: program, workers: 3, seed: 4)
    var forward = start
    var backward = start
    _ = try LoopEvaluator.run(program, on: &forward, workers: 3)
    _ = try LoopEvaluator.run(program, on: &backward, workers: 3, order: .backward)
    #expect(differences(program, backward, forward) == [])
  }

  /// Software fma and square root against the processor's, where they are hardest: cancellation, ties, subnormals.
  @Test(arguments: [StepLibrary.Compiler.tinycc, .system("gcc", ["-O1"]), .system("clang", ["-O2"])])
  func softwareRoundingIsExact(_ compiler: StepLibrary.Compiler) throws {
    let count = 20_000
    func text(_ type: String, _ size: Int) -> String {
      """
      program "rounding" {
        scratch \(2 * count * size)
        buffer a: \(type)[\(count)] at input 0 + 0
        buffer b: \(type)[\(count)] at input 1 + 0
        buffer c: \(type)[\(count)] at input 2 + 0
        buffer d: \(type)[\(count)] at scratch + 0
        buffer e: \(type)[\(count)] at scratch + \(count * size)
        kernel round {
          sequential i0 in \(count) {
            v0: \(type) = load a[i0]
            v1: \(type) = load b[i0]
            v2: \(type) = load c[i0]
            v3: \(type) = fma v0, v1, v2
            v4: \(type) = square_root v2
            store d[i0] = v3
            store e[i0] = v4
          }
        }
        schedule { run round }
      }
      """
    }
    var random = SplitMix(seed: 77)
    var singles: [[Float]] = [[], [], []]
    var doubles: [[Double]] = [[], [], []]
    for _ in 0..<count {
      let (a, b, c) = hardSingles(&random)
      for (index, value) in [a, b, c].enumerated() { singles[index].append(value) }
      let (x, y, z) = hardDoubles(&random)
      for (index, value) in [x, y, z].enumerated() { doubles[index].append(value) }
    }
    for (type, size, inputs) in [("f32", 4, singles.map { bytes($0) }), ("f64", 8, doubles.map { bytes($0) })] {
      let program = try LoopProgram(parsing: text(type, size))
      let step = try StepLibrary(CPrinter().print(program), with: compiler)
      var memory = LoopEvaluator.Memory(for: program, inputs: inputs)
      var expected = memory
      #expect(step.run(&memory) == 0)
      _ = try LoopEvaluator.run(program, on: &expected)
      #expect(differences(program, memory, expected) == [], "\(type)")
    }
  }

  /// Products whose rounding depends on c: it nearly cancels them, or is a small part of their last place.
  private func hardSingles(_ random: inout SplitMix) -> (Float, Float, Float) {
    let a = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
    let b = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
    let bits = UInt32(truncatingIfNeeded: random.next())
    switch random.next() % 6 {
    case 0: return (a, b, Float(bitPattern: bits))
    case 1: return (a, b, -(a * b))
    case 2: return (a, b, (-(a * b)).nextUp)
    case 3: return (a, b, Float(bitPattern: bits & 0x807f_ffff))
    case 4: return (a, b, (a * b) * Float(sign: .plus, exponent: Int(bits % 60) - 30, significand: 1))
    default:
      return (
        Float(bitPattern: bits & 0x803f_ffff | 0x0f80_0000), Float(bitPattern: bits >> 6 | 0x3000_0000), Float(bitPattern: 7)
      )
    }
  }

  private func hardDoubles(_ random: inout SplitMix) -> (Double, Double, Double) {
    let a = Double(bitPattern: random.next())
    let b = Double(bitPattern: random.next())
    let bits = random.next()
    // Of modest size, so that the product is finite.
    let x = Double(bitPattern: random.next() & 0x81ff_ffff_ffff_ffff | 0x3e00_0000_0000_0000)
    let y = Double(bitPattern: bits & 0x81ff_ffff_ffff_ffff | 0x3e00_0000_0000_0000)
    switch random.next() % 7 {
    case 0: return (a, b, Double(bitPattern: bits))
    case 1: return (x, y, -(x * y))
    case 2: return (x, y, (-(x * y)).nextDown)
    case 3: return (x, y, (x * y) * Double(sign: .minus, exponent: Int(bits % 240) - 120, significand: 1))
    case 4: return (x * 0x1p-520, y * 0x1p-520, Double(bitPattern: bits & 0x801f_ffff_ffff_ffff))
    case 5: return (x * 0x1p-537, y * 0x1p-537, Double(bitPattern: bits & 0x8000_0000_0000_000f))
    default: return (x * 0x1p510, y * 0x1p510, Double(bitPattern: bits | 0x7fe0_0000_0000_0000).isNaN ? -0.0 : a)
    }
  }

  @Test func failedCheckNamesFirstElementAndLeavesState() throws {
    let program = try LoopSample.gather.program
    for compiler in Self.compilers {
      let step = try StepLibrary(CPrinter().print(program), with: compiler)
      for workers in [1, 2] {
        var memory = sampleMemory(for: program, workers: workers, seed: 1)
        memory.inputs[0] = bytes([3, 0, 19, -1, 4, 20, 5, 6] as [Int32])
        let state = memory.state
        #expect(step.run(&memory, workers: workers) == 1)
        #expect(memory.state == state)
        #expect(words(memory.scratch, at: program.failureOffset) == [1, -1, 3])
        // The next step starts afresh.
        memory.inputs[0] = bytes([0, 1, 2, 3, 4, 5, 6, 7] as [Int32])
        #expect(step.run(&memory, workers: workers) == 0)
        #expect(memory.state != state)
      }
    }
  }

  @Test(arguments: LoopSample.all)
  func linksWithoutAnyLibrary(_ sample: LoopSample) throws {
    let source = CPrinter().print(try sample.program)
    let options: [(String, [String])] = [
      ("gcc", ["-O0"]), ("gcc", ["-O2"]), ("gcc", ["-O3", "-march=native"]),
      ("clang", ["-O0"]), ("clang", ["-O2"]), ("clang", ["-O3", "-march=native"]),
    ]
    for (compiler, options) in options {
      _ = try StepLibrary.compile(
        source, compiler,
        StepLibrary.strictOptions + options + ["-shared", "-fPIC", "-nostdlib", "-Wl,--no-undefined"])
    }
  }

  @Test(arguments: [LoopSample.chain, .rowSums, .matmul])
  func goldenC(_ sample: LoopSample) throws {
    let name = sample.name.map { $0 == " " ? "-" : $0 }
    expectGolden(CPrinter().print(try sample.program), "portable-\(String(name)).c")
  }

  @Test func vectorBodyReplacesOneKernel() throws {
    let program = try LoopSample.exchange.program
    let source = CPrinter(dialect: .tinycc(Target(vectorSet: .avx2))).print(program) { kernel, program in
      #expect(program.kernels.contains(kernel))
      return kernel.name == "plain" ? "  ((int *)(scratch + 192))[3] = 77 + (int)(worker + workers);\n" : nil
    }
    let step = try StepLibrary(source, with: .tinycc)
    var memory = sampleMemory(for: program, workers: 1, seed: 1)
    #expect(step.run(&memory) == 0)
    #expect(memory.scratch[192 + 12] == 78)
    #expect(memory.scratch[192 + 8] == 0)
  }

  @Test func commentsAndNamesCannotBreakOut() throws {
    let source = CPrinter(functionName: "*/ 1st step").print(try LoopSample.floats.program)
    #expect(source.contains("/* * / ends nothing | */"))
    #expect(source.contains("int x_1st_step("))
    #expect(!source.contains("??"))
    #expect(source.utf8.allSatisfy { $0 == 10 || ($0 >= 32 && $0 < 127) })
  }

  /// A word of C, a type and a helper of the file, one of its kernels: all compile, under the name with `_step` behind it.
  @Test(arguments: ["int", "u32", "fail", "ticks", "max_f32", "k0_map", "state", "predict", "kernel"])
  func stepsMayHaveAnyName(_ name: String) throws {
    let program = try LoopSample.floats.program
    let printer = CPrinter(functionName: name)
    #expect(printer.functionName == (["predict", "kernel"].contains(name) ? name : name + "_step"))
    _ = try StepLibrary(printer.print(program), named: printer.functionName, with: .tinycc)
  }

  @Test func printingTwiceGivesTheSameText() throws {
    for sample in LoopSample.all {
      #expect(try CPrinter().print(sample.program) == CPrinter().print(sample.program))
    }
  }

  @Test func severalStepsShareAFile() throws {
    let samples: [LoopSample] = [.matmul, .gather, .matmul]
    let source = CPrinter().print(
      try samples.enumerated().map { (functionName: "step\($0)", program: try $1.program) })
    for (number, sample) in samples.enumerated() {
      let program = try sample.program
      let step = try StepLibrary(source, named: "step\(number)", with: .system("gcc", ["-O1"]))
      var memory = sampleMemory(for: program, workers: 1, seed: 2)
      var expected = memory
      let expectedResult = try LoopEvaluator.run(program, on: &expected)
      #expect(step.run(&memory) == expectedResult)
      #expect(differences(program, memory, expected) == [])
    }
  }

  @Test func registerTileMovesInsideTheSequentialLoop() throws {
    let source = CPrinter().print(try LoopSample.matmul.program)
    #expect(source.contains("float sum2[4][32];"))
    let loops = source.split(separator: "\n").filter { $0.contains("for (long") }
      .map { $0.drop { $0 != "i" }.prefix(2) }
    #expect(loops == ["i0", "i1", "i2", "i3", "i4", "i2", "i3", "i2", "i3"])
  }

  /// A tile too large for local arrays prints point by point instead.
  @Test func largeTileStaysOutside() throws {
    var text = LoopSample.matmul.text
    text.replace("unrolled i2 in 4", with: "unrolled i2 in 40")
    let source = CPrinter().print(try LoopProgram(parsing: text))
    #expect(!source.contains("sum2[40]"))
    #expect(source.contains("float sum2[32];"))
  }

  @Test func unusedValuesAreNotPrinted() throws {
    let program = try LoopProgram(
      parsing: """
        program "unused" {
          scratch 64
          buffer y: f32[4] at scratch + 0
          kernel k {
            v0: f32 = constant 1.0
            v1: f32 = add v0, v0
            v4: f32 = sequential i0 in 3 carry (v2: f32 = v1) {
              v3: f32 = add v2, v2
              next v3
            }
            v6: f32 = vector i1 in 4 {
              v5: f32 = add v1, v4
              store y[i1] = v0
              fold add v5
            }
          }
          schedule { run k }
        }
        """)
    let source = CPrinter().print(program)
    #expect(source.contains("y[i1] = 1.0f;"))
    #expect(!source.contains("sum2") && !source.contains("v1") && !source.contains("lanes"))
    _ = try StepLibrary(source, with: .system("gcc", ["-O2"]))
  }
}
