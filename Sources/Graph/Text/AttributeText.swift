// How the parts of graph text below a node are written: attribute values, literals, types, initialisers.

extension AttributeValue {
  func print(to text: inout String) {
    switch self {
    case .integer(let value): text.append(value)
    case .integers(let values): text.appendList(values)
    case .real(let value): text.append(value)
    case .flag(let value): text += value ? "true" : "false"
    case .text(let value): text.appendQuoted(value)
    case .elementType(let type): text += type.rawValue
    case .literal(let literal):
      text += literal.type.rawValue
      text += " "
      literal.printValue(to: &text)
    case .order(let order): text += order.description
    case .map(let map): map.print(to: &text)
    case .dense(let data): data.print(to: &text)
    }
  }
}

extension ScalarLiteral: CustomStringConvertible {
  /// As it stands in graph text: `f32 0.5`.
  public var description: String {
    var text = type.rawValue + " "
    printValue(to: &text)
    return text
  }

  /// The value without its type: for floats the shortest decimal that reads back as the same bits.
  func printValue(to text: inout String) {
    switch type {
    case .float32:
      if floatValue.isNaN {
        text.appendNaN(bits, isQuiet: bits == UInt64(Float.nan.bitPattern))
      } else {
        text += floatValue.description
      }
    case .float64: text.append(doubleBits)
    case .int32: text.append(Int(intValue))
    case .bool: text += boolValue ? "true" : "false"
    }
  }
}

extension ConstantData {
  func print(to text: inout String) {
    switch self {
    case .splat(let literal):
      text += "splat "
      text += literal.type.rawValue
      text += " "
      literal.printValue(to: &text)
    case .dense(let type, let elements):
      text += "dense "
      text += type.rawValue
      text += " ["
      var separator = ""
      for bits in elements {
        text += separator
        ScalarLiteral(type: type, bits: bits).printValue(to: &text)
        separator = ", "
      }
      text += "]"
    }
  }
}

extension IndexMap: CustomStringConvertible {
  /// As it stands in graph text: `map (i0, i1) -> (i1, 2*i0 - 1)`, from the view's index to the operand's.
  public var description: String {
    var text = ""
    print(to: &text)
    return text
  }

  func print(to text: inout String) {
    text += "map ("
    for index in 0..<(axes.map(\.coefficients.count).max() ?? 0) { text += index == 0 ? "i0" : ", i\(index)" }
    text += ") -> ("
    for (position, axis) in axes.enumerated() {
      if position > 0 { text += ", " }
      axis.print(to: &text)
    }
    text += ")"
  }
}

extension IndexMap.Axis {
  fileprivate func print(to text: inout String) {
    var isFirst = true
    for (index, coefficient) in coefficients.enumerated() where coefficient != 0 {
      text.appendSign(of: coefficient, isFirst: isFirst)
      if coefficient.magnitude != 1 { text += "\(coefficient.magnitude)*" }
      text += "i\(index)"
      isFirst = false
    }
    if offset != 0 || isFirst {
      text.appendSign(of: offset, isFirst: isFirst)
      text += String(offset.magnitude)
    }
  }
}

extension Initialiser: CustomStringConvertible {
  /// As it stands in graph text.
  public var description: String {
    var text = ""
    print(to: &text)
    return text
  }

  func print(to text: inout String) {
    switch self {
    case .zeros: text += "zeros"
    case .constant(let value): printCall("constant", "value", value, to: &text)
    case .uniform(let bound): printCall("uniform", "bound", bound, to: &text)
    case .normal(let deviation): printCall("normal", "standardDeviation", deviation, to: &text)
    case .xavierUniform: text += "xavier_uniform"
    case .xavierNormal: text += "xavier_normal"
    case .kaimingUniform: text += "kaiming_uniform"
    case .kaimingNormal: text += "kaiming_normal"
    case .scaledNormal: text += "scaled_normal"
    case .fanInUniform(let fanIn): text += "fan_in_uniform(fanIn: \(fanIn))"
    case .seed: text += "seed"
    }
  }

  private func printCall(_ name: String, _ label: String, _ value: Float, to text: inout String) {
    text += "\(name)(\(label): "
    ScalarLiteral.float(value).printValue(to: &text)
    text += ")"
  }
}

extension String {
  mutating func append(_ value: Int) { self += String(value) }

  /// A real number, in a form that can't be taken for an integer.
  mutating func append(_ value: Double) {
    if value.isNaN {
      appendNaN(value.bitPattern, isQuiet: value.bitPattern == Double.nan.bitPattern)
    } else {
      self += value.description
    }
  }

  fileprivate mutating func appendNaN(_ bits: UInt64, isQuiet: Bool) {
    self += isQuiet ? "nan" : "nan(0x\(String(bits, radix: 16)))"
  }

  fileprivate mutating func appendSign(of value: Int, isFirst: Bool) {
    if isFirst { self += value < 0 ? "-" : "" } else { self += value < 0 ? " - " : " + " }
  }

  mutating func append(_ type: TensorType) {
    self += type.elementType.rawValue
    appendList(type.shape.extents)
  }

  mutating func appendList(_ values: [Int]) {
    self += "["
    var separator = ""
    for value in values {
      self += separator
      append(value)
      separator = ", "
    }
    self += "]"
  }

  /// In quotes, on one line whatever it holds.
  mutating func appendQuoted(_ value: String) {
    self += "\""
    if value.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 != 0x7F }) {
      self += value
    } else {
      for scalar in value.unicodeScalars {
        switch scalar {
        case "\"": self += "\\\""
        case "\\": self += "\\\\"
        case "\n": self += "\\n"
        case "\t": self += "\\t"
        case "\r": self += "\\r"
        case _ where scalar.value < 0x20 || scalar.value == 0x7F:
          self += "\\u{\(String(scalar.value, radix: 16))}"
        default: unicodeScalars.append(scalar)
        }
      }
    }
    self += "\""
  }
}
