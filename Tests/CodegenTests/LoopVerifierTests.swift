import CinchCodegen
import CinchGraph
import TestSupport
import Testing

/// A right program broken in one place, and what the verifier says about it.
struct BrokenLoop: CustomTestStringConvertible, Sendable {
  var sample: LoopSample
  var old: String
  var new: String
  var message: String
  /// What stands on the line that the message is drawn under.
  var line: String

  init(_ sample: LoopSample, _ old: String, _ new: String, _ message: String, under line: String) {
    self.sample = sample
    self.old = old
    self.new = new
    self.message = message
    self.line = line
  }

  var testDescription: String { "\(sample.name): \(new)" }

  static let all: [BrokenLoop] = values + loops + indices + order + memory

  static let values: [BrokenLoop] = [
    .init(.chain, "v4: f32 = fma v1, v3, v2", "v4: f32 = fma v1, v3, v9", "the kernel has 8 values, no v9", under: "v9"),
    .init(.chain, "v6: f32 = maximum v4, v5", "v6: f32 = maximum v4, v7", "v7 is used before it is defined", under: "v6: f32"),
    .init(.chain, "v7: bool = less v5, v4", "v7: f32 = less v5, v4", "v7 is f32, but its expression bool", under: "v7: f32"),
    .init(
      .chain, "v4: f32 = fma v1, v3, v2", "v4: f32 = fma v1, v0, v2", "the operands of fma are f32, bool, f32",
      under: "v4: f32 = fma"),
    .init(.chain, "v6: f32 = maximum v4, v5", "v6: f32 = and v4, v5", "and is not defined for f32", under: "v6: f32"),
    .init(.chain, "v6: f32 = maximum v4, v5", "v6: f32 = maximum v4", "maximum takes 2 operands, not 1", under: "v6: f32"),
    .init(
      .chain, "v3: f32 = constant 1.1", "v3: f32 = constant 1.1 v3: f32 = constant 1.1", "v3 is defined twice",
      under: "v3: f32"),
    .init(
      .chain, "store y[i0*64 + i1] = v6", "store y[i0*64 + i1] = v7", "stores bool to y, which holds f32", under: "store y"),
    .init(.chain, "= v6 if v0", "= v6 if v4", "the condition v4 is f32", under: "store y"),
    .init(.chain, "bias[i0*64 + i1] if v0 else 0.0", "bias[i0*64 + i1] if v0", "or neither", under: "bias[i0"),
    .init(
      .rowSums, "v3: f32 = add v1, v2", "v3: f32 = add v1, v9", "v9 is used before it is defined", under: "v3: f32"),
    .init(.rowSums, "divide v9, v6", "divide v9, v3", "v3 is used outside of the loop that defines it", under: "v7: f32"),
    .init(.rowSums, "next v3", "next v5", "v1 becomes v5, which is bool", under: "v4: f32 = sequential"),
    .init(
      .integers, "v30: f32 = select v23, v27, v28", "v30: f32 = select v26, v27, v28", "select chooses by a bool",
      under: "v30: f32"),
    .init(.integers, "v28: f32 = bitcast v0", "v28: f32 = bitcast v25", "bitcast from bool to f32", under: "v28: f32"),
    .init(
      .gather, "v0: i32 = load rows[i0]\n          check v0",
      "v0: i32 = index i0\n          v1: f32 = constant 1.0\n          check v1", "checks v1, which is f32", under: "check v1"),
  ]

  static let loops: [BrokenLoop] = [
    .init(.rowSums, "vector i1 in 64 {", "vector i1 in 60 {", "folds 60 points, which is no power of two", under: "vector i1"),
    .init(.rowSums, "fold add v4", "fold subtract v4", "subtract is no combiner", under: "vector i1"),
    .init(.rowSums, "fold add v4", "fold and v4", "and combines bool, not f32", under: "vector i1"),
    .init(
      .rowSums, "sequential i2 in 5 carry", "unrolled i2 in 5 carry", "only sequential loops carry values", under: "unrolled i2"),
    .init(.rowSums, "vector i1 in 64 {", "sequential i1 in 64 {", "only vector and unrolled loops fold", under: "sequential i1"),
    .init(.matmul, "sequential i1 in 2", "parallel i1 in 2", "a parallel loop stands only at the top", under: "parallel i1"),
    .init(.matmul, "unrolled i2 in 4", "vector i2 in 4", "a vector loop cannot stand in a vector loop", under: "vector i3"),
    .init(.matmul, "vector i3 in 32 {", "vector i2 in 32 {", "i2 belongs to another loop already", under: "vector i2"),
    .init(.matmul, "unrolled i2 in 4", "unrolled i2 in 0", "a loop of 0 iterations", under: "unrolled i2"),
    .init(
      .gather, "sequential i0 in 8 {\n          v0: i32 = load rows[i0]\n          check",
      "parallel i0 in 8 {\n          v0: i32 = load rows[i0]\n          check",
      "checks stand in kernels that worker 0 runs alone", under: "check v0"),
    .init(
      .gather, "check v0 limit 20 number 0", "check v0 limit 21 number 0", "the limit of check 0 is 20, not 21", under: "check v0"
    ),
    .init(.gather, "check v0 limit 20 number 0", "check v0 limit 20 number 1", "there is no check 1", under: "check v0"),
    .init(.gather, "loop 3 {", "loop 0 {", "a loop of 0 iterations", under: "loop 0"),
  ]

