import Cinch

@testable import CinchCodegen

extension PlantedFault {
  private static let set: Target.VectorSet = TestedEngine.avx512.target(workers: 1).isSupported ? .avx512 : .avx2

  static let code: [PlantedFault] = [
    PlantedFault("a tail's mask with one lane too many", .testMode) {
      // 1,221 elements: the last vector has 5 of 16 lanes, or 5 of 8.
      try step.get().finding(set) { block, _ in
        if set == .avx512 {
          guard let position = block.pool.firstIndex(of: 0b1_1111) else { return false }
          block.pool[position] = 0b11_1111
          return true
        }
        // The fifth lane is stored by itself, 16 bytes after the four before it.
        var ends: Set<Int32> = []
        for case .instruction(let instruction) in block.code.lines.map(\.content) {
          if instruction.mnemonic == .vmovups, instruction.width == .xmm, case .memory(let memory) = instruction.operand0 {
            ends.insert(memory.displacement + 16)
          }
        }
        return block.patch(.avx2) { instruction in
          guard instruction.mnemonic == .vmovss, case .memory(let memory) = instruction.operand0,
            ends.contains(memory.displacement)
          else { return nil }
          var other = instruction
          other.mnemonic = .vmovq
          return other
        }
      }
    },
    PlantedFault("a store with a wrong displacement", .engines) {
      try step.get().finding(set) { block, family in
        block.patch(family) { instruction in
          guard case .memory(var memory) = instruction.operand0, case .vector = instruction.operand1,
            memory.base != GeneralRegisterPlan.frame
          else { return nil }
          memory.displacement += Int32(family.widest.bytes)
          var other = instruction
          other.operand0 = .memory(memory)
          return other
        }
      }
    },
    PlantedFault("swapped operands in an instruction", .engines) {
      try step.get().finding(set) { block, family in
        block.patch(family) { instruction in
          guard instruction.mnemonic == .vsubps, case .vector = instruction.operand1, case .vector = instruction.operand2
          else { return nil }
          var other = instruction
          (other.operand1, other.operand2) = (instruction.operand2, instruction.operand1)
          return other
        }
      }
    },
    PlantedFault("an instruction for another one", .engines) {
      try step.get().finding(set) { block, family in
        block.patch(family) { instruction in
          guard instruction.mnemonic == .vdivps else { return nil }
          var other = instruction
          other.mnemonic = .vmulps
          return other
        }
      }
    },
    PlantedFault("a counter that is one short", .engines) {
      try step.get().finding(set) { block, family in
        block.patch(family) { instruction in
          // The 37 products of `matmul(xᵀ, x)`; a step less in the kernel that gathers would take rows of the table from anywhere.
          guard instruction.mnemonic == .mov, case .immediate(37) = instruction.operand1 else { return nil }
          var other = instruction
          other.operand1 = .immediate(36)
          return other
        }
      }
    },
    PlantedFault("a spilled value read from another one's place", .engines) {
      try crowded.get().finding(.avx2) { block, family in
        // The places of spilled values are those that vectors are stored to.
        var places: Set<Int32> = []
        for case .instruction(let instruction) in block.code.lines.map(\.content) {
          if case .memory(let memory) = instruction.operand0, memory.base == GeneralRegisterPlan.frame,
            case .vector = instruction.operand1
          {
            places.insert(memory.displacement)
          }
        }
        return block.patch(family) { instruction in
          guard var memory = instruction.memory, memory.base == GeneralRegisterPlan.frame, case .vector = instruction.operand0,
            places.contains(memory.displacement)
          else { return nil }
          for place in places.sorted() where place != memory.displacement {
            memory.displacement = place
            var other = instruction
            for index in 0..<X86Instruction.maximumOperandCount {
              if case .memory = other[operand: index] { other[operand: index] = .memory(memory) }
            }
            var bytes: [UInt8] = []
            var before: [UInt8] = []
            guard (try? other.encode(for: family, into: &bytes)) != nil,
              (try? instruction.encode(for: family, into: &before)) != nil, bytes.count == before.count
            else { continue }
            return other
          }
          return nil
        }
      }
    },
  ]
}
