// Names and comments come from users: what is printed is plain ASCII that cannot end a comment or be a keyword.

/// `text` as a C identifier: every other character becomes an underscore.
func cIdentifier(_ text: String) -> String {
  var bytes: [UInt8] = []
  for byte in text.utf8 {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
      bytes.append(byte)
    case UInt8(ascii: "0")...UInt8(ascii: "9"):
      if bytes.isEmpty { bytes.append(UInt8(ascii: "_")) }
      bytes.append(byte)
    default:
      if bytes.last != UInt8(ascii: "_") { bytes.append(UInt8(ascii: "_")) }
    }
    if bytes.count >= 48 { break }
  }
  while bytes.count > 1, bytes.last == UInt8(ascii: "_") { bytes.removeLast() }
  // A leading underscore is the compiler's.
  if bytes.first == UInt8(ascii: "_") || bytes.isEmpty { bytes.insert(UInt8(ascii: "x"), at: 0) }
  return String(decoding: bytes, as: UTF8.self)
}

/// `text` as the name of a step's function, which is neither a word of C nor one that the file has for something else.
func cFunctionName(_ text: String) -> String {
  let name = cIdentifier(text)
  // Kernels' functions are `k12_…`.
  let isKernel = name.hasPrefix("k") && name.dropFirst().first.map { ("0"..."9").contains($0) } ?? false
  return name == "step" || isFreeForBuffer(name) && !isKernel ? name : name + "_step"
}

/// `text` as it may stand in a `/* comment */`: printable ASCII, nothing that ends or nests a comment, continues a
/// line or spells a trigraph.
func cComment(_ text: String) -> String {
  var bytes: [UInt8] = []
  for byte in text.utf8 {
    let last = bytes.last
    switch byte {
    case UInt8(ascii: "/") where last == UInt8(ascii: "*"), UInt8(ascii: "*") where last == UInt8(ascii: "/"),
      UInt8(ascii: "?") where last == UInt8(ascii: "?"):
      bytes.append(UInt8(ascii: " "))
      bytes.append(byte)
    case UInt8(ascii: "\\"): bytes.append(UInt8(ascii: "|"))
    case 0x20...0x7e: bytes.append(byte)
    case 0x80...0xbf: break  // The rest of a character whose first byte has become `_`.
    case 0xc0...: bytes.append(UInt8(ascii: "_"))
    default: bytes.append(UInt8(ascii: " "))
    }
  }
  return String(decoding: bytes, as: UTF8.self)
}

extension LoopVariable {
  /// `i32` and `i64` are types in the generated C.
  var cName: String { raw == 32 || raw == 64 ? "i\(raw)_" : "i\(raw)" }
}

/// Words that a buffer's name may not be: keywords, the generated functions' own names, and types.
private let cReservedWords: Set<String> = [
  "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern",
  "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed",
  "sizeof", "static", "struct", "switch", "typedef", "union", "unsigned", "void", "volatile", "while", "asm",
  "alignas", "alignof", "bool", "constexpr", "false", "nullptr", "static_assert", "thread_local", "true", "typeof",
  "typeof_unqual", "linux", "unix", "u8", "i32", "u32", "i64", "u64", "state", "scratch", "inputs", "worker",
  "workers", "barrier", "context", "failure", "half", "lane", "first", "last", "step", "main", "float_of_bits",
  "bits_of_float", "double_of_bits", "bits_of_double", "int_of_float", "int_of_double", "shift_right", "fail",
  "lap", "ticks",
]

/// Whether a buffer may be called so: not reserved, not one of the names the printer makes (`v12`, `sum3`, `i0`,
/// `max_f32`).
func isFreeForBuffer(_ name: String) -> Bool {
  if cReservedWords.contains(name) { return false }
  let utf8 = name.utf8
  if name.hasSuffix("_f32") || name.hasSuffix("_f64") || name.hasSuffix("_i32") { return false }
  guard let last = utf8.last, last >= UInt8(ascii: "0"), last <= UInt8(ascii: "9") else { return true }
  let letters = utf8.prefix { !($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")) }
  let digits = utf8.dropFirst(letters.count)
  guard digits.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else { return true }
  switch String(decoding: Array(letters), as: UTF8.self) {
  case "v", "sum", "carry", "lanes", "i", "next", "first", "last", "constant": return false
  default: return true
  }
}
