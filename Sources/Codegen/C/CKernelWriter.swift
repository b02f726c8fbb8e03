import CinchGraph

/// Writes one kernel as a C function.
struct CKernelWriter {
  let kernel: LoopKernel
  let program: LoopProgram
  let name: String
  let analysis: CKernelAnalysis
  var out: TextBuffer
  private(set) var helpers: Set<CHelper> = []
  /// What the entry point passes.
  private(set) var arguments: [String] = []

  /// The loops around what is being written, outermost first.
  var enclosing: [LoopVariable] = []
  /// By loop variable.
  var extents: [Int]
  /// Whether the value is written where it is used.
  var isInlined: [Bool]
  var bufferNames: [BufferID: String] = [:]
  /// Literals without a spelling in C99, by type and bits, with their names.
  private var specials: [(literal: ScalarLiteral, name: String)] = []

  /// How deep expressions nest before a part gets a name.
  static let deepest = 3
  /// C compilers need not take more than 127 parameters, and libtcc's own limit is some 500.
  static let mostParameters = 100

  init(_ kernel: LoopKernel, of program: LoopProgram, name: String, into out: TextBuffer) {
    self.kernel = kernel
    self.program = program
    self.name = name
    self.out = out
    analysis = CKernelAnalysis(kernel)
    extents = Array(repeating: 1, count: kernel.variableCount)
    isInlined = Array(repeating: false, count: kernel.valueTypes.count)
  }

  mutating func needs(_ helper: CHelper) { helpers.insert(helper) }

  // MARK: The function

  mutating func writeFunction() {
    nameBuffers()
    let before = out
    out = TextBuffer()
    out.indent()
    writeList(kernel.body, trailing: [])
    let body = out
    out = before

    var parameters: [String] = []
    if findsBuffers {
      let loops = (0..<CPrinter.loopDepth(around: kernel, program)).map(CPrinter.loopVariable)
      parameters = [CPrinter.segmentParameters] + loops.map { "long \($0)" }
      arguments = CPrinter.segmentArguments + loops
      out.writeLine("/* Its \(analysis.buffers.count) tensors are found in their segments: no call takes as many arguments. */")
    } else {
      let overlapping = overlappingBuffers()
      for id in analysis.buffers {
        let restrict = overlapping.contains(id) ? "" : "restrict "
        parameters.append("\(pointerType(to: id))\(restrict)\(bufferNames[id]!)")
        arguments.append("(\(pointerType(to: id)))\(address(of: program.buffers[id.index]))")
      }
      if kernel.isParallel {
        parameters += ["long worker", "long workers"]
        arguments += ["worker", "workers"]
      }
    }
    if analysis.hasChecks {
      parameters.append("i64 *failure")
      arguments.append("failure")
      needs(.fail)
    }
    out.startLine()
    out.write("static void \(name)(")
    out.write(list: parameters.isEmpty ? ["void"] : parameters)
    out.write(") {\n")
    out.indent()
    if findsBuffers { out.writeLine("(void)state, (void)scratch, (void)inputs, (void)worker, (void)workers;") }
    for special in specials {
      let isFloat = special.literal.type == .float32
      needs(isFloat ? .floatOfBits : .doubleOfBits)
      out.startLine()
      out.write("const \(isFloat ? "float" : "double") \(special.name) = ")
      out.write(isFloat ? "float_of_bits(" : "double_of_bits(")
      out.write(hexadecimal: special.literal.bits)
      out.write("u); /* \(special.literal.asDouble) */\n")
    }
    out.outdent()
    out.bytes.append(contentsOf: body.bytes)
    out.writeLine("}")
  }

  /// What belongs to a layer of a `Sequential` begins with the layer's number, as no identifier may.
  private static func readable(_ name: String) -> String {
    name.first.map { $0.isASCII && $0.isNumber } ?? false ? "layer_" + name : name
  }

  /// Whether the function finds its buffers in the segments, instead of being given each.
  private var findsBuffers: Bool { analysis.buffers.count > Self.mostParameters }

  private func pointerType(to id: BufferID) -> String {
    "\(analysis.stored.contains(id) ? "" : "const ")\(memoryType(program.buffers[id.index].elementType)) *"
  }

