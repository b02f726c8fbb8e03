public import CinchGraph

// Loop IR says how a step runs: loops with constant bounds over buffers with fixed places, and scalar values in
// single assignment. Everything below the graph preserves bits, so a schedule may move, tile and vectorise
// loops, and may never reassociate a sum.

public struct BufferID: Sendable, Hashable, BitwiseCopyable {
  public let raw: Int32
  public init(raw: Int32) { self.raw = raw }
  public var index: Int { Int(raw) }
}

/// A variable that a loop steps from 0 to its extent; numbered per kernel.
public struct LoopVariable: Sendable, Hashable, Comparable, BitwiseCopyable {
  public let raw: Int32
  public init(raw: Int32) { self.raw = raw }
  public var index: Int { Int(raw) }
  public static func < (a: LoopVariable, b: LoopVariable) -> Bool { a.raw < b.raw }
}

/// A scalar value of a kernel, assigned once; numbered per kernel. Inside unrolled and vector loops there is one
/// instance for each point of those loops.
public struct LoopValue: Sendable, Hashable, BitwiseCopyable {
  public let raw: Int32
  public init(raw: Int32) { self.raw = raw }
  public var index: Int { Int(raw) }
}

/// Where a buffer lives: each segment is one base address at run time.
public enum Segment: Sendable, Hashable {
  /// Parameters, optimizer state, random stream, step counter; its layout is the model's.
  case state
  /// Planned by liveness; belongs to one program.
  case scratch
  /// The caller's memory for the input with this index; read only.
  case input(Int)
  /// Scratch of which each worker has its own copy (packing).
  case worker
}

/// A contiguous run of elements of a segment, at a fixed place or, as a slice of another buffer, at one that the schedule's
/// loops move.
public struct Buffer: Sendable, Hashable {
  /// A slice of `parent` that goes on with each iteration of the loops around the kernels that use it.
  public struct Motion: Sendable, Hashable {
    /// At a fixed place, of the same segment and element type.
    public var parent: BufferID
    /// Bytes for one iteration of each loop around, outermost first.
    public var steps: [Int]
    public init(parent: BufferID, steps: [Int]) {
      self.parent = parent
      self.steps = steps
    }
  }

  public var name: String
  public var elementType: ElementType
  public var elementCount: Int
  public var segment: Segment
  /// From the segment's start, in the first iterations; a multiple of 64, but for slices.
  public var byteOffset: Int
  public var motion: Motion?

  public init(
    name: String, elementType: ElementType, elementCount: Int, segment: Segment, byteOffset: Int, motion: Motion? = nil
  ) {
    self.name = name
    self.elementType = elementType
    self.elementCount = elementCount
    self.segment = segment
    self.byteOffset = byteOffset
    self.motion = motion
  }

  public var byteCount: Int { elementCount * elementType.byteCount }
}

/// `constant + Σ coefficient · variable`; terms are sorted by variable and have non-zero coefficients.
public struct AffineExpression: Sendable, Hashable {
  public struct Term: Sendable, Hashable {
    public var variable: LoopVariable
    public var coefficient: Int
    public init(variable: LoopVariable, coefficient: Int) {
      self.variable = variable
      self.coefficient = coefficient
    }
  }

  public var constant: Int
  public private(set) var terms: [Term]

  public init(constant: Int = 0) {
    self.constant = constant
    self.terms = []
  }

  public init(_ variable: LoopVariable, coefficient: Int = 1) {
    self.constant = 0
    self.terms = coefficient == 0 ? [] : [Term(variable: variable, coefficient: coefficient)]
  }

  public func coefficient(of variable: LoopVariable) -> Int {
    for term in terms where term.variable == variable { return term.coefficient }
    return 0
  }

  public static func + (a: AffineExpression, b: AffineExpression) -> AffineExpression {
    var sum = a
    sum.add(b, times: 1)
    return sum
  }

  public static func * (a: AffineExpression, factor: Int) -> AffineExpression {
    var product = AffineExpression()
    product.add(a, times: factor)
    return product
  }

  public static func + (a: AffineExpression, constant: Int) -> AffineExpression {
    var sum = a
    sum.constant += constant
    return sum
  }

