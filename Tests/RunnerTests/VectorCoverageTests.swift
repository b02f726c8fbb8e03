import Cinch
import CinchCodegen
import CinchGraph
import Testing

/// No kernel of a training step is left to plain C, whatever networks are made of.
@Suite struct VectorCoverageTests {
  private struct Network: Sendable, CustomTestStringConvertible {
    let name: String
    let graph: @Sendable () -> Graph
    var testDescription: String { name }

    init(
      _ name: String, _ input: TensorType, target: TensorType, loss: Loss, optimizer: Optimizer = .sgd(learningRate: 0.1),
      @SequentialBuilder _ model: @escaping @Sendable () -> [any Module]
    ) {
      self.name = name
      graph = {
        TrainingStep(Sequential(model()), loss: loss, optimizer: optimizer).training(input, target: target)
      }
    }

    /// A classifier of images.
    init(
      _ name: String, images: Shape, optimizer: Optimizer = .adam(learningRate: 0.1),
      @SequentialBuilder _ model: @escaping @Sendable () -> [any Module]
    ) {
      self.init(
        name, TensorType(.float32, images), target: TensorType(.int32, [images[0]]), loss: .softmaxCrossEntropy,
        optimizer: optimizer, model)
    }
  }

  private static func pooled(_ name: String, _ images: Shape, _ pool: any Module, features: Int) -> Network {
    let isFlat = images[2] == 1
    return Network(name, images: images) {
      Conv2d(images[1], 8, window: Size2D(isFlat ? 1 : 3, 3), padding: Size2D(isFlat ? 0 : 1, 1))
      ReLU()
      pool
      Flatten()
      Linear(features, 10)
    }
  }