  static let indices: [BrokenLoop] = [
    .init(.chain, "below 1000", "below 1001", "touches elements 0 to 1000 of x, which has 1000", under: "load x"),
    .init(.chain, "load x[i0*64 + i1] if", "load x[i0*64 + i1 - 1] if", "touches elements -1 to 998 of x", under: "load x"),
    .init(
      .matmul, "store y[i0*200 + i1*32 + i2*50 + i3] = v8 if v1", "store y[i0*200 + i1*32 + i2*50 + i3] = v8",
      "touches elements 0 to 613 of y", under: "store y"),
    .init(
      .matmul, "load x[i0*160 + i2*40 + i4]", "load x[i0*160 + i2*40 + i5]", "i5 is not the variable of a loop around it",
      under: "load x"),
    .init(
      .packing, "prefetch x[i0*96 + i1*12 + 96]", "prefetch x[i0*96 + i2*12 + 96]", "i2 is not the variable of a loop around it",
      under: "prefetch x"),
    .init(.gather, "v0*8 limit 20", "v0*8 limit 21", "touches elements 0 to 167 of table, which has 160", under: "load table"),
    .init(.gather, "v0*8 limit 20", "v0*8 limit 19", "no check puts the index into 0..<19", under: "load table"),
    .init(
      .gather, "sequential i0 in 8 {\n          v0: i32 = load rows[i0]\n          check",
      "sequential i0 in 7 {\n          v0: i32 = load rows[i0]\n          check", "no check puts the index into 0..<20",
      under: "load table"),
    .init(.packing, "store y[i0*96 + i3] = v2", "store x[i0*96 + i3] = v2", "stores to the input x", under: "store x"),
    .init(
      .chain, "store y[i0*64 + i1] = v6 if v0", "store y[i1] = v6",
      "points of the parallel loop i0 touch each other's elements of y", under: "store y"),
    .init(
      .packing, "store panel[i1 + i2*8] = v0", "store panel[i1] = v0",
      "points of the vector loop i2 touch each other's elements of panel", under: "store panel"),
  ]

  static let order: [BrokenLoop] = [
    .init(
      .packing, "sequential i1 in 8", "sequential i1 in 7", "reads panel, which this worker has not written", under: "load panel"),
    .init(
      .gather, "        run pick\n        barrier\n", "        run pick\n",
      "accumulate touches picked without a barrier after pick, which writes it", under: "run accumulate"),
    .init(
      .gather, "          run accumulate\n          barrier\n", "          run accumulate\n",
      "accumulate touches total without a barrier after accumulate", under: "run accumulate"),
    .init(
      .gather, "        run pick\n        barrier\n", "", "reads elements 0 to 63 of picked, not all of which have been written",
      under: "load picked"),
    .init(
      .gather, "parallel i0 in 8 {\n          v0: i32 = load rows[i0]\n          vector",
      "parallel i0 in 7 {\n          v0: i32 = load rows[i0]\n          vector", "reads elements 0 to 63 of picked",
      under: "load picked"),
    .init(.gather, "        stop_if_failed\n", "", "no check puts the index into 0..<20", under: "load table"),
    .init(
      .gather, "        run check_rows\n        barrier\n        stop_if_failed\n",
      "        run check_rows\n        stop_if_failed\n", "no barrier between the check and here", under: "stop_if_failed"),
    .init(
      .gather, "          run accumulate\n          barrier\n        }",
      "          run accumulate\n          barrier\n        }\n        run check_rows\n        barrier\n        stop_if_failed",
      "checks after state has been written", under: "run check_rows"),
    .init(
      .slices, "row: f32[8] at scratch + 0 moves 32 in all", "row: f32[8] at scratch + 64 moves -32 in all",
      "reads elements 0 to 23 of all, not all of which have been written", under: "v0: f32 = load row"),
    .init(
      .slices, "run pick barrier } run double barrier }", "run pick barrier run double barrier } }",
      "reads elements 0 to 23 of all, not all of which have been written", under: "v0: f32 = load row"),
    .init(
      .slices, "run double barrier } run sum barrier", "run double barrier run sum barrier }",
      "reads elements 0 to 7 of doubled, not all of which have been written", under: "v0: f32 = load doubled[i0]"),
    .init(
      .slices, "loop 3 { loop 2 { run copy barrier run check_places", "loop 3 { loop 1 { run copy barrier run check_places",
      "no check puts the index into 0..<5", under: "load table"),
    .init(
      .slices, "run double barrier } run sum", "run double run copy barrier } run sum",
      "given moves with loops that are not around", under: "buffer given"),
    .init(
      .slices, "loop 2 { run pick barrier }", "loop 2 { run pick barrier run copy barrier }",
      "no check puts the index into 0..<5", under: "load table"),
    .init(
      .softmax, "store powers[i3 + i4*64] = v17 if v9", "store powers[i3 + i4*64] = v17 if v5", "v5 is used outside",
      under: "store powers"),
  ]

