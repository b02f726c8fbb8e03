import CinchGraph

/// Where each tensor of a step lives, and when: offsets in scratch are shared by tensors that are never alive together.
public struct MemoryPlan: Sendable {
  public struct Place: Sendable, Hashable {
    public let name: String
    public let buffer: BufferID
    public let byteOffset: Int
    public let byteCount: Int
    /// Positions in the schedule of kernels: from the first that writes it to the last that reads it.
    public let lifetime: ClosedRange<Int>
  }

  /// Tensors in scratch, in the order of their offsets.
  public let places: [Place]
  public let scratchByteCount: Int
  /// The most bytes that are alive at once: what no plan can go below.
  public let peakLiveByteCount: Int
  /// Where a failed check leaves its number.
  public let failureOffset: Int
}

/// A tensor that needs a place.
struct MemoryRequest {
  var name: String
  var buffer: BufferID
  var byteCount: Int
  var lifetime: ClosedRange<Int>
}

extension MemoryPlan {
  static let alignment = 64

  /// Largest first, each at the lowest offset where nothing that lives at the same time lies.
  init(_ requests: [MemoryRequest], kernelCount: Int, options: LoweringOptions) {
    // The record of a failed check comes first.
    let start = Self.alignment
    let gap = options.hasCanaries ? Self.alignment : 0
    var placed: [(request: MemoryRequest, offset: Int)] = []
    var end = start
    for request in requests.sorted(by: { ($0.byteCount, $1.buffer.raw) > ($1.byteCount, $0.buffer.raw) }) {
      var offset = start + gap
      // In the order of offsets, so that the first gap that is wide enough is the lowest.
      for other in placed where !options.reusesMemory || other.request.lifetime.overlaps(request.lifetime) {
        if offset + request.byteCount + gap <= other.offset { break }
        offset = max(offset, alignedTo64(other.offset + other.request.byteCount + gap))
      }
      let position = placed.firstIndex { $0.offset > offset } ?? placed.count
      placed.insert((request, offset), at: position)
      end = max(end, offset + request.byteCount + gap)
    }
    places = placed.map {
      Place(
        name: $0.request.name, buffer: $0.request.buffer, byteOffset: $0.offset, byteCount: $0.request.byteCount,
        lifetime: $0.request.lifetime)
    }
    scratchByteCount = alignedTo64(end)
    failureOffset = 0
    var changes = [Int](repeating: 0, count: kernelCount + 1)
    for request in requests {
      changes[request.lifetime.lowerBound] += request.byteCount
      changes[min(request.lifetime.upperBound + 1, kernelCount)] -= request.byteCount
    }
    var live = 0
    var peak = 0
    for change in changes {
      live += change
      peak = max(peak, live)
    }
    peakLiveByteCount = peak
  }
}
