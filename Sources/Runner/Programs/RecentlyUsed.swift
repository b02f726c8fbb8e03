/// Values by key, of which those that were not used the longest make room for new ones.
struct RecentlyUsed<Key: Hashable, Value> {
  fileprivate struct Entry {
    let value: Value
    let byteCount: Int
    var lastUse: Int
  }

  private var entries: [Key: Entry] = [:]
  private var uses = 0
  private let capacity: Int
  private let byteLimit: Int
  private let leastCount: Int

  /// - Parameters:
  ///   - capacity: how many stay at most.
  ///   - byteLimit: how many bytes they take together at most.
  ///   - leastCount: how many stay whatever they take.
  init(capacity: Int, byteLimit: Int = .max, leastCount: Int = 1) {
    self.capacity = capacity
    self.byteLimit = byteLimit
    self.leastCount = leastCount
  }

  var count: Int { entries.count }

  /// Counts as a use.
  subscript(key: Key) -> Value? {
    mutating get {
      uses += 1
      entries[key]?.lastUse = uses
      return entries[key]?.value
    }
  }

  /// Replaces the key's value, if it has one.
  mutating func insert(_ value: Value, for key: Key, byteCount: Int = 0) {
    uses += 1
    entries[key] = Entry(value: value, byteCount: byteCount, lastUse: uses)
    var total = entries.values.reduce(0) { $0 + $1.byteCount }
    while entries.count > capacity || (total > byteLimit && entries.count > leastCount),
      let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse })
    {
      total -= oldest.value.byteCount
      entries[oldest.key] = nil
    }
  }
}

extension RecentlyUsed: Sendable where Key: Sendable, Value: Sendable {}
extension RecentlyUsed.Entry: Sendable where Key: Sendable, Value: Sendable {}
