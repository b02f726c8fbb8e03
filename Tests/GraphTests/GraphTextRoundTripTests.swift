import Testing

@testable import CinchGraph

/// Where two graphs differ in anything that graph text keeps (a file's full path is not), or `nil`.
func firstDifference(_ a: Graph, _ b: Graph) -> String? {
  func site(_ site: CallSite) -> String { "\(site.fileID):\(site.line)" }
  if a.name != b.name { return "names \(a.name), \(b.name)" }
  if a.state.count != b.state.count { return "counts of state" }
  for (x, y) in zip(a.state, b.state)
  where x.name != y.name || x.type != y.type || x.role != y.role || x.initialiser != y.initialiser
    || site(x.site) != site(y.site)
  {
    return "state \(x), \(y)"
  }
  if a.outputs != b.outputs { return "outputs" }
  if a.updates != b.updates { return "updates" }
  if a.nodes.count != b.nodes.count { return "counts of nodes" }
  for (index, (x, y)) in zip(a.nodes, b.nodes).enumerated() {
    guard type(of: x.op) == type(of: y.op), x.op.attributes == y.op.attributes, x.operands == y.operands,
      x.type == y.type, x.furtherTypes == y.furtherTypes, x.name == y.name, site(x.site) == site(y.site),
      x.bodies.count == y.bodies.count
    else { return "node %\(index): \(a.line(of: NodeID(index))) | \(b.line(of: NodeID(index)))" }
    for (inner, other) in zip(x.bodies, y.bodies) {
      if let difference = firstDifference(inner, other) { return "in a body of %\(index): \(difference)" }
    }
  }
  return nil
}

func expectRoundTrip(_ graph: Graph, sourceLocation: SourceLocation = #_sourceLocation) throws {
  let text = graph.description
  do {
    let parsed = try Graph(parsing: text)
    #expect(firstDifference(graph, parsed) == nil, sourceLocation: sourceLocation)
    #expect(parsed.description == text, sourceLocation: sourceLocation)
  } catch {
    Issue.record("\(error)\n\(text)", sourceLocation: sourceLocation)
  }
}

