// Parameters in formulas: `matmul(x, weight) + bias` reads the parameters' tensors in the graph of x.

extension Parameter {
  /// The parameter's tensor in the graph that `other` belongs to.
  public func tensor(in other: Tensor) -> Tensor { other.builder.parameter(self, at: site) }

  /// The parameter's tensor in a graph under construction.
  public func tensor(in builder: GraphBuilder) -> Tensor { builder.parameter(self, at: site) }

  /// A parameter that is a stored property of a user's module.
  public init(
    _ shape: Shape, _ initialiser: Initialiser = .zeros, file: StaticString = #filePath, line: Int = #line
  ) {
    self.init(shape, initialiser, at: CallSite(file, line))
  }
}

/// The matrix product with a parameter.
public func matmul(
  _ a: Tensor, _ b: Parameter, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  matmul(a, b.tensor(in: a), file: file, line: line)
}

extension Tensor {
  public static func + (a: Tensor, b: Parameter) -> Tensor { a + b.tensor(in: a) }
  public static func - (a: Tensor, b: Parameter) -> Tensor { a - b.tensor(in: a) }
  public static func * (a: Tensor, b: Parameter) -> Tensor { a * b.tensor(in: a) }
  public static func / (a: Tensor, b: Parameter) -> Tensor { a / b.tensor(in: a) }
  public static func + (a: Parameter, b: Tensor) -> Tensor { a.tensor(in: b) + b }
  public static func - (a: Parameter, b: Tensor) -> Tensor { a.tensor(in: b) - b }
  public static func * (a: Parameter, b: Tensor) -> Tensor { a.tensor(in: b) * b }
  public static func / (a: Parameter, b: Tensor) -> Tensor { a.tensor(in: b) / b }
}
