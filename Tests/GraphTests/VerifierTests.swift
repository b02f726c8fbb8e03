import Testing

@testable import CinchGraph

/// Graphs broken by hand, each in one way: the verifier rejects them and says what is wrong.
@Suite struct VerifierTests {
  struct Break: Sendable, CustomStringConvertible {
    let check: String
    let node: Int?
    let message: String
    let promises: GraphPromises
    let change: @Sendable (inout Graph) -> Void
    var description: String { "\(check): \(message)" }

    init(
      _ check: String, at node: Int?, _ message: String, promising promises: GraphPromises = [],
      _ change: @escaping @Sendable (inout Graph) -> Void
    ) {
      (self.check, self.node, self.message, self.promises, self.change) = (check, node, message, promises, change)
    }
  }

  /// What each break starts from; the numbers of nodes stand in it.
  static func sound() throws -> Graph {
    try Graph(
      parsing: """
        graph "sound" {
          state "w": f32[5, 3] parameter = zeros
          state "n": i32[] counter = zeros
          %0 = input(name: "x", type: f32, shape: [4, 5])
          %1 = state(index: @"w", type: f32, shape: [5, 3])
          %2 = matmul(%0, %1, order: chain)
          %3 = sum(%2, axes: [0], order: chain)
          %4 = relu(%2)
          %5 = softmax(%2, axis: 1)
          %6 = loop(%1, %3, count: 7, carried: 1) : f32[5, 3] {
            graph "body" {
              %0 = input(name: "w", type: f32, shape: [5, 3])
              %1 = input(name: "b", type: f32, shape: [3])
              %2 = broadcast(%1, shape: [5, 3])
              %3 = add(%0, %2)
              output "w" = %3
            }
          }
          output "y" = %4
          output "s" = %3
          update @"w" = %6
        }
        """)
  }

  @Test func theStartIsSound() throws {
    #expect(try Self.sound().violations() == [])
    #expect(try Self.sound().violations(promising: .ordersSet) == [])
  }

