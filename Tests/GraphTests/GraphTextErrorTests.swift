import Cinch
import TestSupport
import Testing

/// Graph text that is wrong: the error has the line, the column and the line's text. Nothing that text may hold makes a crash.
@Suite struct GraphTextErrorTests {
  struct Wrong: Sendable, CustomStringConvertible {
    let description: String
    /// The line in the graph, and how to break it.
    let line: Int
    let old: String
    let new: String
    init(_ description: String, line: Int, _ old: String, _ new: String) {
      (self.description, self.line, self.old, self.new) = (description, line, old, new)
    }
  }

  static let right = """
    graph "train" {
      state "w": f32[3, 2] parameter = xavier_normal  ; "demo/main.swift:3"
      %0 = input(name: "x", type: f32, shape: [4, 3]) : f32[4, 3]
      %1 = state(index: @"w", type: f32, shape: [3, 2]) : f32[3, 2]
      %2 = matmul(%0, %1, order: lanes(4)) : f32[4, 2]  ; "demo/main.swift:12" in layer "0"
      %3 = mean(%2, axes: [0, 1]) : f32[]
      %4 = constant(value: splat f32 0.5, shape: [3, 2]) : f32[3, 2]
      output "loss" = %3
      update @"w" = %4
    }
    """

  static let wrong: [Wrong] = [
    Wrong("'graph' expected, not 'grape'", line: 1, "graph", "grape"),
    Wrong("the graph's name in quotes expected, not '{'", line: 1, "\"train\" ", ""),
    Wrong("unknown role 'weight'; there are parameter, optimizer, random, counter", line: 2, "parameter", "weight"),
    Wrong("there is no initialiser 'xavier'", line: 2, "xavier_normal", "xavier"),
    Wrong("'w' of type i32[3, 2] begins with random fractions, which are floats", line: 2, "f32[3, 2]", "i32[3, 2]"),
    Wrong(
      "'w' of type i32[3, 2] begins with 0.5: 0.5 is no whole number and so no Int32", line: 2,
      "f32[3, 2] parameter = xavier_normal", "i32[3, 2] parameter = constant(value: 0.5)"),
    Wrong("a place in quotes must read \"file:line\"", line: 2, "main.swift:3", "main.swift"),
    Wrong("'f33' is no attribute value", line: 3, "f32,", "f33,"),
    Wrong("input: attribute 'name' is missing", line: 3, "name: \"x\", ", ""),
    Wrong("input: attribute 'name' must be a quoted text", line: 3, "\"x\"", "3"),
    Wrong("input: unknown attribute 'extra'", line: 3, "name:", "extra: 1, name:"),
    Wrong("input: attribute 'name' is given twice", line: 3, "name:", "name: \"y\", name:"),
    Wrong("the node has type f32[4, 3], not f32[3, 4]", line: 3, ": f32[4, 3]", ": f32[3, 4]"),
    Wrong("input 'x' has the shape [4, 0]: every extent must be at least 1, not 0", line: 3, "shape: [4, 3]", "shape: [4, 0]"),
    Wrong("the result f32[1000000, 1000000] has more than 2³⁸ elements", line: 3, "shape: [4, 3]", "shape: [1000000, 1000000]"),
    Wrong("there is no state 'v'", line: 4, "@\"w\"", "@\"v\""),
    Wrong("'f33' is no element type; there are f32, f64, i32, bool", line: 3, ": f32[4, 3]", ": f33[4, 3]"),
    Wrong("%0 is defined twice", line: 4, "%1 =", "%0 ="),
    Wrong("there is no op 'matmull'", line: 5, "matmul", "matmull"),
    Wrong("%9 is not defined above", line: 5, "%1,", "%9,"),
    Wrong("matmul needs equal inner dimensions: [4, 3] × [4, 3] (3 ≠ 4)", line: 5, "%1,", "%0,"),
    Wrong("matmul takes 2 operands, not 1", line: 5, "%0, %1", "%0"),
    Wrong("operands come before attributes", line: 5, "order: lanes(4)", "order: chain, %1"),
    Wrong("the count of lanes must be a power of two, not 3", line: 5, "lanes(4)", "lanes(3)"),
    Wrong("',' or ')' expected, not ':'", line: 5, "lanes(4)) :", "lanes(4) :"),
    Wrong("the quoted text has no end on its line", line: 5, "layer \"0\"", "layer \"0"),
    Wrong("'layer' expected, not 'lair'", line: 5, "in layer", "in lair"),
    Wrong("mean along axis 2, which a tensor of shape [4, 2] doesn't have", line: 6, "[0, 1]", "[0, 2]"),
    Wrong("mean: attribute 'axes' must be a list of integers", line: 6, "[0, 1]", "chain"),
    Wrong("99999999999999999999 is out of range", line: 6, "[0, 1]", "[99999999999999999999]"),
    Wrong("malformed number", line: 7, "0.5", "0.5x"),
    Wrong("a node expected, not 'loss'", line: 8, "%3", "loss"),
    Wrong("%7 is not defined above", line: 8, "%3", "%7"),
    Wrong("the variable has type f32[3, 2], its update f32[4, 2]", line: 9, "%4", "%2"),
    Wrong("there is no state 'x'", line: 9, "@\"w\"", "@\"x\""),
    Wrong("a node, 'state', 'output', 'update' or '}' expected, not 'finish'", line: 10, "}", "finish }"),
    Wrong("a node, 'state', 'output', 'update' or '}' expected, not the end of the text", line: 10, "}", ""),
    Wrong("one graph was expected, and here is more text", line: 10, "}", "} graph"),
  ]

