import Cinch

/// One way to extend a random program, named by the op that it is there for.
struct ProgramStep: Sendable {
  let mnemonic: String
  let write: @Sendable (inout ProgramWriter) -> Void

  init(_ op: any Op.Type, _ write: @escaping @Sendable (inout ProgramWriter) -> Void) {
    mnemonic = op.mnemonic
    self.write = write
  }

  /// A function of one tensor, with the largest magnitude of its result.
  static func unary(_ op: any Op.Type, bound: Double? = nil, _ apply: @escaping @Sendable (Tensor) -> Tensor) -> ProgramStep {
    ProgramStep(op) { w in
      let x = w.anyFloat()
      w.add(apply(x.tensor), bound: bound ?? x.bound)
    }
  }

  static func binary(
    _ op: any Op.Type, _ bound: @escaping @Sendable (Double, Double) -> Double,
    _ apply: @escaping @Sendable (Tensor, Tensor) -> Tensor
  ) -> ProgramStep {
    ProgramStep(op) { w in
      let x = w.anyFloat()
      let y = w.partner(of: x.tensor.shape)
      w.add(w.random.oneIn(2) ? apply(x.tensor, y.tensor) : apply(y.tensor, x.tensor), bound: bound(x.bound, y.bound))
    }
  }

  private static let written: [ProgramStep] =
    arithmetic + functions + choices + rows + shapes + indices + images + loops + specials + formulas + updates

  /// For every op of the catalogue at least one: where none is written here, its samples.
  static let all: [ProgramStep] = {
    let known = Set(written.map(\.mnemonic))
    return written + OpCatalogue.all.filter { !known.contains($0.mnemonic) }.compactMap(sample)
  }()

  /// One of the op's samples on new inputs, the result squashed; nil for an op without samples, and for those that begin
  /// every program.
  private static func sample(_ op: any Op.Type) -> ProgramStep? {
    guard !(op is Input.Type), !(op is ReadState.Type), !op.samples.isEmpty else { return nil }
    return ProgramStep(op) { w in
      let samples = op.samples.filter { sample in
        sample.operands.allSatisfy {
          $0.type.elementType != .float64 && $0.type.shape.elementCount <= ProgramWriter.maximumElementCount
        }
      }
      guard let sample = samples.randomElement(using: &w.random) else { return }
      let operands = sample.operands.map { w.leaf($0.type, $0.values) }
      let result = w.builder.add(sample.op, operands, at: CallSite(#filePath, #line))
      switch result.elementType {
      case .float32: w.add(tanh(result * 0.25), bound: 1)
      case .int32: w.add((result & w.builder.constant([7] as [Int32], [1])).cast(to: .float32) * 0.1, bound: 1)
      case .bool: w.add(result.cast(to: .float32), bound: 1)
      case .float64: break
      }
    }
  }
}
