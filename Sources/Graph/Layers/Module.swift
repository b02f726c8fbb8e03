import Synchronization

/// A part of a network: a value that turns a tensor into another, and holds parameters and further modules.
///
/// A module has no numbers; they live in the state of the program that is compiled from it. Names come from its stored
/// properties, as PyTorch's state dictionaries have them (`hidden.weight`, `layers.2.bias`). A copy of a module
/// shares its parameters; two constructions never do.
///
/// ```swift
/// struct Classifier: Module {
///   let hidden = Linear(64, 128), output = Linear(128, 10)
///   func callAsFunction(_ x: Tensor) -> Tensor { output(relu(hidden(x))) }
/// }
/// ```
public protocol Module: Sendable, CustomStringConvertible {
  func callAsFunction(_ input: Tensor) -> Tensor

  /// What stands in the parentheses when the module is printed: `in_features=1, out_features=100`.
  var configuration: String { get }

  /// The parts that may hold parameters, with their names: the stored properties, unless a container names them otherwise.
  var parts: [(name: String, value: Any)] { get }

  /// The module itself if it is a layer. Asked instead of a cast, because the first cast of each type to a protocol searches all
  /// that the process has loaded.
  var layer: (any Layer)? { get }
}

extension Module {
  public var configuration: String { "" }

  public var parts: [(name: String, value: Any)] { storedProperties(of: self) }

  public var layer: (any Layer)? { nil }
}

private let nextLayerIdentity = Atomic<Int>(0)

/// What makes a layer itself: given when it is constructed and shared by copies, as a parameter's identity is.
public struct LayerIdentity: Sendable, Hashable {
  private let raw: Int
  public init() { raw = nextLayerIdentity.add(1, ordering: .relaxed).newValue }
}

/// A module that knows which one it is, so that the nodes it makes carry its path (`encoder.0`) as their name.
public protocol Layer: Module {
  var identity: LayerIdentity { get }
  func forward(_ input: Tensor) -> Tensor
}

extension Layer {
  public var layer: (any Layer)? { self }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    let builder = input.builder
    let path = builder.layerPaths[identity] ?? builder.scope
    let output = builder.withScope(path) { forward(input) }
    if builder.layerOutputs[path] == nil { builder.layerOutputs[path] = output.shape }
    return output
  }
}

extension GraphBuilder {
  /// Gives the parameters and layers of a model the names that its properties have. Parameters of models that aren't
  /// registered are named by where they are first used.
  ///
  /// - Parameter name: stands before each name, for a graph with several models.
  public func register(_ model: some Module, as name: String = "") {
    register(ModuleTree(model), as: name)
  }

  func register(_ tree: ModuleTree, as name: String = "") {
    let prefix = name.isEmpty ? "" : name + "."
    trees.append((prefix, tree))
    for (path, parameter) in tree.parameters where parameterNames[parameter.identity] == nil {
      parameterNames[parameter.identity] = prefix + path
    }
    for (path, module) in tree.modules {
      guard let layer = module.layer, layerPaths[layer.identity] == nil else { continue }
      layerPaths[layer.identity] = path.isEmpty ? name : prefix + path
    }
  }
}