  @Test(arguments: wrong)
  func namesTheLine(_ wrong: Wrong) throws {
    var lines = Self.right.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let range = try #require(lines[wrong.line - 1].firstRange(of: wrong.old))
    lines[wrong.line - 1].replaceSubrange(range, with: wrong.new)
    do {
      _ = try Graph(parsing: lines.joined(separator: "\n"))
      Issue.record("the text was accepted")
    } catch {
      #expect(error.message == wrong.description)
      #expect(error.line == wrong.line)
      // Of long lines, what is near the place is shown.
      let shown = error.excerpt.prefix { $0 != "\n" }.filter { $0 != "…" }
      #expect(shown.isEmpty || lines[wrong.line - 1].contains(shown))
      #expect(error.description.hasPrefix("\(error.line):\(error.column): error: \(error.message)\n"))
    }
  }

  /// What only the whole graph shows is said at its node.
  @Test func mistakesBetweenLinesAreSaidAtTheNode() {
    let text = Self.right.replacing("\"w\": f32[3, 2]", with: "\"w\": f32[2, 3]")
    let error = #expect(throws: GraphTextError.self) { try Graph(parsing: text.replacing("update @\"w\" = %4", with: "")) }
    #expect(error?.line == 4 && error?.message == "'w' has type f32[2, 3], not f32[3, 2]")
  }

  /// Cut, overwritten, doubled: whatever comes out is a sound graph or an error inside of the text.
  @Test func damagedTextNeverCrashes() throws {
    var random = SplitMix(seed: 3)
    var texts = [Self.right]
    for seed in 0..<4 as Range<UInt64> {
      texts.append(RandomProgram(seed: seed).graph.description)
      texts.append(try RandomProgram(seed: 100 + seed).graph.optimised().description)
    }
    let words = [
      "%0", "%1", "-1", "0", "1", "2", "9223372036854775807", "-9223372036854775808", "[", "]", "(", ")", ":", ",", "{", "}",
      "\"", "f32",
      "i32", "bool", "chain", "lanes(64)", "splat", "nan(0x7fc00000)", "axes: []", "shape: [-1]", "shape: []", "\u{0}", "é",
    ]
    var accepted = 0
    for text in texts {
      let bytes = Array(text.utf8)
      for _ in 0..<250 {
        var damaged = bytes
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          let place = Int.random(in: 0..<max(damaged.count, 1), using: &random)
          switch Int.random(in: 0..<4, using: &random) {
          case 0: damaged.removeSubrange(place..<min(damaged.count, place + Int.random(in: 1...9, using: &random)))
          case 1: damaged.insert(contentsOf: Array((words.randomElement(using: &random) ?? "").utf8), at: place)
          case 2: if !damaged.isEmpty { damaged[place] = UInt8.random(in: 0...255, using: &random) }
          default: damaged = Array(damaged[..<place])
          }
        }
        let text = String(decoding: damaged, as: UTF8.self)
        do {
          let graph = try Graph(parsing: text)
          #expect(graph.violations() == [])
          accepted += 1
        } catch {
          let lines = text.utf8.count { $0 == UInt8(ascii: "\n") } + 1
          #expect((1...lines).contains(error.line) && error.column >= 1 && !error.message.isEmpty)
        }
      }
    }
    #expect(accepted > 20, "the damage is too great to reach far")
  }

  /// The numbers in the text are replaced one after the other by such as no op expects.
  @Test func absurdNumbersNeverCrash() throws {
    let absurd = ["0", "-1", "1", "7", "64", "2147483648", "4611686018427387904", "9223372036854775807", "-9223372036854775808"]
    for program in SampleProgram.all where program.number < 3 {
      let text = program.graph().description
      for range in text.ranges(of: /-?[0-9]+/) {
        for number in absurd {
          guard let graph = try? Graph(parsing: text.replacingCharacters(in: range, with: number)) else { continue }
          #expect(graph.violations() == [])
          _ = try graph.decomposed()
        }
      }
    }
  }
}

extension String {
  fileprivate func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
    self[..<range.lowerBound] + text + self[range.upperBound...]
  }
}
