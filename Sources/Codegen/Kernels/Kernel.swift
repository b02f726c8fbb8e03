import CinchGraph

/// One kernel of the schedule: for each point of a common domain, stages in order.
struct Kernel: Sendable {
  /// How its stages run; decides what may join.
  enum Form: String, Sendable {
    /// Elementwise: each point by itself, points side by side in vectors.
    case map
    /// Reductions by lanes: a vector holds elements of one row.
    case rows
    /// Reductions by chains: a vector holds neighbouring results.
    case columns
    /// A contraction with rows and columns, in register tiles.
    case tile
    case scatter
    case check
    /// Copies into state, after everything else.
    case copy
    /// A body's kernels, repeated: no kernel itself.
    case loop
  }

  /// What runs at each point of the kernel's domain: over inner axes, or (without any) at the point itself.
  struct Stage: Sendable {
    var inner: [Int]
    var roots: [Int]
  }

  var form: Form
  /// The domain that all stages share.
  var extents: [Int]
  var stages: [Stage]
  var boundary: Boundary
  /// Opcodes of all stages, each counted once.
  var cost: Int

  var roots: [Int] { stages.flatMap(\.roots) }
}

/// Why a kernel starts where it does: the reason against joining the kernel that it depends on.
enum Boundary: Sendable, Hashable {
  case readsNoKernel
  case otherPoints(slot: Int32)
  case domain(own: [Int], other: [Int])
  case order(own: AccumulationOrder)
  case tile
  case tileDomain
  case scatter, check, copy, loop
  case afterCheck
  case again
  case unshared
  case rowCost
  case size

  func text(_ slots: [Slot]) -> String {
    switch self {
    case .readsNoKernel: "reads no kernel's result"
    case .otherPoints(let slot): "reads '\(slots[Int(slot)].name)' at other points than its own"
    case .domain(let own, let other): "its domain \(Shape(own)) doesn't run along \(Shape(other))"
    case .order(let own): "accumulates by \(own), in vectors along other axes"
    case .tile: "a contraction runs in register tiles of its own"
    case .tileDomain: "register tiles hold single results, no rows of them"
    case .scatter: "rows are added one after the other"
    case .check: "checks come before what relies on them"
    case .loop: "a loop stands alone"
    case .copy: "replaces state after its last reader"
    case .again: "runs a second time, so that its results need not wait in memory"
    case .afterCheck: "relies on indices that have been checked"
    case .unshared: "shares no operand with an earlier kernel"
    case .rowCost: "too dear to compute once a row, outside vectors"
    case .size: "the kernel before is long enough"
    }
  }
}
