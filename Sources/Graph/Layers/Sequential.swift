/// Modules one after the other; parameters are named by position (`0.weight`).
///
/// ```swift
/// let model = Sequential {
///   Linear(1, 100)
///   Sigmoid()
///   Linear(100, 1)
/// }
/// ```
public struct Sequential: Layer {
  public let identity = LayerIdentity()
  public let layers: [any Module]

  public init(_ layers: [any Module]) { self.layers = layers }

  /// The modules that stand in the closure, where `if` and `for` may be used.
  public init(@SequentialBuilder _ layers: () -> [any Module]) { self.layers = layers() }

  public var parts: [(name: String, value: Any)] {
    layers.enumerated().map { (String($0), $1) }
  }

  public func forward(_ input: Tensor) -> Tensor {
    let builder = input.builder
    let prefix = builder.scope.isEmpty ? "" : builder.scope + "."
    var value = input
    for (position, layer) in layers.enumerated() {
      let path = prefix + String(position)
      value = builder.withScope(path) { layer(value) }
      builder.layerOutputs[path] = value.shape
    }
    return value
  }
}

/// Collects the modules that a closure lists.
@resultBuilder
public enum SequentialBuilder {
  public static func buildExpression(_ module: any Module) -> [any Module] { [module] }
  public static func buildExpression(_ modules: [any Module]) -> [any Module] { modules }
  public static func buildBlock(_ groups: [any Module]...) -> [any Module] { groups.flatMap { $0 } }
  public static func buildOptional(_ group: [any Module]?) -> [any Module] { group ?? [] }
  public static func buildEither(first group: [any Module]) -> [any Module] { group }
  public static func buildEither(second group: [any Module]) -> [any Module] { group }
  public static func buildArray(_ groups: [[any Module]]) -> [any Module] { groups.flatMap { $0 } }
  public static func buildLimitedAvailability(_ group: [any Module]) -> [any Module] { group }
}
