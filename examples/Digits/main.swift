// Handwritten digits, 8×8 pixels, by a small network with one hidden layer; the training part is 80 % of each digit.

import ArgumentParser
import Cinch
import ExampleSupport
import Foundation

struct Options: ParsableArguments {
  @Option(help: "The directory for what is drawn and printed; made if missing.")
  var output = "demo-output/digits"
  @Option(help: "What initial weights and the order of the data depend on.")
  var seed: UInt64 = 1
}
let options = Options.parseOrExit()

guard let path = Bundle.module.path(forResource: "digits", ofType: "csv", inDirectory: "Data") else {
  print("error: the program's bundle lacks Data/digits.csv; build it again with: swift build -c release")
  exit(1)
}
do {
  let output = try madeDirectory(options.output)
  let table = try CSVTable(path: path)
  let pixels = try table.floats(columns: 0..<64).map { $0 / 16 }
  let labels = try table.labels(column: 64, classes: 10)
  let (train, test) = try Dataset(pixels, labels).split(testFraction: 0.2, seed: options.seed, stratified: true)

  let model = Sequential {
    Linear(64, 128)
    ReLU()
    Dropout(0.2)
    Linear(128, 10)
  }
  print(model)
  let trainer = try Trainer(
    model, loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.002), metrics: [.accuracy], seed: options.seed)
  try trainer.fit(train, epochs: 60, batchSize: 64)
  let program = try trainer.step

  let logits = try trainer.predict(test.x)
  let confusion = try ConfusionMatrix(logits: logits, labels: test.y)
  print(trainer.lossCurve.chart(title: "Loss").text())
  print(confusion)
  print(
    "compiled in \(program.times.total.milliseconds) ms, of which libtcc took \(program.times.compiler.milliseconds)")
  print("digits: test accuracy \(String(format: "%.1f", 100 * confusion.accuracy)) %")

  try trainer.lossCurve.writeSVG(to: "\(output)/loss.svg", title: "Loss on the digits")
  try confusion.writeSVG(to: "\(output)/confusion.svg", title: "Digits of the test part")
  try program.step.graph.description.write(toFile: "\(output)/graph.txt", atomically: true, encoding: .utf8)
  try program.c.write(toFile: "\(output)/step.c", atomically: true, encoding: .utf8)
  print("wrote loss.svg, confusion.svg, graph.txt and step.c (the whole training step) to \(output)")
} catch {
  print(error)
  exit(1)
}
