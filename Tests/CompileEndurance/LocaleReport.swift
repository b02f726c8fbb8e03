import Cinch
import CinchRunner
import Glibc

/// Prints what Cinch reads and writes with fractions in it, in a locale for the whole process: the same text in any.
func printReport(locale: String, folder: String) throws {
  guard setlocale(LC_ALL, locale) != nil else { throw Unexpected() }
  print("a half is", locale == "C" ? "0.5" : "0,5", "here:", strtod(locale == "C" ? "0.5" : "0,5", nil) == 0.5)
  try printValues()
  try printFiles(folder)
}

private func printValues() throws {
  let graph = Graph("fractions") { g in
    let x = g.input("x", [3])
    g.output("y", x * 0.5 + 0.25)
    g.output("z", exp(x * 1.5) + sin(x) + power(x, 0.3) + gelu(x))
    g.output("double", x.cast(to: .float64) * 0.125 + 0.1)
    g.output("random", g.random(.uniform, [2]) * 0.5)
  }
  // The text is read again, so that its numbers go both ways.
  let parsed = try Graph(parsing: graph.description)
  print(parsed)
  let values = HostTensor([0.5, 1.25, 1e-3], shape: [3])
  for name in Engine.names {
    guard let engine = Engine(name: name) else { continue }
    if case .tinycc(let set?) = engine, !Target.current(set).isSupported { continue }
    if case .systemCompiler(let compiler) = engine, !SystemCompiler.installed.contains(where: { $0.executable == compiler }) {
      continue
    }
    let program = try parsed.compile(ProgramOptions(engine: engine))
    let results = try program.run(["x": values])
    print(engine, results.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.elements)" })
    print(program.source)
    print(try LoopProgram(parsing: "\(program.step.loops)"))
  }
}

private func printFiles(_ folder: String) throws {
  print(try CSVTable(text: "a,b\n0.5,1e-3\n-2.25,3", hasHeader: true).floats(columns: 0..<2).elements)
  let trainer = try Trainer(
    Linear(1, 1), loss: .meanSquaredError, optimizer: .adam(learningRate: 0.01), seed: 3)
  let x = HostTensor([0.5, 1.5, 2.5, 3.5], shape: [4, 1])
  let y = HostTensor([0.25, 0.75, 1.25, 1.75], shape: [4, 1])
  let dataset = try Dataset(x, y)
  try trainer.fit(dataset, epochs: 3, batchSize: 3, report: .silent)
  let path = folder + "/model.safetensors"
  try trainer.save(to: path)
  try trainer.load(path)
  print(try trainer.value(of: "weight").elements, trainer.lossCurve.chart().svg, trainer.lossCurve.chart().text())
  print(try text(path))
}
