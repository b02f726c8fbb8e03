/// A named property of an op, in the form that graph text prints and parses.
public struct Attribute: Sendable, Hashable {
  public let name: String
  public let value: AttributeValue

  public init(_ name: String, _ value: AttributeValue) {
    self.name = name
    self.value = value
  }
}

public enum AttributeValue: Sendable {
  case integer(Int)
  case integers([Int])
  case real(Double)
  case flag(Bool)
  case text(String)
  case elementType(ElementType)
  case literal(ScalarLiteral)
  case order(AccumulationOrder)
  case map(IndexMap)
  case dense(ConstantData)
}

/// Numbers are equal if their bits are: programs with 0 and with -0 are two, and NaN is itself.
extension AttributeValue: Hashable {
  public static func == (a: AttributeValue, b: AttributeValue) -> Bool {
    switch (a, b) {
    case (.integer(let a), .integer(let b)): a == b
    case (.integers(let a), .integers(let b)): a == b
    case (.real(let a), .real(let b)): a.bitPattern == b.bitPattern
    case (.flag(let a), .flag(let b)): a == b
    case (.text(let a), .text(let b)): a == b
    case (.elementType(let a), .elementType(let b)): a == b
    case (.literal(let a), .literal(let b)): a == b
    case (.order(let a), .order(let b)): a == b
    case (.map(let a), .map(let b)): a == b
    case (.dense(let a), .dense(let b)): a == b
    case (.integer, _), (.integers, _), (.real, _), (.flag, _), (.text, _), (.elementType, _), (.literal, _), (.order, _),
      (.map, _), (.dense, _):
      false
    }
  }

  public func hash(into hasher: inout Hasher) {
    switch self {
    case .integer(let value): hasher.combine(value)
    case .integers(let value): hasher.combine(value)
    case .real(let value): hasher.combine(value.bitPattern)
    case .flag(let value): hasher.combine(value)
    case .text(let value): hasher.combine(value)
    case .elementType(let value): hasher.combine(value)
    case .literal(let value): hasher.combine(value)
    case .order(let value): hasher.combine(value)
    case .map(let value): hasher.combine(value)
    case .dense(let value): hasher.combine(value)
    }
  }
}

/// Reads an op's attributes back by name; what is missing, of another kind or left over is an error.
public struct AttributeReader {
  /// An attribute that isn't as the op needs it.
  public struct Failure: Error, Sendable {
    public let message: String
  }

  private var remaining: [String: AttributeValue] = [:]

  /// Throws if two attributes have one name.
  public init(_ attributes: [Attribute]) throws(Failure) {
    for attribute in attributes {
      guard remaining.updateValue(attribute.value, forKey: attribute.name) == nil else {
        throw Failure(message: "attribute '\(attribute.name)' is given twice")
      }
    }
  }

  /// An attribute of any kind, or nil where it isn't given.
  public mutating func optional(_ name: String) -> AttributeValue? { remaining.removeValue(forKey: name) }

  private mutating func take<T>(
    _ name: String, _ kind: String, _ extract: (AttributeValue) -> T?
  ) throws(Failure) -> T {
    guard let value = remaining.removeValue(forKey: name) else {
      throw Failure(message: "attribute '\(name)' is missing")
    }
    guard let result = extract(value) else { throw Failure(message: "attribute '\(name)' must be \(kind)") }
    return result
  }

  public mutating func integer(_ name: String) throws(Failure) -> Int {
    try take(name, "an integer") { if case .integer(let value) = $0 { value } else { nil } }
  }
  public mutating func integer(_ name: String, orElse value: Int) throws(Failure) -> Int {
    remaining[name] == nil ? value : try integer(name)
  }
  public mutating func integers(_ name: String) throws(Failure) -> [Int] {
    try take(name, "a list of integers") { if case .integers(let value) = $0 { value } else { nil } }
  }
  public mutating func real(_ name: String) throws(Failure) -> Double {
    try take(name, "a number") {
      switch $0 {
      case .real(let value): value
      case .integer(let value): Double(value)
      default: nil
      }
    }
  }
  public mutating func flag(_ name: String) throws(Failure) -> Bool {
    try take(name, "true or false") { if case .flag(let value) = $0 { value } else { nil } }
  }
  public mutating func flag(_ name: String, orElse value: Bool) throws(Failure) -> Bool {
    remaining[name] == nil ? value : try flag(name)
  }
  public mutating func text(_ name: String) throws(Failure) -> String {
    try take(name, "a quoted text") { if case .text(let value) = $0 { value } else { nil } }
  }
  public mutating func elementType(_ name: String) throws(Failure) -> ElementType {
    try take(name, "an element type") { if case .elementType(let value) = $0 { value } else { nil } }
  }
  public mutating func literal(_ name: String) throws(Failure) -> ScalarLiteral {
    try take(name, "a literal") { if case .literal(let value) = $0 { value } else { nil } }
  }
  public mutating func literalIfGiven(_ name: String) throws(Failure) -> ScalarLiteral? {
    remaining[name] == nil ? nil : try literal(name)
  }
  public mutating func map(_ name: String) throws(Failure) -> IndexMap {
    try take(name, "an index map") { if case .map(let value) = $0 { value } else { nil } }
  }
  public mutating func dense(_ name: String) throws(Failure) -> ConstantData {
    try take(name, "constant data") { if case .dense(let value) = $0 { value } else { nil } }
  }
  /// The accumulation order, which is absent until the pass that sets it has run.
  public mutating func order() throws(Failure) -> AccumulationOrder? {
    guard let value = remaining.removeValue(forKey: "order") else { return nil }
    guard case .order(let order) = value else {
      throw Failure(message: "attribute 'order' must be chain, lanes(n), chain(chunk: n) or lanes(n, chunk: n)")
    }
    return order
  }

  /// Throws if an attribute was never asked for.
  public func finish() throws(Failure) {
    if let name = remaining.keys.min() { throw Failure(message: "unknown attribute '\(name)'") }
  }
}

/// The elements of a constant: all equal, or each given.
public enum ConstantData: Sendable, Hashable {
  case splat(ScalarLiteral)
  /// Bit patterns in row-major order.
  case dense(ElementType, [UInt64])

  public var elementType: ElementType {
    switch self {
    case .splat(let literal): literal.type
    case .dense(let type, _): type
    }
  }

  public func element(_ index: Int) -> ScalarLiteral {
    switch self {
    case .splat(let literal): literal
    case .dense(let type, let bits): ScalarLiteral(type: type, bits: bits[index])
    }
  }
}
