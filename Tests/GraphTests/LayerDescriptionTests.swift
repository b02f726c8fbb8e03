import CinchGraph
import Testing

private struct Classifier: Module {
  let hidden = Linear(64, 128), output = Linear(128, 10)
  func callAsFunction(_ x: Tensor) -> Tensor { output(relu(hidden(x))) }
}

private struct Stack: Module {
  let layers = [Linear(2, 3), Linear(2, 3), Linear(3, 1, bias: false)]
  let gates = ["z": Tanh() as any Module, "a": Sigmoid()]
  func callAsFunction(_ x: Tensor) -> Tensor { x }
}

/// The expected texts are PyTorch 2's own.
@Suite struct LayerDescriptionTests {
  @Test func sequentialPrintsAsInPyTorch() {
    let model = Sequential {
      Linear(1, 100, weights: .xavierNormal)
      Sigmoid()
      Linear(100, 1, weights: .xavierNormal)
    }
    #expect(
      "\(model)" == """
        Sequential(
          (0): Linear(in_features=1, out_features=100, bias=True)
          (1): Sigmoid()
          (2): Linear(in_features=100, out_features=1, bias=True)
        )
        """)
  }

  @Test func leavesPrintTheirConfiguration() {
    let texts: [(any Module, String)] = [
      (Linear(3, 4, bias: false), "Linear(in_features=3, out_features=4, bias=False)"),
      (ReLU(), "ReLU()"), (Tanh(), "Tanh()"), (SiLU(), "SiLU()"),
      (GELU(), "GELU(approximate='none')"), (GELU(.tanh), "GELU(approximate='tanh')"),
      (LeakyReLU(0.01), "LeakyReLU(negative_slope=0.01)"), (Softmax(axis: 1), "Softmax(dim=1)"),
      (LogSoftmax(axis: -1), "LogSoftmax(dim=-1)"), (Softplus(), "Softplus(beta=1.0, threshold=20.0)"),
      (Dropout(0.1), "Dropout(p=0.1, inplace=False)"), (Flatten(), "Flatten(start_dim=1, end_dim=-1)"),
      (LayerNorm(128), "LayerNorm((128,), eps=1e-05, elementwise_affine=True)"),
      (LayerNorm([3, 4], epsilon: 0.5, affine: false), "LayerNorm((3, 4), eps=0.5, elementwise_affine=False)"),
      (Embedding(65, 128), "Embedding(65, 128)"), (Sequential([]), "Sequential()"),
    ]
    for (module, text) in texts { #expect(module.description == text) }
  }

  @Test func attentionShowsItsProjections() {
    #expect(
      "\(MultiHeadAttention(128, heads: 4, isCausal: true))" == """
        MultiHeadAttention(
          128, heads=4, causal=True
          (qkv): Linear(in_features=128, out_features=384, bias=True)
          (output): Linear(in_features=128, out_features=128, bias=True)
        )
        """)
  }

  @Test func nestedModulesAreIndented() {
    let model = Sequential {
      Classifier()
      Sequential {
        ReLU()
      }
    }
    #expect(
      model.description == """
        Sequential(
          (0): Classifier(
            (hidden): Linear(in_features=64, out_features=128, bias=True)
            (output): Linear(in_features=128, out_features=10, bias=True)
          )
          (1): Sequential(
            (0): ReLU()
          )
        )
        """)
  }

  @Test func equalNeighboursInAListAreCounted() {
    #expect(
      Stack().description == """
        Stack(
          (layers): ModuleList(
            (0-1): 2 x Linear(in_features=2, out_features=3, bias=True)
            (2): Linear(in_features=3, out_features=1, bias=False)
          )
          (gates): ModuleDict(
            (a): Sigmoid()
            (z): Tanh()
          )
        )
        """)
  }

  @Test func summaryShowsShapesAndCounts() throws {
    let shared = Linear(128, 128)
    let model = Sequential {
      Flatten()
      Classifier2()
      shared
      shared
    }
    let summary = try model.summary(input: [32, 8, 8])
    #expect(summary.rows.map(\.path) == ["0", "1.hidden", "2", "3"])
    #expect(summary.rows.map(\.outputShape) == [[32, 64], [32, 128], [32, 128], [32, 128]])
    #expect(summary.rows.map(\.parameterCount) == [0, 64 * 128 + 128, 128 * 128 + 128, 0])
    #expect(summary.rows.map(\.isShared) == [false, false, false, true])
    #expect(summary.parameterCount == model.parameterCount)
    #expect(
      summary.description == """
        Layer              Output shape  Parameters
        ───────────────────────────────────────────
        0 (Flatten)        [32, 64]               0
        1.hidden (Linear)  [32, 128]          8,320
        2 (Linear)         [32, 128]         16,512
        3 (Linear)         [32, 128]     0 (shared)
        ───────────────────────────────────────────
        Total                                24,832
        """)
  }

  @Test func summaryOfAWrongInputNamesTheLayersLine() {
    let model = Sequential { Linear(3, 4) }
    let line = #line - 1
    #expect {
      try model.summary(input: [2, 5])
    } throws: { error in
      "\(error)".contains("LayerDescriptionTests.swift:\(line): error: in '0': Linear(in_features=3, out_features=4, bias=True)")
        && "\(error)".contains("f32[2, 5]")
    }
  }
}

private struct Classifier2: Module {
  let hidden = Linear(64, 128)
  func callAsFunction(_ x: Tensor) -> Tensor { relu(hidden(x)) }
}