  private mutating func nameBuffers() {
    var taken: Set<String> = []
    for id in analysis.buffers {
      var name = cIdentifier(Self.readable(program.buffers[id.index].name))
      while !isFreeForBuffer(name) || taken.contains(name) { name += "_b\(id.raw)" }
      taken.insert(name)
      bufferNames[id] = findsBuffers ? "((\(pointerType(to: id)))\(address(of: program.buffers[id.index])))" : name
      if program.buffers[id.index].elementType == .bool { needs(.byteType) }
      if program.buffers[id.index].elementType == .int32 { needs(.intType) }
    }
  }

  /// Buffers of this kernel that share bytes with another one: they must not be called `restrict`.
  private func overlappingBuffers() -> Set<BufferID> {
    var result: Set<BufferID> = []
    // Slices may be anywhere in what they are slices of.
    func place(_ id: BufferID) -> Buffer { program.buffers[(program.buffers[id.index].motion?.parent ?? id).index] }
    let sorted = analysis.buffers.sorted { place($0).byteOffset < place($1).byteOffset }
    var last: [Segment: (id: BufferID, end: Int)] = [:]
    for id in sorted {
      let buffer = place(id)
      let end = buffer.byteOffset + buffer.byteCount
      if let previous = last[buffer.segment], previous.end > buffer.byteOffset {
        result.insert(previous.id)
        result.insert(id)
        if end <= previous.end { continue }
      }
      last[buffer.segment] = (id, end)
    }
    return result
  }

  /// The first element's address, as the entry point writes it.
  private func address(of buffer: Buffer) -> String {
    let place = place(of: buffer)
    let moves = (buffer.motion?.steps ?? []).enumerated().filter { $0.element != 0 }
      .map { "\(CPrinter.loopVariable($0.offset)) * \($0.element)" }
    return moves.isEmpty ? place : "(\(place) + \(moves.joined(separator: " + ")))"
  }

  private func place(of buffer: Buffer) -> String {
    switch buffer.segment {
    case .state: "(state + \(buffer.byteOffset))"
    case .scratch: "(scratch + \(buffer.byteOffset))"
    case .input(let index) where buffer.byteOffset == 0: "inputs[\(index)]"
    case .input(let index): "(inputs[\(index)] + \(buffer.byteOffset))"
    case .worker:
      "(scratch + \(program.workerByteOffset + buffer.byteOffset) + worker * \(program.workerByteStride))"
    }
  }

  // MARK: Names

  func memoryType(_ type: ElementType) -> String {
    switch type {
    case .float32: "float"
    case .float64: "double"
    case .int32: "i32"
    case .bool: "u8"
    }
  }

  func localType(_ value: LoopValue) -> String {
    let type = kernel.valueTypes[value.index]
    return type == .bool ? "int" : memoryType(type)
  }

  func type(of value: LoopValue) -> ElementType { kernel.valueTypes[value.index] }

  /// The name without indices.
  func baseName(_ value: LoopValue) -> String {
    let info = analysis.values[value.index]
    switch info.definition {
    case .argument(let index), .result(let index):
      let item = analysis.carried[index]
      if case .expression(.apply(let opcode, let operands)) = analysis.values[item.next.index].definition,
        opcode == .add || opcode == .fusedMultiplyAdd, operands.contains(item.argument)
      {
        return "sum\(item.argument.raw)"
      }
      return "carry\(item.argument.raw)"
    default: return "v\(value.raw)"
    }
  }

  /// The axes of the value's local array; nil for a plain local.
  func tile(of value: LoopValue) -> [TileAxis]? {
    let info = analysis.values[value.index]
    let index = info.alias >= 0 ? analysis.values[Int(info.alias)].tile : info.tile
    return index < 0 ? nil : analysis.tiles[Int(index)]
  }

  mutating func writeName(_ value: LoopValue) {
    out.write(baseName(value))
    for axis in tile(of: value) ?? [] {
      out.write("[")
      out.write(axis.variable.cName)
      out.write("]")
    }
  }

  mutating func specialName(_ literal: ScalarLiteral) -> String {
    if let known = specials.first(where: { $0.literal == literal }) { return known.name }
    let name = "constant\(specials.count)"
    specials.append((literal, name))
    return name
  }
}
