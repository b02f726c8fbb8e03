import CinchGraph

// A kernel as vector code, before a machine is chosen: loops that run, and between them straight lines of
// instructions on whole vectors. Unrolled and vector axes are gone: each value has become one instance for each
// unrolled point and each vector-sized part of the lane axis. A value that varies along no lane axis is uniform:
// all lanes of its vector are equal.

/// A vector, or a mask if the element type is Bool; assigned once. Indexes `VectorProgram.values`.
struct VectorValue: Hashable, Sendable, BitwiseCopyable {
  let raw: Int32
  init(_ index: Int) { raw = Int32(truncatingIfNeeded: index) }
  var index: Int { Int(raw) }
}

/// The operands of an instruction, at most three. Stored in place: instructions are copied by the thousand.
struct VectorOperands: RandomAccessCollection, ExpressibleByArrayLiteral, Sendable, BitwiseCopyable {
  private var values = InlineArray<3, VectorValue>(repeating: VectorValue(-1))
  private(set) var count = 0

  init(arrayLiteral values: VectorValue...) { for value in values { append(value) } }

  mutating func append(_ value: VectorValue) {
    values[count] = value
    count += 1
  }

  var startIndex: Int { 0 }
  var endIndex: Int { count }
  subscript(index: Int) -> VectorValue { values[index] }
}

/// Where an instruction goes in memory, by its place in `VectorProgram.accesses`.
struct VectorAccessID: Hashable, Sendable, BitwiseCopyable {
  let raw: Int32
  init(_ index: Int) { raw = Int32(truncatingIfNeeded: index) }
  var index: Int { Int(raw) }
}

/// An instruction's place in `VectorProgram.instructions`.
struct VectorInstructionID: Hashable, Sendable, BitwiseCopyable {
  let raw: Int32
  init(_ index: Int) { raw = Int32(truncatingIfNeeded: index) }
  var index: Int { Int(raw) }
}

/// What the lanes of a constant hold.
enum LaneConstant: Hashable, Sendable {
  /// The same 32 bits in all lanes.
  case uniform(UInt32)
  case lanes([UInt32])
  /// A Bool per lane, lane 0 in the lowest bit.
  case mask(UInt32)
}

/// A loop that runs, by its place in `VectorProgram.loops`.
struct VectorLoopID: Hashable, Sendable, BitwiseCopyable {
  let raw: Int32
  init(_ index: Int) { raw = Int32(truncatingIfNeeded: index) }
  var index: Int { Int(raw) }
}

/// How far one iteration of a loop moves an address or an index.
struct LoopStep: Hashable, Sendable {
  var loop: VectorLoopID
  var step: Int
}

/// Where a load or store goes: `segment + offset + Σ step · iteration`, in bytes.
struct VectorAccess: Hashable, Sendable {
  enum Shape: Hashable, Sendable {
    /// One element, for all lanes.
    case uniform
    /// Lanes side by side, of which the first so many exist.
    case contiguous(Int)
    /// Each lane at `index · 4` bytes further on; the index is an operand.
    case gathered
  }

  var segment: Segment
  /// Bytes that an iteration of each of the schedule's loops adds, outermost first.
  var motion: [Int] = []
  var offset: Int
  /// Outermost loop first.
  var steps: [LoopStep]
  /// A pointer that the code computes takes the segment's place (`VectorOperation.point`).
  var pointer: Int?
  var shape: Shape
  var elementType: ElementType
  var buffer: BufferID

  /// Bytes from the first to the last element, if the address says.
  func byteCount(lanes: Int) -> Int? {
    switch shape {
    case .uniform: elementType.byteCount
    case .contiguous: lanes * elementType.byteCount
    case .gathered: nil
    }
  }
}

