import Cinch
import Testing

/// Mistakes in a user's program: each has a sentence with the shapes, the user's line, and notes where the operands were made.
@Suite struct DiagnosticTests {
  private func diagnostics(_ build: (GraphBuilder) -> Void) -> [Diagnostic] { Graph("mistakes", build).diagnostics }

  /// The one mistake's text, without the folders before the file's name.
  private func text(_ diagnostics: [Diagnostic]) -> String {
    diagnostics.map { "\($0)" }.joined(separator: "\n").replacing(#filePath, with: "here")
  }

  @Test func aProductNamesItsLineAndItsOperands() {
    var line = 0
    let found = diagnostics { g in
      line = #line
      let x = g.input("x", [32, 784])
      let w = g.parameter("w", [512, 10])
      g.output("y", matmul(x, w))
    }
    #expect(
      text(found) == """
        here:\(line + 3): error: matmul needs equal inner dimensions: [32, 784] × [512, 10] (784 ≠ 512)
        here:\(line + 1): note: operand of type f32[32, 784] made here ('x')
        here:\(line + 2): note: operand of type f32[512, 10] made here ('w')
        """)
  }

  @Test func infixOperatorsNameTheirLineAndTheirOperands() {
    var line = 0
    let found = diagnostics { g in
      line = #line
      let x = g.input("x", [32, 784])
      let b = g.parameter("b", [10])
      g.output("y", x + b)
    }
    #expect(
      text(found) == """
        here:\(line + 3): error: add can't broadcast [32, 784] with [10]: extents must be equal or 1, aligned at the last axis
        here:\(line + 1): note: operand of type f32[32, 784] made here ('x')
        here:\(line + 2): note: operand of type f32[10] made here ('b')
        """)
  }

  /// All mistakes of a model in one go; what follows from a mistake is silent.
  @Test func aModelsMistakesComeTogether() throws {
    var line = 0
    struct Model: Module {
      let first: Linear, second: Linear, third: Linear
      func callAsFunction(_ x: Tensor) -> Tensor { third(softmax(second(relu(first(x))), axis: 4)) }
    }
    line = #line
    let model = Model(
      first: Linear(784, 128),
      second: Linear(64, 32),
      third: Linear(10, 3))
    let step = TrainingStep(model, loss: .softmaxCrossEntropy, optimizer: .sgd(learningRate: 0.1))
    let graph = step.training(TensorType(.float32, [32, 784]), target: TensorType(.int32, [16]))
    let error = #expect(throws: GraphError.self) { try graph.optimised() }
    let found = try #require(error).diagnostics
    let places = found.map { "\($0.site.line - line): \($0.message)" }
    #expect(
      places == [
        "3: Linear(in_features=64, out_features=32, bias=True) needs float32 with a last axis of 64, not f32[32, 128]",
        "-2: softmax along axis 4, which a tensor of shape [32, 32] doesn't have",
        "4: Linear(in_features=10, out_features=3, bias=True) needs float32 with a last axis of 10, not f32[32, 32]",
        "5: softmax_cross_entropy needs one label for each row of logits: logits [32, 3] take labels [32], not [16]",
      ])
    #expect(found.allSatisfy { $0.site.filePath == #filePath })
    #expect(found[0].notes.map { "\($0.site.line - line): \($0.message)" } == ["-2: operand of type f32[32, 128] made here", "-2: called here"])
    // The text that `compile` throws has them all, each on a line that a terminal can open.
    for diagnostic in found { #expect("\(try #require(error))".contains("\(#filePath):\(diagnostic.site.line): error: ")) }
  }

  /// A mistake in one place, and its sentence. The line is that of the call.
  struct Mistake: Sendable, CustomStringConvertible {
    let description: String
    let line: Int
    let make: @Sendable (GraphBuilder, Tensor, Tensor) -> Tensor
    init(_ description: String, line: Int = #line, _ make: @escaping @Sendable (GraphBuilder, Tensor, Tensor) -> Tensor) {
      (self.description, self.line, self.make) = (description, line, make)
    }
  }

  /// `a` is f32[3, 4], `i` is i32[3].
  static let mistakes: [Mistake] = [
    Mistake("sum along axis 2, which a tensor of shape [3, 4] doesn't have") { _, a, _ in a.sum(along: 2) },
    Mistake("sum along axis -3, which a tensor of shape [3, 4] doesn't have") { _, a, _ in a.sum(along: -3) },
    Mistake("mean along axis 9, which a tensor of shape [3, 4] doesn't have") { _, a, _ in a.mean(along: 0, 9) },
    Mistake("sum names axis 1 twice or out of order") { _, a, _ in a.sum(along: 1, -1) },
    Mistake("argMax along axis 2, which a tensor of shape [3, 4] doesn't have") { _, a, _ in a.argMax(along: 2) },
    Mistake("softmax along axis 7, which a tensor of shape [3, 4] doesn't have") { _, a, _ in softmax(a, axis: 7) },
    Mistake("log_softmax along axis -5, which a tensor of shape [3, 4] doesn't have") { _, a, _ in logSoftmax(a, axis: -5) },
    Mistake("concatenate along axis 2, which a tensor of shape [3, 4] doesn't have") { _, a, _ in concatenate([a, a], along: 2) },
    Mistake("concatenate along axis 0 needs operands alike in all other axes: f32[3, 4] and i32[3]") { _, a, i in
      concatenate([a, i], along: 0)
    },
    Mistake("concatenate needs at least one tensor") { _, _, _ in concatenate([], along: 0) },
    Mistake("expanded along axis 5, which a tensor of shape [3, 4] doesn't have") { _, a, _ in a.expandedAxis(5) },
    Mistake("squeezed along axis 3, which a tensor of shape [3, 4] doesn't have") { _, a, _ in a.squeezed(3) },
    Mistake("squeezed along axis 1 of [3, 4], which has extent 4, not 1") { _, a, _ in a.squeezed(1) },
    Mistake("[3, 4] with 12 elements can't be reshaped to [5, 2]") { _, a, _ in a.reshaped(to: [5, 2]) },
    Mistake("[3, 4] with 12 elements can't be reshaped to [-1, -1]") { _, a, _ in a.reshaped(to: [-1, -1]) },
    Mistake("[3, 4] with 12 elements can't be reshaped to [0, 12]") { _, a, _ in a.reshaped(to: [0, 12]) },
    Mistake("transpose of [3, 4] by [0, 0], which is no permutation of its axes") { _, a, _ in a.transposed(to: [0, 0]) },
    Mistake("a matrix has at least 2 axes, not [3]") { _, _, i in i.transposedMatrix() },
    Mistake("[3, 4] can't be broadcast to [3, 5]") { _, a, _ in a.broadcast(to: [3, 5]) },
    Mistake("[3, 4] can't be broadcast to [4]") { _, a, _ in a.broadcast(to: [4]) },
    Mistake("[1] can't be broadcast to [-1]: every extent must be at least 1") { g, _, _ in
      g.constant([1] as [Float], [1]).broadcast(to: [-1])
    },
    Mistake("slice of axis 1 from 2, 3 elements in steps of 1, leaves the axis of extent 4") { _, a, _ in a.sliced(along: 1, 2..<5) },
    Mistake("slice of axis 0 takes 0 elements in steps of 1; both must be at least 1") { _, a, _ in a.sliced(along: 0, 0..<0) },
    Mistake("slice of [3, 4] needs a start, an extent and a step for each of its 2 axes") { _, a, _ in a.sliced(starts: [0], extents: [1]) },
    Mistake("slice of axis 0 from -9223372036854775808, 9223372036854775807 elements in steps of 1, leaves the axis of extent 3") {
      _, a, _ in a.sliced(along: 0, Int.min..<Int.max)
    },
    Mistake("pad of [3, 4] needs a low and a high count for each axis") { _, a, _ in a.padded(low: [0, 0], high: []) },
    Mistake("pad of axis 0 by -1 and 0: counts must be 0…2³⁸") { _, a, _ in a.padded(low: [-1, 0], high: [0, 0]) },
    Mistake("the result f32[1000003, 1000004] of pad has more than 2³⁸ elements; no memory holds it") { _, a, _ in
      a.padded(low: [0, 0], high: [1_000_000, 1_000_000])
    },
    Mistake("the result f32[1000000, 1000000] of input has more than 2³⁸ elements; no memory holds it") { g, _, _ in
      g.input("large", [1_000_000, 1_000_000])
    },
    Mistake("'large' can't have the shape [1000000, 1000000]: extents must be positive and the elements at most 2³⁸") { g, _, _ in
      g.parameter("large", [1_000_000, 1_000_000])
    },
    Mistake("the result f32[9223372036854775807, 9223372036854775807, 4] of input has more than 2³⁸ elements; no memory holds it") {
      g, _, _ in g.input("huge", [.max, .max, 4])
    },
    Mistake("the result f32[1000000000000, 4] of broadcast has more than 2³⁸ elements; no memory holds it") { _, a, _ in
      a.sum(along: 0).broadcast(to: [1_000_000_000_000, 4])
    },
    Mistake("iota of shape [70000, 70000] has more elements than Int32 can number") { g, _, _ in g.iota([70_000, 70_000]) },
    Mistake("iota of shape [3] has no axis 1") { g, _, _ in g.iota([3], along: 1) },
    Mistake("iota of shape [3] has no axis -1") { g, _, _ in g.iota([3], along: -1) },
    Mistake("input 'x' has the shape [3, 0]: every extent must be at least 1, not 0") { g, _, _ in g.input("x", [3, 0]) },
    Mistake("input 'x' has the shape [-3]: every extent must be at least 1, not -3") { g, _, _ in g.input("x", [-3]) },
    Mistake("'w' can't have the shape [0]: extents must be positive and the elements at most 2³⁸") { g, _, _ in g.parameter("w", [0]) },
    Mistake("the graph already has an input named 'a'") { g, _, _ in g.input("a", [2]) },
    Mistake("a constant of shape [2, 2] needs 4 elements, not 3") { g, _, _ in g.constant([1, 2, 3] as [Float], [2, 2]) },
    Mistake("matmul needs vectors or matrices, not scalars: [] × [3, 4]") { g, a, _ in matmul(g.constant(1), a) },
    Mistake("matmul needs floats of one type, not f32 and i32") { _, a, i in matmul(a.transposedMatrix(), i) },
    Mistake("gather needs int32 indices, not f32") { _, a, _ in gather(a, at: a) },
    Mistake("gather needs a table with rows, not a scalar") { g, _, i in gather(g.constant(1), at: i) },
    Mistake("scatter_add needs one row of numbers for each index: i32[3] and f32[4]") { _, a, i in scatterAdd(a.sum(along: 0), at: i, count: 2) },
    Mistake("scatter_add into 0 rows; there must be from 1 to 2³¹ − 1") { _, a, i in scatterAdd(a, at: i, count: 0) },
    Mistake("scatter_add into 9223372036854775807 rows; there must be from 1 to 2³¹ − 1") { _, a, i in scatterAdd(a, at: i, count: .max) },
    Mistake("one_hot of depth 0; it must be from 1 to 2³¹ − 1") { _, _, i in oneHot(i, depth: 0) },
    Mistake("one_hot of depth 9223372036854775807; it must be from 1 to 2³¹ − 1") { _, _, i in oneHot(i, depth: .max) },
    Mistake("iota of shape [3000000000, 1] along axis 0 has more elements than Int32 can number") { g, _, _ in
      g.iota([3_000_000_000, 1], along: 0)
    },
    Mistake("scan runs at most 2³⁸ times, not 9223372036854775807") { _, a, _ in
      scan(initial: [a], count: .max) { _, carried in (carried: carried, outputs: []) }.carried[0]
    },
    Mistake("one_hot needs int32 indices, not f32") { _, a, _ in oneHot(a, depth: 3) },
    Mistake("select's condition must be bool, not f32") { _, a, _ in select(a, a, a) },
    Mistake("select can't broadcast [3, 4], [3, 4], [3]") { _, a, i in select(a .> 0, a, i) },
    Mistake("exp needs floats, not i32; cast first") { _, _, i in exp(i) },
    Mistake("exp has no float64 form yet; cast to float32") { _, a, _ in exp(a.cast(to: .float64)) },
    Mistake("power has no float64 form yet; cast to float32") { _, a, _ in power(a.cast(to: .float64), 2.5) },
    Mistake("relu has no float64 form yet; cast to float32") { _, a, _ in relu(a.cast(to: .float64)) },
    Mistake("sign has no float64 form yet; cast to float32") { _, a, _ in sign(a.cast(to: .float64)) },
    Mistake("mean takes one operand of floats; cast integers first") { _, _, i in i.mean() },
    Mistake("leaky_relu needs floats, not i32; cast first") { _, _, i in leakyRelu(i) },
    Mistake("sum needs numbers, not bool; cast first") { _, a, _ in (a .> 0).sum() },
    Mistake("meanSquaredError needs a target of the prediction's type: f32[3, 4] and i32[3]") { _, a, i in meanSquaredError(a, i) },
    Mistake("softmax_cross_entropy needs labels of int32 (the number of the class), not f32") { _, a, _ in softmaxCrossEntropy(a, labels: a) },
    Mistake("binary_cross_entropy needs targets of the logits' type: f32[3, 4] and i32[3]") { _, a, i in
      binaryCrossEntropyWithLogits(a, targets: i)
    },
    Mistake("a gradient is that of one float, not of f32[3, 4]; reduce it by sum() or mean()") { _, a, _ in gradient(of: a, withRespectTo: a) },
    Mistake("a gradient is with respect to floats, not to i32[3]; cast before what it goes into") { _, a, i in gradient(of: a.sum(), withRespectTo: i) },
    Mistake("Dropout drops a share in 0..<1 of the elements, not 1.0") { _, a, _ in Dropout(1)(a) },
    Mistake("Flatten along axis 2, which a tensor of shape [3, 4] doesn't have") { _, a, _ in Flatten(from: 2)(a) },
  ]

  @Test(arguments: mistakes)
  func everyMistakeHasItsSentenceAndLine(_ mistake: Mistake) {
    let found = diagnostics { g in
      let y = mistake.make(g, g.input("a", [3, 4]), g.input("i", [3], type: .int32))
      // What is made of a mistake is silent: no shape fits this.
      g.output("y", (y.sum() + y).mean())
    }
    #expect(found.map(\.message) == [mistake.description])
    if let site = found.first?.site {
      #expect(site.filePath == #filePath && (mistake.line...mistake.line + 1).contains(site.line), "\(site)")
    }
  }

  @Test func operatorsOnWrongElementTypes() {
    let line = #line
    let found = diagnostics { g in
      let x = g.input("x", [3]), i = g.input("i", [3], type: .int32)
      _ = x + i
      _ = (x .> 0) .< (x .> 1)
      _ = x & x
      _ = !x
      _ = i / i
      g.output("y", x)
    }
    #expect(
      found.map(\.message) == [
        "add needs operands of one element type: f32 and i32; cast one", "bools have no order; only equal and not_equal compare them",
        "and needs two bools or two int32, not f32 and f32", "not needs one bool", "divide needs floats, not i32; cast first",
      ])
    #expect(found.map { $0.site.line - line } == [3, 4, 5, 6, 7])
    #expect(found.allSatisfy { $0.site == CallSite(#filePath, $0.site.line) })
  }

  /// A number beside a tensor that holds no such number is no other number.
  @Test func numbersThatTheElementTypeDoesNotHold() {
    let found = diagnostics { g in
      let i = g.input("i", [3], type: .int32), b = g.input("b", [3], type: .bool)
      let wrong = [
        i * 0.5, 0.5 - i, i .< 1.5, i .== 0.25, i + 3e9, i * -3e9, i .>= .infinity, i + .nan, b .== 2, power(i, 0.5),
        i.padded(low: [1], high: [0], with: 0.5), b.padded(low: [1], high: [0], with: -1),
      ]
      // What is made of a mistake is silent.
      for tensor in wrong { _ = tensor + 1 }
      let right = [i * 2, -2_147_483_648 - i, i .< 2e9, b .== 1, i.padded(low: [1], high: [0], with: -0.0)]
      for (position, tensor) in right.enumerated() { g.output("y\(position)", tensor) }
    }
    let whole = "is no whole number and so no Int32", cast = "the element type of i32[3]; cast(to: .float32) before"
    #expect(
      found.map(\.message) == [
        "0.5 \(whole), \(cast)", "0.5 \(whole), \(cast)", "1.5 \(whole), \(cast)", "0.25 \(whole), \(cast)",
        "3e+09 is out of range for Int32, \(cast)", "-3e+09 is out of range for Int32, \(cast)",
        "inf \(whole), \(cast)", "nan \(whole), \(cast)",
        "2.0 is neither 0 nor 1 and so no Bool, the element type of bool[3]; cast(to: .float32) before",
        "0.5 \(whole), \(cast)", "pad of i32[3] with 0.5: 0.5 \(whole)",
        "pad of bool[3] with -1.0: -1.0 is neither 0 nor 1 and so no Bool",
      ])
    #expect(found.allSatisfy { $0.site.filePath == #filePath })
  }

  /// The first value of a state variable is one that it can hold.
  @Test func initialValuesThatTheElementTypeDoesNotHold() {
    func state(_ name: String, _ type: ElementType, _ initialiser: Initialiser) -> StateVariable {
      StateVariable(name: name, type: TensorType(type, [2]), role: .parameter, initialiser: initialiser)
    }
    let found = diagnostics { g in
      let site = CallSite(#filePath, #line)
      let variables = [
        state("half", .int32, .constant(0.5)), state("large", .int32, .constant(1e10)), state("two", .bool, .constant(2)),
        state("normal", .int32, .normal(standardDeviation: 1)), state("three", .int32, .constant(3)), state("yes", .bool, .constant(1)),
      ]
      for variable in variables { g.output(variable.name, g.state(variable, at: site)) }
    }
    #expect(
      found.map(\.message) == [
        "'half' of type i32[2] begins with 0.5: 0.5 is no whole number and so no Int32",
        "'large' of type i32[2] begins with 1e+10: 1e+10 is out of range for Int32",
        "'two' of type bool[2] begins with 2.0: 2.0 is neither 0 nor 1 and so no Bool",
        "'normal' of type i32[2] begins with random fractions, which are floats",
      ])
  }

  @Test func aGraphWithoutOutputsSaysSo() {
    let line = #line + 1
    let graph = Graph("empty") { g in _ = g.input("x", [3]) }
    #expect(text(graph.diagnostics) == "here:\(line): error: graph 'empty' has neither outputs nor updates; name at least one by output(_:_:)")
    #expect(throws: GraphError.self) { try graph.compile(engine: .interpreter) }
    #expect(Graph("nothing") { _ in }.diagnostics.count == 1)
  }

  @Test func outputsAndUpdatesAreChecked() {
    let found = diagnostics { g in
      let w = g.parameter("w", [3]), x = g.input("x", [4])
      g.output("y", x)
      g.output("y", x)
      g.update(w, to: x)
      g.update(x, to: x)
      g.update(w, to: w + 1)
      g.update(w, to: w + 2)
      _ = g.parameter("w", [4])
    }
    #expect(
      found.map(\.message) == [
        "the graph already has an output named 'y'", "'w' of type f32[3] is updated with f32[4]",
        "only state variables (parameters and the like) can be updated", "'w' is updated twice in one step",
        "state 'w' has type f32[3] and now f32[4]",
      ])
    #expect(found[4].notes.map(\.message) == ["first made here"])
  }
}