  private static var networks: [Network] {
    let words = TensorType(.int32, [4, 12])
    let labels = TensorType(.int32, [4])
    var networks: [Network] = []
    // One axis: pools of several widths, with strides.
    for (width, stride, extent, length) in [(3, 3, 63, 21), (4, 2, 64, 31), (5, 5, 50, 10)] {
      networks.append(
        pooled(
          "max \(width)/\(stride) along \(extent)", [4, 3, 1, extent], MaxPool2d(Size2D(1, width), stride: Size2D(1, stride)),
          features: 8 * length))
      networks.append(
        pooled(
          "mean \(width)/\(stride) along \(extent)", [4, 3, 1, extent], AvgPool2d(Size2D(1, width), stride: Size2D(1, stride)),
          features: 8 * length))
    }
    // The same with the axis before an axis of one.
    for (width, stride, extent, length) in [(2, 2, 64, 32), (3, 3, 63, 21), (4, 4, 1_000, 250)] {
      for isMax in [true, false] {
        networks.append(
          Network("\(isMax ? "max" : "mean") \(width)/\(stride) down \(extent)", images: [4, 3, extent, 1]) {
            Conv2d(3, 16, window: Size2D(5, 1), padding: Size2D(2, 0))
            ReLU()
            if isMax {
              MaxPool2d(Size2D(width, 1), stride: Size2D(stride, 1))
            } else {
              AvgPool2d(Size2D(width, 1), stride: Size2D(stride, 1))
            }
            Conv2d(16, 8, window: Size2D(5, 1), padding: Size2D(2, 0))
            ReLU()
            if isMax { MaxPool2d(Size2D(2, 1)) } else { AvgPool2d(Size2D(2, 1)) }
            Flatten()
            Linear(8 * (length / 2), 10)
          })
        networks.append(
          Network("\(isMax ? "max" : "mean") \(width)/\(stride) along \(extent), twice", images: [4, 3, 1, extent]) {
            Conv2d(3, 16, window: Size2D(1, 5), padding: Size2D(0, 2))
            ReLU()
            if isMax {
              MaxPool2d(Size2D(1, width), stride: Size2D(1, stride))
            } else {
              AvgPool2d(Size2D(1, width), stride: Size2D(1, stride))
            }
            Conv2d(16, 8, window: Size2D(1, 5), padding: Size2D(0, 2))
            ReLU()
            if isMax { MaxPool2d(Size2D(1, 4)) } else { AvgPool2d(Size2D(1, 4)) }
            Flatten()
            Linear(8 * (length / 4), 10)
          })
      }
    }
    // Two axes.
    for (window, stride, padding, extent, length) in [
      (2, 2, 0, 13, 6), (3, 3, 0, 27, 9), (4, 4, 0, 28, 7), (3, 2, 1, 28, 14), (5, 3, 2, 17, 6), (8, 8, 0, 8, 1),
    ] {
      let features = 8 * length * length
      networks.append(
        pooled(
          "max \(window)/\(stride)+\(padding) of \(extent)²", [2, 3, extent, extent],
          MaxPool2d(Size2D(window), stride: Size2D(stride), padding: Size2D(padding)), features: features))
      networks.append(
        pooled(
          "mean \(window)/\(stride)+\(padding) of \(extent)²", [2, 3, extent, extent],
          AvgPool2d(Size2D(window), stride: Size2D(stride), padding: Size2D(padding), countsPadding: padding == 1),
          features: features))
    }
    networks += [
      Network("two pools of 4", images: [8, 3, 64, 64]) {
        Conv2d(3, 16, window: 3, padding: 1)
        ReLU()
        MaxPool2d(4)
        Conv2d(16, 16, window: 3, padding: 1)
        ReLU()
        MaxPool2d(4)
        Flatten()
        Linear(16 * 16, 10)
      },
      Network("pools of 3 over 2", images: [8, 3, 64, 64]) {
        Conv2d(3, 16, window: 3, padding: 1)
        ReLU()
        MaxPool2d(3, stride: 2, padding: 1)
        Conv2d(16, 16, window: 3, padding: 1)
        ReLU()
        AvgPool2d(3, stride: 2, padding: 1)
        MaxPool2d(Size2D(2, 4))
        Flatten()
        Linear(16 * 32, 10)
      },
      pooled("dilated max", [2, 3, 12, 12], MaxPool2d(2, stride: 2, dilation: 2), features: 8 * 25),
      Network("strided convolutions", images: [2, 3, 32, 32]) {
        Conv2d(3, 8, window: 3, stride: 2, padding: 1)
        GELU()
        Conv2d(8, 16, window: 3, stride: 2, padding: 1, groups: 2)
        SiLU()
        Conv2d(16, 16, window: 3, padding: 2, dilation: 2)
        Softplus()
        AvgPool2d(8)
        Flatten()
        Linear(16, 10)
      },
      Network("depthwise convolutions", images: [2, 8, 14, 14]) {
        Conv2d(8, 8, window: 3, padding: 1, groups: 8)
        Conv2d(8, 16, window: 1)
        LeakyReLU()
        MaxPool2d(2)
        Flatten()
        Linear(16 * 49, 10)
      },
      Network("one channel, 5 × 5, stride 3", images: [3, 1, 20, 20]) {
        Conv2d(1, 5, window: 5, stride: 3)
        Tanh()
        Flatten()
        Linear(5 * 36, 10)
      },
      Network("lstm", TensorType(.float32, [9, 4, 5]), target: labels, loss: .softmaxCrossEntropy) {
        LSTM(5, 12, returns: .last)
        Linear(12, 3)
      },
      Network(
        "gru", TensorType(.float32, [9, 4, 5]), target: labels, loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.1)
      ) {
        GRU(5, 12, returns: .last)
        Linear(12, 3)
      },
      Network("words to lstm", words, target: labels, loss: .softmaxCrossEntropy, optimizer: .adamW(learningRate: 0.1)) {
        Embedding(50, 16)
        LSTM(16, 16)
        Flatten()
        Dropout(0.3)
        Linear(12 * 16, 3)
      },
      Network("attention", words, target: labels, loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.1)) {
        Embedding(50, 16)
        PositionEmbedding(12, 16)
        MultiHeadAttention(16, heads: 2, isCausal: true)
        LayerNorm(16)
        Linear(16, 32)
        GELU(.tanh)
        Linear(32, 16)
        Flatten()
        Linear(12 * 16, 3)
      },
      Network(
        "odd attention", TensorType(.float32, [3, 7, 15]), target: TensorType(.float32, [3, 7, 15]), loss: .meanSquaredError
      ) {
        MultiHeadAttention(15, heads: 3)
        LayerNorm([7, 15])
        LogSoftmax()
      },
      Network("regression", TensorType(.float32, [37, 3]), target: TensorType(.float32, [37, 1]), loss: .meanSquaredError) {
        Linear(3, 17)
        Sigmoid()
        LayerNorm(17)
        Softmax()
        Linear(17, 1)
      },
      Network(
        "binary", TensorType(.float32, [33, 5]), target: TensorType(.float32, [33, 1]), loss: .binaryCrossEntropyWithLogits,
        optimizer: .sgd(learningRate: 0.1, momentum: 0.9)
      ) {
        Linear(5, 1)
      },
      Network("many classes", TensorType(.float32, [16, 20]), target: TensorType(.int32, [16]), loss: .softmaxCrossEntropy) {
        Linear(20, 1_000)
      },
    ]
    return networks
  }

  @Test(arguments: networks) private func trainingStepsAreVectorCode(_ network: Network) throws {
    let graph = try network.graph().optimised()
    for set in [Target.VectorSet.avx512, .avx2] {
      let target = Target(vectorSet: set)
      let scalar = try lower(graph, target: target).scalarKernels(target).filter {
        // Both run on a few elements a step: tests of labels, and powers of an optimizer's decay rates.
        $0.reason != .check && $0.reason != .elementType(.float64)
      }
      #expect(scalar.isEmpty, "\(network.name), \(set.rawValue): \(scalar)")
    }
  }
}
