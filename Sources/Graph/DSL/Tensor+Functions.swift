// Free functions where the field has them.

/// eᵃ, element by element.
public func exp(_ a: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  a.builder.add(Exp(), [a], at: CallSite(file, line))
}

/// The natural logarithm.
public func log(_ a: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  a.builder.add(Log(), [a], at: CallSite(file, line))
}

/// log(1 + a), accurate near 0.
public func log1p(_ a: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  a.builder.add(Log1p(), [a], at: CallSite(file, line))
}

/// The square root.
public func sqrt(_ a: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  a.builder.add(SquareRoot(), [a], at: CallSite(file, line))
}

/// 1 / √a.
public func rsqrt(_ a: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  a.builder.add(ReciprocalSquareRoot(), [a], at: CallSite(file, line))
}

/// The hyperbolic tangent.
public func tanh(_ a: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  a.builder.add(TanhOp(), [a], at: CallSite(file, line))
}

/// 1 / (1 + e⁻ᵃ).
public func sigmoid(_ a: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  a.builder.add(Logistic(), [a], at: CallSite(file, line))
}

/// The error function.
public func erf(_ a: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  a.builder.add(Erf(), [a], at: CallSite(file, line))
}

/// The sine of radians.
public func sin(_ a: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  a.builder.add(Sine(), [a], at: CallSite(file, line))
}

/// The cosine of radians.
public func cos(_ a: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  a.builder.add(Cosine(), [a], at: CallSite(file, line))
}

/// max(a, 0).
public func relu(_ a: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  a.builder.add(Relu(), [a], at: CallSite(file, line))
}

/// a · sigmoid(a).
public func silu(_ a: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  a.builder.add(Silu(), [a], at: CallSite(file, line))
}

/// log(1 + eᵃ), without overflow.
public func softplus(_ a: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  a.builder.add(SoftplusOp(), [a], at: CallSite(file, line))
}

/// log(eᵃ + eᵇ), which overflows only where the result does.
public func logAddExp(_ a: Tensor, _ b: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  Tensor.binary(LogAddExpOp(), a, b, at: CallSite(file, line))
}

/// |a|.
public func abs(_ a: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  a.builder.add(Absolute(), [a], at: CallSite(file, line))
}

/// −1, 0 or 1.
public func sign(_ a: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  a.builder.add(Sign(), [a], at: CallSite(file, line))
}

/// The tensor, as a constant for differentiation.
public func stopGradient(_ a: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  a.builder.add(StopGradient(), [a], at: CallSite(file, line))
}

/// a · Φ(a): exact with the error function, or its tanh form.
public func gelu(
  _ a: Tensor, approximation: GeluForm = .exact, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  switch approximation {
  case .exact: a.builder.add(Gelu(), [a], at: CallSite(file, line))
  case .tanh: a.builder.add(GeluTanh(), [a], at: CallSite(file, line))
  }
}

/// How GELU is computed: `exact` as x · Φ(x) with the normal distribution's Φ, `tanh` by the approximation of Hendrycks and Gimpel
/// (2016), which GPT-2 uses.
public enum GeluForm: String, Sendable, Hashable {
  case exact, tanh
}

/// a where a > 0, else slope · a.
public func leakyRelu(
  _ a: Tensor, slope: Float = 0.01, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  a.builder.add(LeakyRelu(slope: slope), [a], at: CallSite(file, line))
}

/// aᵇ, with C's rules for special values.
public func power(_ a: Tensor, _ b: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  Tensor.binary(Power(), a, b, at: CallSite(file, line))
}

/// aᵇ for one exponent, with C's rules for special values. Float64 takes whole exponents from −64 to 64, as products.
public func power(_ a: Tensor, _ b: Double, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  if a.elementType == .float64, let exponent = Int(exactly: b), abs(exponent) <= 64 {
    return a.builder.withSite(CallSite(file, line)) { wholePower(a, exponent) }
  }
  return power(a, Tensor.scalar(b, like: a, at: CallSite(file, line)), file: file, line: line)
}

/// Multiplies by repeated squaring; the result is 1 where the exponent is 0.
private func wholePower(_ a: Tensor, _ exponent: Int) -> Tensor {
  if exponent < 0 { return 1 / wholePower(a, -exponent) }
  if exponent == 0 { return a.builder.constant(Tensor.literal(1, a.elementType), shape: a.shape, at: a.site) }
  if exponent == 1 { return a }
  let half = wholePower(a, exponent / 2)
  return exponent % 2 == 0 ? half * half : half * half * a
}

/// The larger of two tensors, element by element; NaN if either is.
public func maximum(_ a: Tensor, _ b: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  Tensor.binary(Maximum(), a, b, at: CallSite(file, line))
}

/// The smaller of two tensors, element by element; NaN if either is.
public func minimum(_ a: Tensor, _ b: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  Tensor.binary(Minimum(), a, b, at: CallSite(file, line))
}

/// a · b + c, rounded once.
public func fma(
  _ a: Tensor, _ b: Tensor, _ c: Tensor, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  elementwise(FusedMultiplyAdd(), [a, b, c], at: CallSite(file, line))
}

