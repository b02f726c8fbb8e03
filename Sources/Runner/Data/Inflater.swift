/// Decompresses a DEFLATE stream (RFC 1951): blocks of literal bytes and of copies from what was written before, each kind
/// of number in a Huffman code.
struct Inflater {
  enum Failure: Error, Hashable {
    case truncated
    case damaged(String)
    /// More came out than was allowed.
    case tooLarge
  }

  private(set) var output: [UInt8] = []
  private let bytes: [UInt8]
  private let limit: Int
  private var position: Int
  /// Bits that were read and not used, the next one lowest.
  private var bits: UInt64 = 0
  private var bitCount = 0
  /// How many of them are zeros that stand for bytes after the end; using one is an error.
  private var absentBitCount = 0

  /// - Parameters:
  ///   - position: where in `bytes` the stream begins.
  ///   - capacity: how many bytes probably come out.
  ///   - limit: how many may.
  init(_ bytes: [UInt8], at position: Int, capacity: Int, limit: Int) {
    self.bytes = bytes
    self.position = position
    self.limit = limit
    output.reserveCapacity(min(capacity, limit))
  }

  /// Decompresses the whole stream; returns where in the bytes it ended.
  mutating func run() throws(Failure) -> Int {
    var isLast = false
    while !isLast {
      isLast = try take(1) == 1
      switch try take(2) {
      case 0: try copyStoredBlock()
      case 1: try expand(Self.fixedLiterals, Self.fixedDistances)
      case 2:
        let (literals, distances) = try readCodes()
        try expand(literals, distances)
      default: throw .damaged("a block of unknown kind")
      }
    }
    return position - (bitCount - absentBitCount) / 8
  }

  // MARK: Bits

  /// Makes sure that 48 bits are there to look at.
  private mutating func fill() {
    while bitCount <= 48 {
      if position < bytes.count {
        bits |= UInt64(bytes[position]) << UInt64(bitCount)
        position += 1
      } else {
        absentBitCount += 8
      }
      bitCount += 8
    }
  }

  private mutating func drop(_ count: Int) throws(Failure) {
    bits >>= UInt64(count)
    bitCount -= count
    if bitCount < absentBitCount { throw .truncated }
  }

  /// The next bits as a number, at most 16.
  private mutating func take(_ count: Int) throws(Failure) -> Int {
    fill()
    let value = Int(bits & (1 << UInt64(count) - 1))
    try drop(count)
    return value
  }

  private mutating func symbol(_ code: HuffmanCode) throws(Failure) -> Int {
    fill()
    let entry = code.table[Int(bits) & (code.table.count - 1)]
    // Bits that no code begins with: at the end of the data they are missing ones.
    guard entry != 0 else { throw absentBitCount > bitCount - HuffmanCode.longest ? .truncated : .damaged("an unknown code") }
    try drop(Int(entry & 15))
    return Int(entry >> 4)
  }

  // MARK: Blocks

  private mutating func copyStoredBlock() throws(Failure) {
    try drop(bitCount % 8)
    let count = try take(16)
    guard try take(16) == count ^ 0xFFFF else { throw .damaged("a stored block whose length is given differently twice") }
    guard output.count + count <= limit else { throw .tooLarge }
    for _ in 0..<count { output.append(UInt8(try take(8))) }
  }

  /// Literals and copies up to the end of the block.
  private mutating func expand(_ literals: HuffmanCode, _ distances: HuffmanCode) throws(Failure) {
    while true {
      let symbol = try symbol(literals)
      if symbol < 256 {
        guard output.count < limit else { throw .tooLarge }
        output.append(UInt8(symbol))
        continue
      }
      if symbol == 256 { return }
      guard symbol - 257 < Self.lengths.count else { throw .damaged("a length of unknown kind") }
      let length = Self.lengths[symbol - 257]
      let count = length.base + (try take(length.extraBits))
      let distanceSymbol = try self.symbol(distances)
      guard distanceSymbol < Self.distances.count else { throw .damaged("a distance of unknown kind") }
      let distance = Self.distances[distanceSymbol].base + (try take(Self.distances[distanceSymbol].extraBits))
      guard distance <= output.count else { throw .damaged("a copy from before the beginning") }
      guard output.count + count <= limit else { throw .tooLarge }
      let end = output.count
      output.append(contentsOf: repeatElement(0, count: count))
      // One by one: a copy may overlap what it writes.
      output.withUnsafeMutableBufferPointer { bytes in
        for index in end..<end + count { bytes[index] = bytes[index - distance] }
      }
    }
  }

