extension PassTexts {
  /// Views and the axes of reductions.
  static let shapes: [Case] = [
    Case(
      "algebra", "two transpositions",
      """
      %0 = input(name: "x", type: f32, shape: [2, 3])
      %1 = transpose(%0, permutation: [1, 0])
      %2 = transpose(%1, permutation: [1, 0])
      output "y" = %2
      """,
      """
      %0 = input(name: "x", type: f32, shape: [2, 3])
      %1 = transpose(%0, permutation: [1, 0])
      output "y" = %0
      """),
    Case(
      "algebra", "a transposition that moves nothing",
      """
      %0 = input(name: "x", type: f32, shape: [1, 3])
      %1 = transpose(%0, permutation: [1, 0])
      output "y" = %1
      """,
      """
      %0 = input(name: "x", type: f32, shape: [1, 3])
      %1 = reshape(%0, shape: [3, 1])
      output "y" = %1
      """),
    Case(
      "algebra", "two reshapes",
      """
      %0 = input(name: "x", type: f32, shape: [2, 3])
      %1 = reshape(%0, shape: [6])
      %2 = reshape(%1, shape: [3, 2])
      output "y" = %2
      """,
      """
      %0 = input(name: "x", type: f32, shape: [2, 3])
      %1 = reshape(%0, shape: [6])
      %2 = reshape(%0, shape: [3, 2])
      output "y" = %2
      """),
    Case(
      "algebra", "an outer product",
      """
      %0 = input(name: "a", type: f32, shape: [2, 1])
      %1 = input(name: "b", type: f32, shape: [1, 3])
      %2 = matmul(%0, %1)
      output "y" = %2
      """,
      """
      %0 = input(name: "a", type: f32, shape: [2, 1])
      %1 = input(name: "b", type: f32, shape: [1, 3])
      %2 = broadcast(%0, shape: [2, 3])
      %3 = broadcast(%1, shape: [2, 3])
      %4 = multiply(%2, %3)
      output "y" = %4
      """),
    Case(
      "algebra", "a transposed matrix times a vector",
      """
      %0 = input(name: "x", type: f32, shape: [2, 3])
      %1 = input(name: "v", type: f32, shape: [2, 1])
      %2 = transpose(%0, permutation: [1, 0])
      %3 = matmul(%2, %1)
      output "y" = %3
      """,
      """
      %0 = input(name: "x", type: f32, shape: [2, 3])
      %1 = input(name: "v", type: f32, shape: [2, 1])
      %2 = transpose(%0, permutation: [1, 0])
      %3 = transpose(%1, permutation: [1, 0])
      %4 = transpose(%2, permutation: [1, 0])
      %5 = matmul(%3, %4)
      %6 = transpose(%5, permutation: [1, 0])
      output "y" = %6
      """),
    Case(
      "split-scatters", "many numbers to one place",
      """
      %0 = input(name: "i", type: i32, shape: [4160])
      %1 = input(name: "x", type: f32, shape: [4160])
      %2 = scatter_add(%0, %1, count: 1)
      output "y" = %2
      """,
      """
      %0 = input(name: "i", type: i32, shape: [4160])
      %1 = input(name: "x", type: f32, shape: [4160])
      %2 = reshape(%0, shape: [65, 64])
      %3 = iota(shape: [65, 64], axis: 0)
      %4 = constant(value: splat i32 1, shape: [65, 64])
      %5 = multiply(%3, %4)
      %6 = add(%2, %5)
      %7 = reshape(%6, shape: [4160])
      %8 = check_index(%7, limit: 65)
      %9 = scatter_add(%8, %1, count: 65)
      %10 = reshape(%9, shape: [65, 1])
      %11 = sum(%10, axes: [0])
      output "y" = %11
      """),
    Case(
      "split-reductions", "separate groups of axes",
      """
      %0 = input(name: "x", type: f32, shape: [3, 5, 7])
      %1 = sum(%0, axes: [0, 2])
      output "y" = %1
      """,
      """
      %0 = input(name: "x", type: f32, shape: [3, 5, 7])
      %1 = sum(%0, axes: [2])
      %2 = sum(%1, axes: [0])
      output "y" = %2
      """),
    Case(
      "split-reductions", "axes of extent 1 hold nothing",
      """
      %0 = input(name: "x", type: f32, shape: [1, 5])
      %1 = max(%0, axes: [0])
      output "y" = %1
      """,
      """
      %0 = input(name: "x", type: f32, shape: [1, 5])
      %1 = reshape(%0, shape: [5])
      output "y" = %1
      """),
  ]
}

extension PassTexts {
  /// What is rounded, and in which order.
  static let orders: [Case] = [
    Case(
      "fma", "a product with one user",
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = sin(%0)
      %2 = multiply(%0, %1)
      %3 = add(%2, %0)
      output "y" = %3
      """,
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = sin(%0)
      %2 = multiply(%0, %1)
      %3 = fma(%0, %1, %0)
      output "y" = %3
      """),
    Case(
      "fma", "a difference",
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = sin(%0)
      %2 = multiply(%0, %1)
      %3 = subtract(%1, %2)
      output "y" = %3
      """,
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = sin(%0)
      %2 = multiply(%0, %1)
      %3 = negate(%0)
      %4 = fma(%3, %1, %1)
      output "y" = %4
      """),
    Case(
      "fma", "not a product with two users",
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = multiply(%0, %0)
      %2 = add(%1, %0)
      output "y" = %2
      output "z" = %1
      """,
      """
      %0 = input(name: "x", type: f32, shape: [3])
      %1 = multiply(%0, %0)
      %2 = add(%1, %0)
      output "y" = %2
      output "z" = %1
      """),
    Case(
      "accumulation-order", "lanes along rows, chains along columns",
      """
      %0 = input(name: "x", type: f32, shape: [2, 3])
      %1 = sum(%0, axes: [1])
      %2 = sum(%0, axes: [0])
      output "y" = %1
      output "z" = %2
      """,
      """
      %0 = input(name: "x", type: f32, shape: [2, 3])
      %1 = sum(%0, axes: [1], order: lanes(4))
      %2 = sum(%0, axes: [0], order: chain)
      output "y" = %1
      output "z" = %2
      """),
    Case(
      "accumulation-order", "dots of a matrix and a vector, else chains",
      """
      %0 = input(name: "x", type: f32, shape: [2, 3])
      %1 = input(name: "v", type: f32, shape: [3, 1])
      %2 = input(name: "w", type: f32, shape: [3, 2])
      %3 = matmul(%0, %1)
      %4 = matmul(%0, %2)
      output "y" = %3
      output "z" = %4
      """,
      """
      %0 = input(name: "x", type: f32, shape: [2, 3])
      %1 = input(name: "v", type: f32, shape: [3, 1])
      %2 = input(name: "w", type: f32, shape: [3, 2])
      %3 = matmul(%0, %1, order: lanes(4))
      %4 = matmul(%0, %2, order: chain)
      output "y" = %3
      output "z" = %4
      """),
  ]
}
