import CinchGraph

// Literals are exact: small whole numbers in decimal, others in hexadecimal with the decimal beside it, because libtcc reads
// a decimal fraction as the process's locale writes it. Infinity and NaN have no literal in C99 without a header.

/// Appends a finite literal; `isNegative` numbers print as unary minus. False if the literal needs its bits.
func writeLiteral(_ literal: ScalarLiteral, to out: inout TextBuffer) -> Bool {
  switch literal.type {
  case .bool:
    out.write(literal.boolValue ? "1" : "0")
  case .int32:
    if literal.intValue == Int32.min { out.write("(-2147483647 - 1)") } else { out.write(literal.intValue) }
  case .float32:
    let value = literal.floatValue
    guard value.isFinite else { return false }
    writeFinite(Double(value), suffix: "f", decimal: value.description, to: &out)
  case .float64:
    let value = literal.doubleBits
    guard value.isFinite else { return false }
    writeFinite(value, suffix: "", decimal: value.description, to: &out)
  }
  return true
}

/// Whether the literal prints with a sign, so that it must not follow an operator unparenthesised.
func isNegative(_ literal: ScalarLiteral) -> Bool {
  switch literal.type {
  case .bool: false
  case .int32: literal.intValue < 0 && literal.intValue != Int32.min
  case .float32: literal.floatValue.sign == .minus
  case .float64: literal.doubleBits.sign == .minus
  }
}

private func writeFinite(
  _ value: Double, suffix: String, decimal: String, to out: inout TextBuffer
) {
  if value.sign == .minus { out.write("-") }
  let magnitude = value.magnitude
  if magnitude < 65_536, magnitude == magnitude.rounded(.towardZero) {
    out.write(Int(magnitude))
    out.write(".0")
    out.write(suffix)
    return
  }
  // Float32's subnormals are normal here.
  var exponent = magnitude.isSubnormal ? -1022 : Int(magnitude.exponent)
  var significand = magnitude.significandBitPattern
  if magnitude.isSubnormal {
    let shift = significand.leadingZeroBitCount - 11
    significand = (significand << UInt64(shift)) & 0xf_ffff_ffff_ffff
    exponent -= shift
  }
  out.write("0x1")
  if significand != 0 {
    out.write(".")
    while significand != 0 {
      out.write(hexadecimalDigit: significand >> 48)
      significand = (significand << 4) & 0xf_ffff_ffff_ffff
    }
  }
  out.write("p")
  out.write(exponent)
  out.write(suffix)
  out.write(" /* ")
  out.write(decimal)
  out.write(" */")
}
