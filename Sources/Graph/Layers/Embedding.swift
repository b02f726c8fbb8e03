/// A vector of parameters for each of so many things, by number: `i32 [i…] → f32 [i…, width]`. A number outside of `0..<count`
/// fails the step.
public struct Embedding: Layer {
  public let identity = LayerIdentity()
  /// [count, width].
  public let weight: Parameter

  /// - Parameter weights: how the vectors begin; standard normal, PyTorch's default, unless given.
  public init(
    _ count: Int, _ width: Int, weights: Initialiser = .normal(standardDeviation: 1), file: StaticString = #filePath,
    line: Int = #line
  ) {
    weight = Parameter([count, width], weights, at: CallSite(file, line))
  }

  public var count: Int { weight.shape[0] }
  public var width: Int { weight.shape[1] }

  public var configuration: String { "\(count), \(width)" }

  public func forward(_ input: Tensor) -> Tensor {
    let builder = input.builder
    let site = weight.site
    guard input.elementType == .int32 else {
      return builder.fail(
        "Embedding(\(configuration)) needs int32 numbers of what it embeds, not \(input.type)", operands: [input],
        recovered: TensorType(.float32, Shape(input.shape.extents + [width])), isCertain: true, at: site)
    }
    let table = builder.parameter(weight, hint: "weight", at: site)
    return builder.withSite(site) { gather(table, at: input) }
  }
}

/// Adds a vector of parameters for each position: `[…, t, width] → […, t, width]`, for sequences of up to `context` positions
/// (the learned positions of Gehring et al. 2017).
public struct PositionEmbedding: Layer {
  public let identity = LayerIdentity()
  /// [context, width].
  public let weight: Parameter

  /// - Parameters:
  ///   - context: the length of the longest sequence.
  ///   - weights: how the vectors begin; standard normal, as `Embedding`'s, unless given.
  public init(
    _ context: Int, _ width: Int, weights: Initialiser = .normal(standardDeviation: 1), file: StaticString = #filePath,
    line: Int = #line
  ) {
    weight = Parameter([context, width], weights, at: CallSite(file, line))
  }

  public var context: Int { weight.shape[0] }
  public var width: Int { weight.shape[1] }

  public var configuration: String { "\(context), \(width)" }

  public func forward(_ input: Tensor) -> Tensor {
    let builder = input.builder
    let site = weight.site
    let rank = input.shape.rank
    guard rank >= 2, input.shape[rank - 1] == width, input.elementType == .float32 else {
      return builder.fail(
        "PositionEmbedding(\(configuration)) needs float32 [batch…, positions, \(width)], not \(input.type)",
        operands: [input], recovered: input.type, isCertain: input.elementType == .float32, at: site)
    }
    let length = input.shape[rank - 2]
    guard length <= context else {
      return builder.fail(
        "PositionEmbedding(\(configuration)) has vectors for \(context) positions, and the sequence has \(length)",
        operands: [input], recovered: input.type, isCertain: true, at: site)
    }
    let table = builder.parameter(weight, hint: "weight", at: site)
    return builder.withSite(site) { input + table.sliced(along: 0, 0..<length) }
  }
}
