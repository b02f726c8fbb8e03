/// A tensor of a graph under construction: no numbers, but the promise of them.
public struct Tensor {
  /// The graph that it belongs to; tensors of two graphs don't mix.
  public let builder: GraphBuilder
  public let id: NodeID

  public init(builder: GraphBuilder, id: NodeID) {
    self.builder = builder
    self.id = id
  }

  public var type: TensorType { builder.graph.type(of: id) }
  public var shape: Shape { type.shape }
  public var elementType: ElementType { type.elementType }
  /// Where the user made it.
  public var site: CallSite { builder.graph[id].site }
}
