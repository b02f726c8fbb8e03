// The parts of graph text below a node: attribute values, literals, types, index maps, initialisers.

extension GraphParser {
  mutating func attributeValue() throws(GraphTextError) -> AttributeValue {
    switch token.kind {
    case .string(let value):
      try advance()
      return .text(value)
    case .punctuation(UInt8(ascii: "[")): return .integers(try integers())
    case .punctuation(UInt8(ascii: "@")): return .integer(try stateReference().index)
    case .punctuation(UInt8(ascii: "-")), .integer, .real: return try number()
    case .identifier: return try wordValue()
    default: throw error("an attribute's value expected, not \(found)")
    }
  }

  private mutating func wordValue() throws(GraphTextError) -> AttributeValue {
    let word = text(of: token)
    if let type = ElementType(rawValue: word) {
      try advance()
      return isAt(",") || isAt(")") ? .elementType(type) : .literal(try literal(type))
    }
    switch word {
    case "true", "false":
      try advance()
      return .flag(word == "true")
    case "nan", "inf": return try number()
    case "chain", "lanes": return .order(try order())
    case "map": return .map(try indexMap())
    case "splat":
      try advance()
      return .dense(.splat(try literal(try elementType())))
    case "dense": return .dense(try dense())
    default: throw error("'\(word)' is no attribute value")
    }
  }

  // MARK: Numbers

  mutating func integer(_ what: String, in range: ClosedRange<Int> = .min...(.max)) throws(GraphTextError) -> Int {
    let start = token
    let sign = try skip("-") ? "-" : ""
    guard token.kind == .integer else { throw error("\(what) expected, not \(found)") }
    let digits = text(of: try advance())
    let isHexadecimal = digits.hasPrefix("0x")
    guard let value = Int(sign + (isHexadecimal ? digits.dropFirst(2) : digits[...]), radix: isHexadecimal ? 16 : 10),
      range.contains(value)
    else { throw error("\(sign)\(digits) is out of range", at: start) }
    return value
  }

  /// An integer or a real number, as it is written.
  private mutating func number() throws(GraphTextError) -> AttributeValue {
    let start = token
    let isNegative = try skip("-")
    if token.kind == .integer {
      let digits = text(of: token)
      guard isNegative, !digits.hasPrefix("0x") else { return .integer(try integer("a number")) }
      guard let value = Int("-" + digits) else { throw error("-\(digits) is out of range", at: start) }
      try advance()
      return .integer(value)
    }
    return .real(try float(.float64, isNegative: isNegative, at: start).doubleBits)
  }

  /// A float without its sign: decimal, hexadecimal, `inf`, `nan` or `nan(0x…)` with its bits.
  private mutating func float(
    _ type: ElementType, isNegative: Bool, at start: GraphToken
  ) throws(GraphTextError) -> ScalarLiteral {
    let sign = isNegative ? "-" : ""
    let word = text(of: token)
    switch (token.kind, word) {
    case (.integer, _), (.real, _), (.identifier, "inf"):
      // Each type reads the text itself: through Double, Float32 would be rounded twice.
      let literal: ScalarLiteral? =
        type == .float32 ? Float(sign + word).map { .float($0) } : Double(sign + word).map { .double($0) }
      guard let literal, literal.asDouble.isFinite || word == "inf" else {
        throw error("\(sign)\(word) is out of range", at: start)
      }
      try advance()
      return literal
    case (.identifier, "nan"):
      guard !isNegative else { throw error("a NaN's sign belongs into its bits: nan(0x…)", at: start) }
      try advance()
      guard try skip("(") else { return type == .float32 ? .float(.nan) : .double(.nan) }
      let bitsToken = token
      let digits = text(of: token)
      guard token.kind == .integer, digits.hasPrefix("0x"), let bits = UInt64(digits.dropFirst(2), radix: 16),
        bits >> UInt64(type.byteCount * 8) == 0, ScalarLiteral(type: type, bits: bits).asDouble.isNaN
      else { throw error("the bits of a NaN expected, as nan(0x7fc00000)", at: bitsToken) }
      try advance()
      try expect(")")
      return ScalarLiteral(type: type, bits: bits)
    default: throw error("a number expected, not \(found)")
    }
  }

