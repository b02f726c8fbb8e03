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
  /// Of all points, with everything that repeats.
  var span: ClosedRange<Int>

  /// Whether no two points touch the same element.
  fileprivate var isDisjoint: Bool { extent == 1 || near.upperBound - near.lowerBound < abs(step) }

  fileprivate static func hull(_ a: ClosedRange<Int>, _ b: ClosedRange<Int>) -> ClosedRange<Int> {
    min(a.lowerBound, b.lowerBound)...max(a.upperBound, b.upperBound)
  }

  fileprivate mutating func shift(by distance: Int) {
    near = near.lowerBound + distance...near.upperBound + distance
    all = all.lowerBound + distance...all.upperBound + distance
  }
}

/// The footprints of several accesses to one buffer by the same points.
struct FootprintSet {
  /// Different regions share no element, so each is looked at by itself.
  private struct Region {
    var span: ClosedRange<Int>
    var members: [Footprint] = []
    var parts = FootprintParts()
  }

  private var regions: [Region] = []

  /// Adds an access; false unless it is certain that different points still touch different elements.
  mutating func insert(_ footprint: Footprint) -> Bool {
    if let first = regions.first?.members.first, first.outer != footprint.outer { return false }
    var region = Region(span: footprint.span)
    while let position = regions.firstIndex(where: { $0.span.overlaps(region.span) }) {
      let other = regions.remove(at: position)
      region.span = Footprint.hull(region.span, other.span)
      if region.members.isEmpty {
        (region.members, region.parts) = (other.members, other.parts)
      } else {
        for member in other.members where !region.parts.insert(member) { return false }
        region.members += other.members
      }
    }
    guard region.parts.insert(footprint) else { return false }
    region.members.append(footprint)
    regions.append(region)
    return true
  }
}

/// The footprints of a region.
private struct FootprintParts {
  /// Those of different parts share no element.
  private var parts: [Footprint] = []
  private var period = 0

  /// With a period only the remainder of an index counts, and all remainders must lie in one window.
  mutating func insert(_ footprint: Footprint) -> Bool {
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
      added.near = Footprint.hull(part.near, added.near)
      added.all = Footprint.hull(part.all, added.all)
      parts.remove(at: position)
      position = 0
    }
    parts.append(added)
    guard added.isDisjoint else { return false }
    let window = parts.reduce(added.all) { Footprint.hull($0, $1.all) }
    return period == 0 || window.upperBound - window.lowerBound < period
  }

}
