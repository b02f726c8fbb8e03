extension PassTexts {
  /// What stands where: slices' gradients are padded with zeros and added up.
  static let pads: [Case] = [
    Case(
      "algebra", "tensors padded to lie side by side are one",
      """
      %0 = input(name: "a", type: f32, shape: [3, 2])
      %1 = input(name: "b", type: f32, shape: [3, 4])
      %2 = pad(%0, low: [0, 1], high: [0, 4], fill: f32 0)
      %3 = pad(%1, low: [0, 3], high: [0, 0], fill: f32 0)
      %4 = add(%3, %2)
      output "y" = %4
      """,
      """
      %0 = input(name: "a", type: f32, shape: [3, 2])
      %1 = input(name: "b", type: f32, shape: [3, 4])
      %2 = pad(%0, low: [0, 1], high: [0, 4], fill: f32 0)
      %3 = pad(%1, low: [0, 3], high: [0, 0], fill: f32 0)
      %4 = concatenate(%0, %1, axis: 1)
      %5 = pad(%4, low: [0, 1], high: [0, 0], fill: f32 0)
      output "y" = %5
      """),
    Case(
      "algebra", "whatever order they are added in",
      """
      %0 = input(name: "a", type: f32, shape: [3])
      %1 = input(name: "b", type: f32, shape: [2])
      %2 = input(name: "c", type: f32, shape: [4])
      %3 = pad(%0, low: [0], high: [6], fill: f32 0)
      %4 = pad(%1, low: [7], high: [0], fill: f32 0)
      %5 = pad(%2, low: [3], high: [2], fill: f32 0)
      %6 = add(%3, %4)
      %7 = add(%6, %5)
      output "y" = %7
      """,
      """
      %0 = input(name: "a", type: f32, shape: [3])
      %1 = input(name: "b", type: f32, shape: [2])
      %2 = input(name: "c", type: f32, shape: [4])
      %3 = pad(%0, low: [0], high: [6], fill: f32 0)
      %4 = pad(%1, low: [7], high: [0], fill: f32 0)
      %5 = pad(%2, low: [3], high: [2], fill: f32 0)
      %6 = add(%3, %4)
      %7 = concatenate(%0, %2, axis: 0)
      %8 = pad(%7, low: [0], high: [2], fill: f32 0)
      %9 = concatenate(%7, %1, axis: 0)
      %10 = pad(%9, low: [0], high: [0], fill: f32 0)
      output "y" = %10
      """),
    Case(
      "algebra", "not those that overlap, lie apart or are padded with ones",
      """
      %0 = input(name: "a", type: f32, shape: [3])
      %1 = pad(%0, low: [0], high: [4], fill: f32 0)
      %2 = pad(%0, low: [2], high: [2], fill: f32 0)
      %3 = pad(%0, low: [4], high: [0], fill: f32 0)
      %4 = pad(%0, low: [3], high: [1], fill: f32 1)
      %5 = add(%1, %2)
      %6 = add(%1, %3)
      %7 = add(%1, %4)
      output "y" = %5
      output "z" = %6
      output "w" = %7
      """,
      """
      %0 = input(name: "a", type: f32, shape: [3])
      %1 = pad(%0, low: [0], high: [4], fill: f32 0)
      %2 = pad(%0, low: [2], high: [2], fill: f32 0)
      %3 = pad(%0, low: [4], high: [0], fill: f32 0)
      %4 = pad(%0, low: [3], high: [1], fill: f32 1)
      %5 = add(%1, %2)
      %6 = add(%1, %3)
      %7 = add(%1, %4)
      output "y" = %5
      output "z" = %6
      output "w" = %7
      """),
    Case(
      "algebra", "pieces of pieces, and pads of nothing",
      """
      %0 = input(name: "a", type: f32, shape: [3])
      %1 = concatenate(%0, %0, axis: 0)
      %2 = pad(%1, low: [0], high: [0], fill: f32 0)
      %3 = concatenate(%0, %2, axis: 0)
      output "y" = %3
      """,
      """
      %0 = input(name: "a", type: f32, shape: [3])
      %1 = concatenate(%0, %0, axis: 0)
      %2 = concatenate(%0, %0, %0, axis: 0)
      output "y" = %2
      """),
  ]

  /// Fewer and cheaper nodes.
  static let simplify: [Case] = [
    Case(
      "decompose", "mean",
      """
      %0 = input(name: "x", type: f32, shape: [2, 3])
      %1 = mean(%0, axes: [1])
      output "y" = %1
      """,
      """
      %0 = input(name: "x", type: f32, shape: [2, 3])
      %1 = sum(%0, axes: [1])
      %2 = constant(value: splat f32 3, shape: [])
      %3 = broadcast(%2, shape: [2])
      %4 = divide(%1, %3)
      output "y" = %4
      """),
    Case(
      "decompose", "leaky relu",
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = leaky_relu(%0, slope: f32 0.5)
      output "y" = %1
      """,
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = constant(value: splat f32 0, shape: [3])
      %2 = compare(%1, %0, predicate: "less")
      %3 = constant(value: splat f32 0.5, shape: [])
      %4 = broadcast(%3, shape: [3])
      %5 = multiply(%0, %4)
      %6 = select(%2, %0, %5)
      output "y" = %6
      """),
    Case(
      "check-indices", "rows of a table",
      """
      %0 = input(name: "t", type: f32, shape: [7, 2])
      %1 = input(name: "i", type: i32, shape: [3])
      %2 = gather(%0, %1)
      output "y" = %2
      """,
      """
      %0 = input(name: "t", type: f32, shape: [7, 2])
      %1 = input(name: "i", type: i32, shape: [3])
      %2 = check_index(%1, limit: 7)
      %3 = gather(%0, %2)
      output "y" = %3
      """),
    Case(
      "check-indices", "not what is checked already, by as small a limit",
      """
      %0 = input(name: "r", type: f32, shape: [3, 2])
      %1 = input(name: "i", type: i32, shape: [3])
      %2 = check_index(%1, limit: 5)
      %3 = scatter_add(%2, %0, count: 7)
      %4 = scatter_add(%2, %0, count: 4)
      output "y" = %3
      output "z" = %4
      """,
      """
      %0 = input(name: "r", type: f32, shape: [3, 2])
      %1 = input(name: "i", type: i32, shape: [3])
      %2 = check_index(%1, limit: 5)
      %3 = scatter_add(%2, %0, count: 7)
      %4 = check_index(%2, limit: 4)
      %5 = scatter_add(%4, %0, count: 4)
      output "y" = %3
      output "z" = %5
      """),
    Case(
      "fold", "functions of constants",
      """
      %0 = constant(value: splat f32 2, shape: [3])
      %1 = constant(value: dense f32 [1, 2, 3], shape: [3])
      %2 = multiply(%0, %1)
      %3 = exp(%0)
      output "y" = %2
      output "z" = %3
      """,
      """
      %0 = constant(value: splat f32 2, shape: [3])
      %1 = constant(value: dense f32 [1, 2, 3], shape: [3])
      %2 = constant(value: dense f32 [2, 4, 6], shape: [3])
      %3 = constant(value: splat f32 7.389056, shape: [3])
      output "y" = %2
      output "z" = %3
      """),
    Case(
      "fold", "a view of one number stays one number",
      """
      %0 = constant(value: splat f32 2, shape: [1])
      %1 = broadcast(%0, shape: [1000, 1000])
      output "y" = %1
      """,
      """
      %0 = constant(value: splat f32 2, shape: [1])
      %1 = constant(value: splat f32 2, shape: [1000, 1000])
      output "y" = %1
      """),
    Case(
      "fold", "not what would make the program large",
      """
      %0 = constant(value: dense f32 [1, 2], shape: [2, 1])
      %1 = broadcast(%0, shape: [2, 1000])
      output "y" = %1
      """,
      """
      %0 = constant(value: dense f32 [1, 2], shape: [2, 1])
      %1 = broadcast(%0, shape: [2, 1000])
      output "y" = %1
      """),
    Case(
      "algebra", "· 1, + 0 and − −",
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = constant(value: splat f32 1, shape: [3])
      %2 = multiply(%0, %1)
      %3 = constant(value: splat f32 0, shape: [3])
      %4 = add(%3, %2)
      %5 = negate(%4)
      %6 = negate(%5)
      output "y" = %6
      """,
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = constant(value: splat f32 1, shape: [3])
      %2 = constant(value: splat f32 0, shape: [3])
      %3 = negate(%0)
      output "y" = %0
      """),
    Case(
      "algebra", "a division by a power of two",
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = constant(value: splat f32 4, shape: [3])
      %2 = divide(%0, %1)
      output "y" = %2
      """,
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = constant(value: splat f32 4, shape: [3])
      %2 = constant(value: splat f32 0.25, shape: [])
      %3 = broadcast(%2, shape: [3])
      %4 = multiply(%0, %3)
      output "y" = %4
      """),
    Case(
      "algebra", "not a division by another number",
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = constant(value: splat f32 3, shape: [3])
      %2 = divide(%0, %1)
      output "y" = %2
      """,
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = constant(value: splat f32 3, shape: [3])
      %2 = divide(%0, %1)
      output "y" = %2
      """),
    Case(
      "algebra", "a square",
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = constant(value: splat f32 2, shape: [3])
      %2 = power(%0, %1)
      output "y" = %2
      """,
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = constant(value: splat f32 2, shape: [3])
      %2 = multiply(%0, %0)
      output "y" = %2
      """),
    Case(
      "algebra-again", "what folding exposed",
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = constant(value: splat f32 1, shape: [3])
      %2 = divide(%0, %1)
      output "y" = %2
      """,
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = constant(value: splat f32 1, shape: [3])
      output "y" = %0
      """),
    Case(
      "fold-again", "what algebra exposed",
      """
      %0 = constant(value: splat f32 3, shape: [])
      %1 = negate(%0)
      output "y" = %1
      """,
      """
      %0 = constant(value: splat f32 3, shape: [])
      %1 = constant(value: splat f32 -3, shape: [])
      output "y" = %1
      """),
    Case(
      "merge", "equal nodes",
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = exp(%0)
      %2 = exp(%0)
      %3 = add(%1, %2)
      output "y" = %3
      """,
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = exp(%0)
      %2 = add(%1, %1)
      output "y" = %2
      """),
    Case(
      "merge", "not random numbers of other streams",
      """
      %0 = input(name: "i", type: i32, shape: [3])
      %1 = random(%0, %0, %0, distribution: "bits", stream: 1)
      %2 = random(%0, %0, %0, distribution: "bits", stream: 2)
      output "y" = %1
      output "z" = %2
      """,
      """
      %0 = input(name: "i", type: i32, shape: [3])
      %1 = random(%0, %0, %0, distribution: "bits", stream: 1)
      %2 = random(%0, %0, %0, distribution: "bits", stream: 2)
      output "y" = %1
      output "z" = %2
      """),
    Case(
      "merge-again", "equal nodes",
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = sin(%0)
      %2 = sin(%0)
      output "y" = %1
      output "z" = %2
      """,
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = sin(%0)
      output "y" = %1
      output "z" = %1
      """),
    Case(
      "dead-code", "what nothing uses; inputs stay",
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = input(name: "z", type: f32, shape: [])
      %2 = exp(%0)
      %3 = sin(%0)
      output "y" = %3
      """,
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = input(name: "z", type: f32, shape: [])
      %2 = sin(%0)
      output "y" = %2
      """),
    Case(
      "sweep", "what nothing uses",
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = multiply(%0, %0)
      %2 = fma(%0, %0, %0)
      output "y" = %2
      """,
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = fma(%0, %0, %0)
      output "y" = %1
      """),
  ]
}