  /// A value of the given type.
  private mutating func literal(_ type: ElementType) throws(GraphTextError) -> ScalarLiteral {
    let start = token
    switch type {
    case .int32: return .int(Int32(try integer("an integer", in: Int(Int32.min)...Int(Int32.max))))
    case .float32, .float64:
      let isNegative = try skip("-")
      return try float(type, isNegative: isNegative, at: start)
    case .bool:
      let word = try identifier("true or false")
      guard word == "true" || word == "false" else {
        throw error("true or false expected, not '\(word)'", at: start)
      }
      return .bool(word == "true")
    }
  }

  // MARK: Types and lists

  private mutating func elementType() throws(GraphTextError) -> ElementType {
    let start = token
    let word = try identifier("an element type")
    guard let type = ElementType(rawValue: word) else {
      let types = ElementType.allCases.map(\.rawValue).joined(separator: ", ")
      throw error("'\(word)' is no element type; there are \(types)", at: start)
    }
    return type
  }

  mutating func tensorType() throws(GraphTextError) -> TensorType {
    let start = token
    let elementType = try elementType()
    var extents: [Int] = []
    try expect("[")
    try list(until: "]") { (parser) throws(GraphTextError) in
      guard extents.count < GraphTextLimits.rank else {
        throw parser.error("a shape has at most \(GraphTextLimits.rank) axes")
      }
      extents.append(try parser.integer("an extent", in: 1...Shape.maximumElementCount))
    }
    let shape = Shape(extents)
    guard shape.elementCount <= Shape.maximumElementCount else {
      throw error("the tensor has more than 2³⁸ elements", at: start)
    }
    return TensorType(elementType, shape)
  }

  private mutating func integers() throws(GraphTextError) -> [Int] {
    var values: [Int] = []
    try expect("[")
    try list(until: "]") { (parser) throws(GraphTextError) in
      guard values.count < GraphTextLimits.rank else {
        throw parser.error("a list of integers has at most \(GraphTextLimits.rank) elements")
      }
      let limit = GraphTextLimits.magnitude
      values.append(try parser.integer("an integer", in: -limit...limit))
    }
    return values
  }

  private mutating func dense() throws(GraphTextError) -> ConstantData {
    try advance()
    let type = try elementType()
    var elements: [UInt64] = []
    try expect("[")
    try list(until: "]") { (parser) throws(GraphTextError) in elements.append(try parser.literal(type).bits) }
    return .dense(type, elements)
  }

  // MARK: Orders and maps

  private mutating func order() throws(GraphTextError) -> AccumulationOrder {
    let word = text(of: try advance())
    if word == "lanes" {
      try expect("(")
      let start = token
      let count = try integer("a count of lanes", in: 1...(1 << 20))
      guard count & (count - 1) == 0 else {
        throw error("the count of lanes must be a power of two, not \(count)", at: start)
      }
      guard try skip(",") else {
        try expect(")")
        return .lanes(count)
      }
      return AccumulationOrder(.lanes(count), runs: try runs())
    }
    guard try skip("(") else { return .chain }
    return AccumulationOrder(.chain, runs: try runs())
  }

  /// `chunk: 256, 16384)`
  private mutating func runs() throws(GraphTextError) -> [Int] {
    try keyword("chunk")
    try expect(":")
    var lengths: [Int] = []
    repeat {
      let start = token
      let length = try integer("a count", in: 1...GraphTextLimits.magnitude)
      guard length > lengths.last ?? 0 else { throw error("the lengths of runs must ascend", at: start) }
      lengths.append(length)
    } while try skip(",")
    try expect(")")
    return lengths
  }

