public import CinchGraph

extension HostTensor {
  /// A matrix from its rows.
  ///
  /// - Throws: `DataError` where a row's length differs from the first's.
  public init(rows: [[Float]]) throws {
    let width = rows.first?.count ?? 0
    for (number, row) in rows.enumerated() where row.count != width {
      throw DataError("row \(number) has \(row.count) numbers, the first has \(width)")
    }
    self.init(.float32(rows.flatMap { $0 }), shape: [rows.count, width])
  }

  /// `count` numbers from `start` to `end`, both included.
  public static func linearSpace(from start: Float, through end: Float, count: Int) -> HostTensor {
    let last = Double(max(count - 1, 1))
    let values = (0..<max(count, 0)).map { Float(Double(start) + (Double(end) - Double(start)) * Double($0) / last) }
    return HostTensor(.float32(values), shape: [values.count])
  }

  /// `count` numbers from the smallest of the data to the largest, for a curve beside it; NaN and infinities are passed over.
  public static func linearSpace(over data: HostTensor, count: Int) -> HostTensor {
    let values = data.floats.filter(\.isFinite)
    return linearSpace(from: values.min() ?? 0, through: values.max() ?? 0, count: count)
  }

  /// Independent normal numbers, a function of the seed and the shape alone.
  public static func randomNormal(
    _ shape: Shape, mean: Float = 0, standardDeviation: Float = 1, seed: UInt64, file: StaticString = #filePath,
    line: UInt = #line
  ) -> HostTensor {
    check(shape, file, line)
    return random(shape, .normal, seed) { draw in
      draw.scale = standardDeviation
      if mean != 0 { draw.offset = mean }
    }
  }

  /// Independent numbers from `low` to `high`, a function of the seed and the shape alone.
  public static func randomUniform(
    _ shape: Shape, from low: Float = 0, to high: Float = 1, seed: UInt64, file: StaticString = #filePath,
    line: UInt = #line
  ) -> HostTensor {
    check(shape, file, line)
    return random(shape, .uniform, seed) { draw in
      draw.scale = high - low
      draw.offset = low
    }
  }

  private static func random(
    _ shape: Shape, _ distribution: RandomDraw.Distribution, _ seed: UInt64, _ change: (inout RandomDraw) -> Void
  ) -> HostTensor {
    var draw = RandomDraw(distribution, seed: seed, name: "HostTensor")
    change(&draw)
    return HostTensor(RandomNumbers.shared.numbers(draw, 0..<shape.elementCount), shape: shape)
  }

  /// The same elements in row-major order under another shape; one extent may be −1, which means what is left.
  ///
  /// - Throws: `DataError` where the numbers of elements differ.
  public func reshaped(to shape: Shape) throws -> HostTensor {
    var shape = shape
    let unknown = shape.extents.indices.filter { shape[$0] == -1 }
    let known = Shape(shape.extents.filter { $0 != -1 }).elementCount
    if unknown.count == 1, known > 0, count % known == 0 { shape.extents[unknown[0]] = count / known }
    guard !shape.extents.contains(where: { $0 < 0 }), shape.elementCount == count else {
      throw DataError("\(self.shape) with \(count) elements can't be reshaped to \(shape)")
    }
    return HostTensor(elements, shape: shape)
  }

  /// One element as a float.
  ///
  /// - Precondition: there is one index for each axis, inside of its extent.
  public subscript(indices: Int..., file file: StaticString = #filePath, line line: UInt = #line) -> Float {
    guard indices.count == shape.rank, zip(indices, shape.extents).allSatisfy({ $0 >= 0 && $0 < $1 }) else {
      end("there is no element \(indices) in a tensor of shape \(shape)", file, line)
    }
    return Float(elements[zip(indices, shape.strides).reduce(0) { $0 + $1.0 * $1.1 }].asDouble)
  }

  /// How many elements one step along the first axis passes over.
  var rowCount: Int { shape.rank == 0 ? 1 : shape[0] }
  private var rowLength: Int { Shape(Array(shape.extents.dropFirst())).elementCount }

  /// The given rows (elements along the first axis), in that order.
  ///
  /// - Precondition: the tensor has an axis, and rows of those numbers.
  public func rows(at indices: [Int], file: StaticString = #filePath, line: UInt = #line) -> HostTensor {
    if shape.rank == 0 { end("a scalar has no rows", file, line) }
    let count = shape[0]
    if let index = indices.first(where: { $0 < 0 || $0 >= count }) {
      end("there is no row \(index) in a tensor of shape \(shape), whose rows are 0..<\(count)", file, line)
    }
    let length = rowLength
    let shape = Shape([indices.count] + self.shape.extents.dropFirst())
    let gathered: ElementArray =
      switch elements {
      case .float32(let all): .float32(Self.rows(of: all, indices, length))
      case .float64(let all): .float64(Self.rows(of: all, indices, length))
      case .int32(let all): .int32(Self.rows(of: all, indices, length))
      case .bool(let all): .bool(Self.rows(of: all, indices, length))
      }
    return HostTensor(gathered, shape: shape)
  }

  /// A range of rows.
  ///
  /// - Precondition: the tensor has rows of those numbers.
  public func rows(_ range: Range<Int>, file: StaticString = #filePath, line: UInt = #line) -> HostTensor {
    if shape.rank == 0 { end("a scalar has no rows", file, line) }
    guard range.lowerBound >= 0, range.upperBound <= shape[0] else {
      end("there are no rows \(range) in a tensor of shape \(shape), whose rows are 0..<\(shape[0])", file, line)
    }
    return rows(at: Array(range))
  }

  private static func rows<Element>(of all: [Element], _ indices: [Int], _ length: Int) -> [Element] {
    var result: [Element] = []
    result.reserveCapacity(indices.count * length)
    for index in indices { result.append(contentsOf: all[index * length..<(index + 1) * length]) }
    return result
  }

  /// The first element that is NaN or infinite, or nil.
  var firstNonFinite: (index: Int, value: Double)? { firstNonFinite(allowingInfinity: false) }

  func firstNonFinite(allowingInfinity: Bool) -> (index: Int, value: Double)? {
    func first<Number: BinaryFloatingPoint>(_ values: [Number]) -> (Int, Double)? {
      let index = allowingInfinity ? values.firstIndex(where: \.isNaN) : values.firstIndex { !$0.isFinite }
      return index.map { ($0, Double(values[$0])) }
    }
    return switch elements {
    case .float32(let values): first(values)
    case .float64(let values): first(values)
    default: nil
    }
  }

  /// The coordinates of the element with this row-major number.
  func coordinates(of index: Int) -> [Int] { shape.coordinates(of: index) }
}
