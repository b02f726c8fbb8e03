import Cinch

// W6: a small language model of characters.

extension Workload {
  static let w6 = transformer(batch: 16, context: 64, symbols: 65, width: 128, heads: 4, layers: 2)

  static func transformer(batch: Int, context: Int, symbols: Int, width: Int, heads: Int, layers: Int) -> Workload {
    let parameters = parameters(context: context, symbols: symbols, width: width, layers: layers)
    return Workload(
      6,
      "\(symbols) characters, context \(context): \(layers) blocks of causal attention (\(width) wide, \(heads) heads) and GELU, "
        + "cross-entropy, batch \(batch), AdamW",
      inputs: [Source("tok", [batch, context + 1], .index(limit: symbols))], parameters: parameters.map(\.source),
      stateNames: parameters.map(\.name), loss: .softmaxCrossEntropy,
      optimizer: .adamW(learningRate: 1e-3, weightDecay: 0.01),
      prepare: { inputs in
        guard let tokens = inputs["tok"] else { return inputs }
        // Each character is followed by the next one.
        func columns(from start: Int) -> HostTensor {
          let values = (0..<batch).flatMap { row in
            (0..<context).map { tokens.elements[row * (context + 1) + start + $0].intValue }
          }
          return HostTensor(.int32(values), shape: [batch, context])
        }
        return ["x": columns(from: 0), "y": columns(from: 1)]
      },
      input: TensorType(.int32, [batch, context]), target: TensorType(.int32, [batch, context])
    ) {
      Sequential {
        Embedding(symbols, width)
        PositionEmbedding(context, width)
        for _ in 0..<layers { Block(width, heads: heads) }
        LayerNorm(width)
        Linear(width, symbols, bias: false)
      }
    }
  }

  private struct Block: Module {
    let attentionNorm: LayerNorm, attention: MultiHeadAttention
    let norm: LayerNorm, wide: Linear, narrow: Linear

    init(_ width: Int, heads: Int) {
      attentionNorm = LayerNorm(width)
      attention = MultiHeadAttention(width, heads: heads, isCausal: true)
      norm = LayerNorm(width)
      wide = Linear(width, 4 * width)
      narrow = Linear(4 * width, width)
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
      let x = x + attention(attentionNorm(x))
      return x + narrow(gelu(wide(norm(x)), approximation: .tanh))
    }
  }

  /// In the golden file's order, with the names that the model gives them.
  private static func parameters(
    context: Int, symbols: Int, width: Int, layers: Int
  ) -> [(source: Source, name: String)] {
    let small = TensorGenerator.uniform(bound: 0.02 * 3.squareRoot())
    let (zeros, ones) = (TensorGenerator.constant(0), TensorGenerator.constant(1))
    var list: [(Source, String)] = []
    func add(_ name: String, _ path: String, _ shape: Shape, _ generator: TensorGenerator) {
      list.append((Source(name, shape, generator), path))
    }
    func addNorm(_ name: String, _ path: String) {
      add("\(name)_g", "\(path).weight", [width], ones)
      add("\(name)_b", "\(path).bias", [width], zeros)
    }
    add("wte", "0.weight", [symbols, width], small)
    add("wpe", "1.weight", [context, width], small)
    for layer in 0..<layers {
      let (name, path) = ("l\(layer)", "\(layer + 2)")
      addNorm("\(name).ln1", "\(path).attentionNorm")
      add("\(name).Wqkv", "\(path).attention.qkv.weight", [width, 3 * width], small)
      add("\(name).bqkv", "\(path).attention.qkv.bias", [3 * width], zeros)
      add("\(name).Wo", "\(path).attention.output.weight", [width, width], small)
      add("\(name).bo", "\(path).attention.output.bias", [width], zeros)
      addNorm("\(name).ln2", "\(path).norm")
      add("\(name).W1", "\(path).wide.weight", [width, 4 * width], small)
      add("\(name).b1", "\(path).wide.bias", [4 * width], zeros)
      add("\(name).W2", "\(path).narrow.weight", [4 * width, width], small)
      add("\(name).b2", "\(path).narrow.bias", [width], zeros)
    }
    addNorm("lnf", "\(layers + 2)")
    add("Wh", "\(layers + 3).weight", [width, symbols], small)
    return list
  }
}
