import CinchGraph

/// Lowers kernels to machine code for C compilers that have no vectoriser: loops become `.byte` lines in asm blocks.
///
/// Loop IR is expanded to vector instructions (`Expansion`), machine instructions are chosen for them
/// (`Selection`) and ordered (`Scheduling`), registers assigned (`RegisterAllocation`,
/// `GeneralRegisterPlan`), and all of it encoded (`Emission`). No step changes a bit of any result.
public enum VectorBackEnd {
  /// The machine code of a kernel, or why the kernel has to be printed as plain C.
  public static func lower(
    _ kernel: LoopKernel, in program: LoopProgram, target: Target
  ) -> Result<VectorKernel, VectorLimitation> {
    let family: VectorFamily
    switch target.vectorSet {
    case .scalar: return .failure(.noVectorInstructions)
    case .avx2: family = .avx2
    case .avx512: family = .avx512
    }
    do {
      return .success(try lower(kernel, in: program, for: family))
    } catch {
      return .failure(error)
    }
  }

  /// Bytes of spilled registers and local arrays, below a page with what a call takes (docs/Design.md, *The step ABI*).
  static let frameLimit = 3840

  private static func lower(
    _ kernel: LoopKernel, in program: LoopProgram, for family: VectorFamily
  ) throws(VectorLimitation) -> VectorKernel {
    var blocks: [AsmBlock] = []
    for var nest in try Expansion.expand(kernel, in: program, for: family) {
      ColdRegions.separate(&nest)
      let selection = try Selection.select(nest, for: family)
      var code = selection.code
      Coalescing.coalesce(&code)
      Scheduling.schedule(&code, lanes: family.lanes, buffers: program.buffers)
      FinalForms.settle(&code)
      let allocation = RegisterAllocation.allocate(&code)
      do {
        let block = try Emission.emit(code, selection, allocation)
        if block.frameByteCount > frameLimit { throw VectorLimitation.tooManySpills(block.spillCount) }
        // Nothing is left of a nest that stores nothing.
        if !block.code.bytes.isEmpty { blocks.append(block) }
      } catch let limitation as VectorLimitation {
        throw limitation
      } catch {
        preconditionFailure("\(error)")
      }
    }
    return VectorKernel(kernel: kernel, program: program, blocks: blocks)
  }
}

/// A kernel as machine code.
public struct VectorKernel: Sendable, CustomStringConvertible {
  let kernel: LoopKernel
  let program: LoopProgram
  let blocks: [AsmBlock]

  /// Bytes of machine code, without what C adds.
  public var codeByteCount: Int { blocks.reduce(0) { $0 + $1.code.bytes.count } }

  /// How many vectors did not fit into registers.
  public var spillCount: Int { blocks.reduce(0) { $0 + $1.spillCount } }

  /// The instructions as text.
  public var description: String {
    var text = TextBuffer()
    for block in blocks {
      for line in block.code.lines {
        if line.length > 0 { text.write("  ") }
        line.write(to: &text)
        text.write("\n")
      }
    }
    return text.text
  }

  /// The statements of the kernel's C function. They see `state`, `scratch` (`unsigned char *`), `inputs`
  /// (`unsigned char *const *`), `worker` and `workers` (`long`).
  ///
  /// - Parameter isExplained: whether each instruction has a line of its own, with a comment; the bytes are the same without.
  public func functionBody(isExplained: Bool = true) -> String {
    var text = TextBuffer()
    let frameWords = blocks.reduce(1) { max($0, ($1.frameByteCount + 7) / 8) }
    for (index, block) in blocks.enumerated() where !block.pool.isEmpty {
      text.write("  static const unsigned pool\(index)[] = {")
      for (position, word) in block.pool.enumerated() {
        if position > 0 { text.write(position % 8 == 0 ? ",\n    " : ", ") }
        text.write(word)
        text.write("u")
      }
      text.write("};\n")
    }
    text.write("  long frame[\(frameWords)];\n")
    if blocks.contains(where: { $0.slice != nil }) { text.write("  long first, count;\n") }
    for (index, block) in blocks.enumerated() {
      block.write(to: &text, poolName: "pool\(index)", program: program, isExplained: isExplained)
    }
    return text.text
  }
}