  /// What has been found sound in the graph before hides nothing.
  @Test(arguments: breaks)
  func isFoundAfterTheSoundGraph(_ broken: Break) throws {
    var graph = try Self.sound()
    var soundOps = SoundOps()
    try graph.verify(after: "building", &soundOps)
    try graph.verify(after: "pass", promising: .ordersSet, &soundOps)
    broken.change(&graph)
    let error = #expect(throws: InternalError.self) {
      try graph.verify(after: "some-pass", promising: broken.promises, &soundOps)
    }
    #expect(try #require(error).description.contains(broken.message))
  }

  @Test(arguments: breaks)
  func isFound(_ broken: Break) throws {
    var graph = try Self.sound()
    broken.change(&graph)
    let found = graph.violations(promising: broken.promises)
    #expect(
      found.contains(
        GraphViolation(check: broken.check, node: broken.node.map { NodeID($0) }, message: broken.message)), "\(found)")
    // The error names the pass and draws the remark below the guilty node.
    let error = #expect(throws: InternalError.self) { try graph.verify(after: "some-pass", promising: broken.promises) }
    let text = try #require(error).description
    #expect(text.hasPrefix("error: internal error in some-pass: the graph is broken"))
    #expect(text.contains("This is a bug in Cinch"))
    if let node = broken.node {
      let lines = text.split(separator: "\n").map(String.init)
      let guilty = try #require(lines.firstIndex { $0.hasPrefix("  %\(node) = ") })
      let remark = try #require(lines.firstIndex { $0.contains("// ^~~~ \(broken.check): \(broken.message)") })
      #expect(remark > guilty && !lines[(guilty + 1)..<remark].contains { $0.hasPrefix("  %") })
    } else {
      #expect(text.contains("\n\(broken.check): \(broken.message)"))
    }
  }

  /// A new check needs a graph that it rejects.
  @Test func everyCheckHasABreak() {
    let checks = GraphVerification.nodeChecks.map(\.name) + GraphVerification.graphChecks.map(\.name)
    let tried = Set(Self.breaks.map(\.check))
    #expect(Set(checks + ["operand order", "type"]).subtracting(tried).sorted() == [])
    for check in GraphVerification.nodeChecks { #expect(check.summary.hasSuffix(".")) }
  }

  static let breaks: [Break] = nodes + meanings + bodies + roots

  private static let nodes: [Break] = [
    Break("operand order", at: 2, "operand %5 does not come before its user") { $0.nodes[2].operands[1] = NodeID(5) },
    Break("operand order", at: 4, "operand %4 does not come before its user") { $0.nodes[4].operands[0] = NodeID(4) },
    Break("operand order", at: 4, "operand %99 does not come before its user") { $0.nodes[4].operands[0] = NodeID(99) },
    Break("operand order", at: 4, "operand %-1 does not come before its user") { $0.nodes[4].operands[0] = NodeID(-1) },
    Break("type", at: 4, "the op's rule gives f32[4, 3], the node has f32[3, 4]") { $0.nodes[4].type.shape = [3, 4] },
    Break("type", at: 4, "the op's rule gives f32[4, 3], the node has i32[4, 3]") { $0.nodes[4].type.elementType = .int32 },
    Break("type", at: 2, "matmul takes 2 operands, not 1") { $0.nodes[2].operands.removeLast() },
    Break("type", at: 2, "matmul needs equal inner dimensions: [4, 5] × [4, 5] (5 ≠ 4)") {
      $0.nodes[2].operands = [NodeID(0), NodeID(0)]
    },
    Break("type", at: 3, "sum along axis 2, which a tensor of shape [4, 3] doesn't have") { $0.nodes[3].op = Sum(axes: [2]) },
    Break("type", at: 3, "sum names axis 0 twice or out of order") { $0.nodes[3].op = Sum(axes: [0, 0], order: nil) },
    Break("state", at: 1, "there is no state 7; the graph has 2") { $0.nodes[1].op = ReadState(StateID(7), $0.nodes[1].type) },
    Break("state", at: 1, "'n' has type i32[], not f32[5, 3]") { $0.nodes[1].op = ReadState(StateID(1), $0.nodes[1].type) },
    Break("primitives only", at: 5, "softmax is a decomposition, and those are replaced by now", promising: .primitivesOnly) {
      _ in
    },
    Break("order", at: 3, "the order of accumulation is not set", promising: .ordersSet) { $0.nodes[3].op = Sum(axes: [0]) },
    Break("order", at: 2, "the order of accumulation is not set", promising: .ordersSet) { $0.nodes[2].op = MatMul() },
    Break("order", at: 3, "48 lanes are no power of two") { $0.nodes[3].op = Sum(axes: [0], order: .lanes(48)) },
    Break("order", at: 2, "a chunk has 0 elements") { $0.nodes[2].op = MatMul(order: .chunkedChain(count: 0)) },
  ]

  private static let meanings: [Break] = [
    lie(
      .elementwise(ScalarFunction(.add, [.float32, .float32], type: .float32)), [4],
      "its function takes [\"f32\", \"f32\"], not [\"f32\"]"),
    lie(.elementwise(ScalarFunction(.less, [.float32, .float32], type: .bool)), [4, 4], "its function gives bool, not f32"),
    lie(.elementwise(ScalarFunction(.negate, [.float32], type: .float32)), [3], "elementwise [3] is not [4, 3]"),
    lie(
      .elementwise(ScalarFunction(.squareRoot, [.float32, .float32], type: .float32)), [4, 4],
      "scalar value 2: square_root takes 1 operands, not 2"),
    lie(.reshape, [3], "[3] and [4, 3] differ in their number of elements"),
    lie(.reshape, [3, 3], "its meaning takes 1 operands, not 2"),
    lie(.reduce(Reduction(combiner: .sum, axes: [0], order: nil)), [4], "without the axes [0], [4, 3] is [3], not [4, 3]"),
    lie(.reduce(Reduction(combiner: .sum, axes: [1, 0], order: nil)), [4], "[1, 0] are not ascending axes of [4, 3]"),
    lie(.argMax(axis: 0), [4], "its meaning gives i32, not f32"),
    lie(.contract(order: .chain), [4, 4], "f32[4, 3] × f32[4, 3] is not f32[4, 3]"),
    lie(.concatenate(axis: 0), [4, 4], "the parts have 8 elements along axis 0 of f32[4, 3]"),
    lie(.gather, [4, 4], "f32[4, 3] can't index f32[4, 3]"),
    lie(.scatterAdd(count: 4), [4, 4], "f32[4, 3] can't index rows of f32[4, 3]"),
    lie(.checkIndex(limit: 0), [4], "no index lies in 0..<0"),
    lie(.iota(axis: 2), [], "there is no axis 2"),
    lie(.constant(.dense(.float32, [0])), [], "1 elements for f32[4, 3]"),
    lie(.constant(.splat(.int(0))), [], "its meaning gives i32, not f32"),
    lie(
      .view(IndexMap(axes: [.init(offset: 1, coefficients: [1, 0]), .init(coefficients: [0, 1])]), fill: nil), [4],
      "the map map (i0, i1) -> (i0 + 1, i1) leaves [4, 3], and there is no fill value"),
    lie(
      .view(IndexMap(axes: [.init(offset: -1, coefficients: [1, 0]), .init(coefficients: [0, 1])]), fill: .int(0)), [4],
      "filled with \(ScalarLiteral.int(0)), not f32"),
    lie(.view(IndexMap(axes: [.init(coefficients: [1, 0])]), fill: nil), [4], "the map has 1 coordinates for [4, 3]"),
    lie(
      .view(IndexMap(axes: [.init(coefficients: [1]), .init(coefficients: [1])]), fill: nil), [4],
      "the map map (i0) -> (i0, i0) does not go from indices of [4, 3]"),
  ]

  /// Node 4 with another meaning than its type rule promises.
  private static func lie(_ meaning: Meaning, _ operands: [Int], _ message: String) -> Break {
    struct Lie: Op {
      static let mnemonic = "lie"
      static let summary = "An op whose meaning is not that of its type."
      let means: Meaning
      init(_ means: Meaning) { self.means = means }
      init(attributes: inout AttributeReader) throws(AttributeReader.Failure) { means = .reshape }
      var attributes: [Attribute] { [] }
      func resultType(of operands: [TensorType]) throws(TypeViolation) -> TensorType { TensorType(.float32, [4, 3]) }
      func meaning(of operands: [TensorType], result: TensorType) -> Meaning { means }
      func gradients(_ context: GradientContext) -> [Tensor?] { [] }
      static var samples: [OpSample] { [] }
    }
    // Node 2 has the type f32[4, 3], node 3 f32[3].
    return Break("meaning", at: 4, message) { graph in
      graph.nodes[4].op = Lie(meaning)
      graph.nodes[4].operands = operands.map { NodeID($0 == 4 ? 2 : $0) }
    }
  }

  private static let bodies: [Break] = [
    Break("bodies", at: 4, "it has a body, but is no loop") { $0.nodes[4].bodies = $0.nodes[6].bodies },
    Break("bodies", at: 4, "it has several results, but is no loop") { $0.nodes[4].furtherTypes = [$0.nodes[4].type] },
    Break("bodies", at: 6, "a loop has one body, not 0") { $0.nodes[6].bodies = [] },
    Break("bodies", at: 6, "a loop has one body, not 2") { $0.nodes[6].bodies += $0.nodes[6].bodies },
    Break("bodies", at: 6, "the body has state of its own") { $0.nodes[6].bodies[0].state = $0.state },
    Break("bodies", at: 6, "the body's inputs [f32[5, 3]] are not [f32[5, 3], f32[3]], as the operands have it") {
      $0.nodes[6].bodies[0] = Graph("body") { g in g.output("w", g.input("w", [5, 3])) }
    },
    Break("bodies", at: 6, "the body turns carried values of types [f32[5, 3]] into [f32[3]]") {
      $0.nodes[6].bodies[0].outputs[0].node = NodeID(1)
    },
    Break("bodies", at: 6, "in the body at %3: operand order: operand %3 does not come before its user") {
      $0.nodes[6].bodies[0].nodes[3].operands[1] = NodeID(3)
    },
    Break("bodies", at: 6, "the results [f32[5, 3], f32[3]] are not what the body's outputs [f32[5, 3]] give") {
      $0.nodes[6].furtherTypes = [TensorType(.float32, [3])]
    },
    Break("projection", at: 7, "%6 has 0 further results, so there is no result 1") {
      let type = $0.nodes[6].type
      $0.nodes.append(Node(op: Projection(index: 1, type: type), operands: [NodeID(6)], type: type, site: .unknown))
    },
    Break("projection", at: 7, "result 1 of %6 has type f32[3], not f32[5, 3]") {
      let type = $0.nodes[6].type
      $0.nodes[6].furtherTypes = [TensorType(.float32, [3])]
      $0.nodes.append(Node(op: Projection(index: 1, type: type), operands: [NodeID(6)], type: type, site: .unknown))
    },
  ]

  private static let roots: [Break] = [
    Break("state variables", at: nil, "state 'w' is there twice") { $0.state.append($0.state[0]) },
    Break("state variables", at: nil, "state 'n' has type i32[0]") { $0.state[1].type.shape = [0] },
    Break("inputs", at: 7, "input 'x' is there twice") { $0.nodes.append($0.nodes[0]) },
    Break("outputs", at: nil, "output 'y' is %40, which does not exist") { $0.outputs[0].node = NodeID(40) },
    Break("outputs", at: nil, "output 'y' is there twice") { $0.outputs[1].name = "y" },
    Break("updates", at: nil, "an update is of state 9, which does not exist") { $0.updates[0].state = StateID(9) },
    Break("updates", at: nil, "the update of 'w' is %40, which does not exist") { $0.updates[0].node = NodeID(40) },
    Break("updates", at: 3, "'w' of type f32[5, 3] is updated with f32[3]") { $0.updates[0].node = NodeID(3) },
    Break("updates", at: 6, "'w' is updated twice") { $0.updates.append($0.updates[0]) },
  ]
}
