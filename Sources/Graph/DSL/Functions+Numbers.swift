// Functions of tensors and numbers. Literals become Double, as beside operators.

/// The larger of a tensor's elements and a number; NaN if either is.
public func maximum(_ a: Tensor, _ b: Double, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  maximum(a, Tensor.scalar(b, like: a, at: CallSite(file, line)), file: file, line: line)
}

/// The larger of a tensor's elements and a number; NaN if either is.
public func maximum(_ a: Double, _ b: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  maximum(Tensor.scalar(a, like: b, at: CallSite(file, line)), b, file: file, line: line)
}

/// The larger of a tensor's elements and a number; NaN if either is.
@_disfavoredOverload
public func maximum(_ a: Tensor, _ b: some TensorNumber, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  maximum(a, b.elementValue, file: file, line: line)
}

/// The larger of a tensor's elements and a number; NaN if either is.
@_disfavoredOverload
public func maximum(_ a: some TensorNumber, _ b: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  maximum(a.elementValue, b, file: file, line: line)
}

/// The smaller of a tensor's elements and a number; NaN if either is.
public func minimum(_ a: Tensor, _ b: Double, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  minimum(a, Tensor.scalar(b, like: a, at: CallSite(file, line)), file: file, line: line)
}

/// The smaller of a tensor's elements and a number; NaN if either is.
public func minimum(_ a: Double, _ b: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  minimum(Tensor.scalar(a, like: b, at: CallSite(file, line)), b, file: file, line: line)
}

/// The smaller of a tensor's elements and a number; NaN if either is.
@_disfavoredOverload
public func minimum(_ a: Tensor, _ b: some TensorNumber, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  minimum(a, b.elementValue, file: file, line: line)
}

/// The smaller of a tensor's elements and a number; NaN if either is.
@_disfavoredOverload
public func minimum(_ a: some TensorNumber, _ b: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  minimum(a.elementValue, b, file: file, line: line)
}

/// aᵇ with one number, with C's rules for special values.
public func power(_ a: Double, _ b: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  power(Tensor.scalar(a, like: b, at: CallSite(file, line)), b, file: file, line: line)
}

/// aᵇ with one number, with C's rules for special values.
@_disfavoredOverload
public func power(_ a: Tensor, _ b: some TensorNumber, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  power(a, b.elementValue, file: file, line: line)
}

/// aᵇ with one number, with C's rules for special values.
@_disfavoredOverload
public func power(_ a: some TensorNumber, _ b: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  power(a.elementValue, b, file: file, line: line)
}

/// a where the condition holds, else b.
public func select(
  _ condition: Tensor, _ a: Tensor, _ b: Double, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  select(condition, a, Tensor.scalar(b, like: a, at: CallSite(file, line)), file: file, line: line)
}

/// a where the condition holds, else b.
public func select(
  _ condition: Tensor, _ a: Double, _ b: Tensor, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  select(condition, Tensor.scalar(a, like: b, at: CallSite(file, line)), b, file: file, line: line)
}

/// Float32: a where the condition holds, else b.
public func select(
  _ condition: Tensor, _ a: Double, _ b: Double, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  let builder = condition.builder
  return select(
    condition, builder.constant(a, file: file, line: line), builder.constant(b, file: file, line: line), file: file,
    line: line)
}

/// a where the condition holds, else b.
@_disfavoredOverload
public func select(
  _ condition: Tensor, _ a: Tensor, _ b: some TensorNumber, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  select(condition, a, b.elementValue, file: file, line: line)
}

/// a where the condition holds, else b.
@_disfavoredOverload
public func select(
  _ condition: Tensor, _ a: some TensorNumber, _ b: Tensor, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  select(condition, a.elementValue, b, file: file, line: line)
}

/// Float32: a where the condition holds, else b.
@_disfavoredOverload
public func select(
  _ condition: Tensor, _ a: some TensorNumber, _ b: some TensorNumber, file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  select(condition, a.elementValue, b.elementValue, file: file, line: line)
}

/// a · b + c, rounded once.
public func fma(_ a: Tensor, _ b: Double, _ c: Tensor, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  fma(a, Tensor.scalar(b, like: a, at: CallSite(file, line)), c, file: file, line: line)
}

/// a · b + c, rounded once.
public func fma(_ a: Tensor, _ b: Tensor, _ c: Double, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  fma(a, b, Tensor.scalar(c, like: a, at: CallSite(file, line)), file: file, line: line)
}

/// a · b + c, rounded once.
public func fma(_ a: Tensor, _ b: Double, _ c: Double, file: StaticString = #filePath, line: Int = #line) -> Tensor {
  fma(a, Tensor.scalar(b, like: a, at: CallSite(file, line)), c, file: file, line: line)
}

/// a · b + c, rounded once.
@_disfavoredOverload
public func fma(
  _ a: Tensor, _ b: some TensorNumber, _ c: Tensor, file: StaticString = #filePath, line: Int = #line
) -> Tensor { fma(a, b.elementValue, c, file: file, line: line) }

/// a · b + c, rounded once.
@_disfavoredOverload
public func fma(
  _ a: Tensor, _ b: Tensor, _ c: some TensorNumber, file: StaticString = #filePath, line: Int = #line
) -> Tensor { fma(a, b, c.elementValue, file: file, line: line) }

/// a · b + c, rounded once.
@_disfavoredOverload
public func fma(
  _ a: Tensor, _ b: some TensorNumber, _ c: some TensorNumber, file: StaticString = #filePath, line: Int = #line
) -> Tensor { fma(a, b.elementValue, c.elementValue, file: file, line: line) }
