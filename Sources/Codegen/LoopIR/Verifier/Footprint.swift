/// What one point of a loop touches of a buffer: a run of elements around `step · point`, repeated every `period`.
struct Footprint {
  var extent: Int
  var step: Int
  /// 0 if nothing repeats.
  var period: Int
  /// The part of the index that outer loops fix.
  var outer: AffineExpression
  /// Without the loop's own part.
  var near: ClosedRange<Int>
  /// Of all points.
  var all: ClosedRange<Int>

  /// Whether no two points touch the same element.
  fileprivate var isDisjoint: Bool { extent == 1 || near.upperBound - near.lowerBound < abs(step) }

  fileprivate mutating func shift(by distance: Int) {
    near = near.lowerBound + distance...near.upperBound + distance
    all = all.lowerBound + distance...all.upperBound + distance
  }
}

/// The footprints of several accesses to one buffer by the same points.
struct FootprintSet {
  /// Those of different parts share no element.
  private var parts: [Footprint] = []
  private var period = 0

  /// Adds an access; false unless it is certain that different points still touch different elements.
  ///
  /// With a period only the remainder of an index counts, and all remainders must lie in one window.
  mutating func insert(_ footprint: Footprint) -> Bool {
    if let first = parts.first, first.outer != footprint.outer { return false }
    if footprint.period != 0, period != 0, footprint.period != period { return false }
    if period == 0, footprint.period != 0 {
      period = footprint.period
      let before = parts
      parts = []
      for part in before where !merge(part) { return false }
    }
    return merge(footprint)
  }

  private mutating func merge(_ footprint: Footprint) -> Bool {
    var added = footprint
    added.period = period
    if period != 0 {
      let remainder = added.all.lowerBound % period
      added.shift(by: (remainder < 0 ? remainder + period : remainder) - added.all.lowerBound)
    }
    var position = 0
    while position < parts.count {
      let part = parts[position]
      guard part.all.overlaps(added.all) else {
        position += 1
        continue
      }
      guard part.extent == added.extent, part.step == added.step else { return false }
      added.near = Self.hull(part.near, added.near)
      added.all = Self.hull(part.all, added.all)
      parts.remove(at: position)
      position = 0
    }
    parts.append(added)
    guard added.isDisjoint else { return false }
    let window = parts.reduce(added.all) { Self.hull($0, $1.all) }
    return period == 0 || window.upperBound - window.lowerBound < period
  }

  private static func hull(_ a: ClosedRange<Int>, _ b: ClosedRange<Int>) -> ClosedRange<Int> {
    min(a.lowerBound, b.lowerBound)...max(a.upperBound, b.upperBound)
  }
}
