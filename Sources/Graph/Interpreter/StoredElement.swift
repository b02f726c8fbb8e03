/// The Swift type that stands for an element type.
protocol StoredElement {
  static var zero: Self { get }
  static func elements(of array: ElementArray) -> [Self]?
  static func array(_ elements: [Self]) -> ElementArray
  init(_ literal: ScalarLiteral)
}

/// An element that can be accumulated.
protocol NumericElement: StoredElement {
  /// What an opcode of two operands does, if this type has it.
  static func meaning(of opcode: ScalarOpcode) -> ((Self, Self) -> Self)?
  /// `a · b + self`, rounded once.
  func adding(product a: Self, _ b: Self) -> Self
}

extension Float: NumericElement {
  static func elements(of array: ElementArray) -> [Float]? {
    if case .float32(let elements) = array { elements } else { nil }
  }
  static func array(_ elements: [Float]) -> ElementArray { .float32(elements) }
  init(_ literal: ScalarLiteral) { self = literal.floatValue }
  static func meaning(of opcode: ScalarOpcode) -> ((Float, Float) -> Float)? { opcode.float32Binary }
  func adding(product a: Float, _ b: Float) -> Float { addingProduct(a, b) }
}

extension Double: NumericElement {
  static func elements(of array: ElementArray) -> [Double]? {
    if case .float64(let elements) = array { elements } else { nil }
  }
  static func array(_ elements: [Double]) -> ElementArray { .float64(elements) }
  init(_ literal: ScalarLiteral) { self = literal.asDouble }
  static func meaning(of opcode: ScalarOpcode) -> ((Double, Double) -> Double)? { opcode.float64Binary }
  func adding(product a: Double, _ b: Double) -> Double { addingProduct(a, b) }
}

extension Int32: NumericElement {
  static func elements(of array: ElementArray) -> [Int32]? {
    if case .int32(let elements) = array { elements } else { nil }
  }
  static func array(_ elements: [Int32]) -> ElementArray { .int32(elements) }
  init(_ literal: ScalarLiteral) { self = literal.intValue }
  static func meaning(of opcode: ScalarOpcode) -> ((Int32, Int32) -> Int32)? { opcode.int32Binary }
  func adding(product a: Int32, _ b: Int32) -> Int32 { self &+ a &* b }
}

extension Bool: StoredElement {
  static var zero: Bool { false }
  static func elements(of array: ElementArray) -> [Bool]? {
    if case .bool(let elements) = array { elements } else { nil }
  }
  static func array(_ elements: [Bool]) -> ElementArray { .bool(elements) }
  init(_ literal: ScalarLiteral) { self = literal.boolValue }
}

extension ElementArray {
  var storage: any StoredElement.Type {
    switch self {
    case .float32: Float.self
    case .float64: Double.self
    case .int32: Int32.self
    case .bool: Bool.self
    }
  }

  var numericStorage: any NumericElement.Type {
    switch self {
    case .float32: Float.self
    case .float64: Double.self
    case .int32: Int32.self
    case .bool: preconditionFailure("bool has no arithmetic: a bug in Cinch")
    }
  }

  /// The elements, which are of that type.
  func elements<Element: StoredElement>(_ type: Element.Type) -> [Element] {
    guard let elements = type.elements(of: self) else {
      preconditionFailure("\(elementType) read as \(type): a bug in Cinch")
    }
    return elements
  }
}
