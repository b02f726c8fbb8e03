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
  var displacement: Int
  /// One index per lane.
  var index: VirtualRegister?
  /// One element for all lanes, by the instruction itself (AVX-512).
  var broadcast = false
  /// What is touched, by its place in `MachineCode.accesses`; nil for constants and spills.
  var access: Int32?
}

enum MachineOperand: Hashable, Sendable, BitwiseCopyable {
  case none
  case register(VirtualRegister)
  case memory(MachineMemory)
  case immediate(Int)

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
  }

  var kind = Kind.plain
  var mnemonic: X86Mnemonic
  var width: VectorWidth
  /// A register, memory for stores, or none.
  var destination: MachineOperand
  var first = MachineOperand.none
  var second = MachineOperand.none
  var third = MachineOperand.none
  var mask: VirtualRegister?
  var zeroing = false
  /// A register whose value the destination starts from, so that both must be one.
  var tied: VirtualRegister?
  /// A source whose value the instruction destroys.
  var clobbersMask = false
  /// Whether first and second may be swapped.
  var commutes = false
  /// What it computes: an instruction of the vector program, for comments.
  var note: Int32 = -1
  /// For `point`: the pointer, and bytes per unit of the value.
  var pointer = 0
  var scale = 0

  init(
    _ mnemonic: X86Mnemonic, _ width: VectorWidth, _ destination: MachineOperand,
    _ first: MachineOperand = .none, _ second: MachineOperand = .none, _ third: MachineOperand = .none
  ) {
    self.mnemonic = mnemonic
    self.width = width
    self.destination = destination
    self.first = first
    self.second = second
    self.third = third
  }

  /// The memory operand; there is at most one.
  var memory: MachineMemory? {
    if case .memory(let memory) = first { return memory }
    if case .memory(let memory) = second { return memory }
    if case .memory(let memory) = third { return memory }
    if case .memory(let memory) = destination { return memory }
    return nil
  }

  var isStore: Bool {
    if case .memory = destination { return true }
    return false
  }

  /// Calls `body` with each register that is read.
  func forEachUse(_ body: (VirtualRegister) -> Void) {
    if kind == .constant { return }
    if case .register(let register) = first { body(register) }
    if case .register(let register) = second { body(register) }
    if case .register(let register) = third { body(register) }
    if let mask { body(mask) }
    if let tied { body(tied) }
    if let index = memory?.index { body(index) }
  }

  var definition: VirtualRegister? { destination.register }

  /// Replaces each register that is read or written.
  mutating func rename(_ name: (VirtualRegister) -> VirtualRegister) {
    Self.rename(&destination, name)
    Self.rename(&first, name)
    Self.rename(&second, name)
    Self.rename(&third, name)
    if let mask { self.mask = name(mask) }
    if let tied { self.tied = name(tied) }
  }

  private static func rename(
    _ operand: inout MachineOperand, _ name: (VirtualRegister) -> VirtualRegister
  ) {
    switch operand {
    case .register(let register): operand = .register(name(register))
    case .memory(var memory):
      guard let index = memory.index else { return }
      memory.index = name(index)
      operand = .memory(memory)
    case .none, .immediate: break
    }
  }
}

enum MachineLine: Sendable, BitwiseCopyable {
  case instruction(MachineInstruction)
  case loopBegin(VectorLoopID)
  case loopEnd(VectorLoopID)
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
  /// Where loads and stores go in memory.
  var accesses: [VectorAccess] = []
  var pool = ConstantPool()
  /// Bytes of the frame in use.
  var frameByteCount = 0
  /// How many values went to the frame.
  var spillCount = 0

  init(family: VectorFamily) { self.family = family }

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
      .memory(MachineMemory(base: .pool, displacement: offset))
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