  static let memory: [BrokenLoop] = [
    .init(
      .gather, "buffer spare: f32[64] at scratch + 320", "buffer spare: f32[64] at scratch + 192",
      "lies over picked, which lives at the same time", under: "buffer spare"),
    .init(.gather, "failure 640", "failure 64", "lies over the failed-check record", under: "buffer picked"),
    .init(
      .gather, "failure 640", "failure 704", "the failed-check record at byte 704 is not in scratch", under: "program \"gather\""),
    .init(
      .gather, "total: f32[64] at state + 640", "total: f32[64] at state + 576", "shares bytes of state with table",
      under: "buffer total"),
    .init(
      .gather, "total: f32[64] at state + 640", "total: f32[64] at state + 644", "the offset is not a multiple of 64",
      under: "buffer total"),
    .init(
      .gather, "total: f32[64] at state + 640", "total: f32[64] at state + 768", "ends at byte 1024 of a segment of 960",
      under: "buffer total"),
  ]
}

@Suite struct LoopVerifierTests {
  @Test(arguments: LoopSample.all)
  func samplesAreProved(_ sample: LoopSample) throws {
    let program = try sample.program
    let report = try program.verify()
    #expect(report.accessCount > 0)
    #expect(report.bufferCount == program.buffers.count)
  }

