/// The texts of PassTextTests: a graph before a pass, and after it. Types follow from the operands.
enum PassTexts {
  typealias Case = PassTextTests.Case

  static let all: [Case] = stabilise + simplify + shapes + orders
}

extension PassTexts {
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
      %3 = max(%0, axes: [1])
      %4 = stop_gradient(%3)
      %5 = constant(value: splat f32 0, shape: [2])
      %6 = subtract(%4, %4)
      %7 = compare(%6, %5, predicate: "equal")
      %8 = select(%7, %4, %5)
      %9 = reshape(%8, shape: [2, 1])
      %10 = broadcast(%9, shape: [2, 3])
      %11 = subtract(%0, %10)
      %12 = exp(%11)
      %13 = sum(%12, axes: [1])
      %14 = log(%13)
      %15 = add(%8, %14)
      output "y" = %15
      """),
  ]
}
