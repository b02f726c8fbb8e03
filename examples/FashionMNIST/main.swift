// Fashion-MNIST: 70,000 grey images of clothes, 28×28 pixels, ten classes, by a small network of convolutions. The test
// part is looked at once, at the end; what is watched during training are 5,000 images taken from the training part.

import ArgumentParser
import Cinch
import ExampleSupport
import Foundation

struct Options: ParsableArguments {
  @Option(help: "The directory for what is drawn and printed; made if missing.")
  var output = "demo-output/fashion-mnist"
  @Option(help: "The directory with the four files of Fashion-MNIST.")
  var data = "/usr/share/datasets/fashion-mnist"
  @Option(help: "What initial weights and the order of the data depend on.")
  var seed: UInt64 = 1
  @Option(help: "How often training goes through the data, at least once.")
  var epochs = 10

  func validate() throws {
    if epochs < 1 { throw ValidationError("--epochs is \(epochs); it must be at least 1") }
  }
}
let options = Options.parseOrExit()
let (directory, seed, epochs) = (options.data, options.seed, options.epochs)
let classes = ["T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"]

guard FileManager.default.fileExists(atPath: directory) else {
  print(
    """
    error: there is no directory \(directory), where Debian's package puts Fashion-MNIST. Install it with
      apt-get install dataset-fashion-mnist
    or name a directory that holds the four files of https://github.com/zalandoresearch/fashion-mnist with --data.
    """)
  exit(1)
}

func load(_ part: String) throws -> Dataset {
  let images = try IDXFile(path: "\(directory)/\(part)-images-idx3-ubyte.gz").images()
  return try Dataset(images, IDXFile(path: "\(directory)/\(part)-labels-idx1-ubyte.gz").labels(classes: classes.count))
}

let model = Sequential {
  Conv2d(1, 16, window: 3, padding: 1)
  ReLU()
  MaxPool2d(2)
  Conv2d(16, 32, window: 3, padding: 1)
  ReLU()
  MaxPool2d(2)
  Flatten()
  Linear(32 * 7 * 7, 128)
  ReLU()
  Dropout(0.25)
  Linear(128, classes.count)
}

do {
  let output = try madeDirectory(options.output)
  let (train, validation) = try load("train").split(testFraction: 1 / 12, seed: seed, stratified: true)
  let test = try load("t10k")
  print(model)
  let rate = 0.0015
  let trainer = try Trainer(
    model, loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: rate), metrics: [.accuracy], seed: seed)
  let start = ContinuousClock.now
  try trainer.fit(
    train, epochs: epochs, batchSize: 64, validation: validation, counting: .images,
    saving: .everyEpoch(to: "\(output)/checkpoint.safetensors")
  ) { record in
    // Half a cosine from the full rate down to none.
    let done = Double(record.epoch) / Double(epochs)
    trainer.optimizer = .adam(learningRate: rate * 0.5 * (1 + cos(.pi * done)))
  }
  let time = ContinuousClock.now - start

  let logits = try trainer.predict(test.x, batchSize: 500)
  let confusion = try ConfusionMatrix(logits: logits, labels: test.y, classNames: classes)
  let program = try trainer.step
  print(trainer.lossCurve.chart(title: "Loss").text())
  print(confusion)
  print(
    "compiled in \(program.times.total.milliseconds) ms, of which libtcc took \(program.times.compiler.milliseconds)")
  print(
    "fashion-mnist: test accuracy \(String(format: "%.2f", 100 * confusion.accuracy)) % after \(epochs) epochs, "
      + "\(String(format: "%.0f", time.seconds)) s on \(program.options.workers) thread(s), "
      + "\(Int(Double(epochs * train.count) / time.seconds)) images/s")

  try trainer.lossCurve.writeSVG(to: "\(output)/loss.svg", title: "Loss on Fashion-MNIST")
  try confusion.writeSVG(to: "\(output)/confusion.svg", title: "Clothes of the test part")
  try program.step.graph.description.write(toFile: "\(output)/graph.txt", atomically: true, encoding: .utf8)
  try program.c.write(toFile: "\(output)/step.c", atomically: true, encoding: .utf8)
  print("wrote loss.svg, confusion.svg, graph.txt and step.c (the whole training step) to \(output)")
} catch {
  print(error)
  exit(1)
}