  @Test(arguments: BrokenLoop.all)
  func eachMistakeIsDrawnUnderItsLine(_ broken: BrokenLoop) throws {
    func words(_ text: String) -> String { text.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
    let right = words(broken.sample.text)
    #expect(right.contains(words(broken.old)))
    let text = right.replacing(words(broken.old), with: words(broken.new))
    let program = try LoopProgram(parsing: text)
    let error = try #require(throws: LoopVerificationError.self) { try program.verify() }
    #expect(error.issues.contains { $0.message.contains(broken.message) }, "\(error)")
    let lines = error.description.split(separator: "\n")
    let note = try #require(lines.firstIndex { $0.contains("// ^ error:") && $0.contains(broken.message) })
    let marked = lines[..<note].last { !$0.contains("// ^ error:") }
    #expect(marked?.contains(broken.line) == true, "\(error)")
    #expect(throws: Never.self) { try LoopProgram(parsing: lines.dropFirst(1 + error.issues.count).joined(separator: "\n")) }
  }

  @Test func resultsLiveToTheEnd() throws {
    let text = LoopSample.gather.text
      .replacing("buffer spare: f32[64] at scratch + 320", with: "buffer spare: f32[64] at scratch + 0")
      .replacing("v2: f32 = add v0, v1", with: "v2: f32 = add v1, v1")
      .replacing("v0: f32 = load picked[i0*16 + i1]", with: "v0: f32 = constant 1.0")
    let program = try LoopProgram(parsing: text)
    try program.verify()
    #expect(throws: LoopVerificationError.self) { try program.verify(results: [BufferID(raw: 3)]) }
  }

  /// What lives when a loop starts again lives through all of it.
  @Test func loopExtendsLives() throws {
    func program(_ offset: Int) throws -> LoopProgram {
      try LoopProgram(
        parsing: """
          program "rounds" {
            state 64
            scratch 192
            buffer s: f32[4] at state + 0
            buffer a: f32[4] at scratch + 0
            buffer b: f32[4] at scratch + \(offset)
            kernel fill {
              vector i0 in 4 {
                v0: f32 = constant 1.0
                store a[i0] = v0
              }
            }
            kernel use {
              vector i0 in 4 {
                v0: f32 = load a[i0]
                store s[i0] = v0
              }
            }
            kernel other {
              vector i0 in 4 {
                v0: f32 = load s[i0]
                store b[i0] = v0
              }
            }
            schedule {
              run fill
              loop 2 {
                run use
                run other
              }
            }
          }
          """)
    }
    #expect(try program(64).verify().peakScratchBytes == 32)
    let error = try #require(throws: LoopVerificationError.self) { try program(0).verify() }
    #expect(error.issues.map(\.message) == ["lies over a, which lives at the same time"])
  }

  /// Windows with padding on two axes: the taps outside are not touched.
  @Test func paddingIsProved() throws {
    func text(_ rowBound: Int) -> String {
      """
      program "conv" {
        scratch 448
        buffer x: f32[70] at input 0 + 0
        buffer y: f32[70] at scratch + 0
        kernel conv {
          parallel i0 in 7 {
            vector i1 in 10 {
              v0: f32 = constant 0.0
              v9: f32 = sequential i2 in 3 carry (v1: f32 = v0) {
                v8: f32 = sequential i3 in 3 carry (v2: f32 = v1) {
                  v3: bool = within i0 + i2 - 1 below \(rowBound)
                  v4: bool = within i1 + i3 - 1 below 10
                  v5: bool = and v3, v4
                  v6: f32 = load x[i0*10 + i1 + i2*10 + i3 - 11] if v5 else 0.0
                  v7: f32 = add v2, v6
                  next v7
                }
                next v8
              }
              store y[i0*10 + i1] = v9
            }
          }
        }
        schedule { run conv }
      }
      """
    }
    let report = try LoopProgram(parsing: text(7)).verify()
    #expect(report.flopCount == 7 * 10 * 9)
    #expect(report.byteCount == 2 * 70 * 4)
    #expect(throws: LoopVerificationError.self) { try LoopProgram(parsing: text(8)).verify() }
  }

  /// Overlapping windows added up, dilated: two conditions share variables with the index, and only together they keep it
  /// inside; one by one, neither narrows its range.
  @Test(arguments: [(12, true), (13, false)]) func conditionsBoundAnIndexTogether(bound: Int, isRight: Bool) throws {
    let program = try LoopProgram(
      parsing: """
        program "overlap" {
          scratch 1344
          buffer x: f32[288] at input 0 + 0
          buffer y: f32[105] at scratch + 0
          kernel overlap {
            sequential i1 in 7 {
              vector i2 in 15 {
                v0: f32 = constant 0.0
                v9: f32 = sequential i3 in 2 carry (v1: f32 = v0) {
                  v3: bool = within i1 - i3*3 below 4
                  v8: f32 = sequential i4 in 3 carry (v2: f32 = v1) {
                    v4: bool = within i2 - i4*2 + 2 below \(bound)
                    v5: bool = and v3, v4
                    v6: f32 = load x[i1*12 + i2 + i3*108 + i4*46 + 2] if v5 else 0.0
                    v7: f32 = add v2, v6
                    next v7
                  }
                  next v8
                }
                store y[i1*15 + i2] = v9
              }
            }
          }
          schedule { run overlap }
        }
        """)
    if isRight {
      try program.verify()
    } else {
      #expect(throws: LoopVerificationError.self) { try program.verify() }
    }
  }

  /// Element by element: parts that together fill a buffer, columns of a matrix, a tile with a masked rest.
  @Test(arguments: [(20, 40, true), (20, 39, false), (19, 40, false)])
  func partsMustCoverWhatIsRead(_ first: Int, _ end: Int, _ isRight: Bool) throws {
    let program = try LoopProgram(
      parsing: """
        program "columns" {
          scratch 3200
          buffer joined: f32[400] at scratch + 0
          buffer y: f32[400] at scratch + 1600
          kernel left {
            sequential i0 in 10 {
              vector i1 in 32 {
                v0: bool = within i1 below \(first)
                v1: f32 = constant 1.0
                store joined[i0*40 + i1] = v1 if v0
              }
            }
          }
          kernel right {
            sequential i0 in 10 {
              vector i1 in \(end - 20) {
                v0: f32 = constant 1.0
                store joined[i0*40 + i1 + 20] = v0
              }
            }
          }
          kernel sum {
            vector i0 in 400 {
              v0: f32 = load joined[i0]
              store y[i0] = v0
            }
          }
          schedule {
            run left
            run right
            run sum
          }
        }
        """)
    if isRight {
      try program.verify()
    } else {
      let error = try #require(throws: LoopVerificationError.self) { try program.verify() }
      #expect(error.description.contains("reads elements 0 to 399 of joined, not all of which have been written"))
    }
  }

  /// The proof's sets against all points, one by one.
  @Test func boundsAreExactForRandomIndices() throws {
    var random = SplitMix(seed: 5)
    func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    var refused = 0
    for _ in 0..<400 {
      let extents = [number(1...4), number(1...5), number(1...6)]
      let coefficients = [number(-12...12), number(-6...6), number(-2...2)]
      let constant = number(0...20)
      let limit = number(1...8)
      let count = number(10...90)
      // The condition is on the last two variables as they stand in the index, so that the proof should be exact.
      let condition = coefficients[1] % 2 == 0 && coefficients[2] % 2 == 0 ? 2 : 1
      let (a, b) = (coefficients[1] / condition, coefficients[2] / condition)
      let program = try LoopProgram(
        parsing: """
          program "random" {
            buffer x: f32[\(count)] at input 0 + 0
            kernel k {
              sequential i0 in \(extents[0]) {
                sequential i1 in \(extents[1]) {
                  sequential i2 in \(extents[2]) {
                    v0: bool = within i1*\(a) + i2*\(b) below \(limit)
                    v1: f32 = load x[i0*\(coefficients[0]) + i1*\(coefficients[1]) + i2*\(coefficients[2]) + \(constant)] if v0 else 0.0
                  }
                }
              }
            }
            schedule { run k }
          }
          """)
      var isInside = true
      for i in 0..<extents[0] {
        for j in 0..<extents[1] {
          for k in 0..<extents[2] where (0..<limit).contains(a * j + b * k) {
            let index = constant + coefficients[0] * i + coefficients[1] * j + coefficients[2] * k
            if !(0..<count).contains(index) { isInside = false }
          }
        }
      }
      let isProved = (try? program.verify()) != nil
      if isProved { #expect(isInside, "\(program)") }
      if isInside, !isProved { refused += 1 }
    }
    #expect(refused < 20, "the proof is too weak for \(refused) of 400 right programs")
  }

  @Test func costsAreCounted() throws {
    let report = try LoopSample.matmul.program.verify()
    // 12 × 64 columns (masked ones are computed too), 40 fused steps and the bias.
    #expect(report.flopCount == 12 * 64 * (2 * 40 + 1))
    #expect(report.byteCount == 4 * (12 * 40 + 40 * 50 + 50 + 12 * 50))
    #expect(report.accessCount == 4)
    let repeated = try LoopSample.gather.program.verify()
    #expect(repeated.flopCount == 3 * 64)
    #expect(repeated.description.contains("run-time checks: 1"))
    #expect(repeated.peakScratchBytes == 256 + 256 + 24)
  }

  @Test func hostileNumbersDoNotTrap() throws {
    let huge = 1 << 47
    let program = try LoopProgram(
      parsing: """
        program "huge" {
          scratch 64
          buffer x: f32[\(huge)] at scratch + 0
          kernel k {
            sequential i0 in \(huge) {
              v0: bool = within i0*\(huge) - \(huge) below \(huge)
              v1: f32 = load x[i0*\(huge) + \(huge)] if v0 else 0.0
              store x[i0*\(huge)] = v1
            }
          }
          schedule { loop \(huge) { run k } }
        }
        """)
    #expect(throws: LoopVerificationError.self) { try program.verify() }
  }

  /// Whatever the text says, the verifier answers.
  @Test func randomDamageNeverTraps() throws {
    var random = SplitMix(seed: 3)
    var runs = 0
    for sample in LoopSample.all {
      let words = sample.text.split(separator: " ", omittingEmptySubsequences: false)
      for _ in 0..<40 {
        var damaged = words
        damaged[Int(random.next() % UInt64(words.count))] = words[Int(random.next() % UInt64(words.count))]
        guard let program = try? LoopProgram(parsing: damaged.joined(separator: " ")) else { continue }
        guard let report = try? program.verify(), report.flopCount < 20_000 else { continue }
        runs += 1
        // What is proved runs: the evaluator checks every access, and points in any order give the same.
        guard program.scratchByteCount < 1 << 20, program.stateByteCount < 1 << 20 else { continue }
        var forward = sampleMemory(for: program, workers: 2, seed: 1)
        var backward = forward
        _ = try LoopEvaluator.run(program, on: &forward, workers: 2)
        _ = try LoopEvaluator.run(program, on: &backward, workers: 2, order: .backward)
        #expect(differences(program, forward, backward) == [], "\(program)")
      }
    }
    #expect(runs > 20)
  }
}
