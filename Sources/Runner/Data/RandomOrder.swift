import CinchGraph

/// Random whole numbers for shuffling: a pure function of seed and purpose, so that an interrupted run
/// goes on with the order it would have had.
struct RandomOrder {
  private let key: (UInt32, UInt32)

  /// - Parameter purpose: tells users of the same seed apart.
  init(seed: UInt64, purpose: String) {
    let hash = StableHash.of(purpose)
    key = (
      UInt32(truncatingIfNeeded: seed) ^ UInt32(truncatingIfNeeded: hash),
      UInt32(truncatingIfNeeded: seed >> 32) ^ UInt32(truncatingIfNeeded: hash >> 32)
    )
  }

  /// Uniform in `0..<bound`, to within bound / 2⁶⁴.
  private func number(below bound: Int, _ round: Int, _ index: Int) -> Int {
    let (low, high) = Random.threefry(
      key: key, counter: (UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: round)))
    let word = UInt64(high) << 32 | UInt64(low)
    return Int(word.multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// The elements in a random order (Fisher and Yates), another one for each round.
  func shuffled(_ elements: [Int], round: Int) -> [Int] {
    var elements = elements
    for index in stride(from: elements.count - 1, to: 0, by: -1) {
      elements.swapAt(index, number(below: index + 1, round, index))
    }
    return elements
  }

  func permutation(_ count: Int, round: Int) -> [Int] { shuffled(Array(0..<count), round: round) }
}
