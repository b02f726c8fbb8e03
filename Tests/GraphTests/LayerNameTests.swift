import CinchGraph
import Testing

private struct Classifier: Module {
  let hidden = Linear(64, 128), output = Linear(128, 10)
  func callAsFunction(_ x: Tensor) -> Tensor { output(relu(hidden(x))) }
}

private struct Deep: Module {
  let scale = Parameter([3])
  var layers = [Linear(2, 2), Linear(2, 2), Linear(2, 3)]
  let gates: [String: Linear] = ["b": Linear(1, 1, bias: false), "a": Linear(1, 2, bias: false)]
  let missing: Linear? = nil
  let present: Linear? = Linear(4, 4, bias: false)
  let numbers = [Float](repeating: 0, count: 9)
  let last = Parameter([5])
  func callAsFunction(_ x: Tensor) -> Tensor { layers.reduce(x) { $1($0) } * scale }
}

private struct Tied: Module {
  let first: Linear, second: Linear, act = Tanh()
  init() {
    first = Linear(2, 2)
    second = first
  }
  func callAsFunction(_ x: Tensor) -> Tensor { second(act(first(x))) }
}

@Suite struct LayerNameTests {
  @Test func sequentialParametersAreNamedByPosition() {
    let model = Sequential {
      Linear(1, 100)
      Sigmoid()
      Linear(100, 1)
    }
    #expect(model.namedParameters.map(\.name) == ["0.weight", "0.bias", "2.weight", "2.bias"])
    #expect(model.namedParameters.map(\.parameter.shape) == [[1, 100], [100], [100, 1], [1]])
    #expect(model.parameterCount == 301)
  }

  @Test func propertiesNameTheParametersOfCustomModules() {
    #expect(
      Classifier().namedParameters.map(\.name) == ["hidden.weight", "hidden.bias", "output.weight", "output.bias"])
  }

  /// As PyTorch's state dictionaries: a module's own parameters, then those of its parts.
  @Test func ownParametersComeFirstAndContainersNameTheirElements() {
    #expect(
      Deep().namedParameters.map(\.name) == [
        "scale", "last", "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "layers.2.weight",
        "layers.2.bias", "gates.a.weight", "gates.b.weight", "present.weight",
      ])
  }

  @Test func nestedSequentialsJoinTheirPositions() {
    let model = Sequential {
      Classifier()
      Sequential {
        ReLU()
        Linear(10, 2, bias: false)
      }
    }
    #expect(
      model.namedParameters.map(\.name) == [
        "0.hidden.weight", "0.hidden.bias", "0.output.weight", "0.output.bias", "1.1.weight",
      ])
  }

  @Test func builderTakesConditionsAndLoops() {
    func model(deep: Bool, wide: Bool) -> Sequential {
      Sequential {
        Flatten()
        for _ in 0..<(deep ? 2 : 1) {
          Linear(4, 4)
          ReLU()
        }
        if wide { Linear(4, 100) } else { Linear(4, 1) }
        if deep { Softmax() }
      }
    }
    #expect(model(deep: true, wide: true).layers.count == 7)
    #expect(model(deep: false, wide: false).layers.count == 4)
    #expect(model(deep: true, wide: true).namedParameters.last?.parameter.shape == [100])
  }

  @Test func sharedParametersAreListedOnceUnderTheirFirstPath() {
    #expect(Tied().namedParameters.map(\.name) == ["first.weight", "first.bias"])
    let one = Linear(2, 2)
    let repeated = Sequential([one, ReLU(), one])
    #expect(repeated.namedParameters.map(\.name) == ["0.weight", "0.bias"])
    #expect(repeated.parameterCount == 6)
  }

  @Test func copiesShareParametersAndConstructionsDoNot() {
    let one = Linear(2, 2)
    let other = Linear(2, 2)
    let copy = one
    #expect(one.weight == copy.weight)
    #expect(one.weight != other.weight)
    #expect(one.weight != Linear(2, 2).weight)
  }

  @Test func nodesCarryTheirLayersPath() {
    let model = Sequential {
      Linear(3, 4)
      Sigmoid()
    }
    let graph = Graph { g in
      g.register(model, as: "encoder")
      g.output("y", model(g.input("x", [2, 3])))
    }
    #expect(graph.diagnostics.isEmpty)
    let names = Dictionary(
      graph.nodes.map { (type(of: $0.op).mnemonic, $0.name) }, uniquingKeysWith: { first, _ in first })
    #expect(names["matmul"] == "encoder.0")
    #expect(names["sigmoid"] == "encoder.1")
    #expect(graph.state.map(\.name) == ["encoder.0.weight", "encoder.0.bias"])
  }

  @Test func unregisteredModulesNameParametersByUse() {
    let model = Sequential {
      Linear(3, 4)
      Linear(4, 4)
    }
    let single = Linear(4, 2)
    let graph = Graph { g in g.output("y", single(model(g.input("x", [2, 3])))) }
    #expect(graph.state.map(\.name) == ["0.weight", "0.bias", "1.weight", "1.bias", "weight", "bias"])
  }

  /// A tied weight has one gradient, the sum over its uses.
  @Test func everyUseOfAParameterReadsTheSameNode() {
    let tied = Tied()
    let graph = Graph { g in
      g.register(tied)
      let y = tied(g.input("x", [2, 2])).sum()
      g.output("w.g", gradient(of: y, withRespectTo: tied.first.weight.tensor(in: g)))
    }
    #expect(graph.nodes.filter { $0.op is ReadState }.count == 2)
    #expect(graph.diagnostics.isEmpty)
  }
}
