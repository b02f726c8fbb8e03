import CinchGraph

extension Selection {
  // MARK: - Loads

  mutating func load(
    _ access: VectorAccessID, mask: VectorValue?, _ result: VectorValue
  ) throws(VectorLimitation) {
    var memory = self.memory(access)
    if program[access].elementType == .bool {
      try loadMask(memory, isUniform: program[access].shape == .uniform, mask: mask, result)
      return
    }
    let isUniform = program[access].shape == .uniform
    guard let mask else {
      if isUniform {
        var broadcast = memory
        broadcast.broadcast = true
        if family == .avx512, deferLoad(result, broadcast) { return }
      } else if deferLoad(result, memory) {
        return
      }
      memory.broadcast = false
      emit(MachineInstruction(isUniform ? .vbroadcastss : .vmovups, wide, define(result), .memory(memory)))
      return
    }
    let lanes = register(mask)
    if family == .avx512 {
      var load = MachineInstruction(
        isUniform ? .vbroadcastss : .vmovups, wide, define(result), .memory(memory))
      load.mask = lanes
      load.zeroing = true
      emit(load)
    } else if isUniform, maskBits(mask) != nil {
      // Some lane asks for the element, so it may be touched; the others stay zero.
      let element = MachineOperand.register(temporary())
      emit(MachineInstruction(.vbroadcastss, wide, element, .memory(memory)))
      emit(MachineInstruction(.vandps, wide, define(result), .register(lanes), element))
    } else if isUniform {
      // The condition is the same for all lanes.
      let only = firstLane(of: lanes)
      let element = MachineOperand.register(temporary())
      emit(MachineInstruction(.vmaskmovps, .xmm, element, only, .memory(memory)))
      emit(MachineInstruction(.vbroadcastss, wide, define(result), element))
    } else {
      emit(MachineInstruction(.vmaskmovps, wide, define(result), .register(lanes), .memory(memory)))
    }
  }

  /// On AVX2, a mask of lane 0 and nothing else, so that one element is touched.
  private mutating func firstLane(of mask: VirtualRegister) -> MachineOperand {
    let only = MachineOperand.register(temporary())
    emitAnd(.register(mask), .register(constant(.mask(1))), only)
    return only
  }

  /// A Bool is a byte in memory and a mask in registers.
  private mutating func loadMask(
    _ memory: MachineMemory, isUniform: Bool, mask: VectorValue?, _ result: VectorValue
  ) throws(VectorLimitation) {
    if family == .avx512 {
      let bytes = MachineOperand.register(temporary())
      var load = MachineInstruction(isUniform ? .vpbroadcastb : .vmovdqu8, .xmm, bytes, .memory(memory))
      if let mask {
        load.mask = register(mask)
        load.zeroing = true
      }
      emit(load)
      emit(MachineInstruction(.vptestmb, .xmm, define(result), bytes, bytes))
      return
    }
    let zero = MachineOperand.register(constant(.uniform(0)))
    var elements = MachineOperand.register(temporary())
    if isUniform {
      if mask != nil { throw .operation("a conditional load of one Bool") }
      emit(MachineInstruction(.vpbroadcastb, wide, elements, .memory(memory)))
    } else if let mask {
      guard let bits = maskBits(mask) else { throw .operation("a conditional load of Bools") }
      elements = gatherBytes(memory, bits)
    } else {
      emit(MachineInstruction(.vpmovzxbd, wide, elements, .memory(memory)))
    }
    emit(MachineInstruction(.vpcmpgtd, wide, define(result), elements, zero))
  }

  /// Bytes of some lanes, each loaded on its own: AVX2 has no masked loads of bytes.
  private mutating func gatherBytes(_ memory: MachineMemory, _ bits: UInt32) -> MachineOperand {
    var elements = MachineOperand.register(constant(.uniform(0)))
    for lane in 0..<program.lanes where bits >> UInt32(lane) & 1 != 0 {
      var byte = memory
      byte.displacement += Int32(lane)
      let repeated = MachineOperand.register(temporary())
      emit(MachineInstruction(.vpbroadcastb, wide, repeated, .memory(byte)))
      let merged = MachineOperand.register(temporary())
      emit(MachineInstruction(.vpblendd, wide, merged, elements, repeated, .immediate(1 << lane)))
      elements = merged
    }
    return elements
  }

  mutating func gather(
    _ access: VectorAccessID, _ index: VectorValue, mask: VectorValue?, _ result: VectorValue
  ) {
    let indices = register(index)
    let memory = self.memory(access, index: indices)
    // The instruction clears its mask, and keeps what lanes outside it hold.
    let lanes = mask.map { register($0) } ?? constant(.mask(program.fullMask))
    let zeros = constant(.uniform(0))
    let own = temporary(isMask: family == .avx512)
    emit(code.copy(lanes, into: own))
    var gather = MachineInstruction(.vgatherdps, wide, define(result), .memory(memory))
    gather.tied = zeros
    if family == .avx512 { gather.mask = own } else { gather.second = .register(own) }
    gather.clobbersMask = true
    emit(gather)
  }

