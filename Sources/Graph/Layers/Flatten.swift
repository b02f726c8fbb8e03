/// All axes from `first` on as one, in row-major order.
public struct Flatten: Layer {
  public let identity = LayerIdentity()
  public let first: Int
  let site: CallSite

  /// - Parameter first: the first axis that is merged; the batch, axis 0, stays unless it is given.
  public init(from first: Int = 1, file: StaticString = #filePath, line: Int = #line) {
    self.first = first
    site = CallSite(file, line)
  }

  public var configuration: String { "start_dim=\(first), end_dim=-1" }

  public func forward(_ input: Tensor) -> Tensor {
    guard let first = input.shape.axis(first) else {
      return input.builder.withSite(site) { input.missing(self.first, "Flatten", site) }
    }
    let merged = Shape(Array(input.shape.extents[first...])).elementCount
    return input.builder.withSite(site) {
      input.reshaped(to: Shape(input.shape.extents[..<first] + [merged]))
    }
  }
}