  /// Adds `factor · other` in place.
  public mutating func add(_ other: AffineExpression, times factor: Int) {
    constant += factor * other.constant
    guard factor != 0 else { return }
    for term in other.terms {
      if let position = terms.firstIndex(where: { $0.variable >= term.variable }) {
        if terms[position].variable == term.variable {
          terms[position].coefficient += factor * term.coefficient
          if terms[position].coefficient == 0 { terms.remove(at: position) }
        } else {
          terms.insert(
            Term(variable: term.variable, coefficient: factor * term.coefficient), at: position)
        }
      } else {
        terms.append(Term(variable: term.variable, coefficient: factor * term.coefficient))
      }
    }
  }

  /// Whether the constant and all coefficients are numbers that a program may have.
  var isInReach: Bool {
    func isInReach(_ number: Int) -> Bool { number.magnitude < LoopProgram.numberLimit.magnitude }
    return isInReach(constant) && terms.allSatisfy { isInReach($0.coefficient) }
  }
}

/// One element of a buffer: `index`, plus for gather and scatter `scale` times an Int32 value that a run-time check
/// has put into `0..<limit`.
public struct Access: Sendable, Hashable {
  public struct Indirection: Sendable, Hashable {
    public var value: LoopValue
    public var scale: Int
    public var limit: Int
    public init(value: LoopValue, scale: Int, limit: Int) {
      self.value = value
      self.scale = scale
      self.limit = limit
    }
  }

  public var buffer: BufferID
  /// In elements.
  public var index: AffineExpression
  public var indirection: Indirection?

  public init(_ buffer: BufferID, _ index: AffineExpression, indirection: Indirection? = nil) {
    self.buffer = buffer
    self.index = index
    self.indirection = indirection
  }
}

public enum LoopExpression: Sendable, Hashable {
  case constant(ScalarLiteral)
  case apply(ScalarOpcode, [LoopValue])
  /// The value of an index expression as Int32 (iota, counters of random numbers).
  case index(AffineExpression)
  /// Bool: whether `0 <= expression < bound`. Static parts fold when lanes are laid out (masked tails).
  case within(AffineExpression, bound: Int)
  /// The element, or `otherwise` where the Bool `condition` is false; then the element isn't touched, so the
  /// index needs to be in bounds only where the condition holds.
  case load(Access, condition: LoopValue?, otherwise: ScalarLiteral?)
}

public indirect enum LoopStatement: Sendable, Hashable {
  case define(LoopValue, LoopExpression)
  /// Where `condition` (if any) holds.
  case store(Access, LoopValue, condition: LoopValue?)
  /// A hint that the element will soon be needed in the first-level cache. It touches nothing, so the index may lie outside of
  /// the buffer; code may leave it out.
  case prefetch(Access)
  case loop(Loop)
  /// Fails the step with `check` unless `0 <= value < limit`; only in kernels of the checking phase, which
  /// runs before any state is written.
  case check(LoopValue, limit: Int, check: Int)
}

/// A loop from 0 to `extent`.
public struct Loop: Sendable, Hashable {
  /// How the loop's points are executed; the meaning is the same for all.
  public enum Axis: String, Sendable, Hashable {
    case sequential
    /// Copied out `extent` times: the register tile. Contains only unrolled, vector and sequential loops.
    case unrolled
    /// Side by side in the lanes of vector registers; `extent` may be any small multiple of the lane count plus a
    /// masked rest. Everything inside is executed in lock step (unroll and jam), inner sequential loops included.
    case vector
    /// Divided among the workers in contiguous runs; only at the top of a kernel.
    case parallel
  }

  /// A value that goes from iteration to iteration: `argument` is `initial` in the first and the last iteration's
  /// `next` afterwards; `result` is seen after the loop. Only in sequential loops.
  public struct Carried: Sendable, Hashable {
    public var argument: LoopValue
    public var initial: LoopValue
    public var next: LoopValue
    public var result: LoopValue
    public init(argument: LoopValue, initial: LoopValue, next: LoopValue, result: LoopValue) {
      self.argument = argument
      self.initial = initial
      self.next = next
      self.result = result
    }
  }

  /// The points' `value`s combined by a halving tree: with the extent (a power of two) halved each time,
  /// point i takes `combiner(point i, point i + half)`. Only in vector and unrolled loops.
  public struct Fold: Sendable, Hashable {
    public var value: LoopValue
    /// add, multiply, minimum or maximum (or, and for Bool).
    public var combiner: ScalarOpcode
    public var result: LoopValue
    public init(value: LoopValue, combiner: ScalarOpcode, result: LoopValue) {
      self.value = value
      self.combiner = combiner
      self.result = result
    }
  }

