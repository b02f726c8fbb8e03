import CinchCodegen

/// What lies around the buffers of a segment in test mode: bytes of a known pattern that no step may change.
struct Canaries {
  /// A signalling NaN, so that dead memory that is read as floats shows in the results.
  static let pattern: UInt32 = 0x7FA0_DEAD

  /// Ascending, apart from each other: the bytes of the segment outside all of its buffers.
  let gaps: [Range<Int>]
  private let neighbours: [(name: String, bytes: Range<Int>)]

  /// - Parameter buffers: what the step may write; they may share bytes.
  init(byteCount: Int, around buffers: [(name: String, bytes: Range<Int>)]) {
    var gaps: [Range<Int>] = []
    var end = 0
    neighbours = buffers.sorted { $0.bytes.lowerBound < $1.bytes.lowerBound }
    for buffer in neighbours {
      if end < buffer.bytes.lowerBound { gaps.append(end..<buffer.bytes.lowerBound) }
      end = max(end, buffer.bytes.upperBound)
    }
    if end < byteCount { gaps.append(end..<byteCount) }
    self.gaps = gaps
  }

  private static func byte(_ position: Int) -> UInt8 { UInt8(truncatingIfNeeded: pattern >> UInt32(8 * (position & 3))) }

  /// Writes the pattern into the gaps.
  func fill(_ segment: MemorySegment) {
    for gap in gaps {
      let bytes = segment.elements(at: gap.lowerBound, count: gap.count, as: UInt8.self)
      for position in bytes.indices { bytes[position] = Self.byte(gap.lowerBound + position) }
    }
  }

  /// Writes the pattern everywhere.
  static func fillAll(_ segment: MemorySegment, byteCount: Int) {
    segment.elements(at: 0, count: byteCount / 4, as: UInt32.self).update(repeating: pattern)
  }

  /// Where something has written into a gap: the first such byte, and the buffers beside it.
  func damage(_ segment: MemorySegment) -> String? {
    for gap in gaps {
      let bytes = segment.elements(at: gap.lowerBound, count: gap.count, as: UInt8.self)
      guard let position = bytes.indices.first(where: { bytes[$0] != Self.byte(gap.lowerBound + $0) }) else { continue }
      let place = gap.lowerBound + position
      var text = "byte \(place)"
      if let before = neighbours.last(where: { $0.bytes.upperBound <= place }) {
        text += ", \(place - before.bytes.upperBound) bytes behind '\(before.name)'"
      }
      if let after = neighbours.first(where: { $0.bytes.lowerBound > place }) {
        text += ", \(after.bytes.lowerBound - place) bytes before '\(after.name)'"
      }
      return text
    }
    return nil
  }
}

extension LoopProgram {
  /// What a step may write in scratch: planned buffers, each worker's copy of its own, and the record of a failed check.
  func scratchBuffers(workers: Int) -> [(name: String, bytes: Range<Int>)] {
    var result: [(name: String, bytes: Range<Int>)] = []
    if !checks.isEmpty { result.append(("failed check", failureOffset..<failureOffset + 24)) }
    for buffer in buffers {
      switch buffer.segment {
      case .scratch: result.append((buffer.name, buffer.byteOffset..<buffer.byteOffset + buffer.byteCount))
      case .worker:
        for worker in 0..<workers {
          let start = workerByteOffset + worker * workerByteStride + buffer.byteOffset
          result.append(("\(buffer.name) of worker \(worker)", start..<start + buffer.byteCount))
        }
      case .state, .input: break
      }
    }
    return result
  }
}

extension StateLayout {
  var variableBytes: [(name: String, bytes: Range<Int>)] {
    entries.map { ($0.variable.name, $0.byteOffset..<$0.byteOffset + $0.variable.type.byteCount) }
  }
}
