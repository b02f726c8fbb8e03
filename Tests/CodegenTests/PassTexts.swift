/// The texts of PassTextTests: a graph before a pass, and after it. Types follow from the operands.
enum PassTexts {
  typealias Case = PassTextTests.Case

  static let all: [Case] = stabilise + simplify + pads + shapes + orders + loops
}

extension PassTexts {
  /// What is left of a loop that carries a value for nobody, stacks one for nobody, and is given one that it doesn't use.
  static let loops: [Case] = [
    Case(
      "prune-loops", "carried, stacked and given values that nothing reads",
      """
      %0 = input(name: "a", type: f32, shape: [2])
      %1 = input(name: "b", type: f32, shape: [])
      %2 = input(name: "x", type: f32, shape: [3, 2])
      %3 = loop(%1, %0, %2, %1, count: 3, carried: 2, sliced: 1, stacked: 2) : f32[], f32[2], f32[3, 2], f32[3, 2] {
        graph "body" {
          %0 = input(name: "b", type: f32, shape: [])
          %1 = input(name: "a", type: f32, shape: [2])
          %2 = input(name: "x", type: f32, shape: [2])
          %3 = input(name: "c", type: f32, shape: [])
          %4 = sin(%0)
          %5 = add(%1, %2)
          %6 = cos(%5)
          output "b" = %4
          output "a" = %5
          output "all" = %5
          output "cosines" = %6
        }
      }
      %4 = projection(%3, index: 1, type: f32, shape: [2])
      %5 = projection(%3, index: 2, type: f32, shape: [3, 2])
      %6 = projection(%3, index: 3, type: f32, shape: [3, 2])
      %7 = sin(%6)
      output "last" = %4
      output "all" = %5
      """,
      """
      %0 = input(name: "a", type: f32, shape: [2])
      %1 = input(name: "b", type: f32, shape: [])
      %2 = input(name: "x", type: f32, shape: [3, 2])
      %3 = loop(%0, %2, count: 3, carried: 1, sliced: 1, stacked: 1) : f32[2], f32[3, 2] {
        graph "body" {
          %0 = input(name: "a", type: f32, shape: [2])
          %1 = input(name: "x", type: f32, shape: [2])
          %2 = add(%0, %1)
          output "a" = %2
          output "all" = %2
        }
      }
      %4 = projection(%3, index: 1, type: f32, shape: [3, 2])
      output "last" = %3
      output "all" = %4
      """)
  ]

  /// Forms that lose digits.
  static let stabilise: [Case] = [
    Case(
      "stabilise", "log of softmax",
      """
      %0 = input(name: "x", type: f32, shape: [2, 3])
      %1 = softmax(%0, axis: 1)
      %2 = log(%1)
      output "y" = %2
      """,
      """
      %0 = input(name: "x", type: f32, shape: [2, 3])
      %1 = softmax(%0, axis: 1)
      %2 = log_softmax(%0, axis: 1)
      output "y" = %2
      """),
    Case(
      "stabilise", "log of sigmoid",
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = sigmoid(%0)
      %2 = log(%1)
      output "y" = %2
      """,
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = sigmoid(%0)
      %2 = negate(%0)
      %3 = softplus(%2)
      %4 = negate(%3)
      output "y" = %4
      """),
    Case(
      "stabilise", "log of 1 + a",
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = constant(value: splat f32 1, shape: [3])
      %2 = add(%1, %0)
      %3 = log(%2)
      output "y" = %3
      """,
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = constant(value: splat f32 1, shape: [3])
      %2 = add(%1, %0)
      %3 = log1p(%0)
      output "y" = %3
      """),
    Case(
      "stabilise", "log of 1 − sigmoid",
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = constant(value: splat f32 1, shape: [3])
      %2 = sigmoid(%0)
      %3 = subtract(%1, %2)
      %4 = log(%3)
      output "y" = %4
      """,
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = constant(value: splat f32 1, shape: [3])
      %2 = sigmoid(%0)
      %3 = subtract(%1, %2)
      %4 = softplus(%0)
      %5 = negate(%4)
      output "y" = %5
      """),
    Case(
      "stabilise", "log1p of exp",
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = exp(%0)
      %2 = log1p(%1)
      output "y" = %2
      """,
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = exp(%0)
      %2 = softplus(%0)
      output "y" = %2
      """),
    Case(
      "stabilise", "what is stable by hand, and what a form shows only after another",
      """
      %0 = input(name: "x", type: f32, shape: [2])
      %1 = max(%0, axes: [0])
      %2 = broadcast(%1, shape: [2])
      %3 = subtract(%0, %2)
      %4 = exp(%3)
      %5 = sum(%4, axes: [0])
      %6 = broadcast(%5, shape: [2])
      %7 = divide(%4, %6)
      %8 = sqrt(%7)
      %9 = constant(value: splat f32 1, shape: [2])
      %10 = negate(%0)
      %11 = exp(%10)
      %12 = add(%9, %11)
      %13 = divide(%9, %12)
      %14 = subtract(%9, %13)
      %15 = log(%14)
      output "y" = %8
      output "z" = %15
      """,
      """
      %0 = input(name: "x", type: f32, shape: [2])
      %1 = max(%0, axes: [0])
      %2 = broadcast(%1, shape: [2])
      %3 = subtract(%0, %2)
      %4 = exp(%3)
      %5 = sum(%4, axes: [0])
      %6 = broadcast(%5, shape: [2])
      %7 = divide(%4, %6)
      %8 = sqrt(%7)
      %9 = constant(value: splat f32 1, shape: [2])
      %10 = negate(%0)
      %11 = exp(%10)
      %12 = add(%9, %11)
      %13 = sigmoid(%0)
      %14 = subtract(%9, %13)
      %15 = softplus(%0)
      %16 = negate(%15)
      output "y" = %8
      output "z" = %16
      """),
    Case(
      "stabilise", "log of a sum of exp",
      """
      %0 = input(name: "x", type: f32, shape: [2, 3])
      %1 = exp(%0)
      %2 = sum(%1, axes: [1])
      %3 = log(%2)
      output "y" = %3
      """,
      """
      %0 = input(name: "x", type: f32, shape: [2, 3])
      %1 = exp(%0)
      %2 = sum(%1, axes: [1])
      %3 = log_sum_exp(%0, axes: [1])
      output "y" = %3
      """),
  ]
}
