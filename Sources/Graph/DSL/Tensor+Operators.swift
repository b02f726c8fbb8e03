// Operators can't capture the caller's line: a node made by one carries the line where its later operand was made, and a
// mistake asks the call stack.

infix operator .== : ComparisonPrecedence
infix operator .!= : ComparisonPrecedence
infix operator .< : ComparisonPrecedence
infix operator .<= : ComparisonPrecedence
infix operator .> : ComparisonPrecedence
infix operator .>= : ComparisonPrecedence

extension Tensor {
  public static func + (a: Tensor, b: Tensor) -> Tensor { binary(Add(), a, b) }
  public static func - (a: Tensor, b: Tensor) -> Tensor { binary(Subtract(), a, b) }
  /// Element by element; `matmul` multiplies matrices.
  public static func * (a: Tensor, b: Tensor) -> Tensor { binary(Multiply(), a, b) }
  public static func / (a: Tensor, b: Tensor) -> Tensor { binary(Divide(), a, b) }
  public static prefix func - (a: Tensor) -> Tensor { a.builder.add(Negate(), [a], at: a.site.ofOperand) }

  // Element by element, to Bool.
  public static func .== (a: Tensor, b: Tensor) -> Tensor { binary(Compare(.equal), a, b) }
  public static func .!= (a: Tensor, b: Tensor) -> Tensor { binary(Compare(.notEqual), a, b) }
  public static func .< (a: Tensor, b: Tensor) -> Tensor { binary(Compare(.less), a, b) }
  public static func .<= (a: Tensor, b: Tensor) -> Tensor { binary(Compare(.lessOrEqual), a, b) }
  public static func .> (a: Tensor, b: Tensor) -> Tensor { binary(Compare(.less), b, a) }
  public static func .>= (a: Tensor, b: Tensor) -> Tensor { binary(Compare(.lessOrEqual), b, a) }

  // Logical on Bool, bit by bit on Int32.
  public static func & (a: Tensor, b: Tensor) -> Tensor { binary(Logical(.and), a, b) }
  public static func | (a: Tensor, b: Tensor) -> Tensor { binary(Logical(.or), a, b) }
  public static func ^ (a: Tensor, b: Tensor) -> Tensor { binary(Logical(.exclusiveOr), a, b) }
  public static prefix func ! (a: Tensor) -> Tensor { a.builder.add(Not(), [a], at: a.site.ofOperand) }

  /// An op of two operands after NumPy's broadcasting.
  static func binary(_ op: any Op, _ a: Tensor, _ b: Tensor, at site: CallSite? = nil) -> Tensor {
    let site = site ?? later(a, b).site.ofOperand
    guard a.builder === b.builder else { return a.builder.add(op, [a, b], at: site) }
    guard let shape = a.shape.broadcast(with: b.shape) else {
      return a.builder.fail(
        "\(describe(op)) can't broadcast \(a.shape) with \(b.shape): extents must be equal or 1, aligned at the last axis",
        operands: [a, b], recovered: a.type, at: site)
    }
    a.builder.noteBroadcast([a, b], to: shape, at: site)
    return a.builder.add(op, [a.broadcast(to: shape, at: site), b.broadcast(to: shape, at: site)], at: site)
  }

  private static func later(_ a: Tensor, _ b: Tensor) -> Tensor { a.id > b.id ? a : b }

  private static func describe(_ op: any Op) -> String { Swift.type(of: op).mnemonic }

  /// A scalar of the other operand's element type; a number that the type doesn't hold is a mistake.
  static func scalar(_ value: Double, like other: Tensor, at site: CallSite? = nil) -> Tensor {
    let site = site ?? other.site.ofOperand
    guard let obstacle = obstacle(to: value, other.elementType) else {
      return other.builder.constant(literal(value, other.elementType), at: site)
    }
    let wider = other.elementType == .float32 ? ElementType.float64 : .float32
    return other.builder.fail(
      "\(obstacle), the element type of \(other.type); cast(to: .\(wider)) before", operands: [other],
      recovered: TensorType(other.elementType, []), at: site)
  }

  /// Why the element type doesn't hold the number; nil if it does.
  static func obstacle(to value: Double, _ type: ElementType) -> String? {
    var text: String { Double(Float(value)) == value ? "\(Float(value))" : "\(value)" }
    return switch type {
    case .float32 where value.isFinite && !Float(value).isFinite: "\(value) is out of range for Float32"
    case .float32, .float64: nil
    case .int32 where Int32(exactly: value) != nil, .bool where value == 0 || value == 1: nil
    case .int32 where value.isFinite && value == value.rounded(.towardZero): "\(text) is out of range for Int32"
    case .int32: "\(text) is no whole number and so no Int32"
    case .bool: "\(text) is neither 0 nor 1 and so no Bool"
    }
  }

  static func literal(_ value: Double, _ type: ElementType) -> ScalarLiteral {
    switch type {
    case .float32: .float(Float(value))
    case .float64: .double(value)
    case .int32: .int(Int32(exactly: value.rounded(.towardZero)) ?? (value > 0 ? .max : .min))
    case .bool: .bool(value != 0)
    }
  }

  /// As many zeros as `other` has elements.
  public static func zeros(like other: Tensor) -> Tensor {
    other.builder.constant(literal(0, other.elementType), shape: other.shape, at: other.site.ofOperand)
  }
}

extension Tensor {
  /// Where an operand of a mistake comes from.
  var origin: Diagnostic.Note {
    let node = builder.graph[id]
    let made = node.site.isOfOperand ? "computed from what is made here" : "made here"
    return Diagnostic.Note("operand of type \(type) \(made)", at: node.site, name: node.name)
  }

  static func ones(like other: Tensor) -> Tensor {
    other.builder.constant(literal(1, other.elementType), shape: other.shape, at: other.site)
  }
}

extension GraphBuilder {
  /// Records a mistake in a call, unless its operands come from one already recorded.
  ///
  /// - Parameter isCertain: whether the result would have had the type `recovered`; what is computed from it is checked then.
  func fail(
    _ message: String, operands: [Tensor], recovered: TensorType, isCertain: Bool = false, at site: CallSite
  ) -> Tensor {
    let follows = operands.contains { $0.builder === self && poisoned.contains($0.id) }
    if !follows {
      record(
        Diagnostic(
          message, at: site,
          notes: operands.map(\.origin)))
    }
    return poison(recovered: recovered, site: site, isCertain: isCertain && !follows)
  }
}
