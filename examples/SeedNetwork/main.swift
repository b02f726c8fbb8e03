// The network of a first lesson: y = x² learnt by one hidden layer of sigmoids. Forward, backward and update are one C
// function, compiled in this process. The same network from parts with hand-written backward passes follows.

import ArgumentParser
import Cinch
import ExampleSupport
import Foundation

struct Options: ParsableArguments {
  @Option(help: "The directory for what is drawn and printed; made if missing.")
  var output = "demo-output/seed"
}
let options = Options.parseOrExit()

do {
  let output = try madeDirectory(options.output)
  let model = Sequential {
    Linear(1, 100, weights: .scaledNormal, biases: .zeros)
    Sigmoid()
    Linear(100, 1, weights: .scaledNormal, biases: .zeros)
  }
  print(model)
  print(try model.summary(input: [200, 1]))

  let x = HostTensor.randomNormal([200, 1], seed: 1)
  let y = x.map { $0 * $0 }
  let epochs = 20_000
  let trainer = try Trainer(model, loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.05), seed: 1)
  let clock = ContinuousClock()
  let duration = try clock.measure { try trainer.fit(x, y, epochs: epochs) }
  let program = try trainer.step

  let curve = trainer.lossCurve
  print(curve.chart(title: "Loss").text())
  print("loss: \(curve.steps[0]) at first, \(curve.steps[curve.steps.count - 1]) after \(epochs) steps")
  print("steps per second: \(Int(Double(epochs) / duration.seconds))")
  print(
    "compiled in \(program.times.total.milliseconds) ms: graph \(program.times.graph.milliseconds), "
      + "code generation \(program.times.codegen.milliseconds), libtcc \(program.times.compiler.milliseconds)")

  // The same with forward and backward written by hand, as the lesson does: the gradients are the same, and so is the curve.
  let byHand = Sequential {
    FromScratch.Linear(1, 100)
    FromScratch.Sigmoid()
    FromScratch.Linear(100, 1)
  }
  let student = try Trainer(
    byHand, loss: Loss(FromScratch.MeanSquaredError()), optimizer: .sgd(learningRate: 0.05), seed: 1)
  try student.fit(x, y, epochs: 500, report: .silent)
  let furthest = zip(curve.steps, student.lossCurve.steps).map { Double(abs($0 - $1) / $0) }.max() ?? 0
  print("written by hand, the first 500 losses differ by at most \(furthest) relative")

  let grid = HostTensor.linearSpace(over: x, count: 200)
  let prediction = try trainer.predict(try grid.reshaped(to: [200, 1]))
  try LineChart.fit(title: "y = x²", x: x, y: y, curveX: grid, curveY: prediction).writeSVG(to: "\(output)/fit.svg")
  try curve.writeSVG(to: "\(output)/loss.svg", title: "Loss of the seed's network")
  try program.step.graph.description.write(toFile: "\(output)/graph.txt", atomically: true, encoding: .utf8)
  try program.c.write(toFile: "\(output)/step.c", atomically: true, encoding: .utf8)
  print("wrote loss.svg, fit.svg, graph.txt and step.c (the whole training step) to \(output)")
} catch {
  print(error)
  exit(1)
}
