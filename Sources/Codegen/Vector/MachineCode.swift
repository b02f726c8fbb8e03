import CinchGraph

// A vector program in a machine's instructions, before registers: straight lines and loops in one flat list.

/// A vector or mask register without a number yet; indexes `MachineCode.registers`.
struct VirtualRegister: Hashable, Sendable, BitwiseCopyable {
  let raw: Int32
  init(_ index: Int) { raw = Int32(truncatingIfNeeded: index) }
  var index: Int { Int(raw) }
}

/// An address without a general register yet.
///
/// Instructions and all that they consist of are plain bits: passes copy them by the thousand.
struct MachineMemory: Hashable, Sendable, BitwiseCopyable {
  enum Base: Hashable, Sendable, BitwiseCopyable {
    /// A pointer that loops advance; the displacement counts from where the loops' current iterations put it.
    case group(Int32)
    /// The kernel's table of constants.
    case pool
    /// The function's local array: spilled values, and what C hands over.
    case frame
  }

  var base: Base
  var displacement: Int32
  /// One index per lane.
  var index: VirtualRegister?
  /// One element for all lanes, by the instruction itself (AVX-512).
  var broadcast = false
  /// What is touched; nil for constants and spills.
  var access: VectorAccessID?
}

enum MachineOperand: Hashable, Sendable, BitwiseCopyable {
  case none
  case register(VirtualRegister)
  case memory(MachineMemory)
  case immediate(Int32)

  var register: VirtualRegister? {
    if case .register(let register) = self { return register }
    return nil
  }
}

/// One instruction. Sources stand in the order of Intel's manuals, after the destination.
struct MachineInstruction: Sendable, BitwiseCopyable {
  enum Kind: UInt8, Sendable, BitwiseCopyable {
    case plain
    /// `first · second + third`; which of them the result replaces, is decided when it is known which dies.
    case fusedMultiplyAdd
    /// Destination takes the only source; goes away where both get one register.
    case copy
    /// Materialises the constant that the destination stands for.
    case constant
    /// Sets a computed pointer from lane 0 of the source.
    case point
    /// Sets the flags for the jump over a cold region; stays directly before it.
    case test
  }

  var kind = Kind.plain
  var mnemonic: X86Mnemonic
  var width: VectorWidth
  var zeroing = false
  /// A source whose value the instruction destroys.
  var clobbersMask = false
  /// Whether first and second may be swapped.
  var commutes = false
  private var slots = InlineArray<4, Slot>(repeating: .none)
  /// What the one operand is that may be memory.
  private(set) var memory: MachineMemory?
  var mask: VirtualRegister?
  /// A register whose value the destination starts from, so that both must be one.
  var tied: VirtualRegister?
  /// What it computes: an instruction of the vector program, for comments.
  var note: Int32 = -1
  /// For `point`: the pointer, and bytes per unit of the value.
  var pointer: Int32 = 0
  var scale: Int32 = 0

  /// An operand in few bytes.
  private enum Slot: Sendable, BitwiseCopyable {
    case none, memory
    case register(VirtualRegister)
    case immediate(Int32)
  }

  init(
    _ mnemonic: X86Mnemonic, _ width: VectorWidth, _ destination: MachineOperand,
    _ first: MachineOperand = .none, _ second: MachineOperand = .none, _ third: MachineOperand = .none
  ) {
    self.mnemonic = mnemonic
    self.width = width
    set(0, to: destination)
    set(1, to: first)
    set(2, to: second)
    set(3, to: third)
  }

  /// The source whose value the instruction destroys, if any.
  var clobbered: VirtualRegister? { clobbersMask ? mask ?? second.register : nil }

  /// A register, memory for stores, or none.
  var destination: MachineOperand {
    get { operand(0) }
    set { set(0, to: newValue) }
  }
  var first: MachineOperand {
    get { operand(1) }
    set { set(1, to: newValue) }
  }
  var second: MachineOperand {
    get { operand(2) }
    set { set(2, to: newValue) }
  }
  var third: MachineOperand {
    get { operand(3) }
    set { set(3, to: newValue) }
  }

  private func operand(_ position: Int) -> MachineOperand {
    switch slots[position] {
    case .none: .none
    case .memory: memory.map { .memory($0) } ?? .none
    case .register(let register): .register(register)
    case .immediate(let value): .immediate(value)
    }
  }

  private mutating func set(_ position: Int, to operand: MachineOperand) {
    if case .memory = slots[position] {
      slots[position] = .none
      if !hasMemory { memory = nil }
    }
    switch operand {
    case .none: slots[position] = .none
    case .memory(let memory):
      slots[position] = .memory
      self.memory = memory
    case .register(let register): slots[position] = .register(register)
    case .immediate(let value): slots[position] = .immediate(value)
    }
  }

