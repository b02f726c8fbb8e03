import Cinch
import Foundation
import Testing

/// The benchmark's workloads against the losses that an independent Float64 program found (`golden.py` in the benchmark).
@Suite struct TrainingGoldenTests {
  /// splitmix64 of the element's number, as the workloads' definition has it.
  private func bits(_ seed: Int, _ count: Int) -> [UInt64] {
    (1...UInt64(count)).map { i in
      var z = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ i &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
      return (z ^ z >> 31) >> 40
    }
  }

  private func uniform(_ shape: Shape, _ bound: Double, seed: Int) -> HostTensor {
    HostTensor(
      bits(seed, shape.elementCount).map { (2 * (Float($0) * 0x1p-24) - 1) * Float(bound) }, shape: shape)
  }

  private func integers(_ count: Int, below limit: UInt64, seed: Int) -> HostTensor {
    HostTensor(bits(seed, count).map { Int32(($0 * limit) >> 24) })
  }

  private func golden(_ name: String) throws -> [Double] {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let data = try Data(contentsOf: root.appendingPathComponent("Benchmarks/Workloads/Golden/\(name).json"))
    let object = try JSONSerialization.jsonObject(with: data) as? [String: Any]
    return try #require(object?["losses"] as? [Double])
  }

  private func compare(
    _ trainer: Trainer, _ data: Dataset, sizes: [Int], base: Int, isHe: Bool, golden: [Double], tolerance: Double
  )
    throws
  {
    var seed = base + 100
    for (layer, (inputs, outputs)) in zip(sizes, sizes.dropFirst()).enumerated() {
      let fan = Double(inputs)
      let bound = isHe ? (6 / fan).squareRoot() : 1 / fan.squareRoot()
      try trainer.setValue(of: "\(2 * layer).weight", to: uniform([inputs, outputs], bound, seed: seed))
      try trainer.setValue(of: "\(2 * layer).bias", to: uniform([outputs], 1 / fan.squareRoot(), seed: seed + 1))
      seed += 2
    }
    try trainer.fit(data, epochs: golden.count, report: .silent)
    for (step, (found, expected)) in zip(trainer.lossCurve.steps, golden).enumerated() {
      #expect(abs(Double(found) / expected - 1) < tolerance, "step \(step): \(found) is not \(expected)")
    }
  }

  @Test func theSeedsNetwork() throws {
    let x = HostTensor.linearSpace(from: -1, through: 1, count: 200)
    let data = try Dataset(x.reshaped(to: [200, 1]), x.map { $0 * $0 }.reshaped(to: [200, 1]))
    let model = Sequential {
      Linear(1, 100)
      Sigmoid()
      Linear(100, 1)
    }
    let trainer = try Trainer(model, loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.01))
    try compare(trainer, data, sizes: [1, 100, 1], base: 1000, isHe: false, golden: golden("W1"), tolerance: 2e-6)
  }

  @Test func adamOnAClassifier() throws {
    let data = try Dataset(uniform([64, 64], 1, seed: 2000), integers(64, below: 10, seed: 2001))
    let model = Sequential {
      Linear(64, 128)
      ReLU()
      Linear(128, 64)
      ReLU()
      Linear(64, 10)
    }
    let trainer = try Trainer(model, loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 1e-3))
    try compare(
      trainer, data, sizes: [64, 128, 64, 10], base: 2000, isHe: true, golden: Array(golden("W2").prefix(60)),
      tolerance: 2e-5)
  }
}
