// Samples that ops of a kind share.

/// The shapes in which ops on single elements are tried: a scalar, one element, and sizes around those of vectors.
private let shapes: [Shape] = [[], [1], [3, 5], [15], [17], [65]]

/// Float32 operands of each shape, with values from one range for each operand; and, unless they mean nothing to the op,
/// every pair of special numbers.
func floatSamples(_ op: any Op, _ ranges: ClosedRange<Float>..., special: Bool = true) -> [OpSample] {
  var samples = shapes.map { shape in
    OpSample(op, ranges.map { (TensorType(.float32, shape), .uniform($0)) })
  }
  if special { samples.append(OpSample(op, ranges.map { _ in (TensorType(.float32, [16, 17]), .special) })) }
  return samples
}

/// Int32 operands over the whole range.
func integerSamples(_ op: any Op, count: Int) -> [OpSample] {
  ([[1], [3, 5], [65]] as [Shape]).map { shape in
    OpSample(op, [(type: TensorType, values: OpSample.Values)](repeating: (TensorType(.int32, shape), .bits), count: count))
  }
}

/// Bool operands.
func boolSamples(_ op: any Op, count: Int) -> [OpSample] {
  ([[1], [17], [65]] as [Shape]).map { shape in
    OpSample(op, [(type: TensorType, values: OpSample.Values)](repeating: (TensorType(.bool, shape), .bits), count: count))
  }
}
