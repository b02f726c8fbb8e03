import Cinch
import Testing

@testable import CinchGraph

/// Where a mistake is said to be: the line of the operator, and the part of the model.
@Suite struct MistakePlaceTests {
  struct Block: Module {
    let dense: Linear
    let scale: Parameter
    static let line = #line + 3
    func callAsFunction(_ x: Tensor) -> Tensor {
      let y = dense(x)
      return y + x
    }
  }

  struct Encoder: Module {
    let layers: [Block]
    func callAsFunction(_ x: Tensor) -> Tensor { layers.reduce(x) { x, layer in layer(x) } }
  }

  struct Model: Module {
    let encoder: Encoder
    let head: Linear
    func callAsFunction(_ x: Tensor) -> Tensor { head(encoder(x)) }
  }

  private func block(_ outputs: Int) -> Block { Block(dense: Linear(8, outputs), scale: Parameter([8])) }

  private func mistakes(_ model: some Module, _ input: TensorType = TensorType(.float32, [4, 8])) -> [Diagnostic] {
    TrainingStep(model, loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.1)).prediction(input).diagnostics
  }

  /// A residual connection of another width: the line of the `+`, the block's path, and the layer that made the operand.
  @Test func anOperatorInAModulesPartNamesItsLineAndThePart() throws {
    let model = Model(encoder: Encoder(layers: [block(8), block(9), block(8)]), head: Linear(8, 2))
    let found = try #require(mistakes(model).first)
    #expect(found.site == CallSite(#filePath, Block.line))
    #expect(found.layer == "encoder.layers.1")
    let made = "operand of type f32[4, 9] made here"
    #expect(found.notes.first { $0.message == made }?.name == "encoder.layers.1.dense")
    let place = "\(#filePath):\(Block.line): error: in 'encoder.layers.1': add can't broadcast [4, 9] with [4, 8]"
    #expect("\(found)".hasPrefix(place), "\(found)")
    #expect("\(found)".contains(": note: \(made) ('encoder.layers.1.dense')"), "\(found)")
  }

  @Test func thePartOfASequentialIsNamedByItsNumber() throws {
    let found = try #require(mistakes(Sequential { Linear(8, 8); block(8); block(3) }).first)
    #expect(found.site.line == Block.line && found.layer == "2")
  }

  /// A layer's mistake stands where it was made, because its sizes do; it has the layer's path and the line that called it.
  @Test func aLayerOfTheWrongSizeNamesItsPathAndWhereItIsCalled() throws {
    struct Narrow: Module {
      let hidden: [Linear]
      static let line = #line + 1
      func callAsFunction(_ x: Tensor) -> Tensor { hidden[1](hidden[0](x)) }
    }
    let made = #line + 1
    let found = try #require(mistakes(Narrow(hidden: [Linear(8, 5), Linear(6, 2)])).first)
    #expect(found.site.line == made && found.layer == "hidden.1")
    #expect(found.notes.last == .init("called here", at: CallSite(#filePath, Narrow.line)))
    // No line of the user's calls what a container holds.
    let inside = try #require(mistakes(Sequential { Linear(8, 5); Linear(6, 2) }).first)
    #expect(inside.layer == "1" && inside.notes.map(\.name) == ["0"])
  }

  /// Functions with a line of their own know the part too.
  @Test func aFunctionInAPartNamesThePart() throws {
    struct Scores: Module {
      let weight = Parameter([7, 3])
      func callAsFunction(_ x: Tensor) -> Tensor { matmul(x, weight) }
    }
    struct Two: Module {
      let first = Linear(8, 8), scores = Scores()
      func callAsFunction(_ x: Tensor) -> Tensor { scores(first(x)) }
    }
    let found = try #require(mistakes(Two()).first)
    #expect(found.layer == "scores" && found.notes.map(\.name) == ["first", "scores.weight"])
  }

  @Test func aBackwardPassByHandAndAnOwnLossNameTheirLines() throws {
    struct Wrong: CustomGradientModule {
      static let line = #line + 2
      func forward(_ input: Tensor) -> Tensor { input * 2 }
      func backward(input: Tensor, output: Tensor, gradient: Tensor) -> Tensor { gradient + gradient.sum(along: 1) }
    }
    let backward = TrainingStep(Sequential { Linear(8, 8); Wrong() }, loss: .meanSquaredError, optimizer: .sgd(learningRate: 1))
    let type = TensorType(.float32, [4, 8])
    #expect(backward.training(type, target: type).diagnostics.first?.site == CallSite(#filePath, Wrong.line))

    let line = #line + 1
    let loss = Loss("own") { prediction, target in (prediction - target).squared().mean() }
    let own = TrainingStep(Linear(8, 3), loss: loss, optimizer: .sgd(learningRate: 1)).training(type, target: type)
    #expect(own.diagnostics.first?.site == CallSite(#filePath, line))
  }

  /// What passes and gradients do on their own is put down to no line of the user's that happens to be on the stack.
  @Test func linesThatMadeNoMistakeAreNotNamed() throws {
    func frame(_ path: String, _ line: Int = 1, _ function: String = "f") -> Caller.Frame {
      Caller.Frame(function: function, path: path, line: line)
    }
    let own = frame("/a/Sources/Graph/DSL/Caller.swift"), builder = frame("/a/Sources/Graph/DSL/GraphBuilder.swift")
    let user = frame("/a/Tests/T.swift", 7, "Block.callAsFunction(_:)")
    let found = Caller.nearest(in: [frame("/swift/Runtime.swift"), own, builder, frame("/a/Tests/T.swift", 0), user])
    #expect(found?.site == CallSite("/a/Tests/T.swift", 7) && found?.callsLayer == false)
    #expect(Caller.nearest(in: [own, frame("/a/Sources/Graph/Layers/Module.swift"), user])?.callsLayer == true)
    for file in ["Runner/Training/Trainer.swift", "Graph/DSL/Gradient.swift", "Graph/IR/Graph+Rewriting.swift", "Graph/Optimizers/TrainingStep.swift"] {
      #expect(Caller.nearest(in: [own, builder, frame("/a/Sources/\(file)"), user]) == nil)
    }
    #expect(Caller.nearest(in: []) == nil && Caller.nearest(in: [user]) == nil)
  }

  /// An optimised program's frames: inlined functions' files are named from where the compiler ran, and thunks have a line.
  @Test func framesOfOptimisedProgramsAreTold() throws {
    /// - Parameter sources: where Cinch's lie below the folder that the compiler ran in.
    func stack(_ sources: String, _ user: [Caller.Frame]) -> [Caller.Frame] {
      let graph = sources + "/Graph/DSL"
      let own = [("/app/\(graph)/Caller.swift", 59), ("//<compiler-generated>", 0), ("\(graph)/Caller.swift", 26)]
      let operators = [("\(graph)/GraphBuilder.swift", 52), ("/app/\(graph)/Tensor+Operators.swift", 12)]
      return (own + operators).map { .init(function: "Tensor.+ infix(_:_:)", path: $0, line: $1) } + user
    }
    let thunk = Caller.Frame(function: "protocol witness for Module.callAsFunction(_:)", path: "//<compiler-generated>", line: 26)
    let macro = Caller.Frame(function: "freestanding macro expansion #1 of require", path: "/app/Tests/T.swift", line: 1)
    for sources in ["Sources", ".build/checkouts/cinch/Sources"] {
      for path in ["/app/Tests/T.swift", "Tests/T.swift"] {
        let found = Caller.nearest(in: stack(sources, [thunk, macro, .init(function: "f", path: path, line: 7)]))
        #expect(found?.site == CallSite("/app/Tests/T.swift", 7), "\(sources) \(path)")
      }
      let trainer = Caller.Frame(function: "f", path: "\(sources)/Runner/Training/Trainer.swift", line: 9)
      #expect(Caller.nearest(in: stack(sources, [trainer, .init(function: "f", path: "Tests/T.swift", line: 7)])) == nil)
    }
    // The user's own folder may be called like Cinch's.
    let namesake = Caller.Frame(function: "f", path: "Sources/Graph/Model.swift", line: 3)
    let found = Caller.nearest(in: stack(".build/checkouts/cinch/Sources", [namesake]))
    #expect(found?.site == CallSite("/app/Sources/Graph/Model.swift", 3))
    // Where Cinch lies elsewhere, its paths are whole.
    let elsewhere = stack("Sources", [namesake]).map { frame in
      var frame = frame
      if frame.path.hasPrefix("Sources/Graph/DSL") { frame.path = "/app/" + frame.path }
      if frame.path == namesake.path { frame.path = "Sources/App/Model.swift" }
      return frame
    }
    #expect(Caller.nearest(in: elsewhere)?.site.filePath == "Sources/App/Model.swift")
  }
}
