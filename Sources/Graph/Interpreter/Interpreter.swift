/// Computes what a graph means, slowly and obviously: the reference that generated code is compared with.
///
/// It follows the nodes' meanings one after the other and keeps no schedule. In mode `float32` every bit is what the
/// compiled program must give. In mode `float64` the same graph is evaluated in real numbers as far as
/// Float64 has them, by libm and without the sequences of operations that code generation uses: an independent
/// meaning, for graphs as the user built them.
public struct Interpreter: Sendable {
  public enum Mode: Sendable, Hashable {
    /// To the bit. A reduction without an order of accumulation has the standard one.
    case float32
    /// Floats of either width as Float64; Int32 and Bool exactly.
    case float64
  }

  public let mode: Mode
  let program: InterpretedGraph

  /// - Throws: `GraphError` if the graph has diagnostics, `InternalError` if it is broken.
  public init(_ graph: Graph, mode: Mode = .float32) throws {
    if !graph.diagnostics.isEmpty { throw GraphError(graph.diagnostics) }
    try graph.verify(after: "building")
    let decomposed = try graph.decomposed()
    try decomposed.verify(after: "decompose", promising: .primitivesOnly)
    self.mode = mode
    self.program = InterpretedGraph(decomposed)
  }

  /// One step: returns the outputs by name, and replaces the updated state variables in `state`.
  ///
  /// Updates take place after all nodes have been evaluated; if anything throws, `state` is as it was. In mode
  /// `float64`, floats may be given as Float32 or Float64 and come back as Float64.
  ///
  /// - Throws: `ArgumentError` for inputs or state that are missing or don't fit; `RuntimeCheckError` for an index out of range.
  public func run(
    inputs: [String: ElementArray], state: inout [String: ElementArray]
  ) throws -> [String: ElementArray] {
    let graph = program.graph
    let names = graph.inputs.map(\.name)
    if let unknown = inputs.keys.filter({ !names.contains($0) }).min() {
      throw ArgumentError("there is no input '\(unknown)'; the inputs are \(names.joined(separator: ", "))")
    }
    let arguments = try graph.inputs.map { input in
      try argument(inputs[input.name], graph.type(of: input.node), "input '\(input.name)'")
    }
    let variables = try graph.state.map { try argument(state[$0.name], $0.type, "state '\($0.name)'") }

    let values = try Evaluation(mode: mode, state: variables).values(of: program, inputs: arguments)
    var results: [String: ElementArray] = [:]
    for output in graph.outputs { results[output.name] = values[output.node.index] }
    for update in graph.updates { state[graph.state[update.state.index].name] = values[update.node.index] }
    return results
  }

  /// One step of a graph without state.
  public func run(inputs: [String: ElementArray] = [:]) throws -> [String: ElementArray] {
    var state: [String: ElementArray] = [:]
    return try run(inputs: inputs, state: &state)
  }

  private func argument(_ given: ElementArray?, _ type: TensorType, _ what: String) throws -> ElementArray {
    guard let given else { throw ArgumentError("\(what) of type \(type) is missing") }
    let fits =
      mode == .float64 && type.elementType.isFloatingPoint
      ? given.elementType.isFloatingPoint : given.elementType == type.elementType
    guard fits else {
      throw ArgumentError(
        "\(what) has elements of type \(type.elementType.rawValue), and \(given.elementType.rawValue) is given")
    }
    guard given.count == type.shape.elementCount else {
      throw ArgumentError(
        "\(what) of shape \(type.shape) has \(type.shape.elementCount) elements, and \(given.count) are given")
    }
    return mode == .float64 ? given.widened : given
  }
}

extension ElementArray {
  /// Float32 as Float64, all else as it is.
  var widened: ElementArray {
    if case .float32(let elements) = self { .float64(elements.map(Double.init)) } else { self }
  }
}

/// A graph with what is asked of it again in each step.
struct InterpretedGraph: Sendable {
  let graph: Graph
  let meanings: [Meaning]
  /// By the number of the node that owns it.
  let bodies: [Int: [InterpretedGraph]]
  /// For each node, the nodes whose values nothing needs after it.
  let lastUses: [[Int]]

  init(_ graph: Graph) {
    self.graph = graph
    meanings = graph.nodes.indices.map { graph.meaning(of: NodeID($0)) }
    var bodies: [Int: [InterpretedGraph]] = [:]
    for (index, node) in graph.nodes.enumerated() where !node.bodies.isEmpty {
      bodies[index] = node.bodies.map { InterpretedGraph($0) }
    }
    self.bodies = bodies

    var lastUser = [Int?](repeating: nil, count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      for operand in node.operands { lastUser[operand.index] = index }
    }
    for root in graph.roots { lastUser[root.index] = nil }
    var lastUses = [[Int]](repeating: [], count: graph.nodes.count)
    for (index, user) in lastUser.enumerated() {
      if let user { lastUses[user].append(index) }
    }
    self.lastUses = lastUses
  }
}
