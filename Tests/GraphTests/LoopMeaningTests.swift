import CinchCodegen
import Testing

@testable import CinchGraph

/// The results of a loop as `Iteration` defines them, read from text.
struct LoopMeaningTests {
  /// Cumulative sums of the slices, scaled by an invariant; the carried sum and the last slice seen come back too.
  static func cumulative(reversed: Bool) -> String {
    """
    graph "cumulative" {
      %0 = constant(value: splat f32 0.0, shape: [2]) : f32[2]
      %1 = input(name: "last", type: f32, shape: [2]) : f32[2]
      %2 = input(name: "x", type: f32, shape: [3, 2]) : f32[3, 2]
      %3 = input(name: "scale", type: f32, shape: [2]) : f32[2]
      %4 = loop(%0, %1, %2, %3, count: 3, carried: 2, sliced: 1, stacked: 2\(reversed ? ", reversed: true" : "")) : f32[2], f32[2], f32[3, 2], f32[3, 2] {
        graph "body" {
          %0 = input(name: "sum", type: f32, shape: [2]) : f32[2]
          %1 = input(name: "last", type: f32, shape: [2]) : f32[2]
          %2 = input(name: "x", type: f32, shape: [2]) : f32[2]
          %3 = input(name: "scale", type: f32, shape: [2]) : f32[2]
          %4 = multiply(%2, %3) : f32[2]
          %5 = add(%0, %4) : f32[2]
          output "sum" = %5
          output "last" = %2
          output "sums" = %5
          output "before" = %1
        }
      }
      %5 = projection(%4, index: 1, type: f32, shape: [2]) : f32[2]
      %6 = projection(%4, index: 2, type: f32, shape: [3, 2]) : f32[3, 2]
      %7 = projection(%4, index: 3, type: f32, shape: [3, 2]) : f32[3, 2]
      output "sum" = %4
      output "last" = %5
      output "sums" = %6
      output "before" = %7
    }

    """
  }

  static let inputs: [String: ElementArray] = [
    "last": .float32([-1, -2]), "x": .float32([1, 2, 3, 4, 5, 6]), "scale": .float32([1, 10]),
  ]

  @Test func slicesAreSeenAndStackedInOrder() throws {
    let graph = try Graph(parsing: Self.cumulative(reversed: false))
    for graph in [graph, try graph.optimised()] {
      let results = try Interpreter(graph).run(inputs: Self.inputs)
      #expect(results["sum"]?.floats == [9, 120])
      #expect(results["last"]?.floats == [5, 6])
      #expect(results["sums"]?.floats == [1, 20, 4, 60, 9, 120])
      #expect(results["before"]?.floats == [-1, -2, 1, 2, 3, 4])
      let exact = try Interpreter(graph, mode: .float64).run(inputs: Self.inputs)
      #expect(exact["sums"]?.doubles == [1, 20, 4, 60, 9, 120])
    }
  }

  @Test func reversedLoopsGoFromTheLastSliceToTheFirst() throws {
    let graph = try Graph(parsing: Self.cumulative(reversed: true))
    for graph in [graph, try graph.optimised()] {
      let results = try Interpreter(graph).run(inputs: Self.inputs)
      #expect(results["sum"]?.floats == [9, 120])
      #expect(results["last"]?.floats == [1, 2])
      #expect(results["sums"]?.floats == [9, 120, 8, 100, 5, 60])
      #expect(results["before"]?.floats == [3, 4, 5, 6, -1, -2])
    }
  }

  @Test func textRoundTrip() throws {
    for reversed in [false, true] { try expectRoundTrip(Graph(parsing: Self.cumulative(reversed: reversed))) }
  }

  @Test func repeatedStepsMayHoldLoops() throws {
    let text = Self.cumulative(reversed: false)
      .replacing("graph \"cumulative\" {", with: "graph \"cumulative\" {\n  state \"s\": f32[2] counter = zeros")
      .replacing("%0 = constant(value: splat f32 0.0, shape: [2])", with: "%0 = state(index: @\"s\", type: f32, shape: [2])")
      .replacing("  output \"before\" = %7", with: "  output \"before\" = %7\n  update @\"s\" = %4")
    let step = try Graph(parsing: text)
    var state: [String: ElementArray] = ["s": .float32([0, 0])]
    var last: [String: ElementArray] = [:]
    for _ in 0..<3 { last = try Interpreter(step).run(inputs: Self.inputs, state: &state) }
    var once: [String: ElementArray] = ["s": .float32([0, 0])]
    let results = try Interpreter(step.repeated(3)).run(inputs: Self.inputs, state: &once)
    #expect(once["s"]?.floats == state["s"]?.floats)
    #expect(results["sums"]?.floats == last["sums"]?.floats)
    #expect(results["sum"]?.floats == [27, 360])
  }

  @Test(arguments: [
    ("count: 3", "count: 4", "a leading axis of that extent"),
    ("count: 3", "count: 0", "at least once"),
    ("sliced: 1", "sliced: 3", "take slices of 3"),
    ("stacked: 2", "stacked: 1", "4 outputs"),
    ("output \"before\" = %1", "output \"before\" = %1 output \"more\" = %5", "5 outputs"),
    ("sliced: 1", "sliced: 0", "the body's inputs"),
    ("f32[2], f32[2], f32[3, 2], f32[3, 2] {", "f32[2], f32[2], f32[3, 2], f32[2] {", "the results"),
  ])
  func mistakesAreFound(_ right: String, _ wrong: String, _ message: String) throws {
    let text = Self.cumulative(reversed: false)
    let broken = text.replacing(right, with: wrong)
    #expect(broken != text)
    do {
      _ = try Graph(parsing: broken)
      Issue.record("no error for \(wrong)")
    } catch {
      #expect("\(error)".contains(message), "\(error)")
    }
  }
}
