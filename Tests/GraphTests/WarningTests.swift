import Testing

@testable import CinchGraph

/// What is right and probably not meant, with the user's line.
@Suite struct WarningTests {
  private func warnings(_ build: (GraphBuilder) -> Void) -> [Diagnostic] {
    let graph = Graph("warnings", build)
    #expect(graph.diagnostics.isEmpty)
    #expect(graph.warnings.allSatisfy { $0.severity == .warning && $0.description.contains("WarningTests.swift") })
    return graph.warnings
  }

  @Test func probabilitiesAreNoLogits() {
    let line = #line + 4
    let found = warnings { g in
      let x = g.input("x", [4, 3])
      let labels = g.input("y", [4], type: .int32)
      g.output("a", softmaxCrossEntropy(softmax(x), labels: labels))
      g.output("b", softmaxCrossEntropy(sigmoid(x), labels: labels))
      g.output("c", binaryCrossEntropyWithLogits(sigmoid(x).reshaped(to: [12]), targets: g.input("t", [12])))
      g.output("d", softmaxCrossEntropy(x, labels: labels))
      g.output("e", softmaxCrossEntropy(relu(x), labels: labels))
    }
    #expect(found.map(\.site.line) == [line, line + 1, line + 2])
    #expect(found[0].message.contains("applies softmax itself, but is given the result of a softmax"))
    #expect(found[2].message.contains("applies sigmoid itself, but is given the result of a sigmoid"))
  }

  @Test func oneClassIsNone() {
    let found = warnings { g in
      g.output("a", softmaxCrossEntropy(g.input("x", [4, 1]), labels: g.input("y", [4], type: .int32)))
    }
    #expect(found.map(\.topic) == ["one class"])
  }

  /// A layer that is called twice, one inside of another, one whose parameters another one reads: none of them is idle.
  @Test func forgottenLayersAreNamed() {
    struct Inner: Module {
      let a = Linear(2, 2)
      let b = Linear(2, 2)
      func callAsFunction(_ x: Tensor) -> Tensor { a(x) }
    }
    struct Model: Module {
      let used = Linear(2, 2), forgotten = Linear(2, 2)
      let inner = Inner(), unused = Inner()
      let tied: [Linear]
      init() { tied = [used] }
      func callAsFunction(_ x: Tensor) -> Tensor { inner(used(used(x))) }
    }
    let type = TensorType(.float32, [3, 2])
    let step = TrainingStep(Model(), loss: .meanSquaredError, optimizer: .sgd(learningRate: 1))
    let graph = step.training(type, target: type)
    #expect(graph.diagnostics.isEmpty)
    #expect(graph.warnings.map(\.topic) == ["idle layer forgotten", "idle layer inner.b", "idle layer unused"])
    #expect(graph.warnings.allSatisfy { $0.description.contains("WarningTests.swift:") })
    #expect(step.evaluation(type, target: type).warnings.isEmpty)
  }

  /// [20, 1] against [20] in a closure of the user's; not where it is said to be meant, nor where one tensor meets itself.
  @Test func eachWithEachIsHardlyMeant() {
    func topics(
      _ prediction: Shape, _ target: Shape, allowed: Bool = false,
      _ compute: @escaping @Sendable (Tensor, Tensor) -> Tensor = { ($0 - $1).squared().mean() }
    ) -> [String] {
      warnings { g in
        let (p, t) = (g.input("p", prediction), g.input("t", target))
        g.output("loss", Loss("mine", allowsBroadcasting: allowed, compute)(p, t))
        g.output("metric", Metric("mine", allowsBroadcasting: allowed, compute)(p, t, at: CallSite(#filePath, #line))[0])
      }.map(\.topic)
    }
    #expect(topics([20, 1], [20]) == ["broadcast", "broadcast"])
    #expect(topics([20], [20, 1]) { maximum($0 * 2, select($1 .> 0, $1, $1 * 3)).mean() } == ["broadcast", "broadcast"])
    #expect(topics([20], [20, 1]) { select($0 .> 0, $0, $1).mean() } == ["broadcast", "broadcast"])
    #expect(topics([20, 1], [20], allowed: true) == [])
    #expect(topics([20, 1], [20, 1]) == [])
    #expect(topics([20, 3], [3]) == [])
    #expect(topics([20, 3], [20, 1]) == [])
    #expect(topics([20, 1], [20, 1]) { p, t in (p - p.transposedMatrix()).squared().mean() + t.mean() } == [])
  }

  @Test func builtInMetricsTakeNoOtherShape() {
    for (metric, target) in [
      (Metric.accuracy, TensorType(.int32, [20, 1])), (.binaryAccuracy, TensorType(.float32, [20])),
      (.meanAbsoluteError, TensorType(.float32, [20])), (.rootMeanSquaredError, TensorType(.float32, [20])),
      (.accuracy, TensorType(.float32, [20])),
    ] {
      let loss = Loss("zero", targetType: target.elementType) { p, _ in p.mean() }
      let line = #line + 1
      let step = TrainingStep(Linear(3, 1), loss: loss, optimizer: .sgd(learningRate: 1), metrics: [metric])
      let found = step.evaluation(TensorType(.float32, [20, 3]), target: target).diagnostics
      #expect(found.count == 1 && found[0].site.line == line, "\(metric.name): \(found)")
      #expect(found.first?.message.contains("\(metric.name) of a prediction f32[20, 1]") == true)
    }
  }
}