/// a where the condition holds, else b.
public func select(
  _ condition: Tensor, _ a: Tensor, _ b: Tensor, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  elementwise(Select(), [condition, a, b], at: CallSite(file, line))
}

/// An op of several operands after NumPy's broadcasting.
func elementwise(_ op: any Op, _ operands: [Tensor], at site: CallSite) -> Tensor {
  let builder = operands[0].builder
  guard operands.allSatisfy({ $0.builder === builder }) else { return builder.add(op, operands, at: site) }
  var shape = operands[0].shape
  for operand in operands.dropFirst() {
    guard let common = shape.broadcast(with: operand.shape) else {
      return builder.fail(
        "\(type(of: op).mnemonic) can't broadcast \(operands.map(\.shape.description).joined(separator: ", "))",
        operands: operands, recovered: operands[operands.count - 1].type, at: site)
    }
    shape = common
  }
  builder.noteBroadcast(operands, to: shape, at: site)
  return builder.add(op, operands.map { $0.broadcast(to: shape, at: site) }, at: site)
}

/// The matrix product over the last two axes; leading axes broadcast. A vector counts as a row on the left and as a
/// column on the right, and that axis disappears, as in NumPy.
public func matmul(_ a: Tensor, _ b: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  let site = CallSite(file, line)
  let builder = a.builder
  guard a.builder === b.builder else { return builder.add(MatMul(), [a, b], at: site) }
  guard a.shape.rank >= 1, b.shape.rank >= 1 else {
    return builder.fail(
      "matmul needs vectors or matrices, not scalars: \(a.shape) × \(b.shape)", operands: [a, b],
      recovered: a.type, at: site)
  }
  var left = a.shape.rank == 1 ? a.reshaped(to: [1, a.shape[0]], file: file, line: line) : a
  var right = b.shape.rank == 1 ? b.reshaped(to: [b.shape[0], 1], file: file, line: line) : b
  let leftBatch = Shape(Array(left.shape.extents.dropLast(2)))
  let rightBatch = Shape(Array(right.shape.extents.dropLast(2)))
  if let batch = leftBatch.broadcast(with: rightBatch) {
    left = left.broadcast(to: Shape(batch.extents + left.shape.extents.suffix(2)), file: file, line: line)
    right = right.broadcast(to: Shape(batch.extents + right.shape.extents.suffix(2)), file: file, line: line)
  }
  let product = builder.add(MatMul(), [left, right], at: site)
  guard a.shape.rank == 1 || b.shape.rank == 1, !builder.poisoned.contains(product.id) else { return product }
  var extents = product.shape.extents
  if b.shape.rank == 1 { extents.removeLast() }
  if a.shape.rank == 1 { extents.remove(at: extents.count - (b.shape.rank == 1 ? 1 : 2)) }
  return product.reshaped(to: Shape(extents), file: file, line: line)
}

/// eᵃ / Σ eᵃ along an axis.
public func softmax(
  _ a: Tensor, axis: Int = -1, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  a.builder.add(SoftmaxOp(axis: a.shape.axis(axis) ?? axis), [a], at: CallSite(file, line))
}

/// log softmax along an axis, in its stable form.
public func logSoftmax(
  _ a: Tensor, axis: Int = -1, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  a.builder.add(LogSoftmaxOp(axis: a.shape.axis(axis) ?? axis), [a], at: CallSite(file, line))
}

/// (a − mean) / √(variance + epsilon) over the last axes, so many of them, with the biased variance.
public func layerNorm(
  _ a: Tensor, axes: Int = 1, epsilon: Float = 1e-5, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  a.builder.add(LayerNormOp(axes: axes, epsilon: epsilon), [a], at: CallSite(file, line))
}

/// Rows of a table: `(table [v, rest…], indices i32 [i…]) → [i…, rest…]`. An index outside the table fails the step.
public func gather(
  _ table: Tensor, at indices: Tensor, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  table.builder.add(Gather(), [table, indices], at: CallSite(file, line))
}

/// From zeros `[count, rest…]`, each row of `rows` added to the row that its index names: the adjoint of `gather`.
public func scatterAdd(
  _ rows: Tensor, at indices: Tensor, count: Int, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  rows.builder.add(ScatterAdd(count: count), [indices, rows], at: CallSite(file, line))
}

/// `indices i32 [i…] → f32 [i…, depth]`: 1 at the index, 0 elsewhere. An index outside fails the step.
public func oneHot(
  _ indices: Tensor, depth: Int, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  indices.builder.add(OneHot(depth: depth), [indices], at: CallSite(file, line))
}

/// The indices, after a check that each is in `0..<limit`; a failed check names the op of that mnemonic.
func checkedIndices(_ indices: Tensor, limit: Int, for mnemonic: String) -> Tensor {
  indices.builder.add(CheckIndex(limit: limit, reader: mnemonic), [indices], at: indices.site)
}

extension Tensor {
  /// a · a.
  public func squared() -> Tensor { self * self }
}
