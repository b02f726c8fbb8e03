// A small GPT that learns to write English one character after the other: two blocks of causal attention, trained on a
// megabyte of text. What stands at the end of the text is held out, and measured in bits per character.

import ArgumentParser
import Cinch
import ExampleSupport
import Foundation

struct Options: ParsableArguments {
  @Option(help: "The directory for what is drawn and printed; made if missing.")
  var output = "demo-output/character-transformer"
  @Option(help: "The text to learn from, in UTF-8, plain or by gzip.")
  var text: String?
  @Option(help: "What initial weights and the order of the data depend on.")
  var seed: UInt64 = 1
  @Option(help: "How often training goes through the data, at least once.")
  var epochs = 4

  func validate() throws {
    if epochs < 1 { throw ValidationError("--epochs is \(epochs); it must be at least 1") }
  }
}
let options = Options.parseOrExit()
let (seed, epochs) = (options.seed, options.epochs)

enum Size {
  static let context = 64, width = 128, heads = 4, batch = 32
}

guard
  let path = options.text
    ?? Bundle.module.path(forResource: "kjv-1mb.txt", ofType: "gz", inDirectory: "Data")
else {
  print("error: the program's bundle lacks Data/kjv-1mb.txt.gz; build it again with: swift build -c release")
  exit(1)
}

/// Attention and two layers, each added to what it reads.
struct Block: Module {
  let attentionNorm = LayerNorm(Size.width), attention = MultiHeadAttention(Size.width, heads: Size.heads, isCausal: true)
  let norm = LayerNorm(Size.width), wide = Linear(Size.width, 4 * Size.width), narrow = Linear(4 * Size.width, Size.width)

  func callAsFunction(_ x: Tensor) -> Tensor {
    let x = x + attention(attentionNorm(x))
    return x + narrow(gelu(wide(norm(x)), approximation: .tanh))
  }
}

/// SplitMix64: the same text for the same seed on every machine.
struct Dice: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}

/// Rows of `context` characters, each with the characters that follow: where one row ends, the next begins.
func rows(_ text: ArraySlice<Int32>) throws -> Dataset {
  let count = (text.count - 1) / Size.context
  let (x, y) = (text.prefix(count * Size.context), text.dropFirst().prefix(count * Size.context))
  return try Dataset(
    HostTensor(.int32(Array(x)), shape: [count, Size.context]), HostTensor(.int32(Array(y)), shape: [count, Size.context]))
}

/// Goes on from `beginning`, each character drawn by the model's probabilities, of which a low temperature favours the great.
func write(
  _ trainer: Trainer, from beginning: [Int32], count: Int, symbols: Int, temperature: Float, seed: UInt64
) throws -> [Int32] {
  var dice = Dice(state: seed)
  var text = beginning
  for _ in 0..<count {
    let recent = Array(text.suffix(Size.context))
    // A position sees none of those after it, so they can be anything.
    let padded = recent + [Int32](repeating: 0, count: Size.context - recent.count)
    let logits = try trainer.predict(HostTensor(.int32(padded), shape: [1, Size.context])).floats
    let last = logits[((recent.count - 1) * symbols)..<(recent.count * symbols)]
    let largest = last.max() ?? 0
    let chances = last.map { exp(($0 - largest) / temperature) }
    var left = Float.random(in: 0..<chances.reduce(0, +), using: &dice)
    let drawn = chances.firstIndex { chance in
      left -= chance
      return left < 0
    }
    text.append(Int32(drawn ?? 0))
  }
  return text
}

do {
  let output = try madeDirectory(options.output)
  let text = try TextFile.read(path: path)
  let alphabet = Set(text).sorted()
  let number = Dictionary(uniqueKeysWithValues: alphabet.enumerated().map { ($1, Int32($0)) })
  let symbols = text.map { number[$0] ?? 0 }
  guard symbols.count >= 20 * Size.context * Size.batch else {
    print("error: \(path) has \(symbols.count) characters; at least \(20 * Size.context * Size.batch) are needed to learn from")
    exit(1)
  }
  let cut = symbols.count / 20 * 19
  let (train, held) = (try rows(symbols[..<cut]), try rows(symbols[cut...]))

  let small = Initialiser.normal(standardDeviation: 0.02)
  let model = Sequential {
    Embedding(alphabet.count, Size.width, weights: small)
    PositionEmbedding(Size.context, Size.width, weights: small)
    for _ in 0..<2 { Block() }
    LayerNorm(Size.width)
    Linear(Size.width, alphabet.count, bias: false)
  }
  print(model)
  print("\(model.parameterCount) parameters, \(symbols.count) characters of \(alphabet.count) kinds")

  let rate = 0.002
  let trainer = try Trainer(
    model, loss: .softmaxCrossEntropy, optimizer: .adamW(learningRate: rate, weightDecay: 0.01), seed: seed)
  let start = ContinuousClock.now
  try trainer.fit(
    train, epochs: epochs, batchSize: Size.batch, validation: held, counting: .rows("tokens", each: Size.context),
    saving: .everyEpoch(to: "\(output)/checkpoint.safetensors")
  ) { record in
    // Half a cosine from the full rate down to a tenth.
    let done = Double(record.epoch) / Double(epochs)
    trainer.optimizer = .adamW(learningRate: rate * (0.1 + 0.45 * (1 + cos(.pi * done))), weightDecay: 0.01)
  }
  let time = ContinuousClock.now - start
  let bits = try trainer.evaluate(held, batchSize: Size.batch).loss / log(2)
  let program = try trainer.step

  let beginning = "And the LORD said"
  let written = try write(
    trainer, from: beginning.map { number[$0] ?? 0 }, count: 600, symbols: alphabet.count, temperature: 0.8, seed: seed)
  let sample = String(written.map { alphabet[Int($0)] })
  print("\n\(sample)\n")
  print(
    "compiled in \(program.times.total.milliseconds) ms, of which libtcc took \(program.times.compiler.milliseconds)")
  print(
    "character-transformer: \(String(format: "%.3f", bits)) bits per character of held-out text after \(epochs) epochs, "
      + "\(String(format: "%.0f", time.seconds)) s on \(program.options.workers) thread(s), "
      + "\(Int(Double(epochs * train.count * Size.context) / time.seconds)) tokens/s")

  try trainer.lossCurve.writeSVG(to: "\(output)/loss.svg", title: "Loss of the character transformer")
  try sample.write(toFile: "\(output)/sample.txt", atomically: true, encoding: .utf8)
  try program.step.graph.description.write(toFile: "\(output)/graph.txt", atomically: true, encoding: .utf8)
  try program.c.write(toFile: "\(output)/step.c", atomically: true, encoding: .utf8)
  print("wrote loss.svg, sample.txt, graph.txt and step.c (the whole training step) to \(output)")
} catch {
  print(error)
  exit(1)
}
