import CinchGraph

/// Memory for the intermediate values of one program, or of several of which one runs at a time. Between steps nothing in it has a
/// meaning, so that it is as large as the greediest of them needs.
final class Workspace: @unchecked Sendable {
  /// Held from a step's begin until its outputs are read.
  let access = ReadWriteLock()
  private let isGuarded: Bool
  /// Whoever touches it holds `access`.
  private var segment: MemorySegment?

  init(isGuarded: Bool = false) { self.isGuarded = isGuarded }

  /// The memory, of at least this size; what was read from it before may be gone.
  ///
  /// - Throws: `NativeError.memoryRefused`.
  func segment(byteCount: Int, purpose: @autoclosure () -> String) throws -> MemorySegment {
    if let segment, segment.byteCount >= byteCount { return segment }
    // First, so that the old and the new don't lie in memory beside each other.
    segment = nil
    let larger = try MemorySegment(byteCount: byteCount, guarded: isGuarded, alignEnd: isGuarded, purpose: purpose())
    segment = larger
    return larger
  }

  /// What the last step has left there.
  func read(_ type: TensorType, at byteOffset: Int) -> ElementArray {
    segment?.read(type, at: byteOffset) ?? ElementArray(zeros: 0, type: type.elementType)
  }
}
