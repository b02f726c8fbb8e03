extension CompiledStep {
  /// Readable C99 without includes: the same text on every machine for the same target.
  public var portableC: String { CPrinter(dialect: .portable).print(loops) }

  /// For libtcc: kernels as machine code where the target has vector instructions, and as plain loops otherwise.
  ///
  /// - Parameter isExplained: whether each instruction has a line, with a comment that tells what it is and computes. The text for
  ///   compilers does without: it has the same bytes, eight in each number, and takes a quarter of the time.
  public func tinyccC(_ target: Target, profile: ProfileTable? = nil, isExplained: Bool = true) -> String {
    CPrinter(dialect: .tinycc(target), profile: profile).print(loops) { kernel, program in
      try? VectorBackEnd.lower(kernel, in: program, target: target).get().functionBody(isExplained: isExplained)
    }
  }

  /// The portable C with a clock around each kernel.
  public func portableC(profile: ProfileTable) -> String { CPrinter(dialect: .portable, profile: profile).print(loops) }

  /// The kernels that the vector back end leaves to plain C on a target, with the reasons.
  public func scalarKernels(_ target: Target) -> [(kernel: String, reason: VectorLimitation)] {
    loops.kernels.compactMap { kernel in
      guard case .failure(let reason) = VectorBackEnd.lower(kernel, in: loops, target: target) else { return nil }
      return (kernel.name, reason)
    }
  }
}
