import Cinch
import TestSupport
import Testing

/// What random programs have found, shrunk: each was once rejected, or gave other bits in some engine.
@Suite struct FoundProgramTests {
  struct Case: Sendable, CustomStringConvertible {
    let description: String
    let text: String
    init(_ description: String, _ text: String) {
      self.description = description
      self.text = text
    }
  }

  @Test(arguments: cases + concatenations + checks) func everyEngineGivesTheSameBits(_ found: Case) throws {
    let graph = try Graph(parsing: found.text)
    var inputs: [String: ElementArray] = [:]
    for input in graph.inputs { inputs[input.name] = RandomProgram.plainValues(of: graph.type(of: input.node)) }
    let program = RandomProgram(seed: 0, graph: graph, inputs: inputs, state: [:])
    let tested = try TestedProgram(found.description, program)
    #expect(RandomFailure.meaning(of: tested) == nil)
    for engine in TestedEngine.available { #expect(engine.failures(of: [tested], optimised: false) == [:]) }
  }

  static let cases = [
    Case(
      "a gather destroys its mask, which another load needs",
      """
      graph "random" {
        %0 = input(name: "x", type: f32, shape: [2, 2, 7, 17]) : f32[2, 2, 7, 17]
        %1 = input(name: "w", type: f32, shape: [2, 1, 1, 2]) : f32[2, 1, 1, 2]
        %2 = convolution(%0, %1, strides: [1, 2], low: [1, 2], high: [1, 2], dilations: [2, 2], groups: 2) : f32[2, 2, 9, 10]
        output "y" = %2
      }
      """),
    Case(
      "a condition on an axis with one point left, and another one on that axis and others",
      """
      graph "random" {
        %0 = input(name: "x", type: f32, shape: [578]) : f32[578]
        %1 = pad(%0, low: [0], high: [232], fill: f32 0.0) : f32[810]
        %2 = reshape(%1, shape: [9, 1, 9, 1, 10, 1]) : f32[9, 1, 9, 1, 10, 1]
        %3 = pad(%2, low: [0, 0, 0, 0, 0, 0], high: [0, 1, 0, 0, 0, 0], fill: f32 0.0) : f32[9, 2, 9, 1, 10, 1]
        output "y" = %3
      }
      """),
    Case(
      "slices of a tensor that several kernels have written, in strips of columns and of rows",
      """
      graph "random" {
        %0 = input(name: "x", type: f32, shape: [17, 3, 1]) : f32[17, 3, 1]
        %1 = input(name: "y", type: f32, shape: [17, 3, 16]) : f32[17, 3, 16]
        %2 = sin(%0) : f32[17, 3, 1]
        %3 = concatenate(%0, %1, %2, axis: 2) : f32[17, 3, 18]
        %4 = input(name: "z", type: f32, shape: [18]) : f32[18]
        %5 = loop(%4, %3, count: 17, carried: 1, sliced: 1) : f32[18] {
          graph "body" {
            %0 = input(name: "carried", type: f32, shape: [18]) : f32[18]
            %1 = input(name: "rows", type: f32, shape: [3, 18]) : f32[3, 18]
            %2 = loop(%0, %1, count: 3, carried: 1, sliced: 1, reversed: true) : f32[18] {
              graph "body" {
                %0 = input(name: "carried", type: f32, shape: [18]) : f32[18]
                %1 = input(name: "row", type: f32, shape: [18]) : f32[18]
                %2 = tanh(%1) : f32[18]
                %3 = add(%0, %2) : f32[18]
                output "next" = %3
              }
            }
            output "next" = %2
          }
        }
        output "y" = %5
      }
      """),
    Case(
      "a condition on a part of the index beside one on all of it",
      """
      graph "random" {
        %0 = input(name: "x", type: f32, shape: [150]) : f32[150]
        %1 = pad(%0, low: [0], high: [60], fill: f32 0.0) : f32[210]
        %2 = reshape(%1, shape: [2, 7, 15]) : f32[2, 7, 15]
        %3 = windows(%2, window: [2, 3], extents: [4, 4], offsets: [0, -2], strides: [1, 3], dilations: [3, 2], fill: f32 0.0) : f32[2, 2, 3, 4, 4]
        output "y" = %3
      }
      """),
    Case(
      "a condition that has the variables in another proportion than the index",
      """
      graph "random" {
        %0 = input(name: "x", type: f32, shape: [1, 2, 3, 3, 5, 7]) : f32[1, 2, 3, 3, 5, 7]
        %1 = overlap_add(%0, window: [3, 3], extents: [5, 7], offsets: [-1, 0], strides: [1, 2], dilations: [1, 1], axes: [5, 16]) : f32[1, 2, 5, 16]
        %2 = reshape(%1, shape: [160]) : f32[160]
        %3 = pad(%2, low: [0], high: [4640], fill: f32 0.0) : f32[4800]
        output "y" = %3
      }
      """),
    Case(
      "a single number that is read from a stored tensor, which needs another single number",
      """
      graph "random" {
        %0 = input(name: "x", type: f32, shape: [1]) : f32[1]
        %1 = tanh(%0) : f32[1]
        %2 = pad(%1, low: [1], high: [0], fill: f32 1.5) : f32[2]
        %3 = mean(%2, axes: [0]) : f32[]
        %4 = slice(%2, starts: [1], extents: [1], steps: [1]) : f32[1]
        %5 = multiply(%4, %1) : f32[1]
        output "loss" = %3
        output "y" = %5
      }
      """),
    Case(
      "strips of one tensor, each written by the lanes of a loop, but by others",
      """
      graph "random" {
        %0 = input(name: "x", type: f32, shape: [257]) : f32[257]
        %1 = input(name: "y", type: f32, shape: [1]) : f32[1]
        %2 = concatenate(%0, %1, %0, axis: 0) : f32[515]
        %3 = input(name: "condition", type: bool, shape: [257]) : bool[257]
        %4 = input(name: "z", type: f32, shape: [257]) : f32[257]
        %5 = select(%3, %0, %4) : f32[257]
        %6 = mean(%2, axes: [0]) : f32[]
        %7 = mean(%5, axes: [0]) : f32[]
        %8 = add(%6, %7) : f32[]
        output "loss" = %8
        output "y2" = %5
      }
      """),
    Case(
      "a check that comes early beside one that doesn't",
      """
      graph "random" {
        %0 = input(name: "x", type: f32, shape: [1, 2]) : f32[1, 2]
        %1 = input(name: "a", type: i32, shape: [1, 2]) : i32[1, 2]
        %2 = input(name: "b", type: i32, shape: [1, 2]) : i32[1, 2]
        %3 = constant(value: splat i32 5, shape: [1, 2]) : i32[1, 2]
        %4 = compare(%1, %3, predicate: "less") : bool[1, 2]
        %5 = add(%1, %2) : i32[1, 2]
        %6 = select(%4, %5, %3) : i32[1, 2]
        %7 = scatter_add(%6, %0, count: 6) : f32[6]
        %8 = input(name: "y", type: f32, shape: [1]) : f32[1]
        %9 = input(name: "c", type: i32, shape: [1]) : i32[1]
        %10 = scatter_add(%9, %8, count: 18) : f32[18]
        output "first" = %10
        output "second" = %7
      }
      """),
  ]
}