enum VectorOperation: Hashable, Sendable, BitwiseCopyable {
  /// Operands and result as the opcode says; `from` is the type of the operands.
  case apply(ScalarOpcode, from: ElementType)
  /// Int32, by a constant; made of two shifts where the machine has the instruction.
  case rotateLeft(Int)
  /// Int32 to Bool: `0 <= operand < bound`; a side that always holds isn't tested.
  case within(bound: Int, testsLower: Bool, testsUpper: Bool)
  /// Operands: the mask, if any; lanes outside are zero and not touched. A gather has its index first.
  case load(VectorAccessID)
  /// Operands: the value, then the mask, if any.
  case store(VectorAccessID)
  /// Stores one of the first four lanes of the operand.
  case storeLane(VectorAccessID, lane: Int)
  /// Asks for the cache line of the first element.
  case prefetch(VectorAccessID)
  /// The first iteration of this worker's slice, times a factor.
  case sliceStart(Int)
  /// Sets a computed pointer to where the access points, plus so many bytes times the (uniform) operand.
  case point(Int, at: VectorAccessID, scale: Int)
  /// Lane i takes lane `i + distance`; what the last lanes take is unspecified.
  case lanesDown(Int)
  /// Lane 0 everywhere.
  case spread
  /// Of two operands.
  case shuffle(Shuffle)
}

struct VectorInstruction: Sendable, BitwiseCopyable {
  var operation: VectorOperation
  var operands: VectorOperands
  /// Nil for stores and prefetches.
  var result: VectorValue?
}

enum VectorStatement: Sendable {
  case instruction(VectorInstructionID)
  case loop(VectorLoop)
  case cold(ColdRegion)
}

/// A loop that runs at least once.
struct VectorLoop: Sendable {
  struct Carried: Sendable {
    var argument: VectorValue
    var initial: VectorValue
    var next: VectorValue
    var result: VectorValue
  }

  var id: VectorLoopID
  var carried: [Carried]
  var body: [VectorStatement]
}

/// One nest: what becomes one asm block.
struct VectorProgram: Sendable {
  struct Value: Sendable {
    var type: ElementType
    var constant: LaneConstant?
  }

  struct LoopInfo: Sendable {
    enum TripCount: Hashable, Sendable {
      case constant(Int)
      /// This worker's share of so many iterations; the code is not entered when it is empty.
      case slice(of: Int)
    }
    var tripCount: TripCount
    /// How many iterations of the kernel's loop one iteration makes.
    var factor: Int
  }

  var lanes: Int
  var values: [Value] = []
  /// In the order in which they were made; `body` says in which they run.
  private(set) var instructions: [VectorInstruction] = []
  private(set) var accesses: [VectorAccess] = []
  var loops: [LoopInfo] = []
  var body: [VectorStatement] = []
  /// How many computed pointers there are.
  var pointerCount = 0
  var comment = ""

  private var constants: [TypedConstant: VectorValue] = [:]

  private struct TypedConstant: Hashable {
    var type: ElementType
    var constant: LaneConstant
  }

  init(lanes: Int) { self.lanes = lanes }

  mutating func makeValue(_ type: ElementType) -> VectorValue {
    values.append(Value(type: type, constant: nil))
    return VectorValue(values.count - 1)
  }

  mutating func add(_ instruction: VectorInstruction) -> VectorInstructionID {
    instructions.append(instruction)
    return VectorInstructionID(instructions.count - 1)
  }

  mutating func add(_ access: VectorAccess) -> VectorAccessID {
    accesses.append(access)
    return VectorAccessID(accesses.count - 1)
  }

  /// The value of a constant; equal constants are one value.
  mutating func constant(_ constant: LaneConstant, _ type: ElementType) -> VectorValue {
    let key = TypedConstant(type: type, constant: constant)
    if let value = constants[key] { return value }
    values.append(Value(type: type, constant: constant))
    let value = VectorValue(values.count - 1)
    constants[key] = value
    return value
  }

  subscript(value: VectorValue) -> Value { values[value.index] }
  subscript(instruction: VectorInstructionID) -> VectorInstruction { instructions[instruction.index] }
  subscript(access: VectorAccessID) -> VectorAccess { accesses[access.index] }

  var fullMask: UInt32 { lanes >= 32 ? .max : (1 << UInt32(lanes)) - 1 }
}
