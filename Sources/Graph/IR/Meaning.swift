/// What a node computes, as data: the closed set of primitives that the interpreter evaluates and code
/// generation schedules. Neither ever looks at an op's name.
public enum Meaning: Sendable {
  /// The caller's tensor of that name.
  case input(name: String)
  /// The value of a state variable before the step.
  case state(StateID)
  case constant(ConstantData)
  /// Int32: the element's coordinate along `axis`, or its row-major number where `axis` is nil.
  case iota(axis: Int?)
  /// Element by element; all operands have the result's shape.
  case elementwise(ScalarFunction)
  /// Each element shows one element of the operand, or `fill` where the map leaves it.
  case view(IndexMap, fill: ScalarLiteral?)
  /// The same elements in row-major order under another shape.
  case reshape
  case reduce(Reduction)
  /// Int32: where along `axis` the largest element stands: the first of equal ones, and a NaN wins. The axis disappears.
  case argMax(axis: Int)
  /// `[batch…, m, k] × [batch…, k, n] → [batch…, m, n]` with equal batch extents: for each result chains of fma over k
  /// from +0.0, in the printed order.
  case contract(order: AccumulationOrder?)
  case concatenate(axis: Int)
  /// `(table [v, rest…], indices i32 [i…]) → [i…, rest…]`: rows of the table. Indices are checked at run time.
  case gather
  /// `(indices i32 [i…], rows [i…, rest…]) → [count, rest…]`: from zeros, each row added to the result's row that
  /// its index names, in ascending order of index position. Indices are checked at run time.
  case scatterAdd(count: Int)
  /// The operand (Int32), after a run-time check that every element lies in `0..<limit`.
  case checkIndex(limit: Int)
  /// The node's body a number of times; what it takes and gives stands at `Iteration`.
  case loop(Iteration)
  /// A further result of a node with several.
  case projection(index: Int)
  /// Other ops, written with the DSL; replaced by them in the first pass.
  case decomposition(@Sendable ([Tensor]) -> Tensor)
}

/// A reduction over some axes, which disappear from the result.
public struct Reduction: Sendable, Hashable {
  public enum Combiner: String, Sendable, Hashable, CaseIterable {
    case sum, maximum, minimum

    /// The opcode that combines the accumulator (first) with an element.
    public var opcode: ScalarOpcode {
      switch self {
      case .sum: .add
      case .maximum: .maximum
      case .minimum: .minimum
      }
    }

    /// What accumulators start from: +0.0 and the infinities (for Int32 the extremes).
    public func identity(_ type: ElementType) -> ScalarLiteral {
      switch (self, type) {
      case (.sum, .int32): .int(0)
      case (.maximum, .int32): .int(.min)
      case (.minimum, .int32): .int(.max)
      case (.sum, .float64): .double(0)
      case (.maximum, .float64): .double(-.infinity)
      case (.minimum, .float64): .double(.infinity)
      case (.sum, _): .float(0)
      case (.maximum, _): .float(-.infinity)
      case (.minimum, _): .float(.infinity)
      }
    }
  }

  public var combiner: Combiner
  /// Ascending.
  public var axes: [Int]
  /// Set by the accumulation-order pass.
  public var order: AccumulationOrder?

  public init(combiner: Combiner, axes: [Int], order: AccumulationOrder?) {
    self.combiner = combiner
    self.axes = axes
    self.order = order
  }
}
