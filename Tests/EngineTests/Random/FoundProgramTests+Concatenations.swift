extension FoundProgramTests {
  static let concatenations = [
    Case(
      "a piece in a longer tensor beside a reduction of several axes by lanes",
      """
      graph "random" {
        %0 = input(name: "x", type: f32, shape: [2, 2, 2]) : f32[2, 2, 2]
        %1 = sum(%0, axes: [1, 2]) : f32[2]
        %2 = concatenate(%0, %0, axis: 2) : f32[2, 2, 4]
        output "m" = %1
        output "y" = %2
      }
      """),
    Case(
      "a normalisation of two axes beside a concatenation along the second",
      """
      graph "random" {
        %0 = input(name: "x", type: f32, shape: [3, 4, 8]) : f32[3, 4, 8]
        %1 = layer_norm(%0, axes: 2, epsilon: f32 0.5) : f32[3, 4, 8]
        %2 = concatenate(%1, %0, axis: 2) : f32[3, 4, 16]
        %3 = concatenate(%0, %1, axis: 1) : f32[3, 8, 8]
        output "y" = %2
        output "z" = %3
      }
      """),
    Case(
      "a reduction of a concatenation along the first axis beside its first piece",
      """
      graph "random" {
        %0 = input(name: "x", type: f32, shape: [3]) : f32[3]
        %1 = input(name: "c", type: f32, shape: [2]) : f32[2]
        %2 = tanh(%0) : f32[3]
        %3 = concatenate(%1, %0, axis: 0) : f32[5]
        %4 = mean(%3, axes: [0]) : f32[]
        output "y" = %2
        output "m" = %4
      }
      """),
    Case(
      "an activation of a concatenation along the first axis",
      """
      graph "random" {
        %0 = input(name: "b", type: f32, shape: [4]) : f32[4]
        %1 = input(name: "h", type: f32, shape: [4]) : f32[4]
        %2 = sin(%1) : f32[4]
        %3 = concatenate(%0, %2, axis: 0) : f32[8]
        %4 = relu(%3) : f32[8]
        output "y" = %4
      }
      """),
    Case(
      "a tensor and its largest elements, one below the other, and their mean",
      """
      graph "random" {
        %0 = input(name: "x", type: f32, shape: [5, 3]) : f32[5, 3]
        %1 = max(%0, axes: [0]) : f32[3]
        %2 = reshape(%1, shape: [1, 3]) : f32[1, 3]
        %3 = concatenate(%0, %2, axis: 0) : f32[6, 3]
        %4 = mean(%3, axes: [0, 1]) : f32[]
        %5 = mean(%3, axes: [1]) : f32[6]
        output "m" = %4
        output "rows" = %5
      }
      """),
  ]
}
