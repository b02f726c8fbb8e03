/// Elements of one type in row-major order: how the interpreter stores a tensor.
public enum ElementArray: Sendable {
  case float32([Float])
  case float64([Double])
  case int32([Int32])
  case bool([Bool])

  /// `count` copies of one value.
  public init(repeating value: ScalarLiteral, count: Int) {
    switch value.type {
    case .float32: self = .float32([Float](repeating: value.floatValue, count: count))
    case .float64: self = .float64([Double](repeating: value.doubleBits, count: count))
    case .int32: self = .int32([Int32](repeating: value.intValue, count: count))
    case .bool: self = .bool([Bool](repeating: value.boolValue, count: count))
    }
  }

  /// `count` elements that are 0 or false.
  public init(zeros count: Int, type: ElementType) {
    self.init(repeating: ScalarLiteral(type: type, bits: 0), count: count)
  }

  public var count: Int {
    switch self {
    case .float32(let elements): elements.count
    case .float64(let elements): elements.count
    case .int32(let elements): elements.count
    case .bool(let elements): elements.count
    }
  }

  public var elementType: ElementType {
    switch self {
    case .float32: .float32
    case .float64: .float64
    case .int32: .int32
    case .bool: .bool
    }
  }

  /// One element with its type. To write, the literal must have the array's type.
  public subscript(index: Int) -> ScalarLiteral {
    get {
      switch self {
      case .float32(let elements): .float(elements[index])
      case .float64(let elements): .double(elements[index])
      case .int32(let elements): .int(elements[index])
      case .bool(let elements): .bool(elements[index])
      }
    }
    set {
      precondition(newValue.type == elementType, "wrote \(newValue.type) into \(elementType): a bug in Cinch")
      // The storage is moved out while it changes, so that it is not copied.
      switch self {
      case .float32(var elements):
        self = .float32([])
        elements[index] = newValue.floatValue
        self = .float32(elements)
      case .float64(var elements):
        self = .float64([])
        elements[index] = newValue.doubleBits
        self = .float64(elements)
      case .int32(var elements):
        self = .int32([])
        elements[index] = newValue.intValue
        self = .int32(elements)
      case .bool(var elements):
        self = .bool([])
        elements[index] = newValue.boolValue
        self = .bool(elements)
      }
    }
  }

  /// The element at each of `indices`, in their order.
  public func gathered(_ indices: [Int]) -> ElementArray {
    switch self {
    case .float32(let elements): .float32(indices.map { elements[$0] })
    case .float64(let elements): .float64(indices.map { elements[$0] })
    case .int32(let elements): .int32(indices.map { elements[$0] })
    case .bool(let elements): .bool(indices.map { elements[$0] })
    }
  }

  /// A run of elements.
  public func elements(_ range: Range<Int>) -> ElementArray {
    switch self {
    case .float32(let elements): .float32(Array(elements[range]))
    case .float64(let elements): .float64(Array(elements[range]))
    case .int32(let elements): .int32(Array(elements[range]))
    case .bool(let elements): .bool(Array(elements[range]))
    }
  }

  /// Arrays of one type, one after the other; there is at least one.
  public init(joining parts: [ElementArray]) {
    func joined<Element>(_ elements: (ElementArray) -> [Element]?) -> [Element] {
      parts.flatMap { part in
        guard let elements = elements(part) else {
          preconditionFailure("\(part.elementType) joined to \(parts[0].elementType): a bug in Cinch")
        }
        return elements
      }
    }
    self =
      switch parts[0] {
      case .float32: .float32(joined { if case .float32(let elements) = $0 { elements } else { nil } })
      case .float64: .float64(joined { if case .float64(let elements) = $0 { elements } else { nil } })
      case .int32: .int32(joined { if case .int32(let elements) = $0 { elements } else { nil } })
      case .bool: .bool(joined { if case .bool(let elements) = $0 { elements } else { nil } })
      }
  }

  /// Every element as a real number; a Bool is 0 or 1.
  public var doubles: [Double] {
    switch self {
    case .float32(let elements): elements.map { Double($0) }
    case .float64(let elements): elements
    case .int32(let elements): elements.map { Double($0) }
    case .bool(let elements): elements.map { $0 ? 1 : 0 }
    }
  }

  /// The elements of a Float32 array, or `nil` for another type.
  public var floats: [Float]? {
    if case .float32(let elements) = self { elements } else { nil }
  }

  /// The index of the first element whose bits differ, where any NaN equals any NaN; `nil` if there is none.
  ///
  /// Arrays of different type or length differ at the first index that only one of them has, or at 0.
  public func firstDifference(from other: ElementArray) -> Int? {
    guard elementType == other.elementType else { return 0 }
    let common = Swift.min(count, other.count)
    let difference: Int? =
      switch (self, other) {
      case (.float32(let a), .float32(let b)):
        (0..<common).first { a[$0].bitPattern != b[$0].bitPattern && !(a[$0].isNaN && b[$0].isNaN) }
      case (.float64(let a), .float64(let b)):
        (0..<common).first { a[$0].bitPattern != b[$0].bitPattern && !(a[$0].isNaN && b[$0].isNaN) }
      case (.int32(let a), .int32(let b)): (0..<common).first { a[$0] != b[$0] }
      case (.bool(let a), .bool(let b)): (0..<common).first { a[$0] != b[$0] }
      default: 0
      }
    return difference ?? (count == other.count ? nil : common)
  }

  /// Whether type, count and the bits of every element agree, where any NaN equals any NaN.
  public func bitsEqual(to other: ElementArray) -> Bool {
    elementType == other.elementType && firstDifference(from: other) == nil
  }
}
