/// How a loop runs its body: a fixed number of times, with values that go from one iteration to the next, values that differ
/// from iteration to iteration, and results that are collected.
///
/// Operands, in this order, and the body's inputs (in the order of their nodes), one for one:
///
///   1. `carried` initial values. The body's input has the operand's type; in the first iteration it is the operand, then
///      what the iteration before gave.
///   2. `sliced` values, whose leading axis has the extent `count`. The body's input has the operand's type without that
///      axis; iteration t sees slice t, or slice `count − 1 − t` where the loop `isReversed`.
///   3. All further operands: the same in each iteration, with the operand's type.
///
/// The body's outputs, in the order of `outputs`, and the loop's results, one for one:
///
///   1. `carried` next values, of the carried operands' types. The results are those of the last iteration.
///   2. `stacked` values of any type. The result has that type with a leading axis of extent `count` put before;
///      iteration t gives slice t, or slice `count − 1 − t` where the loop `isReversed`.
///
/// All of an iteration's outputs are computed from its inputs before any carried value changes: an output may be another carried
/// value's input (two values can change places), a sliced or invariant input, or one node may be several outputs. A
/// body has no state and no updates; it may hold loops. The body runs at least once, and carries at least one value.
/// The first result is the loop node's own; `Projection` nodes name the others.
public struct Iteration: Sendable, Hashable {
  public var count: Int
  public var carried: Int
  public var sliced: Int
  public var stacked: Int
  /// Slices are read and written from the last to the first.
  public var isReversed: Bool

  public init(count: Int, carried: Int, sliced: Int = 0, stacked: Int = 0, isReversed: Bool = false) {
    self.count = count
    self.carried = carried
    self.sliced = sliced
    self.stacked = stacked
    self.isReversed = isReversed
  }

  /// The slice that iteration `number` sees and gives.
  public func slice(of number: Int) -> Int { isReversed ? count - 1 - number : number }

  /// The type of each of the body's inputs, or what is wrong with the operands.
  public func inputTypes(_ operands: [TensorType]) throws(TypeViolation) -> [TensorType] {
    guard count >= 1 else { throw TypeViolation("a loop runs at least once, not \(count) times") }
    guard carried >= 1, sliced >= 0, stacked >= 0, carried <= operands.count, sliced <= operands.count - carried else {
      throw TypeViolation(
        "a loop of \(operands.count) operands can't carry \(carried), take slices of \(sliced) and stack \(stacked)")
    }
    var types: [TensorType] = []
    for (position, operand) in operands.enumerated() {
      guard position >= carried, position < carried + sliced else {
        types.append(operand)
        continue
      }
      guard operand.shape.extents.first == count else {
        throw TypeViolation(
          "a loop of \(count) iterations takes slices along a leading axis of that extent, which \(operand) doesn't have")
      }
      types.append(TensorType(operand.elementType, Shape(Array(operand.shape.extents.dropFirst()))))
    }
    return types
  }

  /// The types of the loop's results, given those of the body's outputs.
  public func resultTypes(_ outputs: [TensorType]) -> [TensorType] {
    outputs.enumerated().map { position, type in
      position < carried ? type : TensorType(type.elementType, Shape([count] + type.shape.extents))
    }
  }
}