/// A graph that computes one sample from inputs.
func graph(of sample: OpSample) -> Graph {
  Graph("sample") { g in
    let operands = sample.operands.enumerated().map { index, operand in
      g.input("x\(index)", operand.type.shape, type: operand.type.elementType)
    }
    g.output("y", g.add(sample.op, operands, at: CallSite(#filePath, #line)))
  }
}

struct GraphTextRoundTripTests {
  @Test func everySampleOfEveryOp() throws {
    var count = 0
    for op in OpCatalogue.all {
      for sample in op.samples {
        let graph = graph(of: sample)
        #expect(graph.diagnostics.isEmpty)
        try expectRoundTrip(graph)
        count += 1
      }
    }
    #expect(count > OpCatalogue.all.count)
  }

  @Test func trainingStepWithGradientsAndState() throws {
    let graph = Graph("train") { g in
      let x = g.input("x", [20, 3])
      let w = g.parameter("0.weight", [3, 1], .xavierNormal)
      let loss = g.withScope("loss") { (matmul(x, w) * 2).mean() }
      g.output("loss", loss)
      g.update(w, to: w - gradient(of: loss, withRespectTo: w) * 0.1)
    }
    #expect(graph.diagnostics.isEmpty)
    let text = graph.description
    #expect(text.contains(#"state(index: @"0.weight""#))
    #expect(text.contains(#"update @"0.weight" = "#))
    #expect(text.contains(#"in layer "loss""#))
    #expect(text.contains(#"GraphTests/GraphTextRoundTripTests.swift:"#))
    try expectRoundTrip(graph)
  }

  @Test func printedForm() {
    var graph = Graph(name: "g")
    graph.state = [
      StateVariable(
        name: "w", type: TensorType(.float32, [2]), role: .parameter, initialiser: .uniform(bound: 0.5),
        site: CallSite(fileID: "demo/main.swift", filePath: "/x/demo/main.swift", line: 3))
    ]
    graph.nodes = [
      Node(
        op: ReadState(StateID(0), TensorType(.float32, [2])), operands: [], type: TensorType(.float32, [2]),
        site: .unknown, name: "w"),
      Node(
        op: Sum(axes: [0], order: .lanes(2)), operands: [NodeID(0)], type: TensorType(.float32, []),
        site: CallSite(fileID: "demo/main.swift", filePath: "", line: 12), name: "0"),
    ]
    graph.outputs = [Graph.Output(name: "y", node: NodeID(1))]
    graph.updates = [Graph.Update(state: StateID(0), node: NodeID(0))]
    #expect(
      graph.description == """
        graph "g" {
          state "w": f32[2] parameter = uniform(bound: 0.5)  ; "demo/main.swift:3"
          %0 = state(index: @"w", type: f32, shape: [2]) : f32[2]
          %1 = sum(%0, axes: [0], order: lanes(2)) : f32[]  ; "demo/main.swift:12" in layer "0"
          output "y" = %1
          update @"w" = %0
        }

        """)
  }

  @Test(arguments: [
    "", "plain", "a \"quote\" and \\ and \n\t\r", "\u{0}\u{1B}\u{7F}", "Ünïcödé 🌍 e\u{301}", "; // } {", "\u{2028}",
  ])
  func namesOfAnyText(name: String) throws {
    var graph = Graph(name: name)
    let type = TensorType(.float32, [])
    graph.state = [
      StateVariable(
        name: name, type: type, role: .counter, initialiser: .zeros,
        site: CallSite(fileID: name, filePath: "", line: 7))
    ]
    graph.nodes = [
      Node(
        op: Input(name, type), operands: [], type: type, site: CallSite(fileID: name, filePath: "", line: 0), name: ""),
      Node(op: ReadState(StateID(0), type), operands: [], type: type, site: .unknown, name: name + "!"),
    ]
    graph.outputs = [Graph.Output(name: name, node: NodeID(0))]
    graph.updates = [Graph.Update(state: StateID(0), node: NodeID(1))]
    try expectRoundTrip(graph)
  }

  @Test func everyInitialiserRoleAndElementType() throws {
    let initialisers: [Initialiser] = [
      .zeros, .constant(-0.1), .uniform(bound: 0.30000001), .normal(standardDeviation: 1e-30), .xavierUniform,
      .xavierNormal, .kaimingUniform, .kaimingNormal, .scaledNormal, .fanInUniform(fanIn: 784), .seed,
    ]
    var graph = Graph()
    for (index, initialiser) in initialisers.enumerated() {
      let role = StateVariable.Role.allCases[index % StateVariable.Role.allCases.count]
      // Only zeros and seeds begin as other than floats.
      let types: [ElementType] = initialiser == .zeros || initialiser == .seed ? [.int32, .bool] : [.float32, .float64]
      let type = types[index / 2 % types.count]
      graph.state.append(
        StateVariable(
          name: "s\(index)", type: TensorType(type, Shape([Int](repeating: 2, count: index))), role: role,
          initialiser: initialiser))
    }
    try expectRoundTrip(graph)
  }

  /// All bits of a literal survive: signed zeros, subnormals, infinities, payloads of NaN.
  @Test func literalsKeepTheirBits() throws {
    var floats: [UInt32] = [
      0, 0x8000_0000, 1, 0x8000_0001, 0x007F_FFFF, 0x0080_0000, 0x7F7F_FFFF, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0000,
      0xFFC0_0000, 0x7F80_0001, 0xFFFF_FFFF, 0x3DCC_CCCD, 0x4B80_0000, 0x4B7F_FFFF,
    ]
    var generator = SplitMix64(state: 1)
    for _ in 0..<2000 { floats.append(generator.next()) }
    let doubles: [UInt64] =
      [0, 1 << 63, 1, 0x7FF0_0000_0000_0000, 0x7FF8_0000_0000_0000, 0x7FF0_0000_0000_0001, 0x3FB9_9999_9999_999A]
      + (0..<500).map { _ in generator.next() }
    let ints: [UInt64] = [0, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF]
    let graph = Graph { g in
      let site = CallSite(#filePath, #line)
      func dense(_ type: ElementType, _ bits: [UInt64]) {
        g.output(
          type.rawValue, g.add(Constant(.dense(type, bits), shape: [bits.count]), [], at: site), at: site)
      }
      dense(.float32, floats.map(UInt64.init))
      dense(.float64, doubles)
      dense(.int32, ints)
      dense(.bool, [1, 0, 1])
      for bits in floats.prefix(16) {
        _ = g.constant(ScalarLiteral(type: .float32, bits: UInt64(bits)), at: site)
      }
    }
    try expectRoundTrip(graph)
  }

  @Test func loopsWithNestedBodies() throws {
    let text = """
      graph "outer" {
        %0 = input(name: "a", type: f32, shape: [2]) : f32[2]
        %1 = input(name: "b", type: f32, shape: [3]) : f32[3]
        %2 = loop(%0, %1, count: 10, carried: 2) : f32[2], f32[3] {
          graph "body" {
            %0 = input(name: "a", type: f32, shape: [2]) : f32[2]
            %1 = input(name: "b", type: f32, shape: [3]) : f32[3]
            %2 = loop(%1, %0, count: 2, carried: 1) : f32[3] {
              graph "inner" {
                %0 = input(name: "b", type: f32, shape: [3]) : f32[3]
                %1 = input(name: "unused", type: f32, shape: [2]) : f32[2]
                %2 = negate(%0) : f32[3]
                output "b" = %2
              }
            }  ; "m/f.swift:4" in layer "x"
            output "a" = %0
            output "b" = %2
          }
        }
        %3 = projection(%2, index: 1, type: f32, shape: [3]) : f32[3]
        output "a" = %2
        output "b" = %3
      }

      """
    let graph = try Graph(parsing: text)
    #expect(graph.description == text)
    #expect(graph[NodeID(2)].bodies[0][NodeID(2)].site.line == 4)
    try expectRoundTrip(graph)
  }

  /// What people write by hand: names instead of numbers, no types, comments, any layout.
  @Test func handWrittenText() throws {
    let sum = try Graph(
      parsing: """
        // y = x + 0.5
        graph "sum" { %x = input(name: "x", type: f32,
            shape: [3])   // the type follows
          %half = constant(value: splat f32 0x1p-1, shape: [3])
          %total = add(%x, %half) output "y" = %total
        }
        """)
    #expect(sum.nodes.map(\.type) == [TensorType](repeating: TensorType(.float32, [3]), count: 3))
    #expect(sum.description.contains("%2 = add(%0, %1) : f32[3]\n"))
    #expect(sum.description.contains("splat f32 0.5"))
  }

  @Test func indexMapsAndReals() throws {
    let map = IndexMap(axes: [
      .init(offset: -1, coefficients: [2, 0, -1]), .init(offset: 0, coefficients: [0, 0, 0]),
      .init(offset: 7, coefficients: [0, -3, 0]), .init(offset: 0, coefficients: [0, 1, 0]),
    ])
    #expect(map.description == "map (i0, i1, i2) -> (2*i0 - i2 - 1, 0, -3*i1 + 7, i1)")
    #expect(IndexMap(axes: []).description == "map () -> ()")
    let values: [AttributeValue] = [
      .map(map), .map(IndexMap(axes: [])), .map(IndexMap(axes: [.init(offset: -3, coefficients: [])])), .real(0.1),
      .real(-1e300), .real(3), .real(.infinity), .real(-.infinity), .real(.nan), .real(-0.0), .integer(.max),
      .integer(.min), .integer(-1), .flag(true), .flag(false), .integers([]), .integers([-1, 0, 5]),
      .order(.chain), .order(.chunkedChain(count: 4096)), .order(.lanes(64)), .elementType(.bool), .text("a\nb"),
      .literal(.bool(true)), .literal(.int(.min)), .literal(.float(-0.0)), .literal(.double(0.1)),
      .dense(.splat(.int(7))), .dense(.dense(.float32, [])),
    ]
    for value in values {
      var text = ""
      value.print(to: &text)
      // The closing parenthesis stands for what follows a value in a node.
      var parser = try GraphParser(text + ")")
      let parsed = try parser.attributeValue()
      #expect(parsed == value || (parsed.isNaN && value.isNaN), "\(text)")
      #expect(parser.isAt(")"), "\(text)")
    }
  }

  @Test func violationsAreDrawnAsCommentsThatParse() throws {
    var graph = Graph { g in
      let x = g.input("x", [3])
      g.output("y", x + x)
    }
    graph.nodes[1].type = TensorType(.float32, [4])
    do {
      try graph.verify(after: "a pass")
      Issue.record("a wrong type went unseen")
    } catch let error as InternalError {
      #expect(error.stage == "a pass")
      let lines = error.message.split(separator: "\n")
      let index = try #require(lines.firstIndex { $0.contains("%1 = add") })
      #expect(lines[index + 1] == "  // ^~~~ type: the op's rule gives f32[3], the node has f32[4]")
    }
  }
}

/// Numbers for tests that are the same in each run.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

extension AttributeValue {
  fileprivate var isNaN: Bool { if case .real(let value) = self { value.isNaN } else { false } }
}
