import Cinch
import Foundation
import Testing

@testable import CinchRunner

/// Numbers and sizes that no program can use: an error that says what and where, and nothing has changed.
@Suite struct BadInputTests {
  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch { return "\(error)" }
  }

  @Test func dataWithoutRowsOrWithNumbersThatAreNone() {
    let x = HostTensor([1, 2, 3, 4, 5, 6], shape: [3, 2])
    var values = x.floats
    values[3] = .nan
    #expect(
      message { _ = try Dataset(HostTensor(values, shape: [3, 2]), x) }
        == "error: x[1, 1] is NaN; training on it would make every parameter NaN")
    values[3] = -.infinity
    #expect(
      message { _ = try Dataset(x, HostTensor(values, shape: [3, 2])) }
        == "error: y[1, 1] is -inf; training on it would make every parameter NaN")
    #expect(
      message { _ = try Dataset(x, HostTensor([1, 2])) }
        == "error: x has 3 rows ([3, 2]), y has 2 ([2]); each input needs its target")
    #expect(message { _ = try Dataset(HostTensor(1), HostTensor(1)) } == "error: data needs rows: x has the shape [], y []")
    #expect(message { _ = try Dataset(.zeros([0, 2]), .zeros([0])) } == "error: there is no data: x [0, 2], y [0]")
    #expect(message { _ = try HostTensor(rows: [[1, 2], [3]]) } == "error: row 1 has 1 numbers, the first has 2")
  }

  /// Notes lead to the user's lines, never into a metric that Cinch wrote.
  @Test func metricsOnOtherTargets() throws {
    let trainer = try Trainer(Linear(2, 2), loss: .meanSquaredError, optimizer: .adam(), metrics: [.accuracy])
    let said = message { try trainer.fit(.zeros([2, 2]), .zeros([2, 2]), epochs: 1, report: .silent) }
    #expect(said.contains("error: in 'accuracy': accuracy of a prediction f32[2, 2] needs labels of type i32[2], not f32[2, 2]"))
    #expect(said.split(separator: "\n").allSatisfy { $0.hasPrefix(#filePath) }, "\(said)")
  }

  /// Finite, but not as Float32: one step would make all parameters NaN.
  @Test func learningRatesThatFloat32LacksAreRefused() {
    let said = message { _ = try Trainer(Linear(2, 1), loss: .meanSquaredError, optimizer: .sgd(learningRate: 1e300)) }
    #expect(said.contains("the learning rate must be a number from 0 on that Float32 holds, not 1e+300"))
  }

  /// Sparse files, and paths that the system would cut.
  @Test func filesThatNoMemoryHolds() throws {
    let path = NSTemporaryDirectory() + "cinch-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(FileManager.default.createFile(atPath: path, contents: Data()))
    #expect(truncate(path, 1 << 42) == 0)
    #expect(message { _ = try TextFile.read(path: path) }.contains("a quarter of the memory that is free: the "))
    #expect(message { _ = try TextFile.read(path: path + "\0.txt") }.contains("it has a NUL in it"))
  }

  /// What users call their inputs stands in comments of the C that is shown.
  @Test(arguments: ["*/\u{301} int evil; /*", "a\0b", "*/ #error \n#error", "??/", "\\"])
  func namesStayInTheirComments(name: String) throws {
    let graph = Graph { g in g.output("y", exp(g.input(name, [64]))) }
    for engine in [Engine.tinycc(nil), .tinycc(.scalar)] {
      let program = try graph.compile(ProgramOptions(engine: engine))
      _ = try TinyCCompiler.compile(program.source)
      _ = try TinyCCompiler.compile(program.c)
    }
  }

  @Test func nanInDataLeavesTheParameters() throws {
    let trainer = try Trainer(Linear(2, 1), loss: .meanSquaredError, optimizer: .adam(), engine: .interpreter)
    let before = try trainer.state.names.map { try trainer.value(of: $0) }
    var x = HostTensor.randomNormal([5, 2], seed: 1)
    x = HostTensor(x.floats.enumerated().map { $0 == 7 ? .nan : $1 }, shape: x.shape)
    #expect(message { try trainer.fit(x, .zeros([5, 1]), epochs: 1, report: .silent) }.contains("x[3, 1] is NaN"))
    #expect(try trainer.state.names.map { try trainer.value(of: $0) } == before)
  }

  /// The graph takes them, no machine does.
  @Test func tensorsThatNoMemoryHolds() {
    let parameters = message {
      _ = try Trainer(Linear(1 << 20, 1 << 17), loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.1))
    }
    #expect(
      parameters.hasPrefix("error: cannot allocate 549.8 GB (549756338368 bytes) for parameters and optimizer state: the "))
    for engine in [Engine.interpreter, .tinycc(nil)] {
      let output = message {
        let program = try Graph { g in
          g.output("y", g.input("x", [1, 1]).broadcast(to: [1 << 20, 1 << 17]))
        }.compile(engine: engine)
        _ = try program(x: HostTensor([1], shape: [1, 1]))
      }
      #expect(output.contains("error: cannot allocate") && output.contains("'step'"), "\(engine): \(output)")
    }
    #expect(
      message { _ = try Trainer(Linear(1 << 20, 1 << 20), loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.1)) }
        .contains("'weight' can't have the shape [1048576, 1048576]: extents must be positive and the elements at most 2³⁸"))
  }

  /// All rows are one batch unless the caller says otherwise; who doesn't know learns it here.
  @Test func rowsThatNoMemoryHoldsAtOnce() throws {
    let trainer = try Trainer(
      Linear(1, 1 << 17), loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.1), engine: .tinycc(nil))
    let said = message { _ = try trainer.predict(.zeros([1_000_000, 1])) }
    #expect(said.hasPrefix("error: cannot allocate ") && said.contains("One batch has 1000000 rows; a smaller batchSize"), "\(said)")
  }

  /// A position in the data, whichever batch it is in and in whatever order.
  @Test func anIndexOutOfRangeNamesItsPositionInTheData() throws {
    let trainer = try Trainer(
      Sequential { Embedding(4, 2) }, loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.1), engine: .interpreter)
    let x = HostTensor((0..<12).map { Int32($0 == 10 ? 9 : $0 % 4) }, shape: [6, 2])
    let place = "gather (0): the index 9 at [5, 0] is not in 0..<4"
    #expect(message { try trainer.fit(x, .zeros([6, 2, 2]), epochs: 1, batchSize: 2, report: .silent) }.contains(place))
    #expect(message { _ = try trainer.predict(x, batchSize: 2) }.contains(place))
    #expect(message { _ = try trainer.predict(x) }.contains(place))
  }

  /// Of several checks in one step, each names the op that the user wrote; positions count in row-major order.
  @Test func checksNameTheOpThatTakesTheIndex() throws {
    let graph = Graph { g in
      let i = g.input("i", [2, 3], type: .int32), j = g.input("j", [4], type: .int32), table = g.input("t", [5, 2])
      g.output("g", gather(table, at: i).sum())
      g.output("o", oneHot(j, depth: 3).sum())
      g.output("s", scatterAdd(table.sliced(along: 0, 0..<4), at: j, count: 7))
      g.output("c", softmaxCrossEntropy(table.sliced(along: 0, 0..<4), labels: j))
    }
    let table = HostTensor.zeros([5, 2])
    func said(_ i: [Int32], _ j: [Int32], _ engine: Engine) -> String {
      message { _ = try graph.compile(engine: engine)(i: HostTensor(i, shape: [2, 3]), j: HostTensor(j), t: table) }
    }
    for engine in [Engine.interpreter, .tinycc(nil), .tinycc(.scalar)] {
      #expect(said([0, 1, 2, 3, 4, 5], [0, 1, 0, 1], engine).hasSuffix("error: gather: the index 5 at [1, 2] is not in 0..<5"))
      #expect(said([0, 1, 2, 3, 4, 0], [0, 1, -7, 1], engine).hasSuffix("error: one_hot: the index -7 at [2] is not in 0..<3"))
      #expect(
        said([0, 1, 2, 3, 4, 0], [0, 1, 2, 1], engine)
          .hasSuffix("error: softmax_cross_entropy: the index 2 at [2] is not in 0..<2"))
    }
  }

  @Test func aPredictionFromNaNSpeaksOfPrediction() throws {
    let trainer = try Trainer(Linear(2, 1), loss: .meanSquaredError, optimizer: .adam(), engine: .interpreter)
    let x = HostTensor([[1, 2], [3, .nan]])
    #expect(message { _ = try trainer.predict(x) } == "error: x[1, 1] is NaN; no prediction can be made from it")
    #expect(
      message { _ = try trainer.predict(.zeros([0, 2])) } == "error: there are no rows to predict from: x has the shape [0, 2]")
  }

  @Test func anotherOptimizerIsNamedInWords() throws {
    let trainer = try Trainer(Linear(2, 1), loss: .meanSquaredError, optimizer: .adam(), engine: .interpreter)
    trainer.optimizer = .sgd(learningRate: 0.5, momentum: 0.9, nesterov: true)
    let said = message { try trainer.fit(.zeros([3, 2]), .zeros([3, 1]), epochs: 1, report: .silent) }
    #expect(
      said.hasPrefix(
        "error: the trainer's state is that of adam(learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-08); only an optimizer's numbers can change, not to sgd(learningRate: 0.5, momentum: 0.9, nesterov: true)."
      ), "\(said)")
    #expect("\(Optimizer.adamW(weightDecay: 0.5))" == "adamW(learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-08, weightDecay: 0.5)")
  }

  /// One mistake, one sentence.
  @Test func floatLabelsAreOneSentence() throws {
    let trainer = try Trainer(
      Linear(2, 3), loss: .softmaxCrossEntropy, optimizer: .adam(), metrics: [.accuracy], engine: .interpreter)
    let said = message { try trainer.fit(.zeros([4, 2]), .zeros([4]), epochs: 1, report: .silent) }
    #expect(said.split(separator: "\n").filter { $0.contains("error: ") }.count == 1, "\(said)")
    #expect(said.contains("softmax_cross_entropy needs labels of int32 (the number of the class), not f32"), "\(said)")
  }

  /// More elements than Int32 numbers, though no coordinate is.
  @Test func oneHotThatNoMemoryHolds() {
    for engine in [Engine.interpreter, .tinycc(nil)] {
      let output = message {
        let program = try Graph { g in g.output("y", oneHot(g.input("i", [200], type: .int32), depth: 1_000_000_007)) }
          .compile(engine: engine)
        _ = try program(i: HostTensor([Int32](repeating: 0, count: 200)))
      }
      #expect(output.contains("error: cannot allocate") && output.contains("'step'"), "\(engine): \(output)")
    }
  }

  @Test func shapesThatNoTensorHas() {
    #expect(HostTensor.mistake(in: [2, -1]) == "a tensor can't have the shape [2, -1]: no extent is negative")
    #expect(HostTensor.mistake(in: [-1, -2]) == "a tensor can't have the shape [-1, -2]: no extent is negative")
    #expect(
      HostTensor.mistake(in: [.max, 2]) == "a tensor of shape [\(Int.max), 2] has more than 2³⁸ elements; no memory holds it")
    #expect(HostTensor.mistake(in: [0, 3]) == nil && HostTensor.mistake(in: []) == nil)
  }

  /// The layer that a check belongs to is named by every engine.
  @Test func indicesOutOfRangeInLayers() throws {
    let line = #line + 1
    let model = Sequential { Embedding(4, 2) }
    var said: [String] = []
    for engine in [Engine.interpreter, .tinycc(nil), .tinycc(.scalar)] {
      let trainer = try Trainer(
        model, loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.1), engine: engine)
      said.append(message { try trainer.fit(HostTensor([0, 4] as [Int32]), .zeros([2, 2]), epochs: 1, report: .silent) })
    }
    #expect(Set(said) == ["\(#filePath):\(line): error: gather (0): the index 4 at [1] is not in 0..<4"], "\(said)")
  }

  /// Found before anything is compiled.
  @Test func aDumpGoesToADirectory() throws {
    let path = NSTemporaryDirectory() + "cinch-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(FileManager.default.createFile(atPath: path, contents: Data()))
    var options = ProgramOptions(engine: .interpreter)
    options.dumpDirectory = path
    let said = message { _ = try Graph { g in g.output("y", exp(g.input("x", [3]))) }.compile(options) }
    #expect(said == "error: the dump '\(path)' can't be written: it is no directory in which this user may make files")
  }

  /// Found before any state is written, by every engine with the same words, at the user's line.
  @Test func indicesOutOfRange() throws {
    let line = #line + 5
    let graph = Graph { g in
      let w = g.parameter("w", [4, 2], .constant(1))
      let i = g.input("i", [3], type: .int32)
      g.update(w, to: w * 2)
      g.output("y", gather(w, at: i).sum())
    }
    for engine in [Engine.interpreter, .tinycc(nil), .tinycc(.scalar)] {
      for workers in [1, 3] {
        let program = try graph.compile(engine: engine, workers: workers)
        #expect(try program(i: HostTensor([0, 3, 2] as [Int32]))["y"]?.scalar == 6)
        for bad in [4, -1, .max, .min] as [Int32] {
          #expect(
            message { _ = try program(i: HostTensor([0, bad, 9] as [Int32])) }
              == "\(#filePath):\(line): error: gather: the index \(bad) at [1] is not in 0..<4")
        }
        // Twice as large after the one step that succeeded.
        #expect(try program(i: HostTensor([0, 3, 2] as [Int32]))["y"]?.scalar == 12)
      }
    }
  }
}
