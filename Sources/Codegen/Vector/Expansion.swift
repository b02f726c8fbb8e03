import CinchGraph

/// Turns a kernel's loop IR into vector programs: one for each top-level loop where they stand alone, or one for
/// the whole kernel. Unrolled and vector axes are expanded by unroll and jam.
struct Expansion {
  /// An unrolled or vector axis that the current statement stands in.
  struct Axis {
    var extent: Int
    /// Whether its points are the lanes of vectors; otherwise each point is an instance.
    var isLane: Bool
    /// How many instances the axis makes.
    var parts: Int
    /// Where in the axis the instance being expanded lies.
    var part = 0
  }

  /// What a loop variable stands for at the current place.
  enum Role {
    case undefined
    case fixed(Int)
    case axis(depth: Int)
    /// `factor · iteration + offset`.
    case loop(VectorLoopID, factor: Int, offset: Int)
  }

  /// A loop that is being expanded.
  struct OpenLoop {
    var id: VectorLoopID
    /// One more than the greatest iteration of any worker.
    var bound: Int
    /// Values that follow the loop's iterations, by what they add up, with what each iteration adds.
    var inductions: [[LoopStep]: VectorValue] = [:]
    var carried: [VectorLoop.Carried] = []
    var increments: [(argument: VectorValue, next: VectorValue, step: Int)] = []
  }

  /// The instances of a loop value, over the points of the axes that it varies along; inner axes run fastest.
  struct Instances {
    var axes: AxisSet = []
    var values: [VectorValue] = []
  }

  static let instructionLimit = 4096

  let kernel: LoopKernel
  let buffers: [Buffer]
  let lanes: Int
  /// Of the vectors that instructions can name.
  let registerCount: Int
  let dependence: LaneDependence

  var output: VectorProgram
  /// Statements under construction, one list for each open loop and one for the top.
  var blocks: [[VectorStatement]] = [[]]
  var axes: [Axis] = []
  var openLoops: [OpenLoop] = []
  var roles: [Role]
  var instances: [Instances]
  var instructionCount = 0
  /// Values that are another one shifted by a constant, as what a rotation may be made of.
  var constantShifts: [VectorValue: ConstantShift] = [:]

  struct ConstantShift {
    var source: VectorValue
    var opcode: ScalarOpcode
    var count: UInt32
  }

  init(_ kernel: LoopKernel, in program: LoopProgram, for family: VectorFamily) throws(VectorLimitation) {
    self.kernel = kernel
    self.buffers = program.buffers
    lanes = family.lanes
    registerCount = family.registerCount
    self.dependence = try LaneDependence(kernel)
    self.output = VectorProgram(lanes: lanes)
    self.roles = [Role](repeating: .undefined, count: kernel.variableCount)
    self.instances = [Instances](repeating: Instances(), count: kernel.valueTypes.count)
  }

  /// The vector programs of a kernel, in order.
  static func expand(
    _ kernel: LoopKernel, in program: LoopProgram, for family: VectorFamily
  ) throws(VectorLimitation) -> [VectorProgram] {
    for type in kernel.valueTypes where type == .float64 { throw .elementType(type) }
    var isOnlyLoops = true
    for statement in kernel.body {
      if case .loop = statement { continue }
      isOnlyLoops = false
    }
    guard isOnlyLoops else {
      if kernel.isParallel { throw .statementBesideParallelLoop }
      var expansion = try Expansion(kernel, in: program, for: family)
      try expansion.expand(kernel.body)
      return [expansion.finish(comment: "")]
    }
    var programs: [VectorProgram] = []
    for statement in kernel.body {
      guard case .loop(let loop) = statement, loop.extent > 0 else { continue }
      var expansion = try Expansion(kernel, in: program, for: family)
      try expansion.expand([statement])
      programs.append(expansion.finish(comment: loop.comment))
    }
    return programs
  }

  private consuming func finish(comment: String) -> VectorProgram {
    output.body = blocks[0]
    output.comment = comment
    return output
  }

  // MARK: - Statements

  mutating func expand(_ statements: [LoopStatement]) throws(VectorLimitation) {
    for statement in statements {
      switch statement {
      case .define(let value, let expression): try define(value, expression)
      case .store(let access, let value, let condition): try store(access, value, condition)
      case .prefetch(let access): try prefetch(access)
      case .loop(let loop): try expand(loop)
      case .check: throw .check
      }
    }
  }

  mutating func append(
    _ operation: VectorOperation, _ operands: VectorOperands, _ type: ElementType
  ) throws(VectorLimitation) -> VectorValue {
    let result = output.makeValue(type)
    try append(VectorInstruction(operation: operation, operands: operands, result: result))
    return result
  }

  mutating func append(_ instruction: VectorInstruction) throws(VectorLimitation) {
    instructionCount += 1
    if instructionCount > Self.instructionLimit { throw .tooLong(instructions: Self.instructionLimit) }
    blocks[blocks.count - 1].append(.instruction(output.add(instruction)))
  }

  // MARK: - Instances

  /// Calls `body` at each point of `set`; at other axes the point is the first.
  mutating func forEachPoint(
    of set: AxisSet, _ body: (inout Expansion) throws(VectorLimitation) -> Void
  ) throws(VectorLimitation) {
    for depth in axes.indices { axes[depth].part = 0 }
    while true {
      try body(&self)
      var depth = axes.count - 1
      while depth >= 0 {
        if set.contains(AxisSet(depth: depth)) {
          axes[depth].part += 1
          if axes[depth].part < axes[depth].parts { break }
          axes[depth].part = 0
        }
        depth -= 1
      }
      if depth < 0 { return }
    }
  }

  /// The instance of a value at the current point.
  func instance(_ value: LoopValue) throws(VectorLimitation) -> VectorValue {
    let all = instances[value.index]
    let position = position(in: all.axes)
    guard position < all.values.count else {
      throw .malformed("value \(value.raw) is used where it is not defined")
    }
    return all.values[position]
  }

  /// Of the current point's instance among those over a set of axes.
  func position(in set: AxisSet) -> Int {
    var position = 0
    if set.isEmpty { return position }
    for depth in axes.indices where set.contains(AxisSet(depth: depth)) {
      position = position * axes[depth].parts + axes[depth].part
    }
    return position
  }

  mutating func instances(
    over set: AxisSet, _ make: (inout Expansion) throws(VectorLimitation) -> VectorValue
  ) throws(VectorLimitation) -> Instances {
    var result = Instances(axes: set)
    try forEachPoint(of: set) { (expansion) throws(VectorLimitation) in
      result.values.append(try make(&expansion))
    }
    return result
  }

  // MARK: - Lanes

  /// The depth of the lane axis that the current statement stands in.
  var laneDepth: Int? {
    guard let last = axes.indices.last, axes[last].isLane else { return laneDepthAbove }
    return last
  }

  private var laneDepthAbove: Int? { axes.lastIndex { $0.isLane } }

  /// How many lanes of the current part exist.
  var validLanes: Int {
    guard let depth = laneDepth else { return lanes }
    return min(lanes, axes[depth].extent - axes[depth].part * lanes)
  }

  /// The mask of the lanes that exist, or nil if all do.
  mutating func validity() -> VectorValue? {
    let count = validLanes
    return count == lanes ? nil : output.constant(.mask((1 << UInt32(count)) - 1), .bool)
  }
}
