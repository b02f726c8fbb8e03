extension FoundProgramTests {
  /// Checked indices that are results: what is proved of an index holds for the tensor that was checked, not for a copy.
  static let checks = [
    Case(
      "rows of a table by an index that is a result too",
      """
      graph "random" {
        %0 = input(name: "x", type: f32, shape: [9, 3]) : f32[9, 3]
        %1 = input(name: "i", type: i32, shape: [5]) : i32[5]
        %2 = check_index(%1, limit: 9) : i32[5]
        %3 = gather(%0, %2) : f32[5, 3]
        %4 = sum(%3, axes: [0]) : f32[3]
        output "y" = %2
        output "z" = %4
      }
      """),
    Case(
      "checks of checks, of parts and of other shapes",
      """
      graph "random" {
        %0 = input(name: "i", type: i32, shape: [5, 4]) : i32[5, 4]
        %1 = input(name: "x", type: f32, shape: [7]) : f32[7]
        %2 = slice(%0, starts: [0, 0], extents: [5, 2], steps: [1, 1]) : i32[5, 2]
        %3 = check_index(%2, limit: 9) : i32[5, 2]
        %4 = check_index(%3, limit: 7) : i32[5, 2]
        %5 = reshape(%4, shape: [10]) : i32[10]
        %6 = gather(%1, %5) : f32[10]
        %7 = sum(%6, axes: [0]) : f32[]
        output "y" = %3
        output "z" = %5
        output "u" = %7
      }
      """),
    Case(
      "an index that a loop checks, uses and gives back",
      """
      graph "random" {
        %0 = input(name: "i", type: i32, shape: [4]) : i32[4]
        %1 = input(name: "c", type: f32, shape: [2]) : f32[2]
        %2 = loop(%1, %0, count: 4, carried: 1, sliced: 1, stacked: 1) : f32[2], i32[4] {
          graph "body" {
            %0 = input(name: "carried", type: f32, shape: [2]) : f32[2]
            %1 = input(name: "i", type: i32, shape: []) : i32[]
            %2 = check_index(%1, limit: 2) : i32[]
            %3 = gather(%0, %2) : f32[]
            %4 = broadcast(%3, shape: [2]) : f32[2]
            output "next" = %4
            output "all" = %2
          }
        }
        %3 = projection(%2, index: 1, type: i32, shape: [4]) : i32[4]
        output "y" = %2
        output "z" = %3
      }
      """),
  ]
}