  /// The two codes at the beginning of a block, whose lengths stand in a third one.
  private mutating func readCodes() throws(Failure) -> (literals: HuffmanCode, distances: HuffmanCode) {
    let literalCount = try take(5) + 257
    let distanceCount = try take(5) + 1
    let lengthCount = try take(4) + 4
    guard literalCount <= 286, distanceCount <= 30 else { throw .damaged("too many codes") }
    var codeLengths = [UInt8](repeating: 0, count: 19)
    for index in 0..<lengthCount { codeLengths[Self.lengthOrder[index]] = UInt8(try take(3)) }
    let code = try HuffmanCode(codeLengths[...])
    var lengths: [UInt8] = []
    while lengths.count < literalCount + distanceCount {
      let symbol = try symbol(code)
      switch symbol {
      case 0...15: lengths.append(UInt8(symbol))
      case 16:
        guard let last = lengths.last else { throw .damaged("a repeated length without one before it") }
        lengths += [UInt8](repeating: last, count: try take(2) + 3)
      case 17: lengths += [UInt8](repeating: 0, count: try take(3) + 3)
      default: lengths += [UInt8](repeating: 0, count: try take(7) + 11)
      }
    }
    guard lengths.count == literalCount + distanceCount else { throw .damaged("more lengths than codes") }
    guard lengths[256] > 0 else { throw .damaged("a block that can't end") }
    return (try HuffmanCode(lengths[..<literalCount]), try HuffmanCode(lengths[literalCount...]))
  }
}

/// A canonical prefix code: symbols of equal length have consecutive codes.
private struct HuffmanCode {
  static let longest = 15
  /// By as many next bits as the longest code has: symbol · 16 + length; 0 where no code begins so.
  let table: [UInt16]

  /// - Parameter lengths: of each symbol's code, 0 for symbols that don't occur.
  init(_ lengths: ArraySlice<UInt8>) throws(Inflater.Failure) {
    let width = Int(lengths.max() ?? 0)
    var counts = [Int](repeating: 0, count: Self.longest + 1)
    for length in lengths where length > 0 { counts[Int(length)] += 1 }
    var nextCodes = [Int](repeating: 0, count: Self.longest + 1)
    var code = 0
    for length in 1...Self.longest {
      code = (code + counts[length - 1]) << 1
      nextCodes[length] = code
      guard code + counts[length] <= 1 << length else { throw .damaged("codes that can't be told apart") }
    }
    var table = [UInt16](repeating: 0, count: 1 << width)
    for (symbol, length) in lengths.enumerated() where length > 0 {
      let length = Int(length)
      // The stream has a code's highest bit first, all other numbers' lowest.
      var reversed = 0
      for bit in 0..<length where nextCodes[length] >> bit & 1 == 1 { reversed |= 1 << (length - 1 - bit) }
      nextCodes[length] += 1
      for index in stride(from: reversed, to: table.count, by: 1 << length) {
        table[index] = UInt16(symbol << 4 | length)
      }
    }
    self.table = table
  }

  /// A code that is known to be one.
  init(known lengths: [UInt8]) {
    guard let code = try? HuffmanCode(lengths[...]) else { preconditionFailure("no prefix code") }
    self = code
  }
}

// The constants of RFC 1951, 3.2.5 to 3.2.7.
extension Inflater {
  private static let fixedLiterals = HuffmanCode(
    known: (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 })
  private static let fixedDistances = HuffmanCode(known: [UInt8](repeating: 5, count: 30))
  private static let lengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

  /// Four lengths, then pairs of distances, share each number of extra bits.
  private static let lengths: [(base: Int, extraBits: Int)] = {
    var table: [(base: Int, extraBits: Int)] = []
    var base = 3
    for symbol in 0..<28 {
      let extraBits = max(0, symbol / 4 - 1)
      table.append((base, extraBits))
      base += 1 << extraBits
    }
    // The greatest length has a symbol of its own.
    return table + [(258, 0)]
  }()

  private static let distances: [(base: Int, extraBits: Int)] = {
    var table: [(base: Int, extraBits: Int)] = []
    var base = 1
    for symbol in 0..<30 {
      let extraBits = max(0, symbol / 2 - 1)
      table.append((base, extraBits))
      base += 1 << extraBits
    }
    return table
  }()
}