  /// `map (i0, i1) -> (i1, 2*i0 - 1)`
  private mutating func indexMap() throws(GraphTextError) -> IndexMap {
    try advance()
    var variables: [String: Int] = [:]
    try expect("(")
    try list(until: ")") { (parser) throws(GraphTextError) in
      let start = parser.token
      let name = try parser.identifier("an index")
      guard variables.updateValue(variables.count, forKey: name) == nil else {
        throw parser.error("index '\(name)' is defined twice", at: start)
      }
      guard variables.count <= GraphTextLimits.rank else {
        throw parser.error("a map has at most \(GraphTextLimits.rank) indices", at: start)
      }
    }
    guard token.kind == .arrow else { throw error("'->' expected, not \(found)") }
    try advance()
    var axes: [IndexMap.Axis] = []
    try expect("(")
    try list(until: ")") { (parser) throws(GraphTextError) in
      guard axes.count < GraphTextLimits.rank else {
        throw parser.error("a map has at most \(GraphTextLimits.rank) coordinates")
      }
      axes.append(try parser.affine(variables))
    }
    return IndexMap(axes: axes)
  }

  /// A sum of terms `i`, `n*i` and `n`, each index at most once.
  private mutating func affine(_ variables: [String: Int]) throws(GraphTextError) -> IndexMap.Axis {
    var axis = IndexMap.Axis(coefficients: [Int](repeating: 0, count: variables.count))
    var isFirst = true
    while true {
      var isNegative = try skip("-")
      if !isNegative, !isFirst {
        guard try skip("+") else { return axis }
        isNegative = try skip("-")
      }
      isFirst = false
      var factor = isNegative ? -1 : 1
      if token.kind == .integer {
        factor *= try integer("a number", in: 0...GraphTextLimits.magnitude)
        guard try skip("*") else {
          let start = token
          axis.offset += factor
          guard axis.offset.magnitude <= GraphTextLimits.magnitude else {
            throw error("the offset is out of range", at: start)
          }
          continue
        }
      }
      let start = token
      let name = try identifier("an index or a number")
      guard let index = variables[name] else { throw error("there is no index '\(name)'", at: start) }
      guard axis.coefficients[index] == 0 else { throw error("index '\(name)' stands twice", at: start) }
      axis.coefficients[index] = factor
    }
  }

  // MARK: Initialisers

  mutating func initialiser() throws(GraphTextError) -> Initialiser {
    let start = token
    let word = try identifier("an initialiser")
    switch word {
    case "zeros": return .zeros
    case "constant": return .constant(try floatArgument("value"))
    case "uniform": return .uniform(bound: try floatArgument("bound"))
    case "normal": return .normal(standardDeviation: try floatArgument("standardDeviation"))
    case "xavier_uniform": return .xavierUniform
    case "xavier_normal": return .xavierNormal
    case "kaiming_uniform": return .kaimingUniform
    case "kaiming_normal": return .kaimingNormal
    case "scaled_normal": return .scaledNormal
    case "fan_in_uniform":
      let fanIn = try argument("fanIn") { (parser) throws(GraphTextError) in
        try parser.integer("a count", in: 1...Shape.maximumElementCount)
      }
      return .fanInUniform(fanIn: fanIn)
    case "seed": return .seed
    default: throw error("there is no initialiser '\(word)'", at: start)
    }
  }

  private mutating func floatArgument(_ label: String) throws(GraphTextError) -> Float {
    try argument(label) { (parser) throws(GraphTextError) in try parser.literal(.float32).floatValue }
  }

  private mutating func argument<Value>(
    _ label: String, _ value: (inout GraphParser) throws(GraphTextError) -> Value
  ) throws(GraphTextError) -> Value {
    try expect("(")
    try keyword(label)
    try expect(":")
    let result = try value(&self)
    try expect(")")
    return result
  }
}