  // MARK: - Stores

  mutating func store(
    _ access: VectorAccessID, _ value: VectorValue, mask: VectorValue?
  ) throws(VectorLimitation) {
    if program[access].elementType == .bool {
      try storeMask(access, value, mask: mask)
      return
    }
    let source = MachineOperand.register(register(value))
    let lanes = mask.map { register($0) }
    let memory = MachineOperand.memory(self.memory(access))
    let isUniform = program[access].shape == .uniform
    if family == .avx512 || lanes == nil {
      var store = MachineInstruction(isUniform ? .vmovss : .vmovups, isUniform ? .xmm : wide, memory, source)
      store.mask = lanes
      emit(store)
    } else if let mask, let lanes {
      if !isUniform, let bits = maskBits(mask), bits < program.fullMask, bits & (bits + 1) == 0 {
        return storeFirst((~bits).trailingZeroBitCount, of: source, to: self.memory(access))
      }
      let only = isUniform ? firstLane(of: lanes) : .register(lanes)
      emit(MachineInstruction(.vmaskmovps, isUniform ? .xmm : wide, memory, only, source))
    }
  }

  /// Stores the first lanes on AVX2 in pieces of 4, 2 and 1, which some processors do much faster than a masked store.
  private mutating func storeFirst(_ count: Int, of source: MachineOperand, to memory: MachineMemory) {
    var (rest, source, memory) = (count, source, memory)
    func moved(_ mnemonic: X86Mnemonic, _ width: VectorWidth, _ control: Int32) -> MachineOperand {
      let register = MachineOperand.register(temporary())
      emit(MachineInstruction(mnemonic, width, register, source, .immediate(control)))
      return register
    }
    for (lanes, store) in [(4, X86Mnemonic.vmovups), (2, .vmovq), (1, .vmovss)] where rest >= lanes {
      emit(MachineInstruction(store, .xmm, .memory(memory), source))
      rest -= lanes
      if rest == 0 { break }
      memory.displacement += Int32(4 * lanes)
      source = lanes == 4 ? moved(.vextractf128, wide, 1) : moved(.vpermilps, .xmm, 0b1110)
    }
  }

  private mutating func storeMask(
    _ access: VectorAccessID, _ value: VectorValue, mask: VectorValue?
  ) throws(VectorLimitation) {
    let source = register(value)
    let lanes = mask.map { register($0) }
    let memory = self.memory(access)
    let isUniform = program[access].shape == .uniform
    if family == .avx512 {
      let ones = MachineOperand.register(constant(.uniform(0x0101_0101)))
      let bytes = MachineOperand.register(temporary())
      var move = MachineInstruction(.vmovdqu8, .xmm, bytes, ones)
      move.mask = source
      move.zeroing = true
      emit(move)
      var store = MachineInstruction(.vmovdqu8, .xmm, .memory(memory), bytes)
      store.mask = lanes
      if isUniform {
        let first = constant(.mask(1))
        store.mask = first
        if let lanes {
          let both = temporary(isMask: true)
          emitAnd(.register(lanes), .register(first), .register(both))
          store.mask = both
        }
      }
      emit(store)
      return
    }
    var written = isUniform ? 1 : program.fullMask
    if let mask {
      guard let bits = maskBits(mask), !isUniform else { throw .operation("a conditional store of Bools") }
      written = bits
    }
    let bytes = packBytes(source)
    if written == program.fullMask {
      emit(MachineInstruction(.vmovq, .xmm, .memory(memory), bytes))
      return
    }
    for lane in 0..<program.lanes where written >> UInt32(lane) & 1 != 0 {
      var byte = memory
      byte.displacement += Int32(lane)
      emit(MachineInstruction(.vpextrb, .xmm, .memory(byte), bytes, .immediate(Int32(lane))))
    }
  }

  /// A mask's eight lanes as bytes of 0 or 1.
  private mutating func packBytes(_ mask: VirtualRegister) -> MachineOperand {
    let upper = MachineOperand.register(temporary())
    let words = MachineOperand.register(temporary())
    let bytes = MachineOperand.register(temporary())
    let ones = MachineOperand.register(temporary())
    emit(MachineInstruction(.vextractf128, wide, upper, .register(mask), .immediate(1)))
    emit(MachineInstruction(.vpackssdw, .xmm, words, .register(mask), upper))
    emit(MachineInstruction(.vpacksswb, .xmm, bytes, words, words))
    emit(MachineInstruction(.vpand, .xmm, ones, bytes, .register(constant(.uniform(0x0101_0101)))))
    return ones
  }

  // MARK: - Computed pointers

  mutating func point(_ pointer: Int, at access: VectorAccessID, _ value: VectorValue, scale: Int) {
    let memory = self.memory(access)
    var point = MachineInstruction(.vmovd, .xmm, .none, .register(register(value)), .memory(memory))
    point.kind = .point
    point.pointer = Int32(pointer)
    point.scale = Int32(scale)
    emit(point)
  }
}
