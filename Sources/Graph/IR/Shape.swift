/// The extents of a tensor's axes, outermost first; a scalar has none. Elements are stored in row-major order.
public struct Shape: Sendable, Hashable, ExpressibleByArrayLiteral, CustomStringConvertible {
  public var extents: [Int]

  public init(_ extents: [Int]) { self.extents = extents }
  public init(arrayLiteral extents: Int...) { self.extents = extents }

  /// The most elements a tensor may have: byte offsets stay far inside 64 bits and a typing mistake is
  /// reported when the graph is built instead of when memory runs out.
  public static let maximumElementCount = 1 << 38

  public static let scalar: Shape = []

  public var rank: Int { extents.count }

  /// - Precondition: there is such an axis; `axis(_:)` finds it by a negative number too.
  public subscript(axis: Int) -> Int {
    guard extents.indices.contains(axis) else { Shape.end(axis, self) }
    return extents[axis]
  }

  /// An array's own check says nothing in optimised programs.
  @inline(never)
  private static func end(_ axis: Int, _ shape: Shape) -> Never {
    fatalError("there is no axis \(axis) in the shape \(shape)")
  }

  /// The number of elements; saturates at `Int.max` instead of overflowing, so an absurd shape can be reported.
  public var elementCount: Int {
    var count = 1
    for extent in extents {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      if overflow { return extents.contains(0) ? 0 : Int.max }
      count = product
    }
    return count
  }

  /// The sum of numbers of elements, which saturates as they do.
  static func sum(_ counts: [Int]) -> Int {
    counts.reduce(0) { total, count in
      let (sum, overflow) = total.addingReportingOverflow(count)
      return overflow ? Int.max : sum
    }
  }

  /// Elements between neighbours along each axis, for a row-major tensor of this shape.
  public var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    var stride = 1
    for axis in (0..<rank).reversed() {
      strides[axis] = stride
      stride &*= extents[axis]
    }
    return strides
  }

  /// The coordinates of the element with this row-major number.
  package func coordinates(of number: Int) -> [Int] { zip(strides, extents).map { number / $0 % $1 } }

  /// The axis that a user's possibly negative number names, or `nil` if there is none such.
  public func axis(_ number: Int) -> Int? {
    let axis = number < 0 ? number + rank : number
    return extents.indices.contains(axis) ? axis : nil
  }

  /// The shape that NumPy's broadcasting gives two operands, or `nil` where their extents don't agree.
  public func broadcast(with other: Shape) -> Shape? {
    let rank = Swift.max(self.rank, other.rank)
    var extents = [Int](repeating: 1, count: rank)
    for position in stride(from: 1, through: rank, by: 1) {
      let mine = position <= self.rank ? self.extents[self.rank - position] : 1
      let theirs = position <= other.rank ? other.extents[other.rank - position] : 1
      guard mine == theirs || mine == 1 || theirs == 1 else { return nil }
      extents[rank - position] = mine == 1 ? theirs : mine
    }
    return Shape(extents)
  }

  public var description: String { "[" + extents.map(String.init).joined(separator: ", ") + "]" }
}
