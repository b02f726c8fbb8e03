import Cinch
import Foundation
import TestSupport
import Testing

@testable import CinchCodegen
@testable import CinchRunner

/// The training step of the network that the project began with, 1-100-1 with sigmoid and mean squared error on 200 rows.
@Suite struct SeedStepTests {
  static let graph: Graph = {
    let model = Sequential {
      Linear(1, 100, weights: .scaledNormal, biases: .zeros)
      Sigmoid()
      Linear(100, 1, weights: .scaledNormal, biases: .zeros)
    }
    let definition = TrainingStep(model, loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.05))
    let rows = TensorType(.float32, [200, 1])
    return definition.training(rows, target: rows)
  }()

  private static func step() throws -> CompiledStep { try lower(graph.optimised()) }

  /// What runs, in which order, and why each kernel starts where it does.
  @Test func kernelList() throws {
    expectGolden(try Self.step().kernelList, "seed-kernels.txt")
  }

  @Test func portableC() throws {
    expectGolden(try Self.step().portableC, "seed-step.c")
  }

  /// What is compiled is what can be read: the same C around the same bytes, whose numbers alone stand for more of them.
  @Test(arguments: [Target.VectorSet.avx512, .avx2])
  func explanationsChangeNoCode(_ set: Target.VectorSet) throws {
    let target = Target.current(set)
    let step = try lower(Self.graph.optimised(), target: target)
    let (bare, explained) = (step.tinyccC(target, isExplained: false), step.tinyccC(target))
    let (bareParts, explainedParts) = (try Self.parts(of: bare), try Self.parts(of: explained))
    #expect(bareParts.count > 5 && bareParts.contains { $0.bytes.count > 100 })
    #expect(bareParts.elementsEqual(explainedParts) { $0 == $1 })
    #expect(explained.contains(#/vfmadd231ps .*= fma/#) && !bare.contains("vfmadd231ps"))
  }

  /// The machine code of a C text, each run of it after the lines of C before it.
  private static func parts(of text: String) throws -> [(c: [String], bytes: [UInt8])] {
    var parts: [(c: [String], bytes: [UInt8])] = [([], [])]
    for line in text.split(separator: "\n") {
      let code = line.replacing(#/ *\/\*.*\*\/ */#, with: "")
      guard let match = code.wholeMatch(of: #/ *"\.(byte|quad) (.*)\\n"/#) else {
        if code.isEmpty { continue }
        if parts[parts.count - 1].bytes.isEmpty {
          parts[parts.count - 1].c.append(String(code))
        } else {
          parts.append(([String(code)], []))
        }
        continue
      }
      for number in match.2.split(separator: ",") {
        var bits = try #require(UInt64(number.dropFirst(2), radix: 16))
        for _ in 0..<(match.1 == "quad" ? 8 : 1) {
          parts[parts.count - 1].bytes.append(UInt8(truncatingIfNeeded: bits))
          bits >>= 8
        }
      }
    }
    return parts
  }

  /// The file stands alone: strict C99, no library, no symbol that something else would have to define.
  @Test(arguments: ["gcc", "clang"], ["-O0", "-O2", "-O3 -march=native"])
  func theFileStandsAlone(compiler: String, level: String) throws {
    let options = StepLibrary.strictOptions + level.split(separator: " ").map(String.init)
    let library = try StepLibrary.compile(
      Self.step().portableC, compiler, options + ["-shared", "-fPIC", "-nostdlib", "-Wl,--no-undefined"])
    try? FileManager.default.removeItem(at: library.deletingLastPathComponent())
  }

  /// What a compiler's own defaults make of the file: contraction would be on, were it not off in the text.
  @Test(arguments: [
    ["-O3", "-march=native"], ["-O2"], ["-std=c99", "-O3", "-march=native"], ["-std=gnu17", "-O3", "-march=native"],
  ])
  func compilersDefaultsGiveTheBitsOfLibtcc(options: [String]) throws {
    let step = try Self.step()
    let proof = try step.verified()
    var curves: [[UInt32]] = []
    var states: [[HostTensor]] = []
    let target = Target.current()
    for engine in ["tinycc", "gcc", "clang"] {
      let native = engine == "tinycc" ? try lower(Self.graph.optimised(), target: target) : step
      let code =
        engine == "tinycc"
        ? try TinyCCompiler.compile(native.tinyccC(target))
        : try SystemCompiler(executable: engine, flags: options + ["-fPIC", "-shared", "-nostdlib"]).compile(step.portableC)
      let state = try ModelState(native.stateLayout, seed: 1)
      let execution = try NativeExecution(
        native, proof, code, pool: WorkerPool(workerCount: 1), ProgramOptions())
      let x = HostTensor.randomNormal([200, 1], seed: 1)
      for (index, input) in native.inputs.enumerated() {
        switch input.name {
        case "x": execution.setInput(index, x.elements)
        case "y": execution.setInput(index, x.map { $0 * $0 }.elements)
        default:
          #expect(input.name == "learningRate")
          execution.setInput(index, .float32([0.05]))
        }
      }
      var curve: [UInt32] = []
      for _ in 0..<50 {
        try execution.run(state)
        curve.append(execution.output(0, state).floats?[0].bitPattern ?? 0)
      }
      curves.append(curve)
      states.append(try state.names.map { try state.value(of: $0) })
    }
    #expect(Set(curves[0]).count == 50)
    #expect(curves[1] == curves[0] && curves[2] == curves[0])
    #expect(states[1] == states[0] && states[2] == states[0])
  }
}