  /// For one that commutes.
  mutating func swapSources() { slots.swapAt(1, 2) }

  private var hasMemory: Bool {
    for position in slots.indices {
      if case .memory = slots[position] { return true }
    }
    return false
  }

  var isStore: Bool {
    if case .memory = slots[0] { return true }
    return false
  }

  /// Calls `body` with each register that is read.
  func forEachUse(_ body: (VirtualRegister) -> Void) {
    if kind == .constant { return }
    for position in 1..<slots.count {
      if case .register(let register) = slots[position] { body(register) }
    }
    if let mask { body(mask) }
    if let tied { body(tied) }
    if let index = memory?.index { body(index) }
  }

  var definition: VirtualRegister? {
    if case .register(let register) = slots[0] { return register }
    return nil
  }

  /// Replaces each register that is read or written.
  mutating func rename(_ name: (VirtualRegister) -> VirtualRegister) {
    for position in slots.indices {
      if case .register(let register) = slots[position] { slots[position] = .register(name(register)) }
    }
    if let index = memory?.index { memory?.index = name(index) }
    if let mask { self.mask = name(mask) }
    if let tied { self.tied = name(tied) }
  }
}

enum MachineLine: Sendable, BitwiseCopyable {
  case instruction(MachineInstruction)
  case loopBegin(VectorLoopID)
  case loopEnd(VectorLoopID)
  /// What follows up to the end is skipped where the test before it has found no lane.
  case coldBegin
  case coldEnd
}

/// How a register's value can be had again at any place.
enum Rematerialization: Hashable, Sendable, BitwiseCopyable {
  case zero
  /// 32 bits for all lanes, from the pool's byte.
  case broadcast(pool: Int)
  /// A whole vector, or the bits of a mask.
  case vector(pool: Int)
  case mask(pool: Int)
  case fullMask
}

struct MachineCode: Sendable {
  struct Register: Sendable, BitwiseCopyable {
    var isMask: Bool
    var remat: Rematerialization?
  }

  let family: VectorFamily
  var lines: [MachineLine] = []
  var registers: [Register] = []
  /// Where loads and stores go in memory, by `VectorAccessID`.
  let accesses: [VectorAccess]
  var pool = ConstantPool()
  /// Bytes of the frame in use.
  var frameByteCount = 0
  /// How many values went to the frame.
  var spillCount = 0

  init(family: VectorFamily, accesses: [VectorAccess]) {
    self.family = family
    self.accesses = accesses
  }

  mutating func makeRegister(isMask: Bool, remat: Rematerialization? = nil) -> VirtualRegister {
    registers.append(Register(isMask: isMask, remat: remat))
    return VirtualRegister(registers.count - 1)
  }

  subscript(register: VirtualRegister) -> Register { registers[register.index] }

  mutating func reserveFrame(_ byteCount: Int) -> Int {
    let offset = frameByteCount
    frameByteCount += byteCount
    return offset
  }

  /// The instruction that gives a register the constant it stands for.
  func materialize(_ remat: Rematerialization, into register: VirtualRegister) -> MachineInstruction {
    let wide = family.widest
    let destination = MachineOperand.register(register)
    func pool(_ offset: Int) -> MachineOperand {
      .memory(MachineMemory(base: .pool, displacement: Int32(offset)))
    }
    var instruction: MachineInstruction
    switch remat {
    case .zero:
      // Clears the whole register, and needs no old value.
      instruction = MachineInstruction(family == .avx2 ? .vxorps : .vpxord, .xmm, destination)
      instruction.first = destination
      instruction.second = destination
    case .broadcast(let offset): instruction = MachineInstruction(.vbroadcastss, wide, destination, pool(offset))
    case .vector(let offset): instruction = MachineInstruction(.vmovups, wide, destination, pool(offset))
    case .mask(let offset): instruction = MachineInstruction(.kmovw, .xmm, destination, pool(offset))
    case .fullMask: instruction = MachineInstruction(.kxnorw, .xmm, destination, destination, destination)
    }
    instruction.kind = .constant
    return instruction
  }
}

/// The constants of a kernel, as 32-bit words.
struct ConstantPool: Sendable {
  private(set) var words: [UInt32] = []
  private var offsets: [[UInt32]: Int] = [:]

  /// The byte offset of some words that stand side by side.
  mutating func offset(of entry: [UInt32]) -> Int {
    if let known = offsets[entry] { return known }
    let offset = words.count * 4
    words += entry
    offsets[entry] = offset
    return offset
  }
}