  public var variable: LoopVariable
  public var extent: Int
  public var axis: Axis
  public var carried: [Carried]
  public var folds: [Fold]
  public var body: [LoopStatement]
  /// What the loop computes, for the generated C: node names, layer and the user's file and line.
  public var comment: String

  public init(
    _ variable: LoopVariable, extent: Int, axis: Axis = .sequential, carried: [Carried] = [],
    folds: [Fold] = [], comment: String = "", body: [LoopStatement]
  ) {
    self.variable = variable
    self.extent = extent
    self.axis = axis
    self.carried = carried
    self.folds = folds
    self.comment = comment
    self.body = body
  }
}

/// One function of generated C: loop nests that run without a barrier between them.
public struct LoopKernel: Sendable, Hashable {
  /// A C identifier, unique in the program.
  public var name: String
  /// Nodes, layer and the user's file and line, one line each.
  public var origin: [String]
  /// The type of each `LoopValue`.
  public var valueTypes: [ElementType]
  public var variableCount: Int
  /// Top-level nests do not depend on each other's stores except at points that the same worker runs.
  public var body: [LoopStatement]

  public init(
    name: String, origin: [String] = [], valueTypes: [ElementType] = [], variableCount: Int = 0,
    body: [LoopStatement] = []
  ) {
    self.name = name
    self.origin = origin
    self.valueTypes = valueTypes
    self.variableCount = variableCount
    self.body = body
  }

  /// Buffers that it loads from or stores to, in the order of their first use.
  var buffers: [BufferID] {
    var result: [BufferID] = []
    func add(_ access: Access) { if !result.contains(access.buffer) { result.append(access.buffer) } }
    func walk(_ statements: [LoopStatement]) {
      for statement in statements {
        switch statement {
        case .define(_, .load(let access, _, _)): add(access)
        case .store(let access, _, _), .prefetch(let access): add(access)
        case .loop(let loop): walk(loop.body)
        case .define, .check: break
        }
      }
    }
    walk(body)
    return result
  }

  /// Whether some top-level loop is divided among workers; otherwise worker 0 runs the kernel alone.
  public var isParallel: Bool {
    body.contains { if case .loop(let loop) = $0 { loop.axis == .parallel } else { false } }
  }
}

/// What every worker executes, in order.
public indirect enum ScheduleItem: Sendable, Hashable {
  /// The kernel with this index.
  case run(Int)
  case barrier
  /// Leaves the step with the failed check's number if a check has failed; follows a barrier.
  case stopIfFailed
  /// Repeats the items (a node with a body).
  case loop(count: Int, [ScheduleItem])
}

/// A run-time check of data-dependent indices: what the error says.
public struct RuntimeCheck: Sendable, Hashable {
  /// The op's mnemonic with the node's name, for the message.
  public var operation: String
  public var limit: Int
  /// The extents of the tensor of indices.
  public var extents: [Int]
  public var site: CallSite
  public init(operation: String, limit: Int, extents: [Int], site: CallSite) {
    self.operation = operation
    self.limit = limit
    self.extents = extents
    self.site = site
  }
}

/// A whole step: buffers, kernels and the order in which every worker runs them.
public struct LoopProgram: Sendable, Hashable {
  /// No number of a program is this large, whichever its sign: extents, limits, coefficients, constants, counts of elements and
  /// bytes, offsets. A product of a coefficient and an extent may be beyond 64 bits all the same.
  static let numberLimit = 1 << 48

  public var name: String
  public var buffers: [Buffer]
  public var kernels: [LoopKernel]
  public var schedule: [ScheduleItem]
  public var checks: [RuntimeCheck]
  public var stateByteCount: Int
  /// Planned buffers; the failed-check record (`failureOffset`) lies inside too.
  public var scratchByteCount: Int
  /// For each worker, after the planned buffers.
  public var workerByteCount: Int
  /// Where in scratch a failed check leaves its number, value and element (three 64-bit words, zero when none failed).
  public var failureOffset: Int

  public init(
    name: String, buffers: [Buffer] = [], kernels: [LoopKernel] = [], schedule: [ScheduleItem] = [],
    checks: [RuntimeCheck] = [], stateByteCount: Int = 0, scratchByteCount: Int = 0,
    workerByteCount: Int = 0, failureOffset: Int = 0
  ) {
    self.name = name
    self.buffers = buffers
    self.kernels = kernels
    self.schedule = schedule
    self.checks = checks
    self.stateByteCount = stateByteCount
    self.scratchByteCount = scratchByteCount
    self.workerByteCount = workerByteCount
    self.failureOffset = failureOffset
  }
}
