public import CinchCodegen
import CinchGraph

/// The numbers of a model: parameters, optimizer state, random stream and counters, in one segment of memory that all
/// programs of the model share. Steps that change it wait for each other, and for whoever reads it on another thread.
public final class ModelState: @unchecked Sendable {
  public let layout: StateLayout
  /// Whoever touches it holds `access`.
  let segment: MemorySegment
  let access = ReadWriteLock()

  /// The initial values, which depend on the seed and the variables' names alone.
  public init(_ layout: StateLayout, seed: UInt64 = 0, isTesting: Bool = false) throws {
    self.layout = layout
    segment = try MemorySegment(
      byteCount: max(layout.byteCount, 64), guarded: isTesting, alignEnd: isTesting, purpose: "parameters and optimizer state")
    if isTesting { Canaries(byteCount: layout.byteCount, around: layout.variableBytes).fill(segment) }
    reset(seed: seed)
  }

  /// Gives all variables their initial values again.
  public func reset(seed: UInt64 = 0) {
    access.writing {
      for entry in layout.entries { storeInitialValue(entry, seed: seed) }
    }
  }

  /// Piece by piece, so that large parameters don't lie in memory twice.
  private func storeInitialValue(_ entry: StateLayout.Entry, seed: UInt64) {
    let count = entry.variable.type.shape.elementCount
    for start in stride(from: 0, to: count, by: Self.pieceLength) {
      segment.write(
        entry.variable.initialValue(
          seed: seed, of: start..<min(count, start + Self.pieceLength), drawn: RandomNumbers.shared.numbers),
        at: entry.byteOffset + start * entry.variable.type.elementType.byteCount)
    }
  }

  private static let pieceLength = RandomNumbers.blockLength

  public var names: [String] { layout.entries.map(\.variable.name) }

  /// A state variable's value.
  ///
  /// - Throws: `ProgramError.unknownState`, `.wrongState`.
  public func value(of name: String) throws -> HostTensor {
    let entry = try entry(name)
    return HostTensor(access.reading { elements(of: entry) }, shape: entry.variable.type.shape)
  }

  /// Replaces a state variable's value.
  ///
  /// - Throws: `ProgramError.unknownState`, `.wrongState`.
  public func setValue(of name: String, to tensor: HostTensor) throws {
    let entry = try entry(name)
    guard tensor.type == entry.variable.type else {
      throw ProgramError.wrongState(
        name: name, expected: entry.variable.type.description, given: tensor.type.description)
    }
    access.writing { store(tensor.elements, entry) }
  }

  private func entry(_ name: String) throws -> StateLayout.Entry {
    guard let entry = layout.entries.first(where: { $0.variable.name == name }) else {
      throw ProgramError.unknownState(name, known: names)
    }
    return entry
  }

  /// The caller holds `access`.
  func elements(of entry: StateLayout.Entry) -> ElementArray { segment.read(entry.variable.type, at: entry.byteOffset) }

  /// The caller holds `access`.
  func store(_ elements: ElementArray, _ entry: StateLayout.Entry) { segment.write(elements, at: entry.byteOffset) }
}

extension MemorySegment {
  func read(_ type: TensorType, at byteOffset: Int) -> ElementArray {
    let count = type.shape.elementCount
    return switch type.elementType {
    case .float32: .float32(read(at: byteOffset, count: count, as: Float.self))
    case .float64: .float64(read(at: byteOffset, count: count, as: Double.self))
    case .int32: .int32(read(at: byteOffset, count: count, as: Int32.self))
    case .bool: .bool(read(at: byteOffset, count: count, as: UInt8.self).map { $0 != 0 })
    }
  }

  func write(_ elements: ElementArray, at byteOffset: Int) {
    switch elements {
    case .float32(let values): write(values, at: byteOffset)
    case .float64(let values): write(values, at: byteOffset)
    case .int32(let values): write(values, at: byteOffset)
    case .bool(let values): write(values.map { $0 ? 1 : 0 as UInt8 }, at: byteOffset)
    }
  }
}
