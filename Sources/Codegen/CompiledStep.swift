public import CinchGraph

/// A step on its way down: the optimised graph with everything that code generation has decided about it.
public struct CompiledStep: Sendable {
  /// An array that the caller gives: the program's inputs first, in the graph's order.
  public struct Input: Sendable {
    public let name: String
    public let type: TensorType
  }

  public struct Output: Sendable {
    public let name: String
    public let type: TensorType
    /// Where the step leaves it; may be state or an input.
    public let buffer: BufferID
  }

  /// After all passes: what the interpreter evaluates to the same bits.
  public let graph: Graph
  public let loops: LoopProgram
  /// `Segment.input(i)` is `inputs[i]`, then `constants[i - inputs.count]`.
  public let inputs: [Input]
  public let constants: [ConstantData]
  public let outputs: [Output]
  public let state: StateLayout

  public init(
    graph: Graph, loops: LoopProgram, inputs: [Input], constants: [ConstantData], outputs: [Output], state: StateLayout
  ) {
    self.graph = graph
    self.loops = loops
    self.inputs = inputs
    self.constants = constants
    self.outputs = outputs
    self.state = state
  }
}
