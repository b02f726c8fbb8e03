public import CinchGraph

/// Why a kernel stays plain C: what the vector back end can't do. The C is correct all the same, only slower.
public enum VectorLimitation: Error, Hashable, Sendable, CustomStringConvertible {
  case noVectorInstructions
  case elementType(ElementType)
  case operation(String)
  /// Lanes that a condition picks, or of one byte, stored anywhere but side by side.
  case stridedStore(buffer: String)
  case gather(buffer: String, reason: String)
  /// A run-time check; they run once a step, on few elements.
  case check
  case foldExtent(Int)
  /// An index that leaves 32 bits.
  case wideIndex
  /// A statement beside the parallel loop that can't be repeated by each worker.
  case statementBesideParallelLoop
  case parallelLoopInside
  case tooLong(instructions: Int)
  case tooManySpills(Int)
  /// Control flow that differs between lanes or is out of order.
  case malformed(String)

  public var description: String {
    switch self {
    case .noVectorInstructions: "the target has no vector instructions"
    case .elementType(let type): "elements of type \(type.rawValue) have no vector form"
    case .operation(let name): "'\(name)' has no vector form"
    case .stridedStore(let buffer): "neighbouring lanes are not stored side by side in '\(buffer)'"
    case .gather(let buffer, let reason): "lanes can't be gathered from '\(buffer)': \(reason)"
    case .check: "run-time checks stay plain C"
    case .foldExtent(let extent): "a fold over \(extent) points: not a power of two"
    case .wideIndex: "an index does not fit into 32 bits"
    case .statementBesideParallelLoop: "a statement stands beside the parallel loop"
    case .parallelLoopInside: "a parallel loop stands inside another loop"
    case .tooLong(let count): "unrolled, it has \(count) instructions or more"
    case .tooManySpills(let count): "\(count) vectors don't fit into registers"
    case .malformed(let what): what
    }
  }
}
